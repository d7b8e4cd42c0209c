/**
 * When a verifier looks at which candidate: once a period where it was drawn, later where others that were drawn have not looked, at once where one
 * may be dead.
 */
import { BoundedMap, randomBelow, TimerTable } from '@skein/core'
import { isLive, MAX_LIVE_CANDIDATES } from './candidate-shelf.ts'
import { PANEL_FACTOR } from './elector-rules.ts'
import { isSpread } from './network-vote.ts'
import type { CandidateShelf, KnownCandidate } from './candidate-shelf.ts'
import type { ElectorRules } from './elector-rules.ts'
import type { VerifierDraw } from './verifier-draw.ts'
import type { VerifierPanel } from './verifier-panel.ts'
import type { Random } from '@skein/core'

export interface VerificationScheduleInit {
  self: string
  rules: ElectorRules
  draw: VerifierDraw
  shelf: CandidateShelf
  panel: VerifierPanel
  random: Random
  sinceMs: number
}

/** Looked at at once: what is measured must not be slowed down by what else is. */
const MAX_AT_ONCE = 2
/** Doublings of the pause between looks at a suspect. */
const MAX_ALARMS = 5
/** Networks that are enough, so that nobody has to step in. */
const ENOUGH_NETWORKS = 3
const ENOUGH_SYSTEMS = 2

export class VerificationSchedule {
  private readonly init: VerificationScheduleInit
  private readonly due = new TimerTable<string>()
  /** Those whose next look is because they may be dead */
  private readonly suspects = new Set<string>()
  private readonly underWay = new Set<string>()
  /** How often one was suspected in vain since the last look that was due: else who slanders would have all measure all day */
  private readonly alarms = new BoundedMap<string, number>({ maxSize: MAX_LIVE_CANDIDATES })

  constructor (init: VerificationScheduleInit) {
    this.init = init
  }

  /** A candidate is there, or again there. */
  onCandidate (peer: string, nowMs: number): void {
    if (peer !== this.init.self && this.due.deadlineOf(peer) === undefined && !this.underWay.has(peer)) {
      this.due.set(peer, Math.max(nowMs, this.listenedAtMs()) + this.spread())
    }
  }

  /** It may be dead: one that was drawn to look at it, or whose word on it counts, does so at once. */
  onSuspect (known: KnownCandidate, nowMs: number): void {
    const { self, rules, panel } = this.init
    if (!this.isVerifier(nowMs)) {
      return
    }
    const place = panel.placeOf(known, self, nowMs, nowMs)
    const lastMs = known.reports.get(self)?.issuedAtMs
    const hasSaid = lastMs !== undefined && nowMs - lastMs < rules.reportLifeMs
    const isDrawn = place !== undefined && place < rules.verifiers
    if ((!hasSaid && !isDrawn) || this.underWay.has(known.peer) || this.suspects.has(known.peer) || !isLive(known, nowMs)) {
      return
    }
    this.suspects.add(known.peer)
    const soonestMs = lastMs === undefined ? nowMs : Math.max(nowMs, lastMs + rules.recheckMs * 2 ** (this.alarms.get(known.peer) ?? 0))
    this.due.set(known.peer, soonestMs + randomBelow(this.init.random, 1 + Math.min(1_000, rules.spreadMs)))
  }

  /** The next one to look at now. */
  take (nowMs: number): KnownCandidate | undefined {
    while (this.underWay.size < MAX_AT_ONCE) {
      const peer = this.due.popDue(nowMs)
      if (peer === undefined) {
        return undefined
      }
      const isSuspect = this.suspects.delete(peer)
      const known = this.init.shelf.get(peer)
      if (known !== undefined && isLive(known, nowMs)) {
        const atMs = isSuspect ? nowMs : this.wantedAtMs(known, nowMs)
        if (atMs <= nowMs) {
          this.countAlarm(peer, isSuspect)
          this.underWay.add(peer)
          return known
        }
        this.due.set(peer, atMs)
      }
    }
    return undefined
  }

  onVerified (peer: string, nowMs: number): void {
    this.underWay.delete(peer)
    const known = this.init.shelf.get(peer)
    if (known?.reports.get(this.init.self)?.reachable === false) {
      this.alarms.delete(peer)
    }
    if (known !== undefined && isLive(known, nowMs) && this.due.deadlineOf(peer) === undefined) {
      this.due.set(peer, this.nextPeriodMs(peer, nowMs))
    }
  }

  nextTimeoutMs (): number | undefined {
    return this.underWay.size < MAX_AT_ONCE ? this.due.nextMs() : undefined
  }

  /** When this verifier has to look: now, or later. */
  private wantedAtMs (known: KnownCandidate, nowMs: number): number {
    const { self, rules, draw, panel } = this.init
    const period = draw.periodOf(known.peer, nowMs)
    const ownMs = known.reports.get(self)?.issuedAtMs
    const place = panel.placeOf(known, self, nowMs, nowMs)
    const hasLooked = ownMs !== undefined && draw.periodOf(known.peer, ownMs) === period
    if (!this.isVerifier(nowMs) || hasLooked || place === undefined || place >= PANEL_FACTOR * rules.verifiers) {
      return this.nextPeriodMs(known.peer, nowMs)
    }
    const round = Math.floor(place / rules.verifiers)
    if (round === 0) {
      return nowMs
    }
    const inPeriod = panel.fresh(known, nowMs).filter(({ report }) => report.reachable && draw.periodOf(known.peer, report.issuedAtMs) === period)
    if (isSpread(inPeriod.map(({ network }) => ({ network, value: 1 })), ENOUGH_NETWORKS, ENOUGH_SYSTEMS)) {
      return this.nextPeriodMs(known.peer, nowMs)
    }
    const beganMs = Math.max(draw.startOf(known.peer, period), known.presence.firstSeenMs, this.listenedAtMs())
    return Math.max(nowMs, beganMs + round * rules.moreVerifiersMs + place % rules.verifiers / rules.verifiers * rules.spreadMs)
  }

  private countAlarm (peer: string, isSuspect: boolean): void {
    if (isSuspect) {
      this.alarms.set(peer, Math.min(MAX_ALARMS, (this.alarms.get(peer) ?? -1) + 1))
    } else {
      this.alarms.delete(peer)
    }
  }

  /** Only volunteers are asked to look. */
  private isVerifier (nowMs: number): boolean {
    const itself = this.init.shelf.get(this.init.self)
    return itself !== undefined && isLive(itself, nowMs)
  }

  private nextPeriodMs (peer: string, nowMs: number): number {
    const { draw } = this.init
    return draw.startOf(peer, draw.periodOf(peer, nowMs) + 1) + 1 + this.spread()
  }

  /** Who has just begun to listen knows few volunteers, and would think itself drawn for all. */
  private listenedAtMs (): number {
    return this.init.sinceMs + this.init.rules.candidacyMs
  }

  private spread (): number {
    return randomBelow(this.init.random, 1 + Math.floor(this.init.rules.spreadMs))
  }
}
