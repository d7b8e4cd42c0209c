/**
 * An iterative Kademlia lookup for offers (Maymounkov and Mazières 2002, §2.3), over disjoint paths (Baumgart and Mies 2007,
 * "S/Kademlia", §4.4): each request brings offers and closer peers at once, until the k closest peers that answer have answered.
 */
import {
  ANSWERED, ASK, FAILED, FRESH, HALT, isSettled, lookupEnd, PASS, requestsAtOnce, SLOW, STARVE, stateAt, visit, WAITING
} from './lookup-rules.ts'
import { shareWithin } from './key-density.ts'
import { compareDistance, nearness } from './model-key.ts'
import { closestOf, remembered, standings } from './peer-standing.ts'
import type { Contact, PeerKey } from './contact.ts'
import type { CandidateState, LookupEnd } from './lookup-rules.ts'
import type { StandingRules } from './peer-standing.ts'
import type { Machine } from '@skein/core'

/** What the lookup needs to know of an offer. */
export interface SequencedOffer {
  peer: PeerKey
  seq: number
}

export type LookupEffect<C extends Contact, O extends SequencedOffer> =
  | { type: 'query', to: C }
  | { type: 'offers', offers: O[], from: C | undefined }
  | { type: 'done', closest: C[], complete: boolean, reason: LookupEnd, requests: number }

export interface LookupInit<C extends Contact> extends StandingRules<C> {
  target: Uint8Array
  /** Where to begin; the closest of them are asked first */
  start: Iterable<C>
  /** Own name: ignored when others name it as a closer peer */
  self?: PeerKey
  /** Peers that are not looked at, as if nobody had named them. @default none */
  ignore?: (contact: C) => boolean
  /**
   * How many of the closest peers must answer, and the most closer peers taken from one answer.
   *
   * @default 20
   */
  k?: number
  /**
   * Requests under way at once, on each path, while the lookup still comes closer. After a round that did not, all that is left of the k closest
   * is asked at once. In simulated networks of 2,000 nodes (ideal tables, two paths) 3 needs 24.9 requests in 3.3 rounds; 1 saves 4
   * requests and has nothing to fall back on when a peer is slow; 10 needs 40.6 requests to save three quarters of a round.
   *
   * @default 3
   */
  alpha?: number
  /**
   * Paths that share no node. With d paths an adversary must sit on all d to hide a key. The second costs 3 requests a lookup at 2,000 nodes.
   *
   * @default 1
   */
  disjointPaths?: number
  /**
   * After this a request no longer holds the lookup back: its place is given to another, and the end does not wait for it. An
   * answer that comes later still counts.
   *
   * @default 700
   */
  softTimeoutMs?: number
  /**
   * After this a request has failed.
   *
   * @default 4000
   */
  requestTimeoutMs?: number
  /**
   * Most requests of the whole lookup. A lookup in a healthy network needs k plus about ten.
   *
   * @default 5 · k
   */
  maxRequests?: number
  /**
   * Most candidates remembered on each path; beyond it the farthest are forgotten.
   *
   * @default 8 · k
   */
  maxCandidates?: number
  /** End as soon as offers of this many distinct peers are in hand. Default: walk to the end */
  wanted?: number
  /**
   * Most distinct offers passed on; a bound on what a lookup of a key full of Sybils may cost.
   *
   * @default 1000
   */
  maxOffers?: number
}

interface Candidate<C extends Contact> {
  contact: C
  near: number
  state: CandidateState
  /** The path that asked it; the others see its state and nothing of its answer */
  path: number
  sentMs: number
}

const MAX_PATHS = 16

