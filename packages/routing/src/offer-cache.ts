/** What recent lookups brought: offers within their life, who held them, and, very briefly, that there was nothing. */
import { BoundedMap } from '@skein/core'
import type { SignedOffer } from '@skein/records'

export interface OfferCacheInit {
  /**
   * Most keys remembered.
   *
   * @default 512
   */
  maxKeys?: number
  /**
   * Most offers and most holders remembered for a key.
   *
   * @default 128
   */
  maxPerKey?: number
  /**
   * For how long the result of a complete lookup needs no new one. Load in an offer ages, so this is far below an offer's life.
   *
   * @default 10_000
   */
  freshMs?: number
  /**
   * For how long a complete lookup that found nothing is believed.
   *
   * @default 1000
   */
  negativeMs?: number
}

export interface CachedResult<H> {
  /** Alive and not withdrawn */
  offers: SignedOffer[]
  /** Who had offers for the key, the most recent last */
  holders: H[]
  /** No need to ask again yet */
  fresh: boolean
}

interface Entry<H> {
  offers: BoundedMap<string, SignedOffer>
  holders: BoundedMap<string, H>
  completedMs: number | undefined
}

export class OfferCache<H extends { peer: string }> {
  private readonly maxPerKey: number
  private readonly freshMs: number
  private readonly negativeMs: number
  private readonly entries: BoundedMap<string, Entry<H>>

  constructor (init: OfferCacheInit = {}) {
    this.maxPerKey = init.maxPerKey ?? 128
    this.freshMs = init.freshMs ?? 10_000
    this.negativeMs = init.negativeMs ?? 1000
    this.entries = new BoundedMap({ maxSize: init.maxKeys ?? 512 })
  }

  get (key: string, nowMs: number): CachedResult<H> {
    const entry = this.entries.touch(key)
    if (entry === undefined) {
      return { offers: [], holders: [], fresh: false }
    }
    const offers: SignedOffer[] = []
    for (const [peer, signed] of entry.offers) {
      if (signed.offer.expiresAtMs <= nowMs) {
        entry.offers.delete(peer)
      } else if (!signed.offer.withdrawn) {
        offers.push(signed)
      }
    }
    const lifeMs = offers.length === 0 ? this.negativeMs : this.freshMs
    return { offers, holders: [...entry.holders.values()], fresh: entry.completedMs !== undefined && nowMs - entry.completedMs < lifeMs }
  }

  /** Verified offers that were found, and who had them. The newest of a peer wins. */
  onOffers (key: string, offers: Iterable<SignedOffer>, holder: H | undefined): void {
    const entry = this.entry(key)
    for (const signed of offers) {
      const known = entry.offers.get(signed.offer.peer)
      if (known === undefined || known.offer.seq < signed.offer.seq) {
        entry.offers.set(signed.offer.peer, signed)
      }
    }
    if (holder !== undefined) {
      entry.holders.set(holder.peer, holder)
    }
  }

  /** A lookup of the key was complete. */
  onComplete (key: string, nowMs: number): void {
    this.entry(key).completedMs = nowMs
  }

  /** A holder no longer answers. */
  onHolderFailed (key: string, peer: string): void {
    this.entries.get(key)?.holders.delete(peer)
  }

  /** The peer does not serve the model after all: under no key that begins so is its offer shown again before a newer one is found. */
  forgetPeer (keyPrefix: string, peer: string): void {
    for (const [key, entry] of this.entries) {
      if (key.startsWith(keyPrefix) && entry.offers.delete(peer)) {
        entry.completedMs = undefined
      }
    }
  }

  clear (): void {
    this.entries.clear()
  }

  private entry (key: string): Entry<H> {
    let entry = this.entries.touch(key)
    if (entry === undefined) {
      entry = { offers: new BoundedMap({ maxSize: this.maxPerKey }), holders: new BoundedMap({ maxSize: this.maxPerKey }), completedMs: undefined }
      this.entries.set(key, entry)
    }
    return entry
  }
}
