/**
 * One peer's part in who coordinates a part of the network. A seat is soft: nobody votes, the first in the line of `rendezvousOrder` takes it, holds
 * it by a lease that it renews at half, and two that hold it at once do no harm, as all that a coordinator keeps is told to the next one again.
 *
 * Peers in line hear heartbeats, and the next takes over when they stop; all others hear of a lease when it is taken and renewed. The next waits
 * `staggerMs` for each place that it stands behind, so that as a rule only one takes the seat.
 */
import { BoundedMap } from '@skein/core'
import { seatEpoch, seatLot, seatScore } from './rendezvous.ts'
import type { SeatCandidate } from './rendezvous.ts'
import type { Machine } from '@skein/core'

export interface Lease {
  holder: string
  /** Grows with each change of holder; says which of two leases of one holder is newer together with `expiresAtMs` */
  term: number
  expiresAtMs: number
}

/**
 * - `announce`: tell all peers of the cluster, signed, that this peer holds the seat; above the clusters, those that coordinate the parts below
 * - `heartbeat`: tell these peers that it still does; `more` says that more follow, so that silence means something: they are next in line
 * - `step_down`: this peer held the seat and does not any more; to whom it went, if that is known
 * - `coordinator`: who coordinates has changed, as this peer sees it; `undefined` while nobody does
 */
export type SeatEffect =
  | { type: 'announce', lease: Lease }
  | { type: 'heartbeat', to: string[], lease: Lease, more: boolean }
  | { type: 'step_down', to: string | undefined }
  | { type: 'coordinator', peer: string | undefined }

export interface CoordinatorSeatInit {
  self: string
  /** The part of the network, `scopeName` or a region */
  scope: string
  /**
   * Life of a lease.
   *
   * @default 600_000
   */
  leaseMs?: number
  /** @default 12_000 */
  heartbeatMs?: number
  /**
   * For so long a holder may be silent to those in line: three heartbeats and what is lost of time.
   *
   * @default 40_000
   */
  silentMs?: number
  /**
   * Wait for each place in line, up to `maxPlaces` of them.
   *
   * @default 2000
   */
  staggerMs?: number
  /**
   * Peers in line that hear heartbeats.
   *
   * @default 8
   */
  maxPlaces?: number
  /**
   * Candidates taken into account, the first of those given.
   *
   * @default 1024
   */
  maxCandidates?: number
  /**
   * For how long a peer that was found unreachable is passed over, unless it is heard.
   *
   * @default 300_000
   */
  unreachableMs?: number
}

interface Holder extends Lease {
  /** When it was heard of first, as a holder */
  sinceMs: number
  heardMs: number
  /** It sends heartbeats to this peer */
  beats: boolean
}

/** Clocks may differ by so much. */
const CLOCK_SKEW_MS = 60_000
/** No seat changes its holder so often. */
const MAX_TERM = 2 ** 40
/** Holders at once that are kept apart; more of them only come from views that have nothing in common. */
const MAX_HOLDERS = 8

export class CoordinatorSeat implements Machine<SeatEffect> {
  private readonly init: Required<CoordinatorSeatInit>
  private readonly effects: SeatEffect[] = []
  private readonly candidates = new Map<string, SeatCandidate>()
  private readonly holders: BoundedMap<string, Holder>
  private readonly unreachable: BoundedMap<string, number>
  private readonly lots: BoundedMap<string, number>
  /** What `line` found, until something changes it */
  private readonly lines = new BoundedMap<string, string[]>({ maxSize: MAX_HOLDERS })
  private linesUntilMs = -Infinity
  private epoch = ''
  private own?: Lease
  private heartbeatAtMs = Infinity
  /** Those who were told that more heartbeats follow: when others come before them in line, they must not take silence for death */
  private beaten: readonly string[] = []
  /** Since when there is nobody that has the seat and answers */
  private vacantMs?: number
  private settledMs?: number
  private seen?: string
  private term = 0

