/** What a searcher asks of an offer, and which of the offers that meet it come first. */
import { networkOf } from '@skein/records'
import type { Offer, SignedOffer } from '@skein/records'

export interface OfferFilter {
  model: string
  /** Only offers of this region */
  region?: string
  /** This tier or a better one; 1 is the best */
  minTier?: number
  /** At least this effective context, tokens */
  minContext?: number
  /** Only offers that take this task */
  task?: string
  /** At most this price of a million tokens, millionths of a US dollar */
  maxPriceMicros?: number
}

/** Most offers of one answer. */
export const MAX_BEST = 100

/** Whether a live offer meets the filter. */
export function meets (offer: Offer, filter: OfferFilter): boolean {
  return !offer.withdrawn &&
    offer.model === filter.model &&
    (filter.region === undefined || offer.region === filter.region) &&
    (filter.minTier === undefined || offer.tier <= filter.minTier) &&
    (filter.minContext === undefined || offer.effectiveContext >= filter.minContext) &&
    (filter.task === undefined || offer.tasks.includes(filter.task)) &&
    (filter.maxPriceMicros === undefined || offer.priceMicros <= filter.maxPriceMicros)
}

/** Near the searcher first, then with room for a request, then the faster, then the cheaper; the peer's name breaks ties. */
export function compareOffers (a: Offer, b: Offer, near: string | undefined): number {
  return Number(b.region === near) - Number(a.region === near) ||
    Number(b.queueDepth < b.maxConcurrent) - Number(a.queueDepth < a.maxConcurrent) ||
    b.tokensPerSecond - a.tokensPerSecond ||
    a.priceMicros - b.priceMicros ||
    (a.peer < b.peer ? -1 : a.peer > b.peer ? 1 : 0)
}

/** The network a set of offers is kept diverse by: that of the first address. */
export function offerNetwork (offer: Offer): string {
  return offer.addresses[0] === undefined ? '' : networkOf(offer.addresses[0]) ?? ''
}

/**
 * The first `count` in rank, but from one network at most an eighth of them (at least two) while offers of others are left: whoever
 * fills a /24 with cheap and fast-looking offers does not fill the answer.
 */
export function selectBest<T> (ranked: T[], count: number, networkOfOffer: (entry: T) => string): T[] {
  if (ranked.length <= count) {
    return ranked
  }
  const perNetwork = Math.max(2, Math.ceil(count / 8))
  const taken = new Map<string, number>()
  const chosen = new Array<boolean>(ranked.length).fill(false)
  let left = count
  for (let i = 0; i < ranked.length && left > 0; i++) {
    const network = networkOfOffer(ranked[i] as T)
    const before = taken.get(network) ?? 0
    if (before < perNetwork) {
      taken.set(network, before + 1)
      chosen[i] = true
      left--
    }
  }
  for (let i = 0; i < ranked.length && left > 0; i++) {
    if (!chosen[i]) {
      chosen[i] = true
      left--
    }
  }
  return ranked.filter((_, i) => chosen[i])
}

/** The best of what is in hand, for a caller that knows all of it. */
export function bestOffers (offers: Iterable<SignedOffer>, filter: OfferFilter, count: number, near?: string): SignedOffer[] {
  const ranked = [...offers].filter(({ offer }) => meets(offer, filter)).sort((a, b) => compareOffers(a.offer, b.offer, near))
  return selectBest(ranked, count, ({ offer }) => offerNetwork(offer))
}
