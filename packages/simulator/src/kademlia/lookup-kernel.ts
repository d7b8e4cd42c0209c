/**
 * Lookups over typed arrays, many at once, by the rules of `@skein/routing`: what its `Lookup` does to objects, in the same order, without
 * allocating.
 * A lookup is a slot. `begin`, `answer` and `expire` are what happens to it; the candidates it asks then are in `asked`.
 */
import {
  ANSWERED, ASK, FAILED, FRESH, HALT, isSettled, lookupEnd, PASS, requestsAtOnce, SLOW, STARVE, stateAt, visit, WAITING
} from '@skein/routing/lookup-rules'
import { CandidatePool, NONE } from './candidate-pool.ts'
import type { ContactList } from './contact-list.ts'
import type { LookupEnd } from '@skein/routing/lookup-rules'

export interface LookupRule {
  /** Closest peers that must answer, and the most taken from one answer. @default 20 */
  k?: number
  /** Requests under way at once on each path. @default 3 */
  alpha?: number
  /** @default 1 */
  disjointPaths?: number
  /** @default 5 · k */
  maxRequests?: number
  /** @default 8 · k */
  maxCandidates?: number
  /** After this a request holds the lookup back no more, ms. @default 700 */
  softTimeoutMs?: number
  /** After this it has failed, ms. @default 4000 */
  requestTimeoutMs?: number
  /**
   * `skein`: after a round that came no closer, all that is left of the k closest is asked at once, as `@skein/routing` does. `classic`: never more
   * than
   * alpha, as most implementations of Kademlia.
   *
   * @default 'skein'
   */
  policy?: 'skein' | 'classic'
}

export class LookupKernel {
  readonly k: number
  readonly alpha: number
  readonly softTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly pool: CandidatePool
  /** What the last input made the lookup ask: candidates of its slot */
  readonly asked: Int16Array
  askedLength = 0
  /** Why the lookup ended with the last input, if it did */
  ended: LookupEnd | undefined
  readonly requests: Uint16Array
  readonly answers: Uint16Array
  private readonly maxRequests: number
  private readonly atOnce: number
  private readonly pending: Uint16Array
  private readonly underWay: Int16Array
  private readonly barren: Uint16Array
  private readonly paths: number
  /** Where the last contact of an answer went: the next is not nearer */
  private place = 0

  constructor (slots: number, rule: LookupRule = {}) {
    this.k = rule.k ?? 20
    this.alpha = rule.alpha ?? 3
    this.softTimeoutMs = rule.softTimeoutMs ?? 700
    this.requestTimeoutMs = rule.requestTimeoutMs ?? 4000
    this.paths = rule.disjointPaths ?? 1
    this.maxRequests = rule.maxRequests ?? 5 * this.k
    this.atOnce = rule.policy === 'classic' ? this.alpha : this.k
    this.pool = new CandidatePool(slots, this.paths, rule.maxCandidates ?? 8 * this.k, this.maxRequests)
    this.asked = new Int16Array(this.paths * this.k)
    this.requests = new Uint16Array(slots)
    this.answers = new Uint16Array(slots)
    this.pending = new Uint16Array(slots)
    this.underWay = new Int16Array(slots * this.paths)
    this.barren = new Uint16Array(slots * this.paths)
  }

  /** Starts a lookup with the contacts that the searcher has, closest first. */
  begin (slot: number, start: ContactList, nowMs: number): void {
    const { paths, pool } = this
    pool.clear(slot)
    this.requests[slot] = this.answers[slot] = this.pending[slot] = 0
    for (let path = 0; path < paths; path++) {
      this.underWay[slot * paths + path] = this.barren[slot * paths + path] = 0
    }
    // dealt out by distance, so that each path starts about as close as the others
    for (let i = 0, size = Math.min(start.size, pool.maxCandidates); i < size; i++) {
      const candidate = pool.add(slot, start.nodes[i] as number, start.distances[i] as number, 1)
      pool.insert(slot, i % paths, candidate, Math.floor(i / paths))
    }
    this.advance(slot, nowMs)
  }

  /** An answer of a candidate that was asked: closer contacts, closest first. */
  answer (slot: number, candidate: number, self: number, closer: ContactList, nowMs: number): void {
    const { pool } = this
    const at = slot * pool.capacity + candidate
    this.askedLength = 0
    this.ended = undefined
    if (pool.state[at] !== WAITING && pool.state[at] !== SLOW) {
      return
    }
    this.settle(slot, at)
    pool.state[at] = ANSWERED
    this.answers[slot] = (this.answers[slot] as number) + 1
    const path = pool.path[at] as number
    const hop = (pool.hop[at] as number) + 1
    let fruitful = false
    this.place = 0
    for (let i = 0, size = Math.min(this.k, closer.size); i < size; i++) {
      if (closer.nodes[i] !== self) {
        fruitful = this.learn(slot, path, closer.nodes[i] as number, closer.distances[i] as number, hop) || fruitful
      }
    }
    const barren = slot * this.paths + path
    this.barren[barren] = fruitful ? 0 : (this.barren[barren] as number) + 1
    this.advance(slot, nowMs)
  }