export class Lookup<C extends Contact = Contact, O extends SequencedOffer = SequencedOffer> implements Machine<LookupEffect<C, O>> {
  private readonly target: Uint8Array
  private readonly self: PeerKey | undefined
  private readonly k: number
  private readonly alpha: number
  private readonly softTimeoutMs: number
  private readonly requestTimeoutMs: number
  private readonly maxRequests: number
  private readonly maxCandidates: number
  private readonly wanted: number
  private readonly maxOffers: number
  /** `undefined`: all peers count alike */
  private readonly standing: StandingRules<C> | undefined
  private readonly ignore: ((contact: C) => boolean) | undefined
  private readonly known = new Map<PeerKey, Candidate<C>>()
  /** Each path's candidates, closest first */
  private readonly paths: Array<Array<Candidate<C>>>
  private readonly underWay: number[]
  /** Answers in a row that brought no path's k closest anything new: after a round of them, all that is left of the k is asked at once (§2.3) */
  private readonly barren: number[]
  /** Asked and neither answered nor failed, in the order of asking */
  private pending: Array<Candidate<C>> = []
  private readonly offers = new Map<PeerKey, number>()
  private effects: Array<LookupEffect<C, O>> = []
  private requests = 0
  private answers = 0
  private ended = false

  constructor (init: LookupInit<C>, nowMs: number) {
    this.target = init.target
    this.self = init.self
    this.k = init.k ?? 20
    this.alpha = init.alpha ?? 3
    this.softTimeoutMs = init.softTimeoutMs ?? 700
    this.requestTimeoutMs = init.requestTimeoutMs ?? 4000
    this.maxRequests = init.maxRequests ?? 5 * this.k
    this.maxCandidates = init.maxCandidates ?? 8 * this.k
    this.wanted = init.wanted ?? Infinity
    this.maxOffers = init.maxOffers ?? 1000
    this.ignore = init.ignore
    this.standing = init.trustOf === undefined && init.networkOf === undefined ? undefined : remembered(init)
    const paths = Math.min(MAX_PATHS, Math.max(1, init.disjointPaths ?? 1))
    this.paths = Array.from({ length: paths }, () => [])
    this.underWay = Array.from({ length: paths }, () => 0)
    this.barren = Array.from({ length: paths }, () => 0)
    this.onCandidates(init.start, nowMs)
  }

  /** Requests sent so far. */
  get requestCount (): number {
    return this.requests
  }

  /** Answers received so far. */
  get answerCount (): number {
    return this.answers
  }

  /**
   * Shares of the key space within which the closest known peers lie, closest first, at most `count`: those that answered or may yet. One that was
   * named and does not answer says little, or anybody could make a key look crowded; `withFailed` counts it all the same.
   */
  nearestShares (count: number, withFailed = false): number[] {
    const nearest = withFailed ? [...this.known.values()] : [...new Set(this.paths.flatMap(list => list.slice(0, count)))]
    return nearest.sort((a, b) => this.order(a, b)).slice(0, count).map(({ contact }) => shareWithin(contact.kadId, this.target))
  }

  /** All that answered, closest first. */
  answeredContacts (): C[] {
    return [...this.known.values()].filter(({ state }) => state === ANSWERED).sort((a, b) => this.order(a, b)).map(({ contact }) => contact)
  }

  /** Peers that are worth asking became known by other means. */
  onCandidates (contacts: Iterable<C>, nowMs: number): void {
    if (this.ended) {
      return
    }
    const found: Array<Candidate<C>> = []
    for (const contact of contacts) {
      if (contact.peer !== this.self && !this.known.has(contact.peer) && this.ignore?.(contact) !== true) {
        const candidate: Candidate<C> = { contact, near: nearness(contact.kadId, this.target), state: FRESH, path: -1, sentMs: 0 }
        this.known.set(contact.peer, candidate)
        found.push(candidate)
        if (found.length === this.maxCandidates) {
          break
        }
      }
    }
    if (found.length > 0) {
      // dealt out by distance, so that each path starts about as close as the others
      found.sort((a, b) => this.order(a, b)).forEach((candidate, i) => { this.insert(candidate, i % this.paths.length) })
    }
    this.advance(nowMs)
  }

