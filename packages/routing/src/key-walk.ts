/**
 * One key's search: a lookup of the key and, when more peers crowd around the key than chance puts there, or most of them do not count, lookups of
 * all that lies beside it in its region (S. Sridhar et al., "Content Censorship in the InterPlanetary File System", NDSS 2024, §VI). Undisturbed it
 * is the lookup and nothing more.
 */
import { crowdRadius, FALSE_ALARMS, FALSE_ALARMS_FRUITLESS, isCrowded, shareWithin } from './key-density.ts'
import { Lookup } from './lookup.ts'
import { compareDistance } from './model-key.ts'
import { closestOf, standings } from './peer-standing.ts'
import { isInPart, RegionSweep } from './region-sweep.ts'
import type { Contact, PeerKey } from './contact.ts'
import type { LookupInit, SequencedOffer } from './lookup.ts'
import type { LookupEnd } from './lookup-rules.ts'
import type { RegionPart } from './region-sweep.ts'
import type { Machine } from '@skein/core'

export interface KeyWalkInit<C extends Contact> extends Omit<LookupInit<C>, 'start' | 'wanted'> {
  /** Peers to begin a lookup of `target` with */
  start: (target: Uint8Array) => Iterable<C>
  /** How many peers there are; `undefined` while that is not known. Left out: a crowded key is taken as it is */
  networkSize?: () => number | undefined
  /**
   * How long a search that found nothing waits for the size of the network, ms. It says so with `weigh`. Left out: this is no search for offers, and
   * that it finds none means nothing.
   *
   * @default none
   */
  weighMs?: number
  /**
   * Disjoint paths of the lookups beside a crowded key, in which the crowd is not looked at.
   *
   * @default 2
   */
  sweepPaths?: number
  /**
   * Most lookups beside a crowded key.
   *
   * @default 10
   */
  maxSweepLookups?: number
}

export type KeyWalkEffect<C extends Contact, O extends SequencedOffer> =
  /** Ask for offers of the key, and for peers closer to `target`; `lookup` is to be told with the answer */
  | { type: 'query', to: C, target: Uint8Array, lookup: number }
  /** `away`: how far from the key they came from, as a share of the space */
  | { type: 'offers', offers: O[], from: C | undefined, away: number }
  /** The size of the network is wanted: tell with `onNetworkSize` when it is known */
  | { type: 'weigh' }
  /** `region`: all others that answered and stand in the region of a crowded key */
  | { type: 'done', closest: C[], region: C[], complete: boolean, reason: LookupEnd, requests: number, crowded: boolean }

interface Sweep<C extends Contact, O extends SequencedOffer> {
  /** Counts the lookups of the walk; 0 is that of the key */
  number: number
  part: RegionPart
  target: Uint8Array
  lookup: Lookup<C, O>
}

/** Lookups beside the key at once. */
const SWEEPS_AT_ONCE = 2

export class KeyWalk<C extends Contact = Contact, O extends SequencedOffer = SequencedOffer> implements Machine<KeyWalkEffect<C, O>> {
  private readonly init: KeyWalkInit<C>
  private readonly k: number
  private readonly lookup: Lookup<C, O>
  private first: { closest: C[], complete: boolean, reason: LookupEnd, requests: number } | undefined
  private weighUntilMs: number | undefined
  private plan: RegionSweep | undefined
  /** How far the crowd reaches */
  private radius = 0
  /** Under way */
  private readonly sweeps: Array<Sweep<C, O>> = []
  private lookups = 1
  private readonly region = new Map<PeerKey, C>()
  private effects: Array<KeyWalkEffect<C, O>> = []
  private requests = 0
  private brought = false
  private crowded = false
  private ended = false

  constructor (init: KeyWalkInit<C>, nowMs: number) {
    this.init = init
    this.k = init.k ?? 20
    this.lookup = new Lookup<C, O>({ ...init, start: init.start(init.target), wanted: undefined }, nowMs)
    this.advance(nowMs)
  }

  /** Answers received so far. */
  get answerCount (): number {
    return this.lookup.answerCount
  }

  /** Whether those known so far crowd around the key. */
  isCrowded (): boolean {
    const size = this.init.networkSize?.()
    this.crowded ||= size !== undefined && isCrowded(this.lookup.nearestShares(this.k), size, this.k)
    return this.crowded
  }

