/**
 * Who is served when not all can be: those who deliver to others go first, those who only take go last. A server without a queue says "busy" to
 * them earlier; one with a queue takes them later.
 */
import { NEWCOMER_SCORE } from './evidence.ts'

/** Up to this share of the places everybody is served. */
export const OPEN_SHARE = 0.5

/** On the last place a caller needs a score of this: that of a peer with three good days. */
export const LAST_PLACE_SCORE = 0.5

/** The score that a caller needs by the share of places taken (0 to 1): none up to `OPEN_SHARE`, then from a newcomer's up to `LAST_PLACE_SCORE`. */
export function scoreToBeServed (taken: number): number {
  if (taken < OPEN_SHARE) {
    return 0
  }
  const share = Math.min(1, (taken - OPEN_SHARE) / (1 - OPEN_SHARE))
  return NEWCOMER_SCORE + share * (LAST_PLACE_SCORE - NEWCOMER_SCORE)
}

export interface Waiting {
  peer: string
  sinceMs: number
}

/** So long a wait is worth a score of 0.1, so that nobody waits for ever. */
export const WAIT_WORTH_MS = 10_000

/** Which of those that wait is served next: the highest score with the wait added; of equals the one that waits longest. */
export function nextServed<W extends Waiting> (waiting: readonly W[], score: (peer: string) => number, nowMs: number): W | undefined {
  let next: W | undefined
  let nextRank = -Infinity
  for (const entry of waiting) {
    const rank = score(entry.peer) + 0.1 * Math.max(0, nowMs - entry.sinceMs) / WAIT_WORTH_MS
    if (rank > nextRank || (rank === nextRank && next !== undefined && entry.sinceMs < next.sinceMs)) {
      next = entry
      nextRank = rank
    }
  }
  return next
}
