/**
 * What an elected peer holds: a seat for a term, by leases that it renews at half their life as long as it goes on being elected. A lease is soft:
 * two that think that they hold one seat do no harm. What is not soft (a name, an ingest slot) is fenced: each lease has a higher number than any
 * before it.
 *
 * One whose lease was not renewed stops taking new clients when the lease ends, keeps those it has for a grace time, and then lets them go.
 */
import { MAX_LEASE_LIFE_MS } from '@skein/records'
import { TERM_MS } from './election.ts'
import type { Machine } from '@skein/core'

export const LEASE_GRACE_MS = 60_000

/**
 * - `idle`: no seat
 * - `holding`: takes clients
 * - `leaving`: takes no new clients, keeps those it has until the grace is over
 */
export type TermState = 'idle' | 'holding' | 'leaving'

/** The highest number that was used, kept where it survives a crash. */
export interface FenceMark {
  term: number
  fence: number
}

export interface TermLease extends FenceMark {
  issuedAtMs: number
  expiresAtMs: number
  withdrawn: boolean
}

/**
 * - `elect`: run an election and say how it ended with `onElection`
 * - `persist`: keep this mark; the lease that follows must not be signed before that is done
 * - `sign`: sign this lease and tell it
 * - `state`: what to do for clients has changed
 * - `release`: the grace is over: let all clients go
 */
export type TermEffect =
  | { type: 'elect' }
  | { type: 'persist', mark: FenceMark }
  | { type: 'sign', lease: TermLease }
  | { type: 'state', state: TermState }
  | { type: 'release' }

export interface SuperNodeTermInit {
  /** What was persisted last; left out on the first start */
  mark?: FenceMark
  /** @default 600_000 */
  leaseMs?: number
  /** @default 60_000 */
  graceMs?: number
}

/** An election that does not answer is asked for again. */
const ELECT_AGAIN_MS = 30_000

export class SuperNodeTerm implements Machine<TermEffect> {
  private readonly leaseMs: number
  private readonly graceMs: number
  private readonly effects: TermEffect[] = []
  private mark: FenceMark
  private current: TermState = 'idle'
  private held?: TermLease
  private willing = false
  /** When to ask for an election next */
  private electAtMs?: number
  private releaseAtMs?: number

  /** @throws {RangeError} for a lease longer than clients accept */
  constructor (init: SuperNodeTermInit = {}) {
    this.leaseMs = init.leaseMs ?? MAX_LEASE_LIFE_MS
    this.graceMs = init.graceMs ?? LEASE_GRACE_MS
    this.mark = init.mark ?? { term: 0, fence: 0 }
    if (!(this.leaseMs > 0 && this.leaseMs <= MAX_LEASE_LIFE_MS)) {
      throw new RangeError(`A lease of ${this.leaseMs} ms; clients accept up to ${MAX_LEASE_LIFE_MS} ms`)
    }
  }

  get state (): TermState {
    return this.current
  }

  /** The lease that is held or was held last; `undefined` before the first. */
  get lease (): TermLease | undefined {
    return this.held
  }

  /** Whether a new client may be taken now. */
  takesClients (nowMs: number): boolean {
    return this.current === 'holding' && this.held !== undefined && nowMs < this.held.expiresAtMs
  }

  /** The volunteer is willing, and within its limits. */
  onWilling (nowMs: number): void {
    if (!this.willing) {
      this.willing = true
      this.askForElection(nowMs)
    }
  }

  /** The volunteer stops, or is at a limit: the seat is given back at once, so that clients move while this peer still carries them. */
  onUnwilling (nowMs: number): void {
    this.willing = false
    this.electAtMs = undefined
    if (this.current === 'holding') {
      this.sign(nowMs, true)
      this.leave(nowMs)
    }
  }

  /** How the election ended that was asked for. */
  onElection (elected: boolean, nowMs: number): void {
    this.onTimeout(nowMs)
    if (!this.willing) {
      return
    }
    if (elected) {
      this.sign(nowMs, false)
      this.releaseAtMs = undefined
      this.setState('holding')
      this.electAtMs = nowMs + this.leaseMs / 2
    } else {
      // one that holds a lease keeps it to its end: another election may name it again, and clients are spared a move
      this.electAtMs = (Math.floor(nowMs / TERM_MS) + 1) * TERM_MS
    }
  }

  onTimeout (nowMs: number): void {
    if (this.current === 'holding' && this.held !== undefined && nowMs >= this.held.expiresAtMs) {
      this.leave(this.held.expiresAtMs)
    }
    if (this.releaseAtMs !== undefined && nowMs >= this.releaseAtMs) {
      this.releaseAtMs = undefined
      this.setState('idle')
      this.effects.push({ type: 'release' })
    }
    if (this.electAtMs !== undefined && nowMs >= this.electAtMs) {
      this.askForElection(nowMs)
    }
  }

  poll (): TermEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const ends = [this.electAtMs, this.releaseAtMs, this.current === 'holding' ? this.held?.expiresAtMs : undefined].filter(end => end !== undefined)
    return ends.length === 0 ? undefined : Math.min(...ends)
  }

  private askForElection (nowMs: number): void {
    this.electAtMs = nowMs + ELECT_AGAIN_MS
    this.effects.push({ type: 'elect' })
  }

  /** The lease that follows all others: of a seat that is held already the term stays. */
  private sign (nowMs: number, withdrawn: boolean): void {
    const term = this.current === 'holding' && this.held !== undefined
      ? this.held.term
      // a wall clock that was set back must not make a seat older than the last one
      : Math.max(Math.floor(nowMs / TERM_MS), this.mark.term)
    this.mark = { term, fence: this.mark.fence + 1 }
    this.held = { ...this.mark, issuedAtMs: nowMs, expiresAtMs: nowMs + this.leaseMs, withdrawn }
    this.effects.push({ type: 'persist', mark: this.mark }, { type: 'sign', lease: this.held })
  }

  private leave (fromMs: number): void {
    this.setState('leaving')
    this.releaseAtMs = fromMs + this.graceMs
  }

  private setState (state: TermState): void {
    if (this.current !== state) {
      this.current = state
      this.effects.push({ type: 'state', state })
    }
  }
}
