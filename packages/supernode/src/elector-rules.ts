/** How an elector comes by what it knows of candidates: how often they speak, who looks at them, and whose word counts how much. */
import { MAX_CANDIDACY_LIFE_MS, MAX_REPORT_LIFE_MS } from '@skein/records'
import { TERM_MS } from './election.ts'

export interface ElectorRules {
  /** How often a volunteer says that it is a candidate, ms. Its word lives three times as long. @default 600_000 */
  candidacyMs: number
  /** For so long the verifiers that were drawn for a candidate are the same, ms. @default 7_200_000 */
  periodMs: number
  /** Verifiers drawn for a candidate and period, and the most of a period whose reports count. @default 7 */
  verifiers: number
  /** When too few have reported, as many again look after this, ms; twice. @default 600_000 */
  moreVerifiersMs: number
  /** Within this a verifier looks at a time of its own, so that a candidate is not measured by all at once, ms. @default 60_000 */
  spreadMs: number
  /** How often a verifier says again what it found, for those that came late or missed it, ms. @default 1_800_000 */
  repeatMs: number
  /** For so long a report counts, ms. @default 21_600_000 */
  reportLifeMs: number
  /** An elector that has not listened for this long answers nobody, ms: by then all was said once. @default 1_860_000 */
  listenMs: number
  /** How often an election is held, at multiples of it, ms. All electors of a region must have the same. @default 600_000 */
  electionMs: number
  /** A verifier looks at a suspect again after this at the soonest, ms; after twice as long with each false alarm. @default 30_000 */
  recheckMs: number
  /** Dealings from which on a score counts. @default 10 */
  minDealings: number
  /** For so long one has to be watched until what is known of its uptime counts, ms. @default 7_200_000 */
  watchedMs: number
  /** What one weighs of whom nobody had dealings. @default 0.2 */
  newcomerScore: number
  /** By so much what verifiers measured lets a score rise with each day of age. @default 0.1 */
  risePerDay: number
}

export const ELECTOR_RULES: ElectorRules = {
  candidacyMs: 600_000,
  periodMs: 7_200_000,
  verifiers: 7,
  moreVerifiersMs: 600_000,
  spreadMs: 60_000,
  repeatMs: 1_800_000,
  reportLifeMs: MAX_REPORT_LIFE_MS,
  listenMs: 1_860_000,
  electionMs: TERM_MS,
  recheckMs: 30_000,
  minDealings: 10,
  watchedMs: 7_200_000,
  newcomerScore: 0.2,
  risePerDay: 0.1
}

/** Times as many verifiers as are drawn may step in. */
export const PANEL_FACTOR = 3

/** Networks that must say that a candidate is not reached any more, and the systems that they are in. */
export const DOWN_NETWORKS = 3
export const DOWN_SYSTEMS = 2

export function candidacyLifeMs (rules: ElectorRules): number {
  return Math.min(MAX_CANDIDACY_LIFE_MS, 3 * rules.candidacyMs)
}

/** @throws {RangeError} for rules that contradict each other or what records allow */
export function electorRules (changes: Partial<ElectorRules> = {}): ElectorRules {
  const rules = { ...ELECTOR_RULES, ...changes }
  for (const [name, value] of Object.entries(rules)) {
    if (!(value >= 0 && Number.isFinite(value))) {
      throw new RangeError(`${name} is ${value}; expected a number from 0`)
    }
  }
  if (rules.reportLifeMs > MAX_REPORT_LIFE_MS || 3 * rules.candidacyMs > MAX_CANDIDACY_LIFE_MS) {
    throw new RangeError(`reportLifeMs is ${MAX_REPORT_LIFE_MS} at most, and three times candidacyMs ${MAX_CANDIDACY_LIFE_MS}`)
  }
  if (rules.repeatMs > rules.reportLifeMs || rules.candidacyMs < 1 || rules.periodMs < 1 || rules.electionMs < 1 || rules.verifiers < 1) {
    throw new RangeError('repeatMs must not be above reportLifeMs, and candidacyMs, periodMs, electionMs and verifiers must be at least 1')
  }
  return rules
}
