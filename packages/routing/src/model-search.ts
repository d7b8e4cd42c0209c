/**
 * A search for a model over several keys, nearest region first: one lookup a key. The next key is begun as soon as the first round of the one
 * before brought nothing, so that a model which nobody serves nearby costs one round trip more, not a whole walk.
 */
import { KeyWalk } from './key-walk.ts'
import type { KeyWalkInit } from './key-walk.ts'
import type { Contact, PeerKey } from './contact.ts'
import type { SequencedOffer } from './lookup.ts'
import type { Machine } from '@skein/core'

export interface SearchKey<C extends Contact> {
  name: string
  target: Uint8Array
  /** Peers to begin a lookup with: of the key, or of a target beside it */
  start: (target: Uint8Array) => Iterable<C>
}

export interface ModelSearchInit<C extends Contact> extends Omit<KeyWalkInit<C>, 'target' | 'start'> {
  /** In the order in which they are wanted; at least one */
  keys: Array<SearchKey<C>>
  /**
   * End as soon as offers of this many distinct peers are in hand. Where peers crowd around a key, what they gave does not count, and the search goes
   * on beside them. Default: walk to the end
   */
  wanted?: number
  /**
   * A key that has brought nothing for this long does not hold back the next.
   *
   * @default 100
   */
  staggerMs?: number
}

export type ModelSearchEffect<C extends Contact, O extends SequencedOffer> =
  /** Ask for offers of the key, and for peers closer to `target`. The answer is to be reported with `lookup` */
  | { type: 'query', key: SearchKey<C>, to: C, target: Uint8Array, lookup: number }
  | { type: 'offers', key: SearchKey<C>, offers: O[], from: C | undefined }
  /** The size of the network is wanted, see `onNetworkSize` */
  | { type: 'weigh' }
  /** One key's lookup is over. `region`: others that answered and stand in the region of a crowded key */
  | { type: 'closest', key: SearchKey<C>, closest: C[], region: C[], complete: boolean, requests: number, crowded: boolean }
  | { type: 'done', complete: boolean }

interface Leg<C extends Contact, O extends SequencedOffer> {
  key: SearchKey<C>
  walk: KeyWalk<C, O>
  /** Of each peer that offers, how far from the key the farthest holder of its offer stands; as many as a lookup passes offers on */
  farthest: Map<PeerKey, number>
  startedMs: number
  brought: boolean
  ended: boolean
  complete: boolean
}

export class ModelSearch<C extends Contact = Contact, O extends SequencedOffer = SequencedOffer> implements Machine<ModelSearchEffect<C, O>> {
  private readonly init: ModelSearchInit<C>
  private readonly wanted: number
  private readonly staggerMs: number
  private readonly firstRound: number
  private readonly legs: Array<Leg<C, O>> = []
  private readonly seen = new Map<PeerKey, number>()
  private effects: Array<ModelSearchEffect<C, O>> = []
  private ended = false

  constructor (init: ModelSearchInit<C>, nowMs: number) {
    if (init.keys.length === 0) {
      throw new RangeError('A search needs at least one key')
    }
    this.init = init
    this.wanted = init.wanted ?? Infinity
    this.staggerMs = init.staggerMs ?? 100
    this.firstRound = init.alpha ?? 3
    this.begin(nowMs)
    this.advance(nowMs)
  }

  onResponse (keyName: string, from: PeerKey, response: { offers: O[], closer: Iterable<C> }, nowMs: number, lookup = 0): void {
    this.leg(keyName)?.walk.onResponse(from, response, nowMs, lookup)
    this.advance(nowMs)
  }

  /** Offers whose verification took longer than the answer they came in. */
  onOffers (keyName: string, from: PeerKey | undefined, offers: O[], nowMs: number): void {
    this.leg(keyName)?.walk.onOffers(from, offers, nowMs)
    this.advance(nowMs)
  }

  onFailure (keyName: string, from: PeerKey, nowMs: number, lookup = 0): void {
    this.leg(keyName)?.walk.onFailure(from, nowMs, lookup)
    this.advance(nowMs)
  }

  /** Peers became known that were not when the search began. */
  onCandidates (contacts: C[], nowMs: number): void {
    for (const leg of this.legs) {
      leg.walk.onCandidates(contacts, nowMs)
    }
    this.advance(nowMs)
  }

  /** The size of the network has become known. */
  onNetworkSize (nowMs: number): void {
    for (const leg of this.legs) {
      leg.walk.onNetworkSize(nowMs)
    }
    this.advance(nowMs)
  }