  /**
   * Time has passed since a request: it holds the lookup back no more, or has failed. When several come due at once, `advance` comes after the last,
   * as in a machine that is told the time once.
   */
  expire (slot: number, candidate: number, nowMs: number): void {
    const { pool } = this
    const at = slot * pool.capacity + candidate
    const before = pool.state[at] as number
    if (before !== WAITING && before !== SLOW) {
      return
    }
    const state = stateAt(before, pool.sentMs[at] as number, nowMs, this.softTimeoutMs, this.requestTimeoutMs)
    if (state === FAILED) {
      this.settle(slot, at)
      pool.fail(slot, candidate)
    } else if (state !== before) {
      this.release(slot, at)
      pool.state[at] = state
    }
  }

  /** Asks whom the rules say to ask now, or ends. */
  advance (slot: number, nowMs: number): void {
    const { k, maxRequests, paths, pool, requests } = this
    const first = slot * pool.capacity
    let settled = true
    let starved = false
    this.askedLength = 0
    for (let path = 0; path < paths; path++) {
      const list = slot * paths + path
      const start = pool.listStart[list] as number
      const length = pool.listLength[list] as number
      const atOnce = requestsAtOnce(this.barren[list] as number, this.alpha, this.atOnce)
      let counted = 0
      for (let i = 0; i < length; i++) {
        const candidate = pool.order[start + i] as number
        const state = pool.state[first + candidate] as number
        const step = visit(state, this.underWay[list] as number, atOnce, maxRequests - (requests[slot] as number))
        settled &&= isSettled(state)
        if (step === PASS) {
          continue
        }
        starved ||= step === STARVE
        if (step === HALT || step === STARVE) {
          break
        }
        if (step === ASK) {
          this.ask(slot, list, path, candidate, nowMs)
        }
        if (++counted >= k) {
          break
        }
      }
    }
    this.ended = lookupEnd(settled, starved, this.answers[slot] as number, this.pending[slot] as number, k)
    if (this.ended !== undefined) {
      this.askedLength = 0
    }
  }

  /** The closest candidates that answered, as places in the slot's pool; returns how many. */
  closest (slot: number, out: Int16Array): number {
    const { capacity, distance, state } = this.pool
    const first = slot * capacity
    let size = 0
    // also those that were pushed off the lists since they answered
    for (let candidate = 0, end = this.pool.end(slot); candidate < end; candidate++) {
      if (state[first + candidate] !== ANSWERED) {
        continue
      }
      let place = size
      while (place > 0 && (distance[first + (out[place - 1] as number)] as number) > (distance[first + candidate] as number)) {
        place--
      }
      if (place < this.k) {
        size = Math.min(size + 1, this.k)
        for (let i = size - 1; i > place; i--) {
          out[i] = out[i - 1] as number
        }
        out[place] = candidate
      }
    }
    return size
  }

  /** Whether the contact is new among the k closest of the path. */
  private learn (slot: number, path: number, node: number, distance: number, hop: number): boolean {
    const { pool } = this
    const known = pool.find(slot, node)
    const candidate = known === NONE ? pool.add(slot, node, distance, hop) : known
    const state = pool.state[slot * pool.capacity + candidate]
    if (known !== NONE && (this.paths === 1 || state === FAILED)) {
      return false
    }
    const place = pool.insert(slot, path, candidate, this.place)
    if (place !== NONE) {
      this.place = place
    } else if (known === NONE) {
      pool.remove(slot, candidate)
    }
    return place !== NONE && place < this.k && state === FRESH
  }

  private release (slot: number, at: number): void {
    const path = slot * this.paths + (this.pool.path[at] as number)
    this.underWay[path] = (this.underWay[path] as number) - 1
  }

  private settle (slot: number, at: number): void {
    if (this.pool.state[at] === WAITING) {
      this.release(slot, at)
    }
    this.pending[slot] = (this.pending[slot] as number) - 1
  }

  private ask (slot: number, list: number, path: number, candidate: number, nowMs: number): void {
    const at = slot * this.pool.capacity + candidate
    this.pool.state[at] = WAITING
    this.pool.path[at] = path
    this.pool.sentMs[at] = nowMs
    this.underWay[list] = (this.underWay[list] as number) + 1
    this.pending[slot] = (this.pending[slot] as number) + 1
    this.requests[slot] = (this.requests[slot] as number) + 1
    this.asked[this.askedLength++] = candidate
  }
}
