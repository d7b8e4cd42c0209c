/**
 * What an elector knows of a region's volunteers, and who has the seats by that: candidacies, reports of verifiers drawn by lot, leases, and what it
 * saw itself (docs/specs/super-nodes.md, sections 5 to 8). One that is a volunteer too is drawn as a verifier itself.
 */
import { randomBelow } from '@skein/core'
import { factsOf } from './candidate-facts.ts'
import { CandidateShelf, isLive } from './candidate-shelf.ts'
import { electSuperNodes } from './election.ts'
import { electorRules } from './elector-rules.ts'
import { HolderWatch } from './holder-watch.ts'
import { isSpread } from './network-vote.ts'
import { SeatLeases } from './seat-leases.ts'
import { VerificationSchedule } from './verification-schedule.ts'
import { VerifierDraw } from './verifier-draw.ts'
import { VerifierPanel } from './verifier-panel.ts'
import { reportOn } from './verifier-report.ts'
import type { BoardEffect, CandidateExplanation, Verification } from './board-effect.ts'
import type { CandidateFacts } from './candidate-facts.ts'
import type { CandidacyNews, CandidacyRefusal, KnownCandidate } from './candidate-shelf.ts'
import type { SuperNodeCandidate } from './candidate.ts'
import type { DialBackRules } from './dial-back.ts'
import type { ElectionRules } from './election-rules.ts'
import type { Election } from './election.ts'
import type { ElectorRules } from './elector-rules.ts'
import type { ElectedLeases } from './lease-answer.ts'
import type { LeaseRefusal } from './lease-book.ts'
import type { VerifierDrawInit } from './verifier-draw.ts'
import type { Machine, Random } from '@skein/core'
import type { ReportScore, SignedSuperNodeLease, SuperNodeCandidacy, SuperNodeReport, VerifiedNetwork } from '@skein/records'

export interface ElectorBoardInit {
  /** This peer, as text */
  self: string
  region: string
  /** /24, /16 and system of an address; `undefined` for one that is not public */
  networkOf: (address: string) => VerifiedNetwork | undefined
  /** Where this peer saw another one itself */
  networkOfPeer: (peer: string) => VerifiedNetwork | undefined
  /** What this peer thinks of another by its own dealings */
  scoreOf: (peer: string, service: string) => ReportScore
  /** Peers of the region, which give the number of seats */
  peersOfRegion: () => number
  /** How electors come by what they know. All of a region must have the same */
  rules?: Partial<ElectorRules>
  /** Who may be elected. All electors of a region must have the same */
  electionRules?: Partial<ElectionRules>
  dialBackRules?: Partial<DialBackRules>
  /** As of `electSuperNodes`. @default none: lots can be ground */
  beaconOf?: (day: number) => string
  /** @default verifierLot */
  lot?: VerifierDrawInit['lot']
}

/** Own reports said again at once. */
const MAX_REPEATED = 64
/** A candidate that was reached from so many networks and systems is not pushed out by a flood of others. */
const KEPT_FROM = 2

export class ElectorBoard implements Machine<BoardEffect> {
  readonly rules: ElectorRules
  private readonly init: ElectorBoardInit
  private readonly random: Random
  private readonly sinceMs: number
  private readonly shelf: CandidateShelf
  private readonly panel: VerifierPanel
  private readonly schedule: VerificationSchedule
  private readonly holders: HolderWatch
  private readonly leases = new SeatLeases()
  private readonly effects: BoardEffect[] = []
  private election?: Election
  private before: readonly string[] = []
  private candidacyAtMs?: number
  private repeatAtMs: number
  private electAtMs: number

  /** @throws {RangeError} for rules that contradict each other */
  constructor (init: ElectorBoardInit, random: Random, nowMs: number) {
    const { self, networkOf, networkOfPeer, beaconOf, lot } = init
    const rules = electorRules(init.rules)
    const draw = new VerifierDraw({ periodMs: rules.periodMs, beaconOf, lot })
    const shelf = new CandidateShelf({ rules, networkOf, isKept: (known, atMs) => known.peer === self || this.isReached(known, atMs) })
    const panel = new VerifierPanel({ self, rules, draw, shelf, networkOfPeer })
    const schedule = new VerificationSchedule({ self, rules, draw, shelf, panel, random, sinceMs: nowMs })
    this.init = init
    this.random = random
    this.rules = rules
    this.sinceMs = nowMs
    this.shelf = shelf
    this.panel = panel
    this.schedule = schedule
    this.holders = new HolderWatch({ self, rules, shelf, panel, schedule })
    this.repeatAtMs = nowMs + rules.repeatMs / 2 + this.jitter(rules.repeatMs / 2)
    this.electAtMs = this.nextElectionMs(nowMs)
  }

  /** The election that holds now; `undefined` before the first. */
  get current (): Election | undefined {
    return this.election
  }

  /** Whether it has listened for long enough to say who is elected. */
  isReady (nowMs: number): boolean {
    return nowMs - this.sinceMs >= this.rules.listenMs
  }