  onTimeout (nowMs: number): void {
    for (const leg of this.legs) {
      leg.walk.onTimeout(nowMs)
    }
    this.advance(nowMs)
  }

  /** Ends the search; answers under way are ignored. */
  stop (): void {
    if (!this.ended) {
      this.finish(false)
    }
  }

  poll (): ModelSearchEffect<C, O> | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    if (this.ended) {
      return undefined
    }
    let next: number | undefined
    for (const leg of this.legs) {
      const atMs = leg.walk.nextTimeoutMs()
      if (atMs !== undefined && (next === undefined || atMs < next)) {
        next = atMs
      }
    }
    const last = this.legs.at(-1)
    if (last !== undefined && !last.brought && this.legs.length < this.init.keys.length) {
      next = Math.min(next ?? Infinity, last.startedMs + this.staggerMs)
    }
    return next
  }

  private leg (keyName: string): Leg<C, O> | undefined {
    return this.legs.find(leg => leg.key.name === keyName)
  }

  private begin (nowMs: number): void {
    const key = this.init.keys[this.legs.length] as SearchKey<C>
    const { keys, staggerMs, wanted, ...options } = this.init
    // what earlier keys brought counts as well: this walk need not bring all that is wanted, and `take` ends it in time
    const walk = new KeyWalk<C, O>({ ...options, target: key.target, start: key.start }, nowMs)
    this.legs.push({ key, walk, farthest: new Map(), startedMs: nowMs, brought: false, ended: false, complete: false })
  }

  private advance (nowMs: number): void {
    for (let i = 0; !this.ended && i < this.legs.length; i++) {
      this.drain(this.legs[i] as Leg<C, O>)
      if (this.ended) {
        return
      }
      if (this.isSatisfied()) {
        this.finish(true)
        return
      }
      const last = this.legs.at(-1) as Leg<C, O>
      const fruitless = !last.brought && (last.walk.answerCount >= this.firstRound || nowMs >= last.startedMs + this.staggerMs)
      if (i === this.legs.length - 1 && this.legs.length < this.init.keys.length && (last.ended || fruitless)) {
        this.begin(nowMs)
      }
    }
    if (!this.ended && this.legs.length === this.init.keys.length && this.legs.every(leg => leg.ended)) {
      this.finish(this.legs.every(leg => leg.complete))
    }
  }

  private drain (leg: Leg<C, O>): void {
    for (;;) {
      const effect = leg.walk.poll()
      if (effect === undefined) {
        return
      }
      switch (effect.type) {
        case 'query':
          this.effects.push({ ...effect, key: leg.key })
          break
        case 'weigh':
          this.effects.push(effect)
          break
        case 'offers':
          leg.brought = true
          this.take(leg, effect.offers, effect.from, effect.away)
          break
        case 'done':
          leg.ended = true
          leg.complete = effect.complete
          this.effects.push({ ...effect, type: 'closest', key: leg.key })
          break
      }
    }
  }

  private isSatisfied (): boolean {
    if (this.seen.size < this.wanted) {
      return false
    }
    if (!this.legs.some(leg => leg.walk.isCrowded())) {
      return true
    }
    const sound = new Set<PeerKey>()
    for (const { farthest, walk } of this.legs) {
      for (const [peer, away] of farthest) {
        if (walk.isBesideCrowd(away)) {
          sound.add(peer)
        }
      }
    }
    return sound.size >= this.wanted
  }

  private take (leg: Leg<C, O>, offers: O[], from: C | undefined, away: number): void {
    for (const { peer } of offers) {
      leg.farthest.set(peer, Math.max(away, leg.farthest.get(peer) ?? 0))
    }
    const fresh = offers.filter(offer => {
      const seq = this.seen.get(offer.peer)
      if (seq !== undefined && seq >= offer.seq) {
        return false
      }
      this.seen.set(offer.peer, offer.seq)
      return true
    })
    // also when all were seen under another key: who holds offers of this key is worth knowing
    this.effects.push({ type: 'offers', key: leg.key, offers: fresh, from })
  }

  private finish (complete: boolean): void {
    this.ended = true
    this.effects = this.effects.filter(effect => effect.type !== 'query')
    for (const leg of this.legs) {
      if (!leg.ended) {
        leg.walk.stop()
        this.drain(leg)
      }
    }
    this.effects.push({ type: 'done', complete })
  }
}
