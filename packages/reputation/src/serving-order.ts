/**
 * Who is served when not all can be, by a server without a queue: those who deliver to others go first, those who only take are told "busy" earlier.
 * No place is kept free for nobody: the order holds only while somebody who stands higher was lately turned away.
 */
import { NEWCOMER_SCORE } from './evidence.ts'

/** Up to this share of the places everybody is served. */
export const OPEN_SHARE = 0.5

/** On the last place a caller needs a score of this: that of a peer with three good days. */
export const LAST_PLACE_SCORE = 0.5

/**
 * For so long one that was turned away is waited for: some answers' time. With half of it free riders get half as many places again (`simulate
 * reputation`: 7.5 % of what they ask for instead of 5.0 %).
 */
export const CONTEST_MS = 20_000

/** Scores that differ by less are equal. */
const SAME_SCORE = 0.02

/** Of those turned away; the lowest gives way. */
const MAX_TURNED_AWAY = 64

/** The score needed by the share of places taken, 0 to 1: none up to `OPEN_SHARE`, then from a newcomer's up to `LAST_PLACE_SCORE`. */
export function scoreToBeServed (taken: number): number {
  if (taken < OPEN_SHARE) {
    return 0
  }
  const share = Math.min(1, (taken - OPEN_SHARE) / (1 - OPEN_SHARE))
  return NEWCOMER_SCORE + share * (LAST_PLACE_SCORE - NEWCOMER_SCORE)
}

export class ServingOrder {
  /** Each stands lower than the one before it, and was turned away later */
  private readonly turnedAway: Array<{ score: number, atMs: number }> = []

  /** A caller with this score found no place free. */
  onTurnedAway (score: number, nowMs: number): void {
    const { turnedAway } = this
    while (turnedAway.length > 0 && (turnedAway.at(-1) as { score: number }).score <= score) {
      turnedAway.pop()
    }
    if (turnedAway.length < MAX_TURNED_AWAY) {
      turnedAway.push({ score, atMs: nowMs })
    }
  }

  /** Whether a caller with this score gets one of the places that are free. @param taken share of the places that are taken, 0 to 1 */
  mayTake (score: number, taken: number, nowMs: number): boolean {
    const { turnedAway } = this
    while (turnedAway[0] !== undefined && nowMs - turnedAway[0].atMs >= CONTEST_MS) {
      turnedAway.shift()
    }
    const isContested = turnedAway[0] !== undefined && turnedAway[0].score > score + SAME_SCORE
    return !isContested || score >= scoreToBeServed(taken)
  }
}