  /** Whether its candidacy is known and not over; who took it back has a lease to give back too. */
  isVolunteer (peer: string, nowMs: number): boolean {
    const known = this.shelf.get(peer)
    return known !== undefined && nowMs < known.candidacy.expiresAtMs
  }

  /** Whether this elector names a peer; nobody before it is ready. */
  elects (peer: string, nowMs: number): boolean {
    return this.isReady(nowMs) && this.election?.has(peer) === true
  }

  /** This peer begins to be a volunteer, or ends; its candidacy that is taken back is for the driver to publish. */
  onVolunteering (willing: boolean, nowMs: number): void {
    this.candidacyAtMs = willing ? nowMs : undefined
  }

  /** A candidacy whose signature and life were checked, this peer's own too. */
  onCandidacy (candidacy: SuperNodeCandidacy, nowMs: number): CandidacyNews | CandidacyRefusal | 'region' {
    const { peer, region } = candidacy
    if (region !== this.init.region) {
      return 'region'
    }
    const news = this.shelf.onCandidacy(candidacy, peer === this.init.self, nowMs)
    const known = this.shelf.get(peer)
    if (news === 'withdrawn' && this.election?.has(peer) === true) {
      this.elect(nowMs)
    } else if ((news === 'new' || news === 'renewed') && known !== undefined) {
      this.schedule.onCandidate(peer, nowMs)
      // it speaks again, and this verifier has said that it cannot be reached
      if (known.reports.get(this.init.self)?.reachable === false) {
        this.schedule.onSuspect(known, nowMs)
      }
      this.holders.expectSign(peer, this.leases.newestOf(peer)?.lease, nowMs)
    }
    return news
  }

  /** A report whose signature and life were checked. Says whether it is kept: its verifier was drawn, and it is news. */
  onReport (report: SuperNodeReport, nowMs: number): boolean {
    const known = this.shelf.get(report.candidate)
    if (known === undefined || report.region !== this.init.region || !this.shelf.isNews(report)) {
      return false
    }
    const isOwn = report.verifier === this.init.self
    const drawnAtMs = this.panel.drawnAtMs(known, report, nowMs)
    if (drawnAtMs === undefined) {
      return false
    }
    known.drawnAtMs.set(report.verifier, drawnAtMs)
    const before = known.reports.get(report.verifier)
    known.reports.set(report.verifier, report)
    if (!report.reachable) {
      if (!isOwn && before?.reachable !== false) {
        this.holders.suspect(report.candidate, nowMs)
      }
      if (this.holders.isDown(known, nowMs)) {
        this.elect(nowMs)
      }
    }
    return true
  }

  /** A lease whose signature and life were checked. */
  onLease (signed: SignedSuperNodeLease, nowMs: number): LeaseRefusal | 'region' | undefined {
    const { peer, region } = signed.lease
    if (region !== this.init.region) {
      return 'region'
    }
    const refusal = this.leases.onLease(signed, this.election?.has(peer) === true || this.before.includes(peer), nowMs)
    this.holders.expectSign(peer, this.leases.newestOf(peer)?.lease, nowMs)
    return refusal
  }

  /** What came of a `verify`; `undefined` when that cannot be said, as this peer is cut off itself. */
  onVerified (peer: string, found: Verification | undefined, nowMs: number): void {
    const known = this.shelf.get(peer)
    if (found !== undefined && known !== undefined && this.isVolunteer(this.init.self, nowMs)) {
      const report = reportOn(known, found, { ...this.init, rules: this.rules }, nowMs)
      if (found.bytesPerSecond !== undefined) {
        known.measured = { bytesPerSecond: found.bytesPerSecond, atMs: nowMs }
      }
      this.effects.push({ type: 'report', report })
      this.onReport(report, nowMs)
    }
    this.schedule.onVerified(peer, nowMs)
    this.look(nowMs)
  }

  onConnected (peer: string): void {
    this.holders.onConnected(peer)
  }

  onDisconnected (peer: string, nowMs: number): void {
    this.holders.onDisconnected(peer, nowMs)
  }

  onTimeout (nowMs: number): void {
    const { rules } = this
    if (this.candidacyAtMs !== undefined && nowMs >= this.candidacyAtMs) {
      this.candidacyAtMs = nowMs + rules.candidacyMs * 0.95 + this.jitter(rules.candidacyMs * 0.1)
      this.effects.push({ type: 'candidacy' })
    }
    if (nowMs >= this.repeatAtMs) {
      this.repeatAtMs = nowMs + rules.repeatMs * 0.9 + this.jitter(rules.repeatMs * 0.2)
      this.repeat(nowMs)
    }
    this.holders.onTimeout(nowMs)
    if (nowMs >= this.electAtMs) {
      this.electAtMs = this.nextElectionMs(nowMs)
      this.shelf.forget(nowMs)
      this.elect(nowMs)
    }
    this.look(nowMs)
  }