  /** Whether so far from the key no more peers stand than chance puts there. */
  isBesideCrowd (away: number): boolean {
    const size = this.init.networkSize?.()
    const radius = this.radius > 0 || size === undefined ? this.radius : crowdRadius(this.lookup.nearestShares(8 * this.k), size, this.k)
    return !this.isCrowded() || away > radius
  }

  onCandidates (contacts: Iterable<C>, nowMs: number): void {
    const found = [...contacts]
    this.lookup.onCandidates(found, nowMs)
    this.sweeps.forEach(({ lookup }) => { lookup.onCandidates(found, nowMs) })
    this.advance(nowMs)
  }

  onResponse (from: PeerKey, response: { offers: O[], closer: Iterable<C> }, nowMs: number, lookup = 0): void {
    this.numbered(lookup)?.onResponse(from, response, nowMs)
    this.advance(nowMs)
  }

  onOffers (from: PeerKey | undefined, offers: O[], nowMs: number): void {
    this.lookup.onOffers(from, offers, nowMs)
    this.advance(nowMs)
  }

  onFailure (from: PeerKey, nowMs: number, lookup = 0): void {
    this.numbered(lookup)?.onFailure(from, nowMs)
    this.advance(nowMs)
  }

  /** The size of the network has become known. */
  onNetworkSize (nowMs: number): void {
    if (this.weighUntilMs !== undefined) {
      this.weighUntilMs = undefined
      this.judge(nowMs, 0)
      this.advance(nowMs)
    }
  }

  onTimeout (nowMs: number): void {
    this.lookup.onTimeout(nowMs)
    this.sweeps.forEach(({ lookup }) => { lookup.onTimeout(nowMs) })
    if (this.weighUntilMs !== undefined && this.weighUntilMs <= nowMs) {
      this.onNetworkSize(nowMs)
    }
    this.advance(nowMs)
  }

  /** Ends the walk. Answers that are under way are ignored. */
  stop (): void {
    if (!this.ended) {
      this.lookup.stop()
      this.sweeps.forEach(({ lookup }) => { lookup.stop() })
      this.effects = this.effects.filter(({ type }) => type !== 'query')
      this.first ??= this.drain(this.lookup, this.init.target, 0)
      this.finish('stopped')
    }
  }

