/**
 * One dial of a peer, at all of its addresses: the next begins a quarter of a second after the one before unless that has an answer by then, circuits
 * a little later than direct addresses; the first connection that stands wins (RFC 8305, "Happy Eyeballs", §5). A machine: the driver dials and
 * cancels.
 */
import type { Machine } from '@skein/core'
import type { DialCandidate } from './dial-candidates.ts'

/**
 * - `dial`: try this way; answer with `onConnected` when somebody is there, and `onWon` or `onFailed`
 * - `cancel`: another way has won
 * - `lost`: none is left. More may be given, until the driver ends the race
 */
export type DialRaceEffect =
  | { type: 'dial', candidate: DialCandidate }
  | { type: 'cancel', key: string }
  | { type: 'lost' }

export interface DialRaceInit {
  /** Between one attempt and the next, ms: what RFC 8305, §8, recommends @default 250 */
  staggerMs?: number
  /** So much earlier do direct addresses begin than circuits, ms: a connection made needs no better path @default 500 */
  headStartMs?: number
  /** … where they are unlikely ones alone, ms: in a network with several subnets they answer at once @default 100 */
  unlikelyHeadStartMs?: number
  /** An attempt that has reached somebody is given so long for its handshake before another begins, ms @default 1_000 */
  patienceMs?: number
  /** Attempts at once @default 6 */
  maxAttempts?: number
  /** Ways that one race takes; further ones are left out @default 25, as libp2p's dial queue has it */
  maxCandidates?: number
  /** How often a way is tried that is refused for now @default 2 */
  maxTries?: number
}

interface Attempt {
  candidate: DialCandidate
  /** When somebody was reached; `undefined` while nobody has answered */
  reachedMs?: number
}

interface Lane {
  waiting: DialCandidate[]
  /** When the last attempt began that has not failed since */
  startedMs: number
}

export class DialRace implements Machine<DialRaceEffect> {
  private readonly init: Required<DialRaceInit>
  private readonly direct: Lane = { waiting: [], startedMs: -Infinity }
  private readonly circuits: Lane = { waiting: [], startedMs: -Infinity }
  private readonly running = new Map<string, Attempt>()
  /** Refused for now: when each is tried again */
  private readonly later = new Map<DialCandidate, number>()
  private readonly tries = new Map<string, number>()
  private readonly effects: DialRaceEffect[] = []
  private readonly startMs: number
  private isOver = false

  constructor (init: DialRaceInit, nowMs: number) {
    this.init = {
      staggerMs: 250, headStartMs: 500, unlikelyHeadStartMs: 100, patienceMs: 1_000, maxAttempts: 6, maxCandidates: 25, maxTries: 2, ...init
    }
    this.startMs = nowMs
  }

  /** Ways to the peer, in their order; those that are known already are left out. */
  onCandidates (candidates: readonly DialCandidate[], nowMs: number): void {
    for (const candidate of candidates) {
      if (!this.tries.has(candidate.key) && this.tries.size < this.init.maxCandidates) {
        this.tries.set(candidate.key, 0)
        this.laneOf(candidate).waiting.push(candidate)
      }
    }
    this.advance(nowMs)
  }

  /** Somebody answers, who may be the peer: the handshake is under way. */
  onConnected (key: string, nowMs: number): void {
    const attempt = this.running.get(key)
    if (attempt !== undefined) {
      attempt.reachedMs = nowMs
    }
  }

  onWon (key: string): void {
    this.running.delete(key)
    this.isOver = true
    this.effects.push(...[...this.running.keys()].map((other): DialRaceEffect => ({ type: 'cancel', key: other })))
    this.running.clear()
  }

  /** @param retryAfterMs when it was refused for now only */
  onFailed (key: string, nowMs: number, retryAfterMs?: number): void {
    const attempt = this.running.get(key)
    if (attempt === undefined || this.isOver) {
      return
    }
    const { candidate } = attempt
    this.running.delete(key)
    this.laneOf(candidate).startedMs = -Infinity // the next need not wait
    if (retryAfterMs !== undefined && (this.tries.get(key) ?? 0) < this.init.maxTries) {
      this.later.set(candidate, nowMs + retryAfterMs)
    }
    this.advance(nowMs)
  }

  onTimeout (nowMs: number): void {
    this.advance(nowMs)
  }

  poll (): DialRaceEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    if (this.isOver) {
      return undefined
    }
    const hasRoom = this.running.size < this.init.maxAttempts
    const lanes = [this.direct, this.circuits].filter(({ waiting }) => hasRoom && waiting.length > 0)
    const nextMs = Math.min(...lanes.map(lane => this.readyMs(lane)), ...this.later.values())
    return nextMs === Infinity ? undefined : nextMs
  }

  private advance (nowMs: number): void {
    if (this.isOver) {
      return
    }
    for (const [candidate, atMs] of this.later) {
      if (atMs <= nowMs) {
        this.later.delete(candidate)
        this.laneOf(candidate).waiting.push(candidate)
      }
    }
    for (const lane of [this.direct, this.circuits]) {
      while (lane.waiting.length > 0 && this.running.size < this.init.maxAttempts && this.readyMs(lane) <= nowMs) {
        this.start(lane, nowMs)
      }
    }
    if (this.running.size === 0 && this.later.size === 0) {
      this.effects.push({ type: 'lost' })
    }
  }

  private start (lane: Lane, nowMs: number): void {
    const candidate = lane.waiting.shift() as DialCandidate
    lane.startedMs = nowMs
    this.tries.set(candidate.key, (this.tries.get(candidate.key) ?? 0) + 1)
    this.running.set(candidate.key, { candidate })
    this.effects.push({ type: 'dial', candidate })
  }

  /** When the next of a lane may begin. */
  private readyMs (lane: Lane): number {
    const { staggerMs, patienceMs } = this.init
    // a handshake with a direct address holds back circuits too; one through a relay does not hold back what is better
    const reached = [...this.running.values()]
      .filter(({ candidate, reachedMs }) => reachedMs !== undefined && (lane === this.circuits || candidate.kind !== 'circuit'))
      .map(({ reachedMs = -Infinity }) => reachedMs + patienceMs)
    return Math.max(lane.startedMs + staggerMs, lane === this.circuits ? this.startMs + this.headStartMs : -Infinity, ...reached)
  }

  /** None once the direct addresses have failed, or where there are none. */
  private get headStartMs (): number {
    const kinds = [...this.direct.waiting, ...[...this.running.values()].map(({ candidate }) => candidate)].map(({ kind }) => kind)
    const { headStartMs, unlikelyHeadStartMs } = this.init
    return kinds.includes('likely') ? headStartMs : kinds.includes('unlikely') ? unlikelyHeadStartMs : -Infinity
  }

  private laneOf ({ kind }: DialCandidate): Lane {
    return kind === 'circuit' ? this.circuits : this.direct
  }
}