  /**
   * An answer. `offers` must have been verified; those that need longer may come later through `onOffers`. More closer peers
   * than k are cut off.
   */
  onResponse (from: PeerKey, response: { offers: O[], closer: Iterable<C> }, nowMs: number): void {
    const candidate = this.known.get(from)
    if (this.ended || candidate === undefined || (candidate.state !== WAITING && candidate.state !== SLOW)) {
      return
    }
    this.settle(candidate, ANSWERED)
    this.answers++
    let taken = 0
    let fruitful = false
    for (const contact of response.closer) {
      if (++taken > this.k) {
        break
      }
      fruitful = this.learn(contact, candidate.path) || fruitful
    }
    this.barren[candidate.path] = fruitful ? 0 : (this.barren[candidate.path] as number) + 1
    this.take(response.offers, candidate.contact)
    this.advance(nowMs)
  }

  /** Offers that were verified after the answer they came in, or that were known before. */
  onOffers (from: PeerKey | undefined, offers: O[], nowMs: number): void {
    if (!this.ended) {
      this.take(offers, from === undefined ? undefined : this.known.get(from)?.contact)
      this.advance(nowMs)
    }
  }

  /** The request to `from` came to nothing. */
  onFailure (from: PeerKey, nowMs: number): void {
    const candidate = this.known.get(from)
    if (this.ended || candidate === undefined || (candidate.state !== WAITING && candidate.state !== SLOW)) {
      return
    }
    this.fail(candidate)
    this.advance(nowMs)
  }

  onTimeout (nowMs: number): void {
    if (this.ended) {
      return
    }
    for (const candidate of [...this.pending]) {
      const state = stateAt(candidate.state, candidate.sentMs, nowMs, this.softTimeoutMs, this.requestTimeoutMs)
      if (state === FAILED) {
        this.fail(candidate)
      } else if (state === SLOW && candidate.state === WAITING) {
        candidate.state = SLOW
        this.release(candidate)
      }
    }
    this.advance(nowMs)
  }

  /** Ends the lookup. Answers that are under way are ignored. */
  stop (): void {
    if (!this.ended) {
      this.end('stopped')
    }
  }

