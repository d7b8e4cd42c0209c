/**
 * Whether one that holds a seat is dead: known within a minute and not when its lease ends. Verifiers that lose it look at once and say what they
 * found; when most of those that looked did not reach it, it is down until they do.
 */
import { DOWN_NETWORKS, DOWN_SYSTEMS } from './elector-rules.ts'
import { isSpread, votesOf, weightOfVotes } from './network-vote.ts'
import type { ElectorRules } from './elector-rules.ts'
import type { CountedReport } from './verifier-panel.ts'

export interface DownVerdict {
  down: boolean
  /** When to judge again, because those who look have had their time; `undefined` when only new reports change anything */
  decideAtMs?: number
  unreached: string[]
}

/**
 * @param counted reports of verifiers that were drawn
 * @param aliveAtMs when this elector knew it to be alive by itself, a connection that stands or a dial of its own; `undefined` for never
 */
export function judgeDown (counted: readonly CountedReport[], aliveAtMs: number | undefined, rules: ElectorRules, nowMs: number): DownVerdict {
  // what was found in the life of a candidacy; what is older may be of another time that it was away
  const recent = counted.filter(({ report }) => nowMs - report.issuedAtMs < 3 * rules.candidacyMs)
  const unreached = recent.filter(({ report }) => !report.reachable)
  const names = unreached.map(({ report }) => report.verifier)
  const voices = unreached.map(({ network }) => ({ network, value: 0 }))
  if (!isSpread(voices, DOWN_NETWORKS, DOWN_SYSTEMS)) {
    return { down: false, unreached: names }
  }
  const firstMs = Math.min(...unreached.map(({ report }) => report.issuedAtMs))
  const settledMs = firstMs + rules.downSettleMs
  if (nowMs < settledMs) {
    return { down: false, decideAtMs: settledMs, unreached: names }
  }
  if (aliveAtMs !== undefined && aliveAtMs > firstMs) {
    return { down: false, unreached: names }
  }
  // only those count against it that have looked since: who reached it an hour ago has not seen it die
  const reached = recent.filter(({ report }) => report.reachable && report.issuedAtMs >= firstMs)
  const votes = votesOf([...voices, ...reached.map(({ network }) => ({ network, value: 1 }))])
  const against = weightOfVotes(votes.filter(({ value }) => value === 0))
  return { down: against * 2 > weightOfVotes(votes), unreached: names }
}