  constructor (init: CoordinatorSeatInit) {
    this.init = {
      leaseMs: 600_000, heartbeatMs: 12_000, silentMs: 40_000, staggerMs: 2000, maxPlaces: 8, maxCandidates: 1024, unreachableMs: 300_000, ...init
    }
    this.holders = new BoundedMap({ maxSize: MAX_HOLDERS })
    this.unreachable = new BoundedMap({ maxSize: this.init.maxCandidates })
    this.lots = new BoundedMap({ maxSize: this.init.maxCandidates })
  }

  /** Who coordinates, as this peer sees it. */
  get coordinator (): string | undefined {
    return this.seen
  }

  get lease (): Lease | undefined {
    return this.own
  }

  /** All that hold the seat, as far as this peer knows: as a rule one. */
  get holding (): Lease[] {
    const others = [...this.holders.values()].map(({ holder, term, expiresAtMs }) => ({ holder, term, expiresAtMs }))
    return this.own === undefined ? others : [this.own, ...others]
  }

  /** This peer's place in line, from 0; `undefined` when it is no candidate. */
  place (nowMs: number): number | undefined {
    return this.candidates.has(this.init.self) ? this.line(nowMs).indexOf(this.init.self) : undefined
  }

  /** A peer thought unreachable was heard. */
  onHeard (peer: string): void {
    this.setReachable(peer)
  }

  /**
   * The peers of the part that may have the seat, as far as this peer knows; itself among them if it may. `told` are leases that it heard of before
   * it knew them.
   */
  onMembers (candidates: Iterable<SeatCandidate>, nowMs: number, told: Iterable<Lease> = []): void {
    this.candidates.clear()
    this.forgetLines()
    for (const candidate of candidates) {
      if (this.candidates.size >= this.init.maxCandidates && candidate.peer !== this.init.self) {
        continue
      }
      if (candidate.weight > 0 && candidate.weight < Infinity) {
        this.candidates.set(candidate.peer, candidate)
      }
    }
    if (this.own !== undefined && !this.candidates.has(this.init.self)) {
      this.stepDown(undefined)
    }
    for (const lease of told) {
      this.hear(lease, undefined, nowMs)
    }
    this.settle(nowMs)
  }

  /**
   * An announcement or a heartbeat of another holder, signed by it; `more` is what a heartbeat says. One that is not a candidate here, or claims
   * more time than a lease has, is not believed: `false`.
   */
  onLease (lease: Lease, more: boolean | undefined, nowMs: number): boolean {
    const isBelieved = this.hear(lease, more, nowMs)
    if (isBelieved) {
      this.settle(nowMs)
    }
    return isBelieved
  }

  /** The holder gave the seat back. */
  onStepDown (peer: string, nowMs: number): void {
    this.holders.delete(peer)
    this.settle(nowMs)
  }

  /** Dialling or asking this peer failed, or its connection broke and could not be made again. */
  onUnreachable (peer: string, nowMs: number): void {
    this.setUnreachable(peer, nowMs)
    this.holders.delete(peer)
    this.settle(nowMs)
  }

  /** This peer leaves: it gives back the seat it may have. */
  onLeave (nowMs: number): void {
    this.candidates.delete(this.init.self)
    this.forgetLines()
    if (this.own !== undefined) {
      this.stepDown(undefined)
    }
    this.settle(nowMs)
  }

  onTimeout (nowMs: number): void {
    this.settle(nowMs)
  }

