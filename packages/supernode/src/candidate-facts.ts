/** Makes of candidacies, reports and what an elector saw itself the facts that an election looks at, and says by whom each is known. */
import { judgeDialBack } from './dial-back.ts'
import { isSpread, medianVote, votesOf, weightOfVotes } from './network-vote.ts'
import type { SuperNodeCandidate } from './candidate.ts'
import type { KnownCandidate } from './candidate-shelf.ts'
import type { DialBackRules, DialBackVerdict } from './dial-back.ts'
import type { ElectorRules } from './elector-rules.ts'
import type { Voice } from './network-vote.ts'
import type { CountedReport } from './verifier-panel.ts'
import type { ReportScore, SuperNodeReport, VerifiedNetwork } from '@skein/records'

/**
 * Where a fact is from: this elector `itself`; the median of `verifiers`; `measurements`, what they measured standing in for dealings that
 * nobody had; `nobody`.
 */
export type FactSource = 'itself' | 'verifiers' | 'measurements' | 'nobody'

export interface CandidateFacts {
  candidate: SuperNodeCandidate
  dialBack: DialBackVerdict
  sources: { age: FactSource, uptime: FactSource, reputation: FactSource }
  /** Verifiers whose reports count */
  verifiers: string[]
}

export interface CandidateFactsInit {
  rules: ElectorRules
  dialBackRules?: Partial<DialBackRules>
  /** When this elector began to listen */
  sinceMs: number
  /** This elector itself: it has seen nothing of itself as others do */
  self: string
  /** What this elector thinks of a peer by its own dealings */
  scoreOf: (peer: string, service: string) => ReportScore
}

/** Those who have a word on a reputation must be in so many networks and systems. */
const WITNESS_NETWORKS = 3
const WITNESS_SYSTEMS = 2
const DAY_MS = 86_400_000

export function factsOf (
  init: CandidateFactsInit, known: KnownCandidate, reachedAt: VerifiedNetwork[], counted: readonly CountedReport[], incumbent: boolean, nowMs: number
): CandidateFacts {
  const { peer, candidacy } = known
  const dialBack = judgeDialBack(counted.map(({ report, network }) => ({
    verifier: report.verifier, network, reachable: report.reachable, atMs: report.issuedAtMs,
    ...report.bytesPerSecond === undefined ? {} : { bytesPerSecond: report.bytesPerSecond }
  })), reachedAt, nowMs, { lifeMs: init.rules.reportLifeMs, ...init.dialBackRules })
  const age = ageOf(init, known, counted, nowMs)
  const uptime = uptimeOf(init, known, counted, nowMs)
  const reputation = reputationOf(init, peer, counted, age.value, dialBack.verified)
  return {
    candidate: {
      peer,
      networks: reachedAt,
      // reached by some and not by most is not reached
      verifiedFrom: dialBack.verified ? dialBack.verifiedFrom : 0,
      ageMs: age.value,
      uptime: uptime.value,
      reputation: reputation.value,
      measuredBytesPerSecond: dialBack.bytesPerSecond ?? 0,
      claimedBytesPerSecond: candidacy.claimedBytesPerSecond,
      incumbent
    },
    dialBack,
    sources: { age: age.source, uptime: uptime.source, reputation: reputation.source },
    verifiers: counted.map(({ report }) => report.verifier)
  }
}

interface Fact {
  value: number
  source: FactSource
}

/** Who listened before it came knows its age; who came later knows that it is no less, and asks the others. */
function ageOf (
  { self, rules, sinceMs }: CandidateFactsInit, { peer, presence }: KnownCandidate, counted: readonly CountedReport[], nowMs: number
): Fact {
  const ownMs = peer === self ? 0 : Math.max(0, nowMs - presence.firstSeenMs)
  if (peer !== self && presence.firstSeenMs - sinceMs >= rules.watchedMs) {
    return { value: ownMs, source: 'itself' }
  }
  const told = medianVote(voicesOf(counted, report => report.ageMs + Math.max(0, nowMs - report.issuedAtMs))) ?? 0
  return told > ownMs ? { value: told, source: 'verifiers' } : { value: ownMs, source: peer === self ? 'nobody' : 'itself' }
}

/**
 * What several say who looked counts before what one saw: whoever misses two messages in a row sees an absence that there was not, and electors that
 * each go by their own misses would name different holders. Who says nothing of it, as it has not watched for long, is taken to have seen what this
 * elector saw. Oneself one has always seen.
 */
