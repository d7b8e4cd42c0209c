/** How often a provider is compared with another: a pure function of what is known of its honesty. */

/** Compared that often, a provider is known; before, it is compared more often. */
const KNOWN_COMPARISONS = 9
const STRANGER_FACTOR = 10
/** One that was found to differ once, or was said to lie, is settled soon. */
const SUSPECT_SHARE = 0.5
/** … and has less than this share of a newcomer's score: one lost comparison takes more than a third of it. */
const SUSPECT_SCORE = 0.8

/** @param score of honesty, `newcomer` what it starts with; `comparisons` that were counted, for it or against it */
export function duplicateShare (base: number, { score, newcomer, comparisons }: { score: number, newcomer: number, comparisons: number }): number {
  if (base <= 0) {
    return 0
  }
  if (score < SUSPECT_SCORE * newcomer) {
    return Math.max(base, SUSPECT_SHARE)
  }
  return Math.min(1, base * Math.max(1, STRANGER_FACTOR * (1 - comparisons / KNOWN_COMPARISONS)))
}
