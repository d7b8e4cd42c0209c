/**
 * Which leases a client believes: those of peers that its own election names, that are newer than any it saw of the same peer, and whose time is not
 * over by its own clock. What is kept is bounded; a mark of how new the newest was outlives the lease, so that an old one cannot be played again.
 */
import { BoundedMap } from '@skein/core'
import { MAX_CLOCK_SKEW_MS, MAX_LEASE_LIFE_MS } from '@skein/records'
import { TERM_MS } from './election.ts'
import { LEASE_GRACE_MS } from './super-node-term.ts'
import type { FenceMark } from './super-node-term.ts'
import type { SuperNodeLease } from '@skein/records'

/**
 * - `expired`, `future`: by this clock, ± 60 s; `life_too_long`: more than ten minutes
 * - `stale`: a term or fencing number that is not above the newest of that peer
 * - `term`: it claims a term that has not begun, or another one without a seat between
 * - `not_elected`: this client's election does not name it
 * - `clock`: most elected peers issue leases in what is the future here, so this clock is slow and would take old leases for new
 */
export type LeaseRefusal = 'expired' | 'future' | 'life_too_long' | 'stale' | 'term' | 'not_elected' | 'clock'

/** `usable`: for new reservations too. `grace`: for what stands already. */
export type LeaseUse = 'usable' | 'grace'

export interface LeaseBookInit {
  /**
   * Leases kept; beyond it the one that was renewed longest ago is dropped. A region has 64 seats.
   *
   * @default 256
   */
  maxLeases?: number
  /**
   * Peers whose newest numbers are remembered.
   *
   * @default 4096
   */
  maxMarks?: number
}

/** Elected peers with leases from the future that must be there before this clock is doubted. */
const MIN_DOUBTS = 3

export class LeaseBook {
  private readonly leases: BoundedMap<string, SuperNodeLease>
  private readonly marks: BoundedMap<string, FenceMark>
  /** When the newest lease of an elected peer that was issued in the future here was seen */
  private readonly ahead: BoundedMap<string, number>

  constructor (init: LeaseBookInit = {}) {
    const maxLeases = init.maxLeases ?? 256
    this.leases = new BoundedMap({ maxSize: maxLeases })
    this.marks = new BoundedMap({ maxSize: Math.max(maxLeases, init.maxMarks ?? 4096) })
    this.ahead = new BoundedMap({ maxSize: maxLeases })
  }

  /**
   * A lease whose signature and signer were checked. One that is believed is kept, one that is given back ends what is kept of it.
   *
   * @param elected whether this client's own election of that term or the one before names the peer
   */
  onLease (lease: SuperNodeLease, elected: boolean, nowMs: number): LeaseRefusal | undefined {
    const refusal = this.refusal(lease, elected, nowMs)
    if (refusal === 'future' && elected) {
      this.ahead.set(lease.peer, nowMs)
    }
    if (refusal !== undefined) {
      return refusal
    }
    this.ahead.delete(lease.peer)
    this.marks.set(lease.peer, { term: lease.term, fence: lease.fence })
    if (lease.withdrawn) {
      this.leases.delete(lease.peer)
    } else {
      this.leases.set(lease.peer, lease)
    }
    return undefined
  }

  /** What a peer's lease is good for now; `undefined` for none. */
  useOf (peer: string, nowMs: number): LeaseUse | undefined {
    const lease = this.leases.get(peer)
    if (lease === undefined || nowMs >= lease.expiresAtMs + LEASE_GRACE_MS) {
      return undefined
    }
    return nowMs < lease.expiresAtMs ? 'usable' : 'grace'
  }

  /** The leases that are good for new reservations. */
  usable (nowMs: number): SuperNodeLease[] {
    return [...this.leases.values()].filter(({ expiresAtMs }) => nowMs < expiresAtMs)
  }

  /**
   * Whether somebody who acts for `peer` under this number acts by its newest lease: for what must have one holder, an ingest slot or a name.
   */
  isCurrent (peer: string, { term, fence }: FenceMark, nowMs: number): boolean {
    const lease = this.leases.get(peer)
    return lease !== undefined && nowMs < lease.expiresAtMs && lease.term === term && lease.fence === fence
  }

  /** Drops what is over, so that the memory is free before the bound is reached. */
  forget (nowMs: number): void {
    for (const [peer, { expiresAtMs }] of this.leases) {
      if (nowMs >= expiresAtMs + LEASE_GRACE_MS) {
        this.leases.delete(peer)
      }
    }
  }

  private refusal (lease: SuperNodeLease, elected: boolean, nowMs: number): LeaseRefusal | undefined {
    const { peer, term, fence, issuedAtMs, expiresAtMs, withdrawn } = lease
    const mark = this.marks.get(peer)
    if (expiresAtMs - issuedAtMs > MAX_LEASE_LIFE_MS) {
      return 'life_too_long'
    }
    if (issuedAtMs > nowMs + MAX_CLOCK_SKEW_MS) {
      return 'future'
    }
    if (expiresAtMs <= nowMs) {
      return 'expired'
    }
    if (mark !== undefined && (fence <= mark.fence || term < mark.term)) {
      return 'stale'
    }
    if (term > Math.floor((issuedAtMs + MAX_CLOCK_SKEW_MS) / TERM_MS)) {
      return 'term'
    }
    // who gives its seat back is believed without an election: nobody else can sign it
    if (withdrawn) {
      return undefined
    }
    return elected ? this.isClockDoubtful(nowMs) ? 'clock' : undefined : 'not_elected'
  }

  private isClockDoubtful (nowMs: number): boolean {
    const ahead = [...this.ahead.values()].filter(seenMs => nowMs - seenMs < MAX_LEASE_LIFE_MS).length
    return ahead >= MIN_DOUBTS && ahead > this.usable(nowMs).length
  }
}
