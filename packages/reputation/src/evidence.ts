/**
 * Evidence of how often a peer delivered and failed, which fades, and what is to be expected by it: the mean of a beta distribution
 * (A. Jøsang, R. Ismail, "The Beta Reputation System", 2002), with failures that weigh more than successes.
 */

const DAY_MS = 86_400_000

/** Evidence is worth half of it after this. */
export const HALF_LIFE_MS = 7 * DAY_MS

/** What is expected of a peer of which nothing is known. */
export const NEWCOMER_SCORE = 0.2

/** What a peer has to outweigh before it counts as anything but a newcomer, in successes. */
export const PRIOR_WEIGHT = 5

/** A failure counts as much as this many successes: a caller that was failed has lost more than the answer. */
export const FAILURE_WEIGHT = 3

/**
 * The share of past successes that each failure takes away. One who delivers nine times of ten keeps its standing; one who stops delivering, to live
 * on the trust it built up, loses it within 15 failures.
 */
export const FAILURE_COST = 0.1

/**
 * Most successes and failures remembered together; beyond it the older ones shrink. Without it, one who delivered for months could fail for weeks
 * before it showed.
 */
export const MAX_EVIDENCE = 50

export interface Evidence {
  /** Successes, faded */
  good: number
  /** Failures, faded */
  bad: number
  /** When both were worth this much */
  atMs: number
}

export const NO_EVIDENCE: Readonly<Evidence> = { good: 0, bad: 0, atMs: 0 }

/** What is left of it now. A clock that went back takes nothing away. */
export function faded (evidence: Evidence, nowMs: number): Evidence {
  const ageMs = nowMs - evidence.atMs
  if (ageMs <= 0) {
    return evidence
  }
  const left = 0.5 ** (ageMs / HALF_LIFE_MS)
  return { good: evidence.good * left, bad: evidence.bad * left, atMs: nowMs }
}

/** Evidence with more of it, within `MAX_EVIDENCE`. */
export function withMore (evidence: Evidence, more: { good?: number, bad?: number }, nowMs: number): Evidence {
  const left = faded(evidence, nowMs)
  const old = { good: left.good * (1 - FAILURE_COST) ** Math.min(MAX_EVIDENCE, more.bad ?? 0), bad: left.bad }
  const good = Math.min(MAX_EVIDENCE, more.good ?? 0)
  const bad = Math.min(MAX_EVIDENCE, more.bad ?? 0)
  const over = Math.max(0, old.good + old.bad + good + bad - MAX_EVIDENCE)
  const kept = over === 0 ? 1 : Math.max(0, 1 - over / (old.good + old.bad))
  return { good: Math.min(MAX_EVIDENCE, old.good * kept + good), bad: Math.min(MAX_EVIDENCE, old.bad * kept + bad), atMs: Math.max(left.atMs, nowMs) }
}

/** 0 to 1: what is to be expected by successes and failures; `start`, a newcomer's score, without any. */
export function expectation ({ good, bad }: { good: number, bad: number }, start: number = NEWCOMER_SCORE): number {
  return (start * PRIOR_WEIGHT + good) / (PRIOR_WEIGHT + good + FAILURE_WEIGHT * bad)
}

/** How much there is to go by. */
export function weightOf ({ good, bad }: { good: number, bad: number }): number {
  return good + bad
}
