/**
 * What an elector knows of a region's volunteers, and who has the seats by that: candidacies, reports of verifiers drawn by lot, leases, and what it
 * saw itself (docs/specs/super-nodes.md, sections 5 to 7). One that is a volunteer too is drawn as a verifier itself.
 */
import { BoundedMap, randomBelow, TimerTable } from '@skein/core'
import { MAX_REPORT_AGE_MS } from '@skein/records'
import { factsOf } from './candidate-facts.ts'
import { CandidateShelf, isLive } from './candidate-shelf.ts'
import { judgeDown } from './down-verdict.ts'
import { electorRules } from './elector-rules.ts'
import { electSuperNodes } from './election.ts'
import { isSpread } from './network-vote.ts'
import { SeatLeases } from './seat-leases.ts'
import { VerificationSchedule } from './verification-schedule.ts'
import { VerifierDraw } from './verifier-draw.ts'
import { VerifierPanel } from './verifier-panel.ts'
import type { SuperNodeCandidate } from './candidate.ts'
import type { CandidateFacts } from './candidate-facts.ts'
import type { CandidacyNews, CandidacyRefusal, KnownCandidate } from './candidate-shelf.ts'
import type { DialBackRules } from './dial-back.ts'
import type { DownVerdict } from './down-verdict.ts'
import type { ElectorRules } from './elector-rules.ts'
import type { Election, ElectionVerdict } from './election.ts'
import type { ElectionRules } from './election-rules.ts'
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
  rules?: Partial<ElectorRules>
  electionRules?: Partial<ElectionRules>
  dialBackRules?: Partial<DialBackRules>
  beaconOf?: (day: number) => string
  lot?: VerifierDrawInit['lot']
}

/** What a verification found. */
export interface Verification {
  reachable: boolean
  networks: readonly VerifiedNetwork[]
  bytesPerSecond?: number
}

/**
 * - `candidacy`: sign this peer's candidacy, publish it, and give it to `onCandidacy`
 * - `verify`: dial this candidate and measure, and say with `onVerified` what was found
 * - `report`: sign and publish this; it may have been published before
 * - `watch`: keep a connection to these, so that it is seen when one dies
 * - `election`: an election was held; whether it names others than the one before
 */
export type BoardEffect =
  | { type: 'candidacy' }
  | { type: 'verify', peer: string, addresses: string[] }
  | { type: 'report', report: SuperNodeReport }
  | { type: 'watch', peers: Array<{ peer: string, addresses: string[] }> }
  | { type: 'election', election: Election, changed: boolean }

/** What is known of a candidate, by whom, and what is missing. */
export interface CandidateExplanation extends CandidateFacts {
  peer: string
  /** Of its own word; expired or taken back, it is no candidate */
  candidacy: SuperNodeCandidacy
  live: boolean
  down: DownVerdict
  reports: Array<{ verifier: string, reachable: boolean, atMs: number, network: VerifiedNetwork | undefined, counted: boolean }>
  /** How the last election judged it; `undefined` when it was no candidate then */
  verdict: ElectionVerdict | undefined
}

/** Own reports said again at once. */
const MAX_REPEATED = 64
const MAX_NETWORKS = 4
/** Peers whose connection is known; beyond it one loses the advantage of seeing at once that they are alive. */
const MAX_CONNECTED = 4096
/** A holder that has not renewed by then may be dead: half the life of a lease, and this part of it. */
const RENEWAL_SLACK = 0.6

export class ElectorBoard implements Machine<BoardEffect> {
  readonly rules: ElectorRules
  private readonly init: ElectorBoardInit
  private readonly random: Random
  private readonly sinceMs: number
  private readonly shelf: CandidateShelf
  private readonly panel: VerifierPanel
  private readonly schedule: VerificationSchedule
  private readonly leases = new SeatLeases()
  private readonly connected = new BoundedMap<string, true>({ maxSize: MAX_CONNECTED })
  /** When a sign of life of a holder is overdue, and when it is to be decided whether one is down */
  private readonly overdue = new TimerTable<string>()
  private readonly deciding = new TimerTable<string>()
  private readonly effects: BoardEffect[] = []
  private election?: Election
  private before: readonly string[] = []
  private watched = ''
  private candidacyAtMs?: number
  private repeatAtMs: number
  private electAtMs: number

  /** @throws {RangeError} for rules that contradict each other */
  constructor (init: ElectorBoardInit, random: Random, nowMs: number) {
    this.init = init
    this.random = random
    this.rules = electorRules(init.rules)
    this.sinceMs = nowMs
    const { self, networkOf, networkOfPeer, beaconOf, lot } = init
    const { rules } = this
    const draw = new VerifierDraw({ periodMs: rules.periodMs, beaconOf, lot })
    this.shelf = new CandidateShelf({ rules, networkOf, isKept: (known, atMs) => known.peer === self || this.isReached(known, atMs) })
    this.panel = new VerifierPanel({ self, rules, draw, shelf: this.shelf, networkOfPeer })
    this.schedule = new VerificationSchedule({ self, rules, draw, shelf: this.shelf, panel: this.panel, random, sinceMs: nowMs })
    this.repeatAtMs = nowMs + rules.repeatMs / 2 + this.jitter(rules.repeatMs / 2)
    this.electAtMs = this.nextElectionMs(nowMs)
  }