  poll (): KeyWalkEffect<C, O> | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    if (this.ended) {
      return undefined
    }
    const times = [this.lookup, ...this.sweeps.map(({ lookup }) => lookup)].map(lookup => lookup.nextTimeoutMs() ?? Infinity)
    const next = Math.min(this.weighUntilMs ?? Infinity, ...times)
    return next === Infinity ? undefined : next
  }

  private numbered (number: number): Lookup<C, O> | undefined {
    return number === 0 ? this.lookup : this.sweeps.find(sweep => sweep.number === number)?.lookup
  }

  private advance (nowMs: number): void {
    if (this.ended) {
      return
    }
    const done = this.first === undefined ? this.drain(this.lookup, this.init.target, 0) : undefined
    if (done !== undefined) {
      this.first = done
      this.judge(nowMs)
    }
    this.fillSweeps(nowMs)
    for (let i = 0; i < this.sweeps.length;) {
      const sweep = this.sweeps[i] as Sweep<C, O>
      const end = this.drain(sweep.lookup, sweep.target, sweep.number)
      if (end === undefined) {
        i++
      } else {
        this.sweeps.splice(i, 1)
        this.onSwept(sweep, end)
        this.fillSweeps(nowMs)
      }
    }
    if (this.first !== undefined && this.weighUntilMs === undefined && this.sweeps.length === 0) {
      this.finish(this.first.reason)
    }
  }

  private fillSweeps (nowMs: number): void {
    while (this.plan !== undefined && this.sweeps.length < SWEEPS_AT_ONCE) {
      const part = this.plan.next()
      if (part === undefined) {
        return
      }
      this.sweep(part, nowMs)
    }
  }

  /** What follows the lookup of the key: nothing, a sweep of its region, or waiting until it can be told. */
  private judge (nowMs: number, waitMs = this.init.weighMs ?? 0): void {
    const { networkSize, target } = this.init
    const size = networkSize?.()
    // whom it is to be stored at is no search, and finds nothing
    const isFruitless = !this.brought && this.init.weighMs !== undefined && this.lookup.nearestShares(this.k, true).length >= this.k / 2
    if (networkSize !== undefined && size === undefined && isFruitless && waitMs > 0) {
      this.weighUntilMs = nowMs + waitMs
      this.effects.push({ type: 'weigh' })
    }
    if (size === undefined) {
      return
    }
    const falseAlarms = isFruitless ? FALSE_ALARMS_FRUITLESS : FALSE_ALARMS
    this.crowded ||= isCrowded(this.lookup.nearestShares(this.k, isFruitless), size, this.k, falseAlarms)
    if (this.crowded) {
      this.radius = crowdRadius(this.lookup.nearestShares(8 * this.k, isFruitless), size, this.k)
    }
    if (this.crowded || this.isScarce()) {
      const view = new DataView(target.buffer, target.byteOffset)
      this.plan = new RegionSweep({
        keyHi: view.getUint32(0), keyLo: view.getUint32(4), k: this.k, networkSize: size, crowded: true, leastExpected: 1,
        maxLookups: this.init.maxSweepLookups ?? 10
      })
      this.lookup.answeredContacts().forEach(contact => { this.learn(contact) })
    }
  }

  /** Most of those that answered do not count, by what is known of them or by their networks. */
  private isScarce (): boolean {
    if (this.lookup.answerCount < this.k || (this.init.trustOf === undefined && this.init.networkOf === undefined)) {
      return false
    }
    const standing = standings(this.init, this.k)
    return this.lookup.answeredContacts().filter(contact => standing(contact) === 'counts').length < this.k / 2
  }

  private sweep (part: RegionPart, nowMs: number): void {
    const { init } = this
    const target = Uint8Array.from(init.target)
    new DataView(target.buffer).setUint32(0, part.targetHi)
    const lookup = new Lookup<C, O>({
      ...init,
      target,
      start: init.start(target),
      disjointPaths: init.sweepPaths ?? 2,
      wanted: undefined,
      ignore: ({ kadId }) => shareWithin(kadId, init.target) <= this.radius
    }, nowMs)
    this.sweeps.push({ number: this.lookups++, part, target, lookup })
  }

  private onSwept ({ lookup, part }: Sweep<C, O>, { closest, reason }: { closest: C[], reason: LookupEnd }): void {
    lookup.answeredContacts().forEach(contact => { this.learn(contact) })
    // one that ran out of requests, or found fewer than k, was led to peers that do not exist: others may hide behind those
    const last = closest[this.k - 1]
    const isOverfull = reason === 'budget' || (last !== undefined && isInPart(part, upperHalf(last.kadId)))
    this.plan?.onFound(part, isOverfull)
  }

  private learn (contact: C): void {
    if (this.plan !== undefined && isInPart(this.plan.region, upperHalf(contact.kadId))) {
      this.region.set(contact.peer, contact)
    }
  }

  /** Hands on what a lookup wants; returns how it ended, if it has. */
  private drain (
    lookup: Lookup<C, O>, target: Uint8Array, number: number
  ): { closest: C[], complete: boolean, reason: LookupEnd, requests: number } | undefined {
    for (;;) {
      const effect = lookup.poll()
      if (effect === undefined) {
        return undefined
      }
      if (effect.type === 'query') {
        this.requests++
        this.effects.push({ type: 'query', to: effect.to, target, lookup: number })
      } else if (effect.type === 'offers') {
        this.brought = true
        this.effects.push({ ...effect, away: effect.from === undefined ? 1 : shareWithin(effect.from.kadId, this.init.target) })
      } else {
        return effect
      }
    }
  }

  /** All of the region that answered, closest first. */
  private nearest (): C[] {
    return [...this.region.values()].sort((a, b) => compareDistance(a.kadId, b.kadId, this.init.target))
  }

  private finish (reason: LookupEnd): void {
    const { first } = this
    this.ended = true
    // where the key is not crowded, what the sweep found fills the places of those that do not count
    const closest = this.crowded || this.region.size === 0 ? first?.closest ?? [] : closestOf(this.nearest(), this.k, this.init)
    const named = new Set(closest.map(({ peer }) => peer))
    this.effects.push({
      type: 'done',
      closest,
      region: this.crowded ? [...this.region.values()].filter(({ peer }) => !named.has(peer)) : [],
      complete: first?.complete === true && reason !== 'stopped',
      reason,
      requests: this.requests,
      crowded: this.crowded
    })
  }
}

function upperHalf (id: Uint8Array): number {
  return new DataView(id.buffer, id.byteOffset).getUint32(0)
}
