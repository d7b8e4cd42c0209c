/** One model as one peer sees it: whether it has to do with the model, how large the crowd is, and its part in the topic while there is one. */
import { randomFloat } from '@skein/core'
import { Crowd } from './crowd.ts'
import { CrowdGate } from './crowd-gate.ts'
import { JoinedTopic } from './joined-topic.ts'
import type { ProviderContact } from './crowd.ts'
import type { OfferVerdict } from './joined-topic.ts'
import type { OverlayCounters } from './overlay-counters.ts'
import type { OverlayRules } from './overlay-options.ts'
import type { OwnLoad } from './own-load.ts'
import type { Random } from '@skein/core'
import type { SignedOffer } from '@skein/records'

/**
 * - `join`, `leave`: join the topic of the model, or leave it
 * - `publish`: tell this peer's offer in the topic, as it is now, or that it is withdrawn
 * - `offer`: an offer was told in the topic; for whoever lists what there is
 * - `look`: say with `onSubscribers` how many connected peers are in the topic
 * - `count`: look the providers of the model up, until there are enough for a topic, and say whom that brought with `onSighting`
 * - `dial`: connect to these providers: too few of those in the topic are connected
 */
export type OverlayEffect =
  | { type: 'join' | 'leave' | 'look', model: string }
  | { type: 'publish', model: string, withdrawn: boolean }
  | { type: 'offer', model: string, signed: SignedOffer }
  | { type: 'count', model: string, enough: number }
  | { type: 'dial', model: string, providers: ProviderContact[] }

export interface OverlayWorld {
  rules: OverlayRules
  region: string
  random: Random
  counters: OverlayCounters
  emit: (effect: OverlayEffect) => void
  /** Makes room for one topic more; `false` when there is none */
  mayJoin: (overlay: ModelOverlay, nowMs: number) => boolean
}

/** A mesh holds together when each has three others; four are dialled at once at most. */
const ENOUGH_SUBSCRIBERS = 3
const MAX_DIALS = 4
/** Between two rounds of dials: how long connections and subscriptions take to be known, ms. */
const DIAL_EVERY_MS = 30_000
/** From withdrawing the offer to leaving: the message must be on its way, ms. */
const PARTING_MS = 2_000

export class ModelOverlay {
  readonly model: string
  joined?: JoinedTopic
  lastCallMs = -Infinity
  private readonly world: OverlayWorld
  private readonly crowd: Crowd
  private readonly gate: CrowdGate
  private load?: OwnLoad
  /** The last calls, as many as make a stake */
  private calls: number[] = []
  private subscribers = 0
  private lookAtMs: number
  private countAtMs?: number
  private dialAtMs = -Infinity
  private partAtMs = -Infinity

  constructor (model: string, world: OverlayWorld, nowMs: number) {
    this.model = model
    this.world = world
    this.crowd = new Crowd(world.rules.sightingLifeMs)
    this.gate = new CrowdGate(world.rules)
    this.lookAtMs = nowMs
  }

  get isServed (): boolean {
    return this.load !== undefined
  }

  get nextMs (): number {
    return Math.min(this.lookAtMs, this.joined?.telling?.nextMs ?? Infinity)
  }

  /** Nothing is lost when it is forgotten. */
  isIdle (nowMs: number): boolean {
    return !this.isServed && this.joined === undefined && nowMs - this.lastCallMs >= this.world.rules.stakeMs
  }

  hasStake (nowMs: number): boolean {
    const { stakeCalls, stakeMs } = this.world.rules
    return this.calls.length >= stakeCalls && nowMs - this.lastCallMs < stakeMs
  }

  /** Providers in sight, this peer among them. */
  inSight (nowMs: number): number {
    return this.crowd.size(nowMs) + (this.isServed ? 1 : 0)
  }

  onOwnLoad (load: OwnLoad, nowMs: number): void {
    if (this.load === undefined) {
      // those that start together shall not count together, and what they count shall be stored by then
      this.countAtMs = nowMs + this.world.rules.countEveryMs * (0.05 + 0.1 * randomFloat(this.world.random))
    }
    this.load = load
    this.joined?.onOwnLoad(load, nowMs)
    this.decide(nowMs)
  }

  /** This peer is reached at other addresses. */
  onAddresses (nowMs: number): void {
    this.joined?.telling?.onOutdated(nowMs)
    this.decide(nowMs)
  }

  onWithdraw (nowMs: number): void {
    if (!this.isServed) {
      return
    }
    this.load = undefined
    if (this.joined !== undefined) {
      this.joined.onOwnLoad(undefined, nowMs)
      this.publish(true)
      this.partAtMs = nowMs + PARTING_MS
      this.lookAtMs = Math.min(this.lookAtMs, this.partAtMs)
    }
    this.decide(nowMs)
  }

