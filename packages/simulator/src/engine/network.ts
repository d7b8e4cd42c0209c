/** The network between simulated nodes: distance, jitter, loss, duplicates, reordering, queues at each node's line, partitions, and NAT. */
import { AccessLink } from './access-link.ts'
import { isCut } from './partition.ts'
import { RandomStream } from './random-stream.ts'
import { Stream } from './streams.ts'
import type { LatencyModel } from './latency.ts'
import type { NatModel } from './nat.ts'
import type { Partition } from './partition.ts'
import type { ConnectPlan, SimNetwork } from './sim-network.ts'

export interface NetworkInit {
  seed: number
  nodes: number
  latency: LatencyModel
  /**
   * - `datagram`: a message that is lost stays lost, and one may overtake another
   * - `stream`: a message that is lost is sent again after a time-out, as TCP and QUIC do, at most 6 times; none overtakes another of the same
   *   pair, and none arrives twice
   *
   * @default 'datagram'
   */
  delivery?: 'datagram' | 'stream'
  /**
   * What a message takes longer than the least, on average, as a share of the distance; spread exponentially, at most 20 times the mean.
   *
   * @default 0
   */
  jitter?: number
  /**
   * Share of messages that are lost.
   *
   * @default 0
   */
  lossRate?: number
  /**
   * Share of messages that arrive twice.
   *
   * @default 0
   */
  duplicateRate?: number
  /**
   * Share of messages that are held up, so that later ones overtake them.
   *
   * @default 0
   */
  reorderRate?: number
  /**
   * For how long those are held up at most, ms.
   *
   * @default 50
   */
  reorderMs?: number
  /** Of each node's line, bytes per second. Default: without limit */
  upBytesPerSecond?: (node: number) => number
  downBytesPerSecond?: (node: number) => number
  /**
   * What a full queue before a line takes to drain, ms.
   *
   * @default 500
   */
  maxQueueMs?: number
  partitions?: readonly Partition[]
  nat?: NatModel
}

const MAX_SENDS = 7
const LEAST_RESEND_MS = 200
/** Pairs that are remembered before those are looked for whose messages have all arrived. */
const FORGET_AT = 65_536

export class Network implements SimNetwork {
  readonly leastLatencyMs: number
  /** Messages lost on the way, by cause */
  readonly lost = { rate: 0, partition: 0, queue: 0 }
  private readonly init: NetworkInit
  private readonly random: RandomStream
  private readonly up: AccessLink | undefined
  private readonly down: AccessLink | undefined
  /** For streams: when the last message of a pair arrives */
  private readonly lastArrivalMs = new Map<number, number>()
  private forgetAt = FORGET_AT

  constructor (init: NetworkInit) {
    const { nodes, maxQueueMs = 500 } = init
    this.init = init
    this.leastLatencyMs = init.latency.leastMs
    this.random = new RandomStream(init.seed, Stream.transmission)
    this.up = init.upBytesPerSecond && new AccessLink({ nodes, bytesPerSecond: init.upBytesPerSecond, maxQueueMs })
    this.down = init.downBytesPerSecond && new AccessLink({ nodes, bytesPerSecond: init.downBytesPerSecond, maxQueueMs })
  }

  transmit (from: number, to: number, sizeBytes: number, nowMs: number, counter: number, delaysMs: Float64Array): number {
    if (from === to) {
      delaysMs[0] = 0
      return 1
    }
    const queueMs = this.up === undefined ? 0 : this.up.pass(from, sizeBytes, nowMs)
    if (queueMs === undefined) {
      this.lost.queue++
      return 0
    }
    const wireMs = this.init.latency.oneWayMs(from, to)
    return this.init.delivery === 'stream'
      ? this.transmitInOrder(from, to, nowMs, counter, queueMs, wireMs, delaysMs)
      : this.transmitOnce(from, to, nowMs, counter, queueMs, wireMs, delaysMs)
  }

  admit (to: number, sizeBytes: number, nowMs: number): number | undefined {
    if (this.down === undefined) {
      return 0
    }
    const waitMs = this.down.pass(to, sizeBytes, nowMs)
    if (waitMs === undefined) {
      this.lost.queue++
    }
    return waitMs
  }

  plan (from: number, to: number): ConnectPlan | undefined {
    return this.init.nat === undefined ? { path: 'direct', roundTrips: 1 } : this.init.nat.plan(from, to)
  }

  private transmitOnce (
    from: number, to: number, nowMs: number, counter: number, queueMs: number, wireMs: number, delaysMs: Float64Array
  ): number {
    const { lossRate = 0, duplicateRate = 0, reorderRate = 0, reorderMs = 50 } = this.init
    if (this.isLost(from, to, nowMs, counter, lossRate)) {
      return 0
    }
    const copies = duplicateRate > 0 && this.draw(from, counter, 1) < duplicateRate ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      const held = reorderRate > 0 && this.draw(from, counter, 2 + copy) < reorderRate
      delaysMs[copy] = queueMs + this.jittered(wireMs, from, counter, 4 + copy) + (held ? reorderMs * this.draw(from, counter, 6 + copy) : 0)
    }
    return copies
  }

  private transmitInOrder (
    from: number, to: number, nowMs: number, counter: number, queueMs: number, wireMs: number, delaysMs: Float64Array
  ): number {
    const { lossRate = 0 } = this.init
    let delayMs = queueMs
    let resendMs = Math.max(LEAST_RESEND_MS, 2 * wireMs)
    for (let send = 0; send < MAX_SENDS; send++) {
      if (!this.isLost(from, to, nowMs + delayMs, counter, lossRate, 8 + send)) {
        delayMs += this.jittered(wireMs, from, counter, 4)
        const pair = from * 0x4000000 + to
        const arrivalMs = Math.max(nowMs + delayMs, this.lastArrivalMs.get(pair) ?? 0)
        this.lastArrivalMs.set(pair, arrivalMs)
        this.forgetArrived(nowMs)
        delaysMs[0] = arrivalMs - nowMs
        return 1
      }
      delayMs += resendMs
      resendMs *= 2
    }
    return 0
  }

  /** What has arrived holds nothing back any more. */
  private forgetArrived (nowMs: number): void {
    if (this.lastArrivalMs.size >= this.forgetAt) {
      for (const [pair, arrivalMs] of this.lastArrivalMs) {
        if (arrivalMs <= nowMs) {
          this.lastArrivalMs.delete(pair)
        }
      }
      this.forgetAt = Math.max(FORGET_AT, 2 * this.lastArrivalMs.size)
    }
  }

  private isLost (from: number, to: number, nowMs: number, counter: number, lossRate: number, use = 0): boolean {
    const { partitions } = this.init
    if (partitions !== undefined && isCut(partitions, from, to, nowMs)) {
      this.lost.partition++
      return true
    }
    if (lossRate > 0 && this.draw(from, counter, use) < lossRate) {
      this.lost.rate++
      return true
    }
    return false
  }

  private jittered (wireMs: number, from: number, counter: number, use: number): number {
    const { jitter = 0 } = this.init
    return jitter === 0 ? wireMs : wireMs * (1 + jitter * Math.min(20, -Math.log(1 - this.draw(from, counter, use))))
  }

  /** 0 ≤ x < 1, for one of the 16 uses that a message has for it. */
  private draw (from: number, counter: number, use: number): number {
    return this.random.uint32(from, counter * 16 + use) / 0x100000000
  }
}
