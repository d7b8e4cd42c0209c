/** The devices registered over `/ws`, and the bounded answer to who of them fits a filter. */
import { randomBelow } from '@skein/core'
import { meetsFilter } from './device-capabilities.ts'
import { DrawableSet } from './drawable-set.ts'
import type { DeviceCapabilities, DeviceFilter } from './device-capabilities.ts'
import type { Random } from '@skein/core'

/** What is told of a device to others. */
export interface DeviceEntry {
  nodeID: string
  publicKey: string
  wgPublicKey?: string | null
  displayName: string
  capabilities: DeviceCapabilities
}

/** How a registered device is reached: through a socket, or `undefined` for the seed's own node. */
export interface RegisteredDevice<S> {
  /** The name in lower case: what tells devices apart */
  key: string
  entry: DeviceEntry
  link: S
  natType: string
  /** The entry as JSON up to its `lastSeen`, which is its last field */
  json: string
  /** The smaller, the earlier in an answer: available ones first, then the better tier, then the larger memory */
  rank: number
  /** Of the whole entry, at most */
  bytes: number
}

export interface DiscoverOptions<S> {
  /** Left out of the answer */
  asker: string
  /** Not drawn, but put first where it meets the filter: the seed's own node */
  first?: RegisteredDevice<S>
  filter: DeviceFilter
  maxPeers: number
  /** Of all entries together */
  maxBytes: number
  /** `lastSeen` as messages carry it */
  lastSeen: (device: RegisteredDevice<S>) => number
}

/** Candidates looked at for each place in an answer: enough to prefer the good ones, few enough that answers differ. */
const CANDIDATES_PER_PLACE = 3

/** What `lastSeen`, the end of an entry, a comma, and a change of `natType` (32 characters at most) may add to it. */
const CHANGING_BYTES = 112
/** The most that a registration can name. */
const MAX_RAM_GB = 1_000_000

export class DeviceTable<S> {
  private readonly devices = new Map<string, RegisteredDevice<S>>()
  private readonly all = new DrawableSet<RegisteredDevice<S>>()
  private readonly byModel = new Map<string, DrawableSet<RegisteredDevice<S>>>()

  get size (): number {
    return this.devices.size
  }

  get (nodeID: string): RegisteredDevice<S> | undefined {
    return this.devices.get(nodeID) ?? this.devices.get(nodeID.toLowerCase())
  }

  values (): IterableIterator<RegisteredDevice<S>> {
    return this.devices.values()
  }

  set (entry: DeviceEntry, link: S): RegisteredDevice<S> {
    const key = entry.nodeID.toLowerCase()
    const before = this.devices.get(key)
    const natType = before?.natType ?? 'unknown'
    const json = jsonOf(entry, natType)
    const device: RegisteredDevice<S> = {
      key, entry, link, natType, json, rank: rankOf(entry.capabilities), bytes: new TextEncoder().encode(json).length + CHANGING_BYTES
    }
    this.delete(key)
    this.devices.set(key, device)
    this.all.add(device)
    for (const model of entry.capabilities.loadedModels) {
      let devices = this.byModel.get(model)
      if (devices == null) {
        devices = new DrawableSet()
        this.byModel.set(model, devices)
      }
      devices.add(device)
    }
    return device
  }

  /** What an offer told of the network that a device is in. */
  setNatType (device: RegisteredDevice<S>, natType: string): void {
    if (natType !== device.natType) {
      device.natType = natType
      device.json = jsonOf(device.entry, natType)
    }
  }

  delete (key: string): void {
    const device = this.devices.get(key)
    if (device == null) {
      return
    }
    this.devices.delete(key)
    this.all.delete(device)
    for (const model of device.entry.capabilities.loadedModels) {
      const devices = this.byModel.get(model)
      devices?.delete(device)
      if (devices?.size === 0) {
        this.byModel.delete(model)
      }
    }
  }

  /** The devices that have `model` loaded. */
  withModel (model: string): Iterable<RegisteredDevice<S>> {
    return this.byModel.get(model)?.values() ?? []
  }

  /** The JSON of the best of a random sample: available ones first, then the better tier, then the larger memory. */
  discover (options: DiscoverOptions<S>, random: Random): string {
    const peers: string[] = []
    let bytes = 0
    const { first } = options
    const candidates = this.candidates(options, random).sort((a, b) => a.rank - b.rank)
    if (first != null && meetsFilter(first.entry.capabilities, options.filter)) {
      candidates.unshift(first)
    }
    for (const device of candidates) {
      // one that is too long leaves its place to the next
      if (bytes + device.bytes <= options.maxBytes) {
        peers.push(`${device.json}${Math.floor(options.lastSeen(device))}}`)
        bytes += device.bytes
      }
      if (peers.length >= options.maxPeers) {
        break
      }
    }
    return `[${peers.join(',')}]`
  }

  private candidates ({ asker, first, filter, maxPeers }: DiscoverOptions<S>, random: Random): Array<RegisteredDevice<S>> {
    const devices = filter.modelID == null ? this.all : this.byModel.get(filter.modelID)
    const candidates: Array<RegisteredDevice<S>> = []
    if (devices == null || devices.size === 0) {
      return candidates
    }
    const max = CANDIDATES_PER_PLACE * maxPeers
    const start = randomBelow(random, devices.size)
    const stride = strideFor(devices.size, random)
    for (let i = 0; i < devices.size; i++) {
      const device = devices.at(start + i * stride)
      if (device.key !== asker && device !== first && meetsFilter(device.entry.capabilities, filter)) {
        candidates.push(device)
        if (candidates.length >= max) {
          break
        }
      }
    }
    return candidates
  }
}

function rankOf ({ isAvailable, hardware }: DeviceCapabilities): number {
  return (isAvailable ? 0 : 8) + hardware.tier - hardware.totalRAMGB / (MAX_RAM_GB + 1)
}

function jsonOf (entry: DeviceEntry, natType: string): string {
  const { nodeID, publicKey, wgPublicKey, displayName, capabilities } = entry
  const json = JSON.stringify({ nodeID, publicKey, wgPublicKey: wgPublicKey ?? null, displayName, capabilities, natType, endpoints: [] })
  return `${json.slice(0, -1)},"lastSeen":`
}

/** A step with no factor in common with `size`, so that a walk in such steps meets every member and neighbours differ from walk to walk. */
function strideFor (size: number, random: Random): number {
  if (size < 3) {
    return 1
  }
  for (let stride = 1 + randomBelow(random, size - 1); ; stride = stride === 1 ? size - 1 : stride - 1) {
    if (greatestCommonDivisor(stride, size) === 1) {
      return stride
    }
  }
}

function greatestCommonDivisor (a: number, b: number): number {
  while (b !== 0) {
    [a, b] = [b, a % b]
  }
  return a
}
