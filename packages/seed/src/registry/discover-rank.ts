/** Who goes first among those who fit equally near: free before busy, then hardware and free places, comparable ones in turns. */

export interface Candidate {
  tier: number
  ramKiB: number
  vramKiB: number
  /** Requests that could start now, and at most at once */
  free: number
  maxConcurrent: number
  /** Round trip to the seed, ms; `undefined` when it was not measured */
  rttMs: number | undefined
  /** 0 to 1, drawn anew for each asker and window */
  turn: number
}

/** What one that was not measured is taken for: neither better nor worse than most. */
const UNKNOWN_RTT_MS = 80
/** Worse is not told apart: a seed measures the way to itself, which is only part of the way to who asks. */
const WORST_RTT_MS = 400

/**
 * Higher is better. A tier is worth 40, a doubling of memory (graphics memory counts twice) 10, all places free instead of one 20, a round trip of
 * 400 ms less 25 (of two in one region the one with the quicker line); the turn is worth 30: so peers within about a tier of each other take turns,
 * and a phone never comes before a free backbone node.
 */
export function rank (candidate: Candidate): number {
  const memory = Math.max(candidate.vramKiB, candidate.ramKiB / 2)
  return (candidate.free > 0 ? 1000 : 0) +
    40 * (4 - candidate.tier) +
    10 * Math.log2(1 + memory / 1_048_576) +
    20 * (candidate.maxConcurrent === 0 ? 0 : candidate.free / candidate.maxConcurrent) -
    25 * Math.min(1, (candidate.rttMs ?? UNKNOWN_RTT_MS) / WORST_RTT_MS) +
    30 * candidate.turn
}

/** The order of a block: the best first, but no more than two of one network until every network had two. */
export function order<T extends { rank: number, network: number }> (candidates: T[]): T[] {
  candidates.sort((a, b) => b.rank - a.rank)
  const seen = new Map<number, number>()
  const rounds: T[][] = []
  for (const candidate of candidates) {
    const before = seen.get(candidate.network) ?? 0
    seen.set(candidate.network, before + 1);
    (rounds[before >>> 1] ??= []).push(candidate)
  }
  return rounds.flat()
}
