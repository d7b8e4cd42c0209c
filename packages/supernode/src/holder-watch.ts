/** Watches those that hold seats: when a sign of life is overdue, whether one is down, and to whom a connection is kept. */
import { BoundedMap, TimerTable } from '@skein/core'
import { isLive } from './candidate-shelf.ts'
import { judgeDown } from './down-verdict.ts'
import type { AddressedPeer } from './board-effect.ts'
import type { CandidateShelf, KnownCandidate } from './candidate-shelf.ts'
import type { DownVerdict } from './down-verdict.ts'
import type { ElectorRules } from './elector-rules.ts'
import type { VerificationSchedule } from './verification-schedule.ts'
import type { VerifierPanel } from './verifier-panel.ts'
import type { SuperNodeLease, VerifiedNetwork } from '@skein/records'

export interface HolderWatchInit {
  self: string
  rules: ElectorRules
  shelf: CandidateShelf
  panel: VerifierPanel
  schedule: VerificationSchedule
}

/** Peers whose connection is known; of others it is not seen at once that they are alive. */
const MAX_CONNECTED = 4096
/** A lease that is not renewed at half of its life, and this part of it, is overdue. */
const RENEWAL_PART = 0.6
/** A candidacy that is not renewed when due, and a quarter of its interval, is overdue. */
const CANDIDACY_PART = 1.25

export class HolderWatch {
  private readonly init: HolderWatchInit
  private readonly overdue = new TimerTable<string>()
  private readonly connected = new BoundedMap<string, true>({ maxSize: MAX_CONNECTED })
  private holders: readonly string[] = []
  private watched = ''

  constructor (init: HolderWatchInit) {
    this.init = init
  }

  nextTimeoutMs (): number | undefined {
    return this.overdue.nextMs()
  }

  onConnected (peer: string): void {
    this.connected.set(peer, true)
  }

  /** A connection to a holder that ends may be its death. */
  onDisconnected (peer: string, nowMs: number): void {
    if (this.connected.delete(peer)) {
      this.suspect(peer, nowMs)
    }
  }

  /** These hold the seats now. Gives those to whom this verifier is to keep a connection, when they are others than before. */
  onElection (holders: readonly string[], nowMs: number): AddressedPeer[] | undefined {
    const { self, rules, shelf, panel } = this.init
    this.holders = holders
    const itself = shelf.get(self)
    const mine = itself === undefined || !isLive(itself, nowMs) ? [] : holders.flatMap(peer => {
      const known = shelf.get(peer)
      const place = known === undefined ? undefined : panel.placeOf(known, self, nowMs, nowMs)
      return known === undefined || place === undefined || place >= rules.verifiers ? [] : [{ peer, addresses: known.candidacy.addresses }]
    })
    const names = mine.map(({ peer }) => peer).join()
    const changed = names !== this.watched
    this.watched = names
    return changed ? mine : undefined
  }

  /** It spoke, or was elected: until when is the next sign of it due? */
  expectSign (peer: string, lease: SuperNodeLease | undefined, nowMs: number): void {
    const { self, rules, shelf } = this.init
    const known = shelf.get(peer)
    if (known === undefined || !this.holders.includes(peer) || peer === self) {
      this.overdue.delete(peer)
      return
    }
    const renewalMs = lease === undefined ? Infinity : lease.issuedAtMs + (lease.expiresAtMs - lease.issuedAtMs) * RENEWAL_PART
    const atMs = Math.min(renewalMs, known.heardMs + CANDIDACY_PART * rules.candidacyMs)
    if (atMs > nowMs) {
      this.overdue.set(peer, atMs)
    }
  }

  /** Suspects those of whom nothing came. */
  onTimeout (nowMs: number): void {
    for (let peer = this.overdue.popDue(nowMs); peer !== undefined; peer = this.overdue.popDue(nowMs)) {
      this.suspect(peer, nowMs)
    }
  }

  /** Somebody did not reach a candidate: whether it holds a seat and is down. */
  isDown (known: KnownCandidate, nowMs: number): boolean {
    return this.holders.includes(known.peer) && this.verdict(known, nowMs).down
  }

  suspect (peer: string, nowMs: number): void {
    const known = this.init.shelf.get(peer)
    if (known !== undefined && this.holders.includes(peer)) {
      this.init.schedule.onSuspect(known, nowMs)
    }
  }

  verdict (known: KnownCandidate, nowMs: number, networks?: Map<string, VerifiedNetwork[]>): DownVerdict {
    const { self, shelf, panel } = this.init
    const own = known.reports.get(self)
    const aliveAtMs = known.peer === self || this.connected.has(known.peer) ? Infinity : own?.reachable === true ? own.issuedAtMs : undefined
    const isThere = (verifier: string): boolean => {
      const itself = shelf.get(verifier)
      return itself !== undefined && isLive(itself, nowMs)
    }
    return judgeDown(panel.counted(known, nowMs, networks).filter(({ report }) => isThere(report.verifier)), aliveAtMs)
  }
}