  poll (): BoardEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const times = [this.candidacyAtMs, this.repeatAtMs, this.electAtMs, this.holders.nextTimeoutMs(), this.schedule.nextTimeoutMs()]
    return Math.min(...times.filter(time => time !== undefined))
  }

  /** The candidates as an election is to see them: those that are there and not down. */
  candidates (nowMs: number): SuperNodeCandidate[] {
    const networks = new Map<string, VerifiedNetwork[]>()
    return this.shelf.live(nowMs)
      .filter(known => !this.holders.verdict(known, nowMs, networks).down)
      .map(known => this.facts(known, nowMs, networks).candidate)
  }

  /** Elects anew, with what is known now. */
  elect (nowMs: number): Election {
    const { region, peersOfRegion, electionRules, beaconOf } = this.init
    const election = electSuperNodes({ candidates: this.candidates(nowMs), peers: peersOfRegion(), region, rules: electionRules, beaconOf }, nowMs)
    this.before = this.names()
    this.election = election
    const peers = this.names()
    this.leases.onElected(peers, nowMs)
    const watched = this.holders.onElection(peers, nowMs)
    if (watched !== undefined) {
      this.effects.push({ type: 'watch', peers: watched })
    }
    peers.forEach(peer => { this.holders.expectSign(peer, this.leases.newestOf(peer)?.lease, nowMs) })
    this.effects.push({ type: 'election', election, changed: peers.join() !== this.before.join() })
    return election
  }

  /** What an elector answers who asks: the leases of those that it elects. */
  answer (region: string, nowMs: number): ElectedLeases {
    if (region !== this.init.region) {
      return { refusal: 'region' }
    }
    if (!this.isReady(nowMs) || this.election === undefined) {
      return { refusal: 'not_ready', retryAfterMs: Math.ceil(Math.max(1_000, this.sinceMs + this.rules.listenMs - nowMs)) }
    }
    return { leases: this.seated(nowMs).map(({ envelope }) => Uint8Array.from(envelope)), peers: this.init.peersOfRegion() }
  }

  /** The good leases of those that are elected. */
  seated (nowMs: number): SignedSuperNodeLease[] {
    return this.leases.usable(this.names(), nowMs)
  }

  /** `undefined` for a peer that never was a candidate, or that was forgotten. */
  explain (peer: string, nowMs: number): CandidateExplanation | undefined {
    const known = this.shelf.get(peer)
    if (known === undefined) {
      return undefined
    }
    const networks = new Map<string, VerifiedNetwork[]>()
    const facts = this.facts(known, nowMs, networks)
    const reports = [...known.reports.values()].map(({ verifier, reachable, issuedAtMs }) => ({
      verifier, reachable, atMs: issuedAtMs, network: this.panel.networksOf(verifier, networks)[0], counted: facts.verifiers.includes(verifier)
    }))
    const down = this.holders.verdict(known, nowMs, networks)
    return { ...facts, peer, candidacy: known.candidacy, live: isLive(known, nowMs), down, reports, verdict: this.election?.explain(peer) }
  }

  private facts (known: KnownCandidate, nowMs: number, networks: Map<string, VerifiedNetwork[]>): CandidateFacts {
    const { self, scoreOf, dialBackRules } = this.init
    const { rules, sinceMs } = this
    const counted = this.panel.counted(known, nowMs, networks)
    const incumbent = this.leases.useOf(known.peer, nowMs) === 'usable'
    return factsOf({ self, rules, sinceMs, scoreOf, dialBackRules }, known, this.panel.reachedAt(known, counted), counted, incumbent, nowMs)
  }

  private names (): string[] {
    return this.election?.elected.map(({ peer }) => peer) ?? []
  }

  private isReached (known: KnownCandidate, nowMs: number): boolean {
    const voices = this.panel.fresh(known, nowMs).filter(({ report }) => report.reachable).map(({ network }) => ({ network, value: 1 }))
    return isSpread(voices, KEPT_FROM, KEPT_FROM)
  }

  private repeat (nowMs: number): void {
    const own = this.shelf.live(nowMs).flatMap(({ reports }) => reports.get(this.init.self) ?? []).filter(({ expiresAtMs }) => expiresAtMs > nowMs)
    for (const report of own.sort((a, b) => b.issuedAtMs - a.issuedAtMs).slice(0, MAX_REPEATED)) {
      this.effects.push({ type: 'report', report })
    }
  }

  private look (nowMs: number): void {
    for (let known = this.schedule.take(nowMs); known !== undefined; known = this.schedule.take(nowMs)) {
      this.effects.push({ type: 'verify', peer: known.peer, addresses: known.candidacy.addresses })
    }
  }

  private nextElectionMs (nowMs: number): number {
    return (Math.floor(nowMs / this.rules.electionMs) + 1) * this.rules.electionMs
  }

  private jitter (rangeMs: number): number {
    return randomBelow(this.random, 1 + Math.floor(rangeMs))
  }
}
