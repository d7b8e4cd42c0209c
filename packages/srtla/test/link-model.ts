/** One direction of a link with a rate, a delay, losses and a buffer: for the simulation, and for the proxy that impairs real packets. */
import { randomFloat } from '@skein/core'
import type { Random } from '@skein/core'

export interface LinkModelInit {
  /** Of whole IP packets; left out: any */
  bitsPerSecond?: number
  /** One way */
  delayMs: number
  /** 0 to 1 */
  loss: number
  /** What the buffer before the bottleneck holds @default 300 */
  queueMs?: number
}

const IP_AND_UDP_BYTES = 28

export class LinkModel {
  isCut = false
  private readonly init: LinkModelInit
  private readonly random: Random
  private freeAtMs = 0
  private lastArrivalMs = 0

  constructor (init: LinkModelInit, random: Random) {
    this.init = init
    this.random = random
  }

  /** When a packet that is sent now arrives; `undefined` when it is lost. Packets keep their order. */
  arrivalMs (payloadBytes: number, nowMs: number): number | undefined {
    const { bitsPerSecond, delayMs, loss, queueMs = 300 } = this.init
    if (this.isCut) {
      return undefined
    }
    const startMs = Math.max(nowMs, this.freeAtMs)
    if (startMs - nowMs > queueMs) {
      return undefined
    }
    this.freeAtMs = startMs + (bitsPerSecond === undefined ? 0 : (payloadBytes + IP_AND_UDP_BYTES) * 8_000 / bitsPerSecond)
    if (randomFloat(this.random) < loss) {
      return undefined
    }
    this.lastArrivalMs = Math.max(this.lastArrivalMs, this.freeAtMs + delayMs)
    return this.lastArrivalMs
  }
}

/** The three unequal links of the tests: 4/3/2 Mbit/s, round trips of 40/120/240 ms, losses of 0.5/2/5 % each way. */
export const UNEQUAL_LINKS: LinkModelInit[] = [
  { bitsPerSecond: 4e6, delayMs: 20, loss: 0.005 },
  { bitsPerSecond: 3e6, delayMs: 60, loss: 0.02 },
  { bitsPerSecond: 2e6, delayMs: 120, loss: 0.05 }
]
