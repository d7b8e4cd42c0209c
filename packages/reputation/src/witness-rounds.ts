/**
 * Whom this peer asks for its receipts, and when, as a machine: now and then a few of those that delivered to it and are connected, none more often
 * than it would answer. Whoever never delivered has no say, so it is not asked.
 */
import { BoundedMap, randomFloat, shuffle } from '@skein/core'
import type { Machine, Random } from '@skein/core'

export type WitnessEffect =
  /** Answer with `onWitnesses` */
  | { type: 'gather' }
  | { type: 'ask', peer: string }

export interface WitnessRoundsInit {
  /**
   * Time between two rounds, ms; each is shorter or longer by up to half.
   *
   * @default 150_000
   */
  intervalMs?: number
  /**
   * Peers asked in a round.
   *
   * @default 3
   */
  peersPerRound?: number
  /**
   * Time between two questions to one peer, ms. Peers refuse those that come sooner than after 10 minutes.
   *
   * @default 630_000
   */
  restMs?: number
}

/** Peers of which it is remembered when they were asked. */
const MAX_ASKED = 1024
/** One that does not tell is asked again after this. */
const DECLINED_REST_MS = 6 * 3_600_000

export class WitnessRounds implements Machine<WitnessEffect> {
  private readonly init: Required<WitnessRoundsInit>
  private readonly random: Random
  private readonly restUntilMs = new BoundedMap<string, number>({ maxSize: MAX_ASKED })
  private readonly effects: WitnessEffect[] = []
  private roundMs: number

  constructor (init: WitnessRoundsInit, random: Random, nowMs: number) {
    this.init = { intervalMs: 150_000, peersPerRound: 3, restMs: 630_000, ...init }
    this.random = random
    this.roundMs = this.next(nowMs)
  }

  /** Those that are connected and have delivered more than they failed in. */
  onWitnesses (peers: readonly string[], nowMs: number): void {
    const rested = peers.filter(peer => (this.restUntilMs.get(peer) ?? 0) <= nowMs)
    for (const peer of shuffle(this.random, rested).slice(0, this.init.peersPerRound)) {
      this.restUntilMs.set(peer, nowMs + this.init.restMs)
      this.effects.push({ type: 'ask', peer })
    }
  }

  /** It does not tell anybody, or does not know how. */
  onDeclined (peer: string, nowMs: number): void {
    this.restUntilMs.set(peer, nowMs + DECLINED_REST_MS)
  }

  onTimeout (nowMs: number): void {
    if (nowMs >= this.roundMs) {
      this.roundMs = this.next(nowMs)
      this.effects.push({ type: 'gather' })
    }
  }

  poll (): WitnessEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number {
    return this.roundMs
  }

  private next (nowMs: number): number {
    return nowMs + this.init.intervalMs * (0.5 + randomFloat(this.random))
  }
}
