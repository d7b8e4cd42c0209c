/** The models of which offers were seen lately: what a peer without a seed can list. */
import { BoundedMap } from '@skein/core'
import type { ModelListing } from './openai/model-caller.ts'
import type { Offer } from '@skein/records'

const MAX_MODELS = 256
const MAX_PROVIDERS = 64

export class SeenModels {
  private readonly offers = new BoundedMap<string, BoundedMap<string, Offer>>({ maxSize: MAX_MODELS })

  onOffer (offer: Offer): void {
    const providers = this.offers.touch(offer.model) ?? new BoundedMap<string, Offer>({ maxSize: MAX_PROVIDERS })
    providers.set(offer.peer, offer)
    this.offers.set(offer.model, providers)
  }

  /** It does not serve the model any more, or cannot be reached. */
  forget (model: string, peer: string): void {
    this.offers.get(model)?.delete(peer)
  }

  /** Models with an offer whose life is not over. */
  listings (nowMs: number): ModelListing[] {
    const listings: ModelListing[] = []
    for (const [id, providers] of this.offers) {
      const live = [...providers.values()].filter(offer => offer.expiresAtMs > nowMs)
      if (live.length > 0) {
        listings.push({
          id,
          tasks: [...new Set(live.flatMap(offer => offer.tasks))].sort(),
          providers: live.length,
          contextTokens: Math.max(...live.map(offer => offer.effectiveContext)),
          regions: [...new Set(live.map(offer => offer.region))].filter(region => region !== '').sort(),
          deterministic: live.every(offer => offer.deterministic)
        })
      }
    }
    return listings
  }
}

/** One list of several: each model once, with the most that any list says of it. */
export function mergeListings (...lists: ModelListing[][]): ModelListing[] {
  const models = new Map<string, ModelListing>()
  for (const listing of lists.flat()) {
    const known = models.get(listing.id)
    models.set(listing.id, known == null
      ? listing
      : {
          ...listing,
          ...known,
          tasks: [...new Set([...known.tasks, ...listing.tasks])].sort(),
          providers: Math.max(known.providers, listing.providers),
          contextTokens: Math.max(known.contextTokens, listing.contextTokens),
          regions: [...new Set([...known.regions, ...listing.regions])].sort()
        })
  }
  return [...models.values()].sort((a, b) => a.id < b.id ? -1 : 1)
}
