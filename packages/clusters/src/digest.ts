/** The digest that one coordinator tells another, and how it is read and written. */
import { concatBytes, fromHex, toHex } from '@skein/core'
import { CountMinSketch, isSketchWidth, SKETCH_ROWS } from './count-min-sketch.ts'
import { CapacityDigest } from './pb/digest.ts'
import { MAX_FREE_PER_PEER, MODEL_KEY_BYTES, trimCapacity } from './region-capacity.ts'
import { isScope, MAX_PREFIX_BITS } from './scope.ts'
import type { ToldPart } from './cluster-census.ts'
import type { RegionEntry } from './pb/digest.ts'
import type { ModelCapacity, RegionCapacity } from './region-capacity.ts'

export const MAX_DIGEST_BYTES = 64 * 1024
export const MAX_DIGEST_REGIONS = 64
/** 32 of each of four levels. */
export const MAX_DIGEST_PARTS = 128

export interface Digest {
  origin: string
  seq: number
  issuedAtMs: number
  scope: string
  /** `part`: of all peers of the scope. `whole`: of everything that the origin knows of, for those below it */
  view: 'part' | 'whole'
  regions: ReadonlyMap<string, RegionCapacity>
  /** In one of everything: how many peers there are in parts of the zone */
  parts?: ToldPart[]
}

/** Not a digest, or one beyond its bounds: who sent it does not keep the protocol. */
export class DigestError extends Error {
  static override readonly name = 'DigestError'

  constructor (message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DigestError'
  }
}

/** Cuts the digest to `maxBytes`, an equal share for each region that needs it, and writes it. Of more than 64 regions the largest are told. */
export function encodeDigest (digest: Digest, maxBytes = MAX_DIGEST_BYTES): Uint8Array<ArrayBuffer> {
  const regions = [...digest.regions].sort(([a, x], [b, y]) => y.peers - x.peers || (a < b ? -1 : 1)).slice(0, MAX_DIGEST_REGIONS)
  const parts = digest.parts?.slice(0, MAX_DIGEST_PARTS) ?? []
  const share = Math.floor((maxBytes - HEADER_BYTES - parts.length * PART_BYTES) / Math.max(1, regions.length))
  return CapacityDigest.encode({
    origin: digest.origin,
    seq: digest.seq,
    issuedAtMs: digest.issuedAtMs,
    scope: digest.scope,
    view: digest.view === 'whole' ? 1 : 0,
    regions: regions.map(([region, capacity]) => writeRegion(region, trimCapacity(capacity, share))),
    parts
  })
}

/** Origin, scope and numbers. */
const HEADER_BYTES = 400
const PART_BYTES = 16

/** @throws {DigestError} */
export function decodeDigest (bytes: Uint8Array): Digest {
  if (bytes.length > MAX_DIGEST_BYTES) {
    throw new DigestError(`A digest of ${bytes.length} bytes; at most ${MAX_DIGEST_BYTES} are allowed`)
  }
  let read: CapacityDigest
  try {
    read = CapacityDigest.decode(bytes, { limits: { regions: MAX_DIGEST_REGIONS, parts: MAX_DIGEST_PARTS } })
  } catch (error) {
    throw new DigestError('Not a digest', { cause: error })
  }
  const { origin, seq, issuedAtMs, scope, view } = read
  if (origin.length === 0 || origin.length > 128 || !isScope(scope) || view > 1 || !Number.isSafeInteger(seq) || !Number.isSafeInteger(issuedAtMs)) {
    throw new DigestError('A digest without an origin, a part or a time')
  }
  const regions = new Map(read.regions.map(entry => [entry.region, readRegion(entry)]))
  if (regions.size !== read.regions.length || [...regions.keys()].some(region => !isScope(region) || region.includes('/'))) {
    throw new DigestError('A region that has no name, or is there twice')
  }
  if (read.parts.some(({ prefix, depth }) => depth > MAX_PREFIX_BITS || prefix >= 2 ** depth)) {
    throw new DigestError('A part of a zone that cannot be')
  }
  return { origin, seq, issuedAtMs, scope, view: view === 1 ? 'whole' : 'part', regions, ...(read.parts.length === 0 ? {} : { parts: read.parts }) }
}

function writeRegion (region: string, { peers, models, tail }: RegionCapacity): RegionEntry {
  const values = [...models.values()]
  return {
    region,
    peers,
    keys: concatBytes(...[...models.keys()].map(fromHex)),
    counts: writeNumbers(values.flatMap(({ providers, free }) => [providers, free])),
    tailWidth: tail?.width ?? 0,
    tail: writeNumbers(tail?.cells ?? [])
  }
}

function readRegion ({ region, peers, keys, counts, tailWidth, tail }: RegionEntry): RegionCapacity {
  const numbers = readNumbers(counts)
  const count = keys.length / MODEL_KEY_BYTES
  const cells = readNumbers(tail)
  const sound = cells.length === SKETCH_ROWS * tailWidth && (tailWidth === 0 || isSketchWidth(tailWidth))
  if (!sound || numbers.length !== 2 * count) {
    throw new DigestError(`The columns of ${JSON.stringify(region.slice(0, 32))} do not fit each other`)
  }
  const models = new Map<string, ModelCapacity>()
  for (let i = 0; i < count; i++) {
    const [providers, free] = [numbers[2 * i] as number, numbers[2 * i + 1] as number]
    if (providers > peers || free > peers * MAX_FREE_PER_PEER) {
      throw new DigestError(`${providers} providers and ${free} free requests among ${peers} peers`)
    }
    models.set(toHex(keys.subarray(i * MODEL_KEY_BYTES, (i + 1) * MODEL_KEY_BYTES)), { providers, free })
  }
  if (models.size !== count) {
    throw new DigestError('A model is there twice')
  }
  return { peers, models, ...(tailWidth === 0 ? {} : { tail: new CountMinSketch(tailWidth, Uint32Array.from(cells)) }) }
}

/** Numbers below 2^32, seven bits a byte, low bits first. */
function writeNumbers (values: Iterable<number>): Uint8Array<ArrayBuffer> {
  const bytes: number[] = []
  for (let value of values) {
    for (; value >= 0x80; value = Math.floor(value / 0x80)) {
      bytes.push(value % 0x80 | 0x80)
    }
    bytes.push(value)
  }
  return Uint8Array.from(bytes)
}

function readNumbers (bytes: Uint8Array): number[] {
  const values: number[] = []
  let [value, scale] = [0, 1]
  for (const byte of bytes) {
    value += (byte & 0x7f) * scale
    scale *= 0x80
    if (value > 0xffffffff || scale > 2 ** 35) {
      throw new DigestError('A number beyond 32 bits')
    }
    if (byte < 0x80) {
      values.push(value)
      ;[value, scale] = [0, 1]
    }
  }
  if (scale !== 1) {
    throw new DigestError('A number is cut off')
  }
  return values
}