function uptimeOf ({ self, rules }: CandidateFactsInit, { peer, presence }: KnownCandidate, counted: readonly CountedReport[], nowMs: number): Fact {
  const voices = voicesOf(counted, report => report.uptime)
  const own = peer === self ? 1 : presence.uptime(rules.watchedMs, nowMs)
  if (own === undefined) {
    return isMost(voices, counted) ? { value: medianVote(voices) as number, source: 'verifiers' } : { value: 0, source: 'nobody' }
  }
  const told = voices.length === 0 ? undefined : medianVote(voicesOf(counted, report => report.uptime ?? own))
  return told === undefined || !isSpread(counted.map(({ network }) => ({ network, value: 0 })), WITNESS_NETWORKS, WITNESS_SYSTEMS)
    ? { value: own, source: 'itself' }
    : { value: told, source: 'verifiers' }
}

/**
 * What the candidate is as a relay; less, when it is worse at serving models. Where this elector had dealings of its own they count, else what
 * verifiers say. For those who had none the transfers speak that were measured, one dealing for each system, though as to newcomers trust is given
 * day by day: if only those counted who say that they had dealings, a few liars would be all that is heard where nobody else had any.
 */
function reputationOf (init: CandidateFactsInit, peer: string, counted: readonly CountedReport[], ageMs: number, verified: boolean): Fact {
  const measured = measuredScore(init.rules, counted, ageMs, verified)
  const relay = scoreFor(init, peer, 'relay', counted, report => report.relay, measured) ?? measured
  const inference = scoreFor(init, peer, 'inference', counted, report => report.inference)
  const honesty = peer === init.self ? undefined : init.scoreOf(peer, 'honesty')
  const worst = [relay, inference, honesty !== undefined && honesty.dealings >= 1 && honesty.score < init.rules.newcomerScore
    ? { value: honesty.score, source: 'itself' as const }
    : undefined].filter(fact => fact !== undefined).sort((a, b) => a.value - b.value)
  return worst[0] ?? relay
}

function scoreFor (
  { self, rules, scoreOf }: CandidateFactsInit, peer: string, service: string, counted: readonly CountedReport[],
  told: (report: SuperNodeReport) => ReportScore | undefined, standIn?: Fact
): Fact | undefined {
  const own = peer === self ? undefined : scoreOf(peer, service)
  if (own !== undefined && own.dealings >= rules.minDealings) {
    return { value: own.score, source: 'itself' }
  }
  const voices = voicesOf(counted, report => scoreIn(told(report), rules))
  if (voices.length === 0 || (standIn === undefined && !isMost(voices, counted))) {
    return undefined
  }
  const heard = standIn === undefined ? voices : voicesOf(counted, report => scoreIn(told(report), rules) ?? standIn.value)
  return { value: medianVote(heard) as number, source: 'verifiers' }
}

function scoreIn (told: ReportScore | undefined, rules: ElectorRules): number | undefined {
  return told !== undefined && told.dealings >= rules.minDealings ? told.score : undefined
}

/** Whether those who say something are more than half of all votes, in enough networks: a few must not speak for those who say nothing. */
function isMost (voices: readonly Voice[], counted: readonly CountedReport[]): boolean {
  const all = weightOfVotes(votesOf(counted.map(({ network }) => ({ network, value: 0 }))))
  return isSpread(voices, WITNESS_NETWORKS, WITNESS_SYSTEMS) && weightOfVotes(votesOf(voices)) * 2 > all
}

/**
 * The expectation of the ledger of `@skein/reputation`, (1 + s) / (5 + s + 3f), over the votes of verifiers' systems. Where most have reached it,
 * those who did not are outvoted and count nothing: a failure weighs three times, and a third that slanders would have the say.
 */
function measuredScore (rules: ElectorRules, counted: readonly CountedReport[], ageMs: number, verified: boolean): Fact {
  const votesFor = (isGood: boolean): number => weightOfVotes(votesOf(counted
    .filter(({ report }) => (report.reachable && report.bytesPerSecond !== undefined) === isGood)
    .map(({ network }) => ({ network, value: 1 }))))
  const good = votesFor(true)
  if (good === 0) {
    return { value: rules.newcomerScore, source: 'nobody' }
  }
  const expected = (1 + good) / (5 + good + (verified ? 0 : 3 * votesFor(false)))
  return { value: Math.min(expected, rules.newcomerScore + rules.risePerDay * ageMs / DAY_MS), source: 'measurements' }
}

function voicesOf (counted: readonly CountedReport[], valueOf: (report: SuperNodeReport) => number | undefined): Voice[] {
  return counted.flatMap(({ report, network }) => {
    const value = valueOf(report)
    return value === undefined ? [] : [{ network, value }]
  })
}
