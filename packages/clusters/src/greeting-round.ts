/** Whom to greet next, and when: one after the other, those that waited longest first, with enough chance in it that nobody knows its turn. */
import { randomBelow, randomFloat } from '@skein/core'
import type { Random } from '@skein/core'

export interface GreetingRoundInit {
  /**
   * Mean time between two greetings while the coordinate settles, ms; each is between a half and one and a half of it.
   *
   * @default 2000
   */
  settlingMs?: number
  /**
   * Mean time between two greetings afterwards, ms. Twice as often costs twice the bytes, and follows a changed network twice as fast.
   *
   * @default 30_000
   */
  steadyMs?: number
  /**
   * Least time between two greetings of one neighbour, ms: `NetworkCoordinate` would pass over what came sooner.
   *
   * @default 5000
   */
  minGreetMs?: number
  /**
   * Neighbours that are greeted; while there are so many, a further one is not.
   *
   * @default 512
   */
  maxNeighbours?: number
}

interface Turn {
  greetedMs: number
  /** When the last greeting was answered or failed */
  endedMs: number
  /** In a row */
  failures: number
  underWay: boolean
}

/** Who did not answer waits twice as long each time, this long at most. */
const MAX_BACK_OFF_MS = 600_000
/** One of this share of those that may be greeted is: those that waited longest. */
const CHOICE = 1 / 3

export class GreetingRound {
  private readonly init: Required<GreetingRoundInit>
  private readonly random: Random
  private readonly turns = new Map<string, Turn>()
  private slotMs = -Infinity

  constructor (init: GreetingRoundInit, random: Random) {
    this.init = {
      settlingMs: init.settlingMs ?? 2000,
      steadyMs: init.steadyMs ?? 30_000,
      minGreetMs: init.minGreetMs ?? 5000,
      maxNeighbours: init.maxNeighbours ?? 512
    }
    this.random = random
  }

  get size (): number {
    return this.turns.size
  }

  has (peer: string): boolean {
    return this.turns.has(peer)
  }

  /** `false` when there are too many already. */
  add (peer: string): boolean {
    if (!this.turns.has(peer) && this.turns.size < this.init.maxNeighbours) {
      this.turns.set(peer, { greetedMs: -Infinity, endedMs: -Infinity, failures: 0, underWay: false })
    }
    return this.turns.has(peer)
  }

  remove (peer: string): void {
    this.turns.delete(peer)
  }

  clear (): void {
    this.turns.clear()
  }

  isUnderWay (peer: string): boolean {
    return this.turns.get(peer)?.underWay === true
  }

  onEnded (peer: string, answered: boolean, nowMs: number): void {
    const turn = this.turns.get(peer)
    if (turn !== undefined) {
      turn.underWay = false
      turn.endedMs = nowMs
      turn.failures = answered ? 0 : turn.failures + 1
    }
  }

  /** Whom to greet now; it is under way from then on. `undefined` while it is not time. */
  next (settling: boolean, nowMs: number): string | undefined {
    if (nowMs < this.slotMs) {
      return undefined
    }
    const ready = [...this.turns].filter(([, turn]) => !turn.underWay && nowMs >= this.readyAtMs(turn))
      .sort(([, a], [, b]) => a.greetedMs - b.greetedMs)
    if (ready.length === 0) {
      return undefined
    }
    const [peer, turn] = ready[randomBelow(this.random, Math.ceil(ready.length * CHOICE))] as [string, Turn]
    turn.greetedMs = nowMs
    turn.underWay = true
    this.slotMs = nowMs + (settling ? this.init.settlingMs : this.init.steadyMs) * (0.5 + randomFloat(this.random))
    return peer
  }

  /** When `next` gives somebody, `Infinity` when there is nobody. */
  nextAtMs (): number {
    let readyMs = Infinity
    for (const turn of this.turns.values()) {
      if (!turn.underWay) {
        readyMs = Math.min(readyMs, this.readyAtMs(turn))
      }
    }
    return Math.max(this.slotMs, readyMs)
  }

  /** From its answer on, so that two answers are no nearer to each other than two greetings may be. */
  private readyAtMs ({ endedMs, failures }: Turn): number {
    return endedMs + Math.min(Math.max(MAX_BACK_OFF_MS, this.init.minGreetMs), this.init.minGreetMs * 2 ** failures)
  }
}
