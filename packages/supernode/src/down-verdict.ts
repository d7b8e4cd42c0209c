/**
 * Whether one that holds a seat is dead: known within a minute and not when its lease ends. Verifiers that lose it look at once and say what they
 * found, and so do all others whose word on it counts. When most of them do not reach it any more it is down, until they do: who has not looked since
 * goes on saying that it is there, so that a few that slander take no seat.
 */
import { DOWN_NETWORKS, DOWN_SYSTEMS } from './elector-rules.ts'
import { isSpread, votesOf, weightOfVotes } from './network-vote.ts'
import type { CountedReport } from './verifier-panel.ts'

export interface DownVerdict {
  down: boolean
  /** Verifiers that did not reach it when they looked last */
  unreached: string[]
}

/**
 * @param counted reports that count, of verifiers that are there themselves
 * @param aliveAtMs when this elector saw it alive itself, by a dial; `Infinity` while it is connected to it, `undefined` for never
 */
export function judgeDown (counted: readonly CountedReport[], aliveAtMs: number | undefined): DownVerdict {
  const missed = counted.filter(({ report }) => !report.reachable)
  const unreached = missed.map(({ report }) => report.verifier)
  const isAlive = aliveAtMs !== undefined && missed.every(({ report }) => report.issuedAtMs < aliveAtMs)
  if (isAlive || !isSpread(missed.map(({ network }) => ({ network, value: 0 })), DOWN_NETWORKS, DOWN_SYSTEMS)) {
    return { down: false, unreached }
  }
  // of a network in which some reach it and some do not, the lower median counts: it does not
  const votes = votesOf(counted.map(({ report, network }) => ({ network, value: report.reachable ? 1 : 0 })))
  const against = weightOfVotes(votes.filter(({ value }) => value === 0))
  return { down: against * 2 > weightOfVotes(votes), unreached }
}
