/** What a holder keeps: a bounded, diverse set of offers for each key near it. */
import { equalBytes, fromHex, toHex } from '@skein/core'
import { compareDistance, modelKey } from './model-key.ts'
import { compareOffers, MAX_BEST, meets, offerNetwork, selectBest } from './offer-filter.ts'
import type { OfferFilter } from './offer-filter.ts'
import type { SignedOffer } from '@skein/records'

/**
 * What became of an offer.
 *
 * - `stored`: kept, in place of an older one if there was one
 * - `unchanged`: this very offer was kept already
 * - `replayed`: an offer of this peer with the same or a higher seq is kept, or was withdrawn
 * - `expired`: its life is over
 * - `wrong_key`: its model does not hash to the key
 * - `crowded`: the key is full, and of all its groups this offer's is the most crowded
 * - `too_many_keys`: its peer is held under as many keys as one may be
 * - `full`: the store is full, and the key is farther away than those it holds
 */
export type StoreResult = 'stored' | 'unchanged' | 'replayed' | 'expired' | 'wrong_key' | 'crowded' | 'too_many_keys' | 'full'

export interface OfferStoreInit {
  /** Where the holder stands, 32 bytes: when the store is full, the keys farthest from it make room */
  self: Uint8Array
  /**
   * Most offers a key.
   *
   * @default 256
   */
  maxOffersPerKey?: number
  /**
   * Most keys.
   *
   * @default 4096
   */
  maxKeys?: number
  /**
   * Most bytes of envelopes in all.
   *
   * @default 16_777_216
   */
  maxBytes?: number
  /**
   * Most keys under which one peer's offers are held; a model takes two.
   *
   * @default 128
   */
  maxKeysPerPeer?: number
}

export interface BestOptions {
  /** Most offers; at most 100. @default 20 */
  limit?: number
  /** Region ranked first */
  near?: string
  /** Most bytes of envelopes. @default 61_440 */
  maxBytes?: number
}

interface Held {
  signed: SignedOffer
  network: string
  /** A withdrawn offer is remembered until the offer it took back would have expired */
  keepUntilMs: number
}

interface Shelf {
  key: Uint8Array
  held: Map<string, Held>
}

const DEFAULT_LIMIT = 20
const DEFAULT_ANSWER_BYTES = 60 * 1024

export class OfferStore {
  private readonly self: Uint8Array
  private readonly maxOffersPerKey: number
  private readonly maxKeys: number
  private readonly maxBytes: number
  private readonly maxKeysPerPeer: number
  private readonly shelves = new Map<string, Shelf>()
  private readonly keysOfPeer = new Map<string, number>()
  private bytes = 0

  constructor (init: OfferStoreInit) {
    this.self = init.self
    this.maxOffersPerKey = init.maxOffersPerKey ?? 256
    this.maxKeys = init.maxKeys ?? 4096
    this.maxBytes = init.maxBytes ?? 16 * 1024 * 1024
    this.maxKeysPerPeer = init.maxKeysPerPeer ?? 128
  }

  get keyCount (): number {
    return this.shelves.size
  }

  get byteLength (): number {
    return this.bytes
  }

  /** Offers under a key, withdrawn and expired ones that were not swept yet included. */
  countOf (key: Uint8Array): number {
    return this.shelves.get(toHex(key))?.held.size ?? 0
  }

  /**
   * Keeps a verified offer under a key. `network` is where the signer was seen; without it the offer's first address is believed.
   */
  put (key: Uint8Array, signed: SignedOffer, nowMs: number, network = offerNetwork(signed.offer)): StoreResult {
    const { offer, envelope } = signed
    if (offer.expiresAtMs <= nowMs) {
      return 'expired'
    }
    if (!equalBytes(key, modelKey(offer.model)) && (offer.region === '' || !equalBytes(key, modelKey(offer.model, offer.region)))) {
      return 'wrong_key'
    }

    const name = toHex(key)
    const shelf = this.shelves.get(name)
    const before = shelf?.held.get(offer.peer)
    if (before !== undefined && before.keepUntilMs > nowMs && before.signed.offer.seq >= offer.seq) {
      return before.signed.offer.seq === offer.seq && equalBytes(before.signed.envelope, envelope) ? 'unchanged' : 'replayed'
    }
    if (before === undefined && (this.keysOfPeer.get(offer.peer) ?? 0) >= this.maxKeysPerPeer) {
      this.sweep(nowMs)
      if ((this.keysOfPeer.get(offer.peer) ?? 0) >= this.maxKeysPerPeer) {
        return 'too_many_keys'
      }
    }
    if (!this.makeRoom(key, name, envelope.length - (before?.signed.envelope.length ?? 0), nowMs)) {
      return 'full'
    }

    const keepUntilMs = offer.withdrawn && before !== undefined ? Math.max(offer.expiresAtMs, before.keepUntilMs) : offer.expiresAtMs
    this.add(name, key, { signed, network, keepUntilMs })
    return this.thin(name, nowMs) === offer.peer ? 'crowded' : 'stored'
  }