  poll (): SeatEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const next = Math.min(this.nextEndMs(), this.own === undefined ? this.nextTakeMs() : Math.min(this.heartbeatAtMs, this.renewAtMs(this.own)))
    return next === Infinity ? undefined : next
  }

  private hear (lease: Lease, more: boolean | undefined, nowMs: number): boolean {
    const { self, leaseMs } = this.init
    const known = this.holders.get(lease.holder)
    const alive = lease.expiresAtMs > nowMs && lease.expiresAtMs <= nowMs + leaseMs + CLOCK_SKEW_MS && lease.expiresAtMs >= (known?.expiresAtMs ?? 0)
    const sound = Number.isSafeInteger(lease.term) && lease.term >= 0 && lease.term <= MAX_TERM
    if (lease.holder === self || !this.candidates.has(lease.holder) || !alive || !sound) {
      return false
    }
    this.holders.set(lease.holder, { ...lease, sinceMs: known?.sinceMs ?? nowMs, heardMs: nowMs, beats: more ?? known?.beats ?? false })
    this.setReachable(lease.holder)
    this.term = Math.max(this.term, lease.term)
    if (this.own !== undefined && this.compare(lease.holder, self, nowMs) < 0) {
      this.stepDown(lease.holder)
    } else if (this.own !== undefined && more !== false) {
      // it does not know: its view is another, or it did not hear the announcement. A reply is not replied to
      this.effects.push({ type: 'heartbeat', to: [lease.holder], lease: this.own, more: false })
    }
    return true
  }

  /** What follows from all that is known: drops who is silent, renews or gives back what is held, takes what is vacant. */
  private settle (nowMs: number): void {
    this.settledMs = nowMs
    for (const [peer, holder] of this.holders) {
      if (nowMs >= this.silentAtMs(holder) || !this.candidates.has(peer)) {
        this.holders.delete(peer)
        if (nowMs < holder.expiresAtMs && this.candidates.has(peer)) {
          this.setUnreachable(peer, nowMs) // it is in line too, and would be waited for
        }
      }
    }
    if (this.own !== undefined) {
      this.keep(this.own, nowMs)
    } else {
      this.takeIfVacant(nowMs)
    }
    const coordinator = this.best(nowMs)
    if (coordinator !== this.seen) {
      this.seen = coordinator
      this.effects.push({ type: 'coordinator', peer: coordinator })
    }
  }

  private keep (own: Lease, nowMs: number): void {
    if (nowMs >= this.renewAtMs(own)) {
      // also when another has come to be first: that one takes the seat after a lease has passed, and may be dead for all that is known here
      this.own = { ...own, expiresAtMs: nowMs + this.init.leaseMs }
      this.effects.push({ type: 'announce', lease: this.own })
    }
    if (nowMs >= this.heartbeatAtMs) {
      this.heartbeat(nowMs)
    }
  }

  private takeIfVacant (nowMs: number): void {
    this.vacantMs = this.holders.size > 0 ? undefined : this.vacantMs ?? nowMs
    if (nowMs < this.takeAtMs(nowMs)) {
      return
    }
    this.term++
    this.own = { holder: this.init.self, term: this.term, expiresAtMs: nowMs + this.init.leaseMs }
    this.vacantMs = undefined
    this.effects.push({ type: 'announce', lease: this.own })
    this.heartbeat(nowMs)
  }

  private stepDown (to: string | undefined): void {
    this.own = undefined
    this.beaten = []
    this.heartbeatAtMs = Infinity
    this.effects.push({ type: 'step_down', to })
  }

  private heartbeat (nowMs: number): void {
    const { self, maxPlaces } = this.init
    // those that fell silent too: one of them may hold the seat still, and one of the two has to hear of the other
    const silent = [...this.unreachable.keys()].filter(peer => this.candidates.has(peer)).slice(-maxPlaces)
    const to = [...new Set([...this.line(nowMs).filter(peer => peer !== self).slice(0, maxPlaces), ...silent])]
    const displaced = this.beaten.filter(peer => !to.includes(peer) && this.candidates.has(peer))
    for (const [peers, more] of [[to, true], [displaced, false]] as const) {
      if (peers.length > 0) {
        this.effects.push({ type: 'heartbeat', to: [...peers], lease: this.own as Lease, more })
      }
    }
    this.beaten = to
    this.heartbeatAtMs = nowMs + this.init.heartbeatMs
  }

  /** When this peer takes the seat if nothing else happens: never if it is no candidate. */
  private takeAtMs (nowMs: number): number {
    const { self, maxPlaces, staggerMs, leaseMs } = this.init
    if (!this.candidates.has(self)) {
      return Infinity
    }
    if (this.vacantMs !== undefined) {
      return this.vacantMs + Math.min(this.line(nowMs).indexOf(self), maxPlaces) * staggerMs
    }
    // somebody sits there: who stays for more than a lease though this peer comes first even so, does not keep the rule
    const holders = [...this.holders.values()]
    return holders.every(({ holder }) => this.line(nowMs, holder)[0] === self)
      ? Math.max(...holders.map(({ sinceMs }) => sinceMs)) + leaseMs
      : Infinity
  }

  private nextTakeMs (): number {
    return this.settledMs === undefined ? Infinity : this.takeAtMs(this.settledMs)
  }

  private nextEndMs (): number {
    return [...this.holders.values()].reduce((next, holder) => Math.min(next, this.silentAtMs(holder)), Infinity)
  }

  /** Who hears heartbeats knows soon that they stopped; the others wait for the lease to end, or find the holder unreachable. */
  private silentAtMs ({ expiresAtMs, heardMs, beats }: Holder): number {
    return beats ? Math.min(expiresAtMs, heardMs + this.init.silentMs) : expiresAtMs
  }

  private renewAtMs (own: Lease): number {
    return own.expiresAtMs - this.init.leaseMs / 2
  }

  /** Of those that hold the seat, the first in line. */
  private best (nowMs: number): string | undefined {
    const holders = [...this.holders.keys(), ...(this.own === undefined ? [] : [this.init.self])]
    return holders.sort((a, b) => this.compare(a, b, nowMs))[0]
  }

  /** The candidates that were not found unreachable, the first in line first. */
  private line (nowMs: number, incumbent = ''): string[] {
    if (nowMs >= this.linesUntilMs || seatEpoch(nowMs) !== this.epoch) {
      this.lines.clear()
      const endsMs = [...this.unreachable.values()].map(sinceMs => sinceMs + this.init.unreachableMs)
      this.linesUntilMs = Math.min(Infinity, ...endsMs.filter(atMs => atMs > nowMs))
    }
    let line = this.lines.get(incumbent)
    if (line === undefined) {
      line = [...this.candidates.keys()]
        .filter(peer => peer === this.init.self || nowMs - (this.unreachable.get(peer) ?? -Infinity) >= this.init.unreachableMs)
        .map(peer => ({ peer, score: this.score(peer, nowMs, incumbent) }))
        .sort((a, b) => a.score - b.score || (a.peer < b.peer ? -1 : 1))
        .map(({ peer }) => peer)
      this.lines.set(incumbent, line)
    }
    return line
  }

  private setReachable (peer: string): void {
    if (this.unreachable.delete(peer)) {
      this.forgetLines()
    }
  }

  private setUnreachable (peer: string, nowMs: number): void {
    this.unreachable.set(peer, nowMs)
    this.forgetLines()
  }

  /** Those that may have the seat, or can be reached, are others now. */
  private forgetLines (): void {
    this.linesUntilMs = -Infinity
  }

  private compare (a: string, b: string, nowMs: number): number {
    const [scoreA, scoreB] = [this.score(a, nowMs), this.score(b, nowMs)]
    return scoreA === scoreB ? (a < b ? -1 : 1) : scoreA < scoreB ? -1 : 1
  }

  private score (peer: string, nowMs: number, incumbent?: string): number {
    const epoch = seatEpoch(nowMs)
    if (epoch !== this.epoch) {
      this.lots.clear()
      this.epoch = epoch
    }
    let lot = this.lots.get(peer)
    if (lot === undefined) {
      lot = seatLot(epoch, this.init.scope, peer)
      this.lots.set(peer, lot)
    }
    const candidate = this.candidates.get(peer)
    return candidate === undefined ? Infinity : seatScore(lot, candidate, incumbent)
  }
}
