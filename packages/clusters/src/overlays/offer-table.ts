/** What a peer holds of the offers told in one topic: the newest of each provider, within its life, the least useful giving way. */
import { networkOf } from '@skein/records'
import type { Offer, SignedOffer } from '@skein/records'

interface Entry {
  signed: SignedOffer
  network: string
}

/** Of one network at most this share is kept when there is no room for all: a crowd in one /24 must not hide the others. */
const NETWORK_SHARE = 1 / 8
const MIN_OF_NETWORK = 2

export class OfferTable {
  private readonly maxOffers: number
  private readonly region: string
  private readonly entries = new Map<string, Entry>()

  /** @param region this peer's: offers of it are worth more */
  constructor (maxOffers: number, region: string) {
    this.maxOffers = maxOffers
    this.region = region
  }

  get size (): number {
    return this.entries.size
  }

  /** The newest that was told, also one that was withdrawn; not after its life. */
  get (peer: string, nowMs: number): SignedOffer | undefined {
    const signed = this.entries.get(peer)?.signed
    return signed !== undefined && signed.offer.expiresAtMs > nowMs ? signed : undefined
  }

  /** Those that hold now. */
  live (nowMs: number): SignedOffer[] {
    this.forget(nowMs)
    return [...this.entries.values()].filter(({ signed }) => !signed.offer.withdrawn).map(({ signed }) => signed)
  }

  /** It does not hold, though nobody has said so. */
  delete (peer: string): void {
    this.entries.delete(peer)
  }

  /** Takes an offer that is newer than the one known. `false` when there was no room for it. */
  put (signed: SignedOffer, nowMs: number): boolean {
    const { peer, addresses } = signed.offer
    const entry = { signed, network: addresses[0] === undefined ? '' : networkOf(addresses[0]) ?? '' }
    if (!this.entries.has(peer) && this.entries.size >= this.maxOffers) {
      this.forget(nowMs)
    }
    this.entries.set(peer, entry)
    if (this.entries.size <= this.maxOffers) {
      return true
    }
    const least = this.least()
    this.entries.delete(least)
    return least !== peer
  }

  /** Who gives way: of the largest network, if it has too many, the least useful. */
  private least (): string {
    const sizes = new Map<string, number>()
    for (const { network } of this.entries.values()) {
      sizes.set(network, (sizes.get(network) ?? 0) + 1)
    }
    const [[network, size]] = [...sizes].sort(([, a], [, b]) => b - a) as [[string, number]]
    const isCrowded = size > Math.max(MIN_OF_NETWORK, this.maxOffers * NETWORK_SHARE)
    let least: Offer | undefined
    for (const entry of this.entries.values()) {
      if ((!isCrowded || entry.network === network) && (least === undefined || this.compare(entry.signed.offer, least) > 0)) {
        least = entry.signed.offer
      }
    }
    return (least as Offer).peer
  }

  /** More useful first: that holds, near, with room, fast, told last. */
  private compare (a: Offer, b: Offer): number {
    return Number(a.withdrawn) - Number(b.withdrawn) ||
      Number(this.isNear(b)) - Number(this.isNear(a)) ||
      Number(b.queueDepth < b.maxConcurrent) - Number(a.queueDepth < a.maxConcurrent) ||
      b.tokensPerSecond - a.tokensPerSecond ||
      b.issuedAtMs - a.issuedAtMs
  }

  private isNear ({ region }: Offer): boolean {
    return region !== '' && region === this.region
  }

  private forget (nowMs: number): void {
    for (const [peer, { signed }] of this.entries) {
      if (signed.offer.expiresAtMs <= nowMs) {
        this.entries.delete(peer)
      }
    }
  }
}