  onCall (nowMs: number): void {
    const { stakeCalls, stakeMs } = this.world.rules
    const hadStake = this.hasStake(nowMs)
    this.lastCallMs = nowMs
    this.calls = [...this.calls.filter(atMs => nowMs - atMs < stakeMs), nowMs].slice(-stakeCalls)
    if (!hadStake && this.hasStake(nowMs)) {
      this.countAtMs ??= nowMs
      this.look(nowMs)
    }
    this.decide(nowMs)
  }

  onSighting (provider: ProviderContact, nowMs: number): void {
    this.crowd.onSeen(provider, nowMs)
    this.decide(nowMs)
  }

  onGone (peer: string): void {
    this.crowd.onGone(peer)
    this.joined?.offers.delete(peer)
  }

  onSubscribers (count: number, nowMs: number): void {
    this.subscribers = count
    this.joined?.onSubscribers(count, nowMs)
    this.decide(nowMs)
  }

  onOffer (signed: SignedOffer, nowMs: number): OfferVerdict {
    const { counters, emit } = this.world
    const verdict = this.joined?.onOffer(signed, nowMs) ?? 'ignore'
    if (verdict === 'ignore') {
      counters.overlay_offers_ignored_total++
      return verdict
    }
    counters.overlay_offers_heard_total++
    if (signed.offer.withdrawn) {
      this.crowd.onGone(signed.offer.peer)
    } else {
      this.crowd.onSeen(signed.offer, nowMs)
    }
    emit({ type: 'offer', model: this.model, signed })
    return verdict
  }

  onTimeout (nowMs: number): void {
    const telling = this.joined?.telling
    if (telling !== undefined && telling.nextMs <= nowMs) {
      const { deferred } = telling
      if (telling.onTimeout(nowMs)) {
        this.publish(false)
      }
      this.world.counters.overlay_offers_deferred_total += telling.deferred - deferred
    }
    if (this.lookAtMs <= nowMs) {
      this.look(nowMs)
      this.decide(nowMs)
    }
  }

  /** Leaves the topic, for another that is worth more. */
  leave (): void {
    if (this.joined !== undefined) {
      this.joined = undefined
      this.world.counters.overlay_leaves_total++
      this.world.emit({ type: 'leave', model: this.model })
    }
  }

  private decide (nowMs: number): void {
    if (!this.isServed && !this.hasStake(nowMs)) {
      if (nowMs >= this.partAtMs) {
        this.leave()
      }
      return
    }
    this.gate.onCount(this.inSight(nowMs), this.subscribers, nowMs)
    if (!this.gate.isOpen) {
      this.leave()
    } else if (this.joined === undefined && this.world.mayJoin(this, nowMs)) {
      this.join(nowMs)
    }
  }

  private join (nowMs: number): void {
    const { counters, emit, random, region, rules } = this.world
    this.joined = new JoinedTopic(rules, region, random, nowMs)
    this.joined.onSubscribers(this.subscribers, nowMs)
    this.joined.onOwnLoad(this.load, nowMs)
    counters.overlay_joins_total++
    emit({ type: 'join', model: this.model })
    this.dial(nowMs)
  }

  private look (nowMs: number): void {
    const { counters, emit, random, rules } = this.world
    this.lookAtMs = nowMs + rules.lookEveryMs * (0.9 + 0.2 * randomFloat(random))
    if (this.partAtMs > nowMs) {
      this.lookAtMs = Math.min(this.lookAtMs, this.partAtMs)
    }
    const matters = this.isServed || this.hasStake(nowMs)
    if (matters) {
      emit({ type: 'look', model: this.model })
    }
    if (this.joined !== undefined) {
      this.dial(nowMs)
    } else if (matters && this.countAtMs !== undefined && this.countAtMs <= nowMs) {
      this.countAtMs = nowMs + rules.countEveryMs * (0.9 + 0.2 * randomFloat(random))
      counters.overlay_counts_total++
      emit({ type: 'count', model: this.model, enough: rules.openAbove + 1 })
    }
  }

  private dial (nowMs: number): void {
    if (this.subscribers >= ENOUGH_SUBSCRIBERS || nowMs - this.dialAtMs < DIAL_EVERY_MS) {
      return
    }
    const providers = this.crowd.toDial(MAX_DIALS, nowMs)
    if (providers.length > 0) {
      this.dialAtMs = nowMs
      this.world.counters.overlay_dials_total += providers.length
      this.world.emit({ type: 'dial', model: this.model, providers })
    }
  }

  private publish (withdrawn: boolean): void {
    this.world.counters.overlay_offers_told_total++
    this.world.emit({ type: 'publish', model: this.model, withdrawn })
  }
}
