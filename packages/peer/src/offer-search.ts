/** Where offers of a model come from: what is told in its overlay, if this peer is in it, and a lookup for whoever goes on asking. */
import { bestOffers, meets } from '@skein/routing'
import type { ProviderContact } from '@skein/clusters'
import type { Offer, SignedOffer } from '@skein/records'
import type { OfferFilter } from '@skein/routing'
import type { FindModelOptions, FoundOffer } from '@skein/routing/libp2p'

/** What is used of an overlay service. */
export interface OverlayOffers {
  called: (model: string) => void
  sighted: (model: string, provider: ProviderContact) => void
  offersOf: (model: string) => SignedOffer[]
  newestOf: (model: string, peer: string) => SignedOffer | undefined
}

export interface OfferSearchInit {
  /** Not there when overlays are turned off */
  overlays?: OverlayOffers
  findModel: (filter: OfferFilter, options: FindModelOptions) => AsyncIterable<FoundOffer>
  /** This peer's region */
  region: string
}

export interface OfferSearchOptions extends FindModelOptions {
  /**
   * When what was told in the overlay is enough, the lookup waits until this resolves.
   *
   * @default it begins when the next offer is asked for
   */
  hungry?: () => Promise<void>
  /**
   * Which offers count as enough.
   *
   * @default those with room for a request
   */
  isUsable?: (offer: Offer) => boolean
}

export interface SearchedOffer {
  offer: Offer
  source: FoundOffer['source'] | 'overlay'
}

/** With fewer than this that can be called the lookup begins at once. */
const ENOUGH_OFFERS = 3
/** Of an overlay: more would not be tried. */
const MAX_TOLD = 32

/** Offers that meet the filter, each peer once unless there is a newer one; those told in the overlay first, the best of them first. */
export async function * searchOffers (
  { overlays, findModel, region }: OfferSearchInit, filter: OfferFilter, options: OfferSearchOptions = {}
): AsyncGenerator<SearchedOffer, void, undefined> {
  const { hungry, isUsable = hasRoom, ...lookup } = options
  const { model } = filter
  const seqs = new Map<string, number>()
  overlays?.called(model)
  const told = options.cache === false ? [] : bestOffers(overlays?.offersOf(model) ?? [], filter, options.limit ?? MAX_TOLD, options.region ?? region)
  for (const { offer } of told) {
    seqs.set(offer.peer, offer.seq)
    yield { offer, source: 'overlay' }
  }
  if (seqs.size >= (options.wanted ?? Infinity)) {
    return
  }
  if (told.filter(({ offer }) => isUsable(offer)).length >= ENOUGH_OFFERS) {
    await hungry?.()
    options.signal?.throwIfAborted()
  }
  const wanted = options.wanted === undefined ? undefined : options.wanted - seqs.size
  for await (const found of findModel(filter, wanted === undefined ? lookup : { ...lookup, wanted })) {
    const offer = newer(overlays?.newestOf(model, found.offer.peer)?.offer, found.offer)
    if (!offer.withdrawn) {
      overlays?.sighted(model, offer)
    }
    if (meets(offer, filter) && (seqs.get(offer.peer) ?? -1) < offer.seq) {
      seqs.set(offer.peer, offer.seq)
      yield { offer, source: found.source }
    }
  }
}

function newer (told: Offer | undefined, found: Offer): Offer {
  return told !== undefined && told.seq > found.seq ? told : found
}

function hasRoom ({ queueDepth, maxConcurrent }: Offer): boolean {
  return queueDepth < maxConcurrent
}