  /** Whether it has listened for long enough to say who is elected. */
  isReady (nowMs: number): boolean {
    return nowMs - this.sinceMs >= this.rules.listenMs
  }

  /** The election that holds now; `undefined` before the first. */
  get current (): Election | undefined {
    return this.election
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
      if (known.reports.get(this.init.self)?.reachable === false) {
        this.schedule.onSuspect(known, nowMs)
      }
      this.expectSign(peer, nowMs)
    }
    return news
  }

  /** A report whose signature and life were checked. Says whether it is kept: its verifier was drawn, and it is news. */
  onReport (report: SuperNodeReport, nowMs: number): boolean {
    const known = this.shelf.get(report.candidate)
    const isOwn = report.verifier === this.init.self
    if (known === undefined || report.region !== this.init.region || !this.shelf.isNews(report)) {
      return false
    }
    if (!isOwn && !this.panel.maySpeak(known, report, nowMs)) {
      return false
    }
    known.reports.set(report.verifier, report)
    if (!report.reachable && this.election?.has(report.candidate) === true) {
      if (!isOwn) {
        this.schedule.onSuspect(known, nowMs)
      }
      this.decide(known, nowMs)
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
    this.expectSign(peer, nowMs)
    return refusal
  }

  /** What came of a `verify`; `undefined` when that cannot be said, as this peer is cut off itself. */
  onVerified (peer: string, found: Verification | undefined, nowMs: number): void {
    const { self, region, scoreOf } = this.init
    const known = this.shelf.get(peer)
    const itself = this.shelf.get(self)
    if (found !== undefined && known !== undefined && itself !== undefined && isLive(itself, nowMs)) {
      const issuedAtMs = Math.floor(nowMs)
      const uptime = known.presence.uptime(this.rules.watchedMs, nowMs)
      const [relay, inference] = [scoreOf(peer, 'relay'), scoreOf(peer, 'inference')]
      const report: SuperNodeReport = {
        verifier: self, candidate: peer, region, reachable: found.reachable, networks: found.networks.slice(0, MAX_NETWORKS),
        ...found.bytesPerSecond === undefined ? {} : { bytesPerSecond: Math.floor(found.bytesPerSecond) },
        ageMs: Math.min(MAX_REPORT_AGE_MS, Math.floor(Math.max(0, nowMs - known.presence.firstSeenMs))),
        ...uptime === undefined ? {} : { uptime },
        ...relay.dealings < 1 ? {} : { relay },
        ...inference.dealings < 1 ? {} : { inference },
        issuedAtMs, expiresAtMs: issuedAtMs + this.rules.reportLifeMs
      }
      this.effects.push({ type: 'report', report })
      this.onReport(report, nowMs)
    }
    this.schedule.onVerified(peer, nowMs)
    this.look(nowMs)
  }

  onConnected (peer: string): void {
    this.connected.set(peer, true)
  }

  onDisconnected (peer: string, nowMs: number): void {
    const known = this.shelf.get(peer)
    if (this.connected.delete(peer) && known !== undefined && this.election?.has(peer) === true) {
      this.schedule.onSuspect(known, nowMs)
    }
  }

  onTimeout (nowMs: number): void {
    if (this.candidacyAtMs !== undefined && nowMs >= this.candidacyAtMs) {
      this.candidacyAtMs = nowMs + this.rules.candidacyMs * 0.95 + this.jitter(this.rules.candidacyMs * 0.1)
      this.effects.push({ type: 'candidacy' })
    }
    if (nowMs >= this.repeatAtMs) {
      this.repeatAtMs = nowMs + this.rules.repeatMs * 0.9 + this.jitter(this.rules.repeatMs * 0.2)
      this.repeat(nowMs)
    }
    for (let peer = this.overdue.popDue(nowMs); peer !== undefined; peer = this.overdue.popDue(nowMs)) {
      const known = this.shelf.get(peer)
      if (known !== undefined && this.election?.has(peer) === true) {
        this.schedule.onSuspect(known, nowMs)
      }
    }
    for (let peer = this.deciding.popDue(nowMs); peer !== undefined; peer = this.deciding.popDue(nowMs)) {
      const known = this.shelf.get(peer)
      if (known !== undefined && this.election?.has(peer) === true) {
        this.decide(known, nowMs)
      }
    }
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
    const times = [this.candidacyAtMs, this.repeatAtMs, this.electAtMs, this.overdue.nextMs(), this.deciding.nextMs(), this.schedule.nextTimeoutMs()]
    return Math.min(...times.filter(time => time !== undefined))
  }

  /** The candidates as an election is to see them: those that are there and not down. */
  candidates (nowMs: number): SuperNodeCandidate[] {
    const networks = new Map<string, VerifiedNetwork[]>()
    return this.shelf.live(nowMs)
      .filter(known => !this.downVerdict(known, nowMs, networks).down)
      .map(known => this.facts(known, nowMs, networks).candidate)
  }

  /** Elects anew, with what is known now. */
  elect (nowMs: number): Election {
    const { region, peersOfRegion, electionRules, beaconOf } = this.init
    const { election: last } = this
    const election = electSuperNodes({ candidates: this.candidates(nowMs), peers: peersOfRegion(), region, rules: electionRules, beaconOf }, nowMs)
    this.election = election
    const peers = election.elected.map(({ peer }) => peer)
    this.before = last?.elected.map(({ peer }) => peer) ?? []
    this.leases.onElected(peers, nowMs)
    this.watch(peers, nowMs)
    peers.forEach(peer => { this.expectSign(peer, nowMs) })
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
    const leases = this.seated(nowMs).map(({ envelope }) => Uint8Array.from(envelope))
    return { leases, peers: this.init.peersOfRegion() }
  }

  /** The good leases of those that are elected. */
  seated (nowMs: number): SignedSuperNodeLease[] {
    return this.leases.usable(this.election?.elected.map(({ peer }) => peer) ?? [], nowMs)
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
    const down = this.downVerdict(known, nowMs, networks)
    return { ...facts, peer, candidacy: known.candidacy, live: isLive(known, nowMs), down, reports, verdict: this.election?.explain(peer) }
  }

  private facts (known: KnownCandidate, nowMs: number, networks: Map<string, VerifiedNetwork[]>): CandidateFacts {
    const { self, scoreOf, dialBackRules } = this.init
    const { rules, sinceMs } = this
    const counted = this.panel.counted(known, nowMs, networks)
    const incumbent = this.leases.useOf(known.peer, nowMs) === 'usable'
    return factsOf({ self, rules, sinceMs, scoreOf, dialBackRules }, known, this.panel.reachedAt(known, counted), counted, incumbent, nowMs)
  }

  private downVerdict (known: KnownCandidate, nowMs: number, networks?: Map<string, VerifiedNetwork[]>): DownVerdict {
    const { self } = this.init
    const own = known.reports.get(self)
    const aliveAtMs = known.peer === self || this.connected.has(known.peer) ? nowMs : own?.reachable === true ? own.issuedAtMs : undefined
    return judgeDown(this.panel.counted(known, nowMs, networks), aliveAtMs, this.rules, nowMs)
  }

  /** A holder was not reached by somebody: elects anew when it is down, and asks itself again when others have had time to look. */
  private decide (known: KnownCandidate, nowMs: number): void {
    const { down, decideAtMs } = this.downVerdict(known, nowMs)
    if (down) {
      this.elect(nowMs)
    } else if (decideAtMs !== undefined) {
      this.deciding.set(known.peer, decideAtMs)
    }
  }

  private isReached (known: KnownCandidate, nowMs: number): boolean {
    const voices = this.panel.fresh(known, nowMs).filter(({ report }) => report.reachable).map(({ network }) => ({ network, value: 1 }))
    return isSpread(voices, 2, 2)
  }

  /** Holders renew their leases and speak as candidates: when both should have come, one looks. */
  private expectSign (peer: string, nowMs: number): void {
    const known = this.shelf.get(peer)
    if (known === undefined || this.election?.has(peer) !== true || peer === this.init.self) {
      this.overdue.delete(peer)
      return
    }
    const lease = this.leases.newestOf(peer)?.lease
    const renewalMs = lease === undefined ? Infinity : lease.issuedAtMs + (lease.expiresAtMs - lease.issuedAtMs) * RENEWAL_SLACK
    const atMs = Math.min(renewalMs, known.heardMs + 1.25 * this.rules.candidacyMs)
    if (atMs > nowMs) {
      this.overdue.set(peer, atMs)
    }
  }

  private watch (peers: readonly string[], nowMs: number): void {
    const { self } = this.init
    const itself = this.shelf.get(self)
    const mine = itself === undefined || !isLive(itself, nowMs) ? [] : peers.flatMap(peer => {
      const known = this.shelf.get(peer)
      const place = known === undefined ? undefined : this.panel.placeOf(known, self, nowMs, nowMs)
      return known === undefined || place === undefined || place >= this.rules.verifiers ? [] : [{ peer, addresses: known.candidacy.addresses }]
    })
    const names = mine.map(({ peer }) => peer).join()
    if (names !== this.watched) {
      this.watched = names
      this.effects.push({ type: 'watch', peers: mine })
    }
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
