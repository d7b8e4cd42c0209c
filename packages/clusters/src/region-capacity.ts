/** What there is of each model in one region: the models with most capacity one by one, all others in a sketch. Values: nothing here is changed. */
import { sha256 } from '@noble/hashes/sha2.js'
import { toHex } from '@skein/core'
import { CountMinSketch, MAX_SKETCH_WIDTH, MIN_SKETCH_WIDTH } from './count-min-sketch.ts'

/** Bytes of a model's key. */
export const MODEL_KEY_BYTES = 8
/** Requests at once that a device can have room for; what is told beyond it is not believed. */
export const MAX_FREE_PER_PEER = 1024

export interface ModelCapacity {
  /** Peers that serve it */
  providers: number
  /** Requests that they could begin now */
  free: number
}

export interface RegionCapacity {
  peers: number
  /** By `digestKey` */
  models: ReadonlyMap<string, ModelCapacity>
  /** Free requests of the models that are not listed */
  tail?: CountMinSketch
}

export interface CapacityEstimate extends ModelCapacity {
  /** Listed with its providers, and nothing of it can be in the sketch; otherwise `free` is not too low but may be too high */
  exact: boolean
}

export const NO_CAPACITY: RegionCapacity = { peers: 0, models: new Map() }

const DOMAIN = 'skein model digest 1\n'

/** The first 64 bits of SHA-256 of the domain and the model, as hexadecimal digits. */
export function digestKey (model: string): string {
  return toHex(sha256(new TextEncoder().encode(DOMAIN + model)).subarray(0, MODEL_KEY_BYTES))
}

/** What there is of a model; `undefined` when there is none. */
export function capacityOf ({ models, tail }: RegionCapacity, key: string): CapacityEstimate | undefined {
  const listed = models.get(key)
  const hidden = tail?.estimate(...halves(key)) ?? 0
  return listed === undefined && hidden === 0
    ? undefined
    : { providers: listed?.providers ?? 0, free: (listed?.free ?? 0) + hidden, exact: listed !== undefined && hidden === 0 }
}

/** Two disjoint parts of a region together. Commutative and associative; what `capacityOf` gives is never below the sum of what the parts have. */
export function addCapacity (a: RegionCapacity, b: RegionCapacity): RegionCapacity {
  return combine(a, b, (x, y) => Math.min(MAX_NUMBER, x + y), a.tail === undefined || b.tail === undefined ? a.tail ?? b.tail : a.tail.plus(b.tail))
}

/**
 * Two accounts of the same peers: the greater of each. Commutative and idempotent, and associative for sketches of one width; with others the order
 * decides how much too high an estimate is, never whether it is too low.
 */
export function maxCapacity (a: RegionCapacity, b: RegionCapacity): RegionCapacity {
  return combine(a, b, Math.max, a.tail === undefined || b.tail === undefined ? a.tail ?? b.tail : a.tail.max(b.tail))
}

/** The same within so many bytes: models with least capacity go into the sketch. */
export function trimCapacity (capacity: RegionCapacity, maxBytes: number): RegionCapacity {
  if (capacityBytes(capacity) <= maxBytes) {
    return capacity
  }
  const ranked = [...capacity.models].sort(([a, x], [b, y]) => y.free - x.free || y.providers - x.providers || (a < b ? -1 : 1))
  let width = MAX_SKETCH_WIDTH
  while (width > MIN_SKETCH_WIDTH && width * 8 > maxBytes / 3) { // about 2 bytes a cell, 4 rows
    width /= 2
  }
  for (let listed = ranked.length; ;) {
    const tail = capacity.tail?.fold(Math.min(width, capacity.tail.width)) ?? new CountMinSketch(width)
    for (const [key, { free }] of ranked.slice(listed)) {
      tail.add(...halves(key), free)
    }
    const trimmed = { peers: capacity.peers, models: new Map(ranked.slice(0, listed)), tail }
    const over = capacityBytes(trimmed) - maxBytes
    if (over <= 0 || (listed === 0 && width === MIN_SKETCH_WIDTH)) {
      return trimmed
    }
    if (listed === 0) {
      width /= 2
    }
    listed = Math.max(0, listed - Math.max(1, Math.floor(over / (MODEL_KEY_BYTES + 10))))
  }
}

/** Bytes that it takes in a message. */
export function capacityBytes ({ models, tail }: RegionCapacity): number {
  let bytes = OVERHEAD_BYTES
  for (const { providers, free } of models.values()) {
    bytes += MODEL_KEY_BYTES + varintBytes(providers) + varintBytes(free)
  }
  for (const cell of tail?.cells ?? []) {
    bytes += varintBytes(cell)
  }
  return bytes
}

/** What a message can carry. */
const MAX_NUMBER = 0xffffffff

/** Tags, lengths, the name of the region and how many peers. */
const OVERHEAD_BYTES = 80

function combine (a: RegionCapacity, b: RegionCapacity, of: (x: number, y: number) => number, tail?: CountMinSketch): RegionCapacity {
  const models = new Map(a.models)
  for (const [key, theirs] of b.models) {
    const ours = models.get(key)
    models.set(key, ours === undefined ? theirs : { providers: of(ours.providers, theirs.providers), free: of(ours.free, theirs.free) })
  }
  return { peers: of(a.peers, b.peers), models, tail }
}

function halves (key: string): [high: number, low: number] {
  return [Number.parseInt(key.slice(0, 8), 16), Number.parseInt(key.slice(8, 16), 16)]
}

function varintBytes (value: number): number {
  return value < 0x80 ? 1 : Math.ceil((32 - Math.clz32(value)) / 7)
}
