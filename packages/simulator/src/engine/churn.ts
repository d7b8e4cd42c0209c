/**
 * Devices that come and go: each is online and offline in turn, for lengths of its own. At the start all is in equilibrium already: the share
 * online is on / (on + off), and what is left of each device's first time is drawn from the distribution of rests, not brought about by a burn-in.
 */
import { QuantileTable } from './quantile-table.ts'
import { RandomStream } from './random-stream.ts'
import { weibull } from './session-length.ts'
import { Stream } from './streams.ts'
import type { SessionLength } from './session-length.ts'

export interface ChurnModel {
  /** Lengths of times online */
  on: SessionLength
  /** Lengths of times offline */
  off: SessionLength
}

const HOUR_MS = 3_600_000

/**
 * Sessions of servers in the DHT of IPFS: 87.6 % are shorter than 8 hours (D. Trautwein et al., "Design and Evaluation of IPFS", SIGCOMM 2022, §5.3).
 */
export const ipfsSessions = (): SessionLength => weibull(0.518, 1.93 * HOUR_MS)

/** Sessions in the Mainline DHT of BitTorrent, as they have been fitted: Weibull, shape 0.68, scale 14,900 s. */
export const mainlineSessions = (): SessionLength => weibull(0.68, 14_900_000)

/** The share of devices that is online. */
export function onlineShare ({ on, off }: ChurnModel): number {
  return on.meanMs / (on.meanMs + off.meanMs)
}

/** Joins and leaves of each device in a millisecond, on average. */
export function changesPerMs ({ on, off }: ChurnModel): number {
  return 2 / (on.meanMs + off.meanMs)
}

/** When a device comes and goes: the same whoever asks, in whatever order. */
export class DeviceChurn {
  private readonly onlineBelow: number
  private readonly start: RandomStream
  private readonly sessions: RandomStream
  private readonly on: QuantileTable
  private readonly off: QuantileTable
  private readonly onRest: QuantileTable
  private readonly offRest: QuantileTable

  constructor (seed: number, model: ChurnModel) {
    this.onlineBelow = onlineShare(model) * 0x100000000
    this.start = new RandomStream(seed, Stream.churnStart)
    this.sessions = new RandomStream(seed, Stream.churnSession)
    this.on = new QuantileTable(model.on.quantile)
    this.off = new QuantileTable(model.off.quantile)
    this.onRest = new QuantileTable(model.on.restQuantile)
    this.offRest = new QuantileTable(model.off.restQuantile)
  }

  startsOnline (device: number): boolean {
    return this.start.uint32(device, 0) < this.onlineBelow
  }

  /** From the start until it changes for the first time, ms. */
  firstMs (device: number): number {
    return (this.startsOnline(device) ? this.onRest : this.offRest).draw(this.start.uint32(device, 1))
  }

  /** The length of its `session`th time after that, which it spends online or not, ms. */
  lengthMs (device: number, session: number, online: boolean): number {
    return (online ? this.on : this.off).draw(this.sessions.uint32(device, session))
  }
}