  poll (): LookupEffect<C, O> | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    let next: number | undefined
    if (!this.ended) {
      for (const candidate of this.pending) {
        const atMs = candidate.sentMs + (candidate.state === WAITING ? Math.min(this.softTimeoutMs, this.requestTimeoutMs) : this.requestTimeoutMs)
        if (next === undefined || atMs < next) {
          next = atMs
        }
      }
    }
    return next
  }

  /** Closest first. */
  private order (a: Candidate<C>, b: Candidate<C>): number {
    return a.near - b.near || compareDistance(a.contact.kadId, b.contact.kadId, this.target)
  }

  /** Whether the contact is new among the k closest of the path. */
  private learn (contact: C, path: number): boolean {
    if (contact.peer === this.self || this.ignore?.(contact) === true) {
      return false
    }
    const known = this.known.get(contact.peer)
    if (known === undefined) {
      const candidate: Candidate<C> = { contact, near: nearness(contact.kadId, this.target), state: FRESH, path: -1, sentMs: 0 }
      const place = this.insert(candidate, path)
      if (place !== undefined) {
        this.known.set(contact.peer, candidate)
        return place < this.k
      }
    } else if (this.paths.length > 1 && known.state !== FAILED) {
      const place = this.insert(known, path)
      return place !== undefined && place < this.k && known.state === FRESH
    }
    return false
  }

  /** Puts a candidate in its place on a path; `undefined` when it is too far away to be remembered or is there already. */
  private insert (candidate: Candidate<C>, path: number): number | undefined {
    const list = this.paths[path] as Array<Candidate<C>>
    let low = 0
    let high = list.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.order(list[middle] as Candidate<C>, candidate) < 0) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    if (low >= this.maxCandidates || list[low] === candidate) {
      return undefined
    }
    list.splice(low, 0, candidate)
    if (list.length > this.maxCandidates) {
      const dropped = list.pop() as Candidate<C>
      if (dropped.state === FRESH && !this.paths.some(other => other.includes(dropped))) {
        this.known.delete(dropped.contact.peer)
      }
    }
    return low
  }

  private take (offers: O[], from: C | undefined): void {
    let fresh: O[] | undefined
    for (const offer of offers) {
      const seq = this.offers.get(offer.peer)
      if (seq === undefined ? this.offers.size < this.maxOffers : seq < offer.seq) {
        this.offers.set(offer.peer, offer.seq)
        fresh ??= []
        fresh.push(offer)
      }
    }
    if (fresh !== undefined) {
      this.effects.push({ type: 'offers', offers: fresh, from })
    }
  }

  private release (candidate: Candidate<C>): void {
    this.underWay[candidate.path] = (this.underWay[candidate.path] as number) - 1
  }

  private settle (candidate: Candidate<C>, state: typeof ANSWERED | typeof FAILED): void {
    if (candidate.state === WAITING) {
      this.release(candidate)
    }
    candidate.state = state
    const index = this.pending.indexOf(candidate)
    if (index >= 0) {
      this.pending.splice(index, 1)
    }
  }

  /** A failed candidate leaves the paths, and stays known so that it is not asked again. */
  private fail (candidate: Candidate<C>): void {
    this.settle(candidate, FAILED)
    for (const list of this.paths) {
      const index = list.indexOf(candidate)
      if (index >= 0) {
        list.splice(index, 1)
      }
    }
  }

  private advance (nowMs: number): void {
    if (this.offers.size >= this.wanted) {
      this.end('wanted')
      return
    }
    let settled = true
    let starved = false
    for (let path = 0; path < this.paths.length; path++) {
      const list = this.paths[path] as Array<Candidate<C>>
      const atOnce = requestsAtOnce(this.barren[path] as number, this.alpha, this.k)
      const standing = this.standing === undefined ? undefined : standings(this.standing, this.k)
      const last: Array<Candidate<C>> = []
      let counted = 0
      let pathSettled = true
      for (const candidate of list) {
        if (standing !== undefined && candidate.state !== SLOW && standing(candidate.contact) !== 'counts') {
          if (last.length < this.k) {
            last.push(candidate)
          }
          continue
        }
        const step = visit(candidate.state, this.underWay[path] as number, atOnce, this.maxRequests - this.requests)
        pathSettled &&= isSettled(candidate.state)
        if (step === PASS) {
          continue
        }
        starved ||= step === STARVE
        if (step === HALT || step === STARVE) {
          break
        }
        if (step === ASK) {
          this.ask(candidate, path, nowMs)
        }
        if (++counted >= this.k) {
          break
        }
      }
      // those that do not count are asked when nobody else is left to ask, and waited for like any other
      settled &&= pathSettled
      for (const candidate of last) {
        const step = visit(candidate.state, this.underWay[path] as number, pathSettled ? atOnce : 0, this.maxRequests - this.requests)
        settled &&= isSettled(candidate.state)
        starved ||= step === STARVE
        if (step === ASK) {
          this.ask(candidate, path, nowMs)
        }
      }
    }
    const reason = lookupEnd(settled, starved, this.answers, this.pending.length, this.k)
    if (reason !== undefined) {
      this.end(reason)
    }
  }

  private ask (candidate: Candidate<C>, path: number, nowMs: number): void {
    candidate.state = WAITING
    candidate.path = path
    candidate.sentMs = nowMs
    this.underWay[path] = (this.underWay[path] as number) + 1
    this.pending.push(candidate)
    this.requests++
    this.effects.push({ type: 'query', to: candidate.contact })
  }

  private end (reason: LookupEnd): void {
    this.ended = true
    const closest = closestOf(this.answeredContacts(), this.k, this.standing ?? {})
    // requests that were decided on but not yet taken are not sent any more
    const effects = this.effects.filter(effect => effect.type !== 'query')
    this.requests -= this.effects.length - effects.length
    this.effects = effects
    this.effects.push({ type: 'done', closest, complete: reason === 'converged' || reason === 'exhausted', reason, requests: this.requests })
    this.pending = []
  }
}