  /** The best offers under a key that meet the filter: alive, ranked, of diverse networks. */
  best (key: Uint8Array, filter: OfferFilter, nowMs: number, options: BestOptions = {}): SignedOffer[] {
    const name = toHex(key)
    const shelf = this.shelves.get(name)
    if (shelf === undefined) {
      return []
    }
    const ranked: Held[] = []
    for (const held of shelf.held.values()) {
      if (held.keepUntilMs <= nowMs) {
        this.remove(name, held)
      } else if (held.signed.offer.expiresAtMs > nowMs && meets(held.signed.offer, filter)) {
        ranked.push(held)
      }
    }
    ranked.sort((a, b) => compareOffers(a.signed.offer, b.signed.offer, options.near))
    let left = options.maxBytes ?? DEFAULT_ANSWER_BYTES
    const best: SignedOffer[] = []
    for (const { signed } of selectBest(ranked, Math.min(MAX_BEST, options.limit ?? DEFAULT_LIMIT), held => held.network)) {
      if (signed.envelope.length <= left) {
        left -= signed.envelope.length
        best.push(signed)
      }
    }
    return best
  }

  /** Drops what has expired. Reading never returns it anyway; call this now and then to free memory. */
  sweep (nowMs: number): void {
    for (const [name, shelf] of this.shelves) {
      for (const held of shelf.held.values()) {
        if (held.keepUntilMs <= nowMs) {
          this.remove(name, held)
        }
      }
    }
  }

  /** Room for one more offer: first expired ones go, then whole keys, the farthest first, if the new one is closer. */
  private makeRoom (key: Uint8Array, name: string, bytes: number, nowMs: number): boolean {
    const fits = (): boolean => (this.shelves.has(name) || this.shelves.size < this.maxKeys) && this.bytes + bytes <= this.maxBytes
    if (fits()) {
      return true
    }
    this.sweep(nowMs)
    while (!fits()) {
      const farthest = this.farthest()
      if (farthest === undefined || farthest === name || compareDistance(fromHex(farthest), key, this.self) <= 0) {
        return false
      }
      for (const held of (this.shelves.get(farthest) as Shelf).held.values()) {
        this.remove(farthest, held)
      }
    }
    return true
  }

  private farthest (): string | undefined {
    let farthest: [string, Shelf] | undefined
    for (const entry of this.shelves) {
      if (farthest === undefined || compareDistance(entry[1].key, farthest[1].key, this.self) > 0) {
        farthest = entry
      }
    }
    return farthest?.[0]
  }

  /**
   * Takes out one offer when a key has more than it may: one that shares its network with the most others; among those its region, then
   * its tier; then the one that expires first; then the greatest peer name. Returns whose it was.
   */
  private thin (name: string, nowMs: number): string | undefined {
    const shelf = this.shelves.get(name) as Shelf
    if (shelf.held.size <= this.maxOffersPerKey) {
      return undefined
    }
    const crowd = new Map<string, number>()
    const groupsOf = (held: Held): [string, string, string] => [`n${held.network}`, `r${held.signed.offer.region}`, `t${held.signed.offer.tier}`]
    for (const held of shelf.held.values()) {
      for (const group of groupsOf(held)) {
        crowd.set(group, (crowd.get(group) ?? 0) + 1)
      }
    }
    let worst: { held: Held, rank: number[] } | undefined
    for (const held of shelf.held.values()) {
      if (held.keepUntilMs <= nowMs) {
        worst = { held, rank: [] }
        break
      }
      const rank = [...groupsOf(held).map(group => crowd.get(group) as number), -held.keepUntilMs]
      if (worst === undefined || before(worst, { held, rank })) {
        worst = { held, rank }
      }
    }
    if (worst === undefined) {
      return undefined
    }
    this.remove(name, worst.held)
    return worst.held.signed.offer.peer
  }

  private add (name: string, key: Uint8Array, held: Held): void {
    let shelf = this.shelves.get(name)
    if (shelf === undefined) {
      shelf = { key: Uint8Array.from(key), held: new Map() }
      this.shelves.set(name, shelf)
    }
    const peer = held.signed.offer.peer
    const previous = shelf.held.get(peer)
    if (previous === undefined) {
      this.keysOfPeer.set(peer, (this.keysOfPeer.get(peer) ?? 0) + 1)
    } else {
      this.bytes -= previous.signed.envelope.length
    }
    shelf.held.set(peer, held)
    this.bytes += held.signed.envelope.length
  }

  private remove (name: string, held: Held): void {
    const shelf = this.shelves.get(name) as Shelf
    const peer = held.signed.offer.peer
    shelf.held.delete(peer)
    this.bytes -= held.signed.envelope.length
    const keys = (this.keysOfPeer.get(peer) as number) - 1
    if (keys === 0) {
      this.keysOfPeer.delete(peer)
    } else {
      this.keysOfPeer.set(peer, keys)
    }
    if (shelf.held.size === 0) {
      this.shelves.delete(name)
    }
  }
}

/** Whether `a` is a better offer to keep than `b`. */
function before (a: { held: Held, rank: number[] }, b: { held: Held, rank: number[] }): boolean {
  for (let i = 0; i < b.rank.length; i++) {
    const difference = (b.rank[i] as number) - (a.rank[i] as number)
    if (difference !== 0) {
      return difference > 0
    }
  }
  return b.held.signed.offer.peer > a.held.signed.offer.peer
}
