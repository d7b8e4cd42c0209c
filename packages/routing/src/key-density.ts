/**
 * Whether more peers stand next to a key than chance puts there. Ids are evenly spread, so that how many lie within a distance of a key is
 * Poisson-distributed about the network's size times the share of the space within it. Sridhar et al. (NDSS 2024, §V) compare the whole distribution
 * of common prefixes; what matters here is one tail of it, and that has an exact test.
 */
import { nearness } from './model-key.ts'

/** Of 10,000 keys that nobody attacks, one is taken for crowded at each of the two ranks that are tested. */
export const FALSE_ALARMS = 1e-4

/** The same where a search found nothing: a sweep in vain costs less than a model that is not found. */
export const FALSE_ALARMS_FRUITLESS = 1e-2

const NEARNESS_SPACE = 2 ** 48

/** The share of the key space that is as close to `target` as `id` or closer. */
export function shareWithin (id: Uint8Array, target: Uint8Array): number {
  return (nearness(id, target) + 1) / NEARNESS_SPACE
}

/**
 * Estimate of a network's size from the peers closest to a key that nobody could foresee. `shares` are sorted, the closest first; fewer than k: these
 * are all there are.
 */
export function sizeFromClosest (shares: readonly number[], k: number): number {
  const last = shares[k - 1]
  // unbiased for points of a Poisson process: E[(k − 1) / share of the k-th] is the rate
  return last === undefined ? shares.length + 1 : (k - 1) / last
}

/**
 * Whether k peers, or half as many, lie so close to a key that chance hardly puts them there. `shares` are sorted, the closest first.
 */
export function isCrowded (shares: readonly number[], networkSize: number, k: number, falseAlarms = FALSE_ALARMS): boolean {
  return [Math.ceil(k / 2), k].some(rank => {
    const share = shares[rank - 1]
    return share !== undefined && poissonTail(rank, share * networkSize) < falseAlarms
  })
}

/**
 * How far from a key the crowd around it reaches, as a share of the space: to where those that stand there exceed twice those that chance explains
 * the most; at least so far that k/4 honest peers are expected within, and at most k/2, so that something is left beside the crowd.
 */
export function crowdRadius (shares: readonly number[], networkSize: number, k: number): number {
  let radius = 0
  let most = 0
  shares.forEach((share, i) => {
    const excess = i + 1 - 2 * share * networkSize
    if (excess > most) {
      most = excess
      radius = share
    }
  })
  return Math.min(Math.max(radius, k / 4 / networkSize), k / 2 / networkSize)
}

/** Probability of `count` or more where `mean` are expected. */
export function poissonTail (count: number, mean: number): number {
  let term = Math.exp(-mean)
  let below = 0
  for (let i = 0; i < count; i++) {
    below += term
    term *= mean / (i + 1)
  }
  // below the mean's own scale the sum from `count` on is exact where 1 − below would cancel
  if (below < 0.5) {
    return 1 - below
  }
  let tail = 0
  for (let i = count; term > tail * 1e-12; i++) {
    tail += term
    term *= mean / (i + 1)
  }
  return tail
}
