/**
 * The overlays of one peer: which of the models that it serves or calls have a crowd, what is told in their topics, and when this peer tells its own
 * offers. No I/O; a driver gossips.
 */
import { BoundedMap, TimerTable } from '@skein/core'
import { ModelOverlay } from './model-overlay.ts'
import { newOverlayCounters } from './overlay-counters.ts'
import { overlayRules } from './overlay-options.ts'
import type { ProviderContact } from './crowd.ts'
import type { OfferVerdict } from './joined-topic.ts'
import type { OverlayEffect, OverlayWorld } from './model-overlay.ts'
import type { OverlayOptions, OverlayRules } from './overlay-options.ts'
import type { OwnLoad } from './own-load.ts'
import type { Machine, Random } from '@skein/core'
import type { SignedOffer } from '@skein/records'

export interface ModelOverlaysInit extends OverlayOptions {
  /** This peer: its own offers are not among those of others */
  self: string
  /**
   * This peer's region: when there is no room for all offers, those of it stay.
   *
   * @default ''
   */
  region?: string
}

export class ModelOverlays implements Machine<OverlayEffect> {
  readonly counters = newOverlayCounters()
  readonly rules: OverlayRules
  private readonly self: string
  private readonly world: OverlayWorld
  /** In the order in which something was last asked of them */
  private readonly overlays: BoundedMap<string, ModelOverlay>
  private readonly timers = new TimerTable<ModelOverlay>()
  private readonly effects: OverlayEffect[] = []

  constructor (init: ModelOverlaysInit, random: Random) {
    this.rules = overlayRules(init)
    this.self = init.self
    this.overlays = new BoundedMap({ maxSize: this.rules.maxModels })
    this.world = {
      rules: this.rules,
      region: init.region ?? '',
      random,
      counters: this.counters,
      emit: effect => { this.effects.push(effect) },
      mayJoin: (overlay, nowMs) => this.mayJoin(overlay, nowMs)
    }
  }

  /** Models in whose topics this peer is. */
  get topics (): string[] {
    return this.joined().map(({ model }) => model)
  }

  /** Offers of others that are kept, all models together. */
  get offerCount (): number {
    return this.joined().reduce((sum, { joined }) => sum + (joined?.offers.size ?? 0), 0)
  }

  /** The offers told in a model's topic that hold now; none when this peer is not in it. */
  offersOf (model: string, nowMs: number): SignedOffer[] {
    return this.overlays.get(model)?.joined?.offers.live(nowMs) ?? []
  }

  /** What a provider told last in the topic of a model: newer, perhaps, than what is found elsewhere, or that its offer is withdrawn. */
  newestOf (model: string, peer: string, nowMs: number): SignedOffer | undefined {
    return this.overlays.get(model)?.joined?.offers.get(peer, nowMs)
  }

  /** Providers of a model in sight. */
  inSight (model: string, nowMs: number): number {
    return this.overlays.get(model)?.inSight(nowMs) ?? 0
  }

  /** This peer serves a model, with this load, or the load has changed. */
  onServe (model: string, load: OwnLoad, nowMs: number): void {
    this.at(this.take(model, nowMs), nowMs, overlay => { overlay.onOwnLoad(load, nowMs) })
  }

  /** The load of a model that is served has changed. */
  onOwnLoad (model: string, load: OwnLoad, nowMs: number): void {
    const overlay = this.overlays.get(model)
    if (overlay?.isServed === true) {
      this.at(overlay, nowMs, () => { overlay.onOwnLoad(load, nowMs) })
    }
  }

  /** This peer is reached at other addresses: what it told of itself is to be told anew. */
  onAddresses (nowMs: number): void {
    for (const [, overlay] of this.overlays) {
      if (overlay.isServed) {
        this.at(overlay, nowMs, () => { overlay.onAddresses(nowMs) })
      }
    }
  }

  onWithdraw (model: string, nowMs: number): void {
    this.at(this.overlays.get(model), nowMs, overlay => { overlay.onWithdraw(nowMs) })
  }

  /** This peer asked for providers of a model, to call one. */
  onCall (model: string, nowMs: number): void {
    this.at(this.take(model, nowMs), nowMs, overlay => { overlay.onCall(nowMs) })
  }

  /** Somebody offers the model: found by a lookup, held for others, or otherwise. Passed over when this peer has nothing to do with the model. */
  onSighting (model: string, provider: ProviderContact, nowMs: number): void {
    if (provider.peer !== this.self) {
      this.at(this.overlays.get(model), nowMs, overlay => { overlay.onSighting(provider, nowMs) })
    }
  }

  /** A provider does not serve the model any more, or cannot be reached: it counts again when it is told of again. */
  onGone (model: string, peer: string): void {
    this.overlays.get(model)?.onGone(peer)
  }

  onSubscribers (model: string, count: number, nowMs: number): void {
    this.at(this.overlays.get(model), nowMs, overlay => { overlay.onSubscribers(count, nowMs) })
  }

  /** An offer of this model came in its topic, from the peer that it is of, and is valid. Says whether it is to be passed on. */
  onOffer (model: string, signed: SignedOffer, nowMs: number): OfferVerdict {
    let verdict: OfferVerdict = 'ignore'
    if (signed.offer.peer !== this.self) {
      this.at(this.overlays.get(model), nowMs, overlay => { verdict = overlay.onOffer(signed, nowMs) })
    }
    return verdict
  }

  onTimeout (nowMs: number): void {
    for (let overlay = this.timers.popDue(nowMs); overlay !== undefined; overlay = this.timers.popDue(nowMs)) {
      this.at(overlay, nowMs, due => { due.onTimeout(nowMs) })
    }
  }

  poll (): OverlayEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.timers.nextMs()
  }

  private at (overlay: ModelOverlay | undefined, nowMs: number, feed: (overlay: ModelOverlay) => void): void {
    if (overlay === undefined) {
      return
    }
    feed(overlay)
    if (overlay.isIdle(nowMs)) {
      this.overlays.delete(overlay.model)
      this.timers.delete(overlay)
    } else if (this.timers.deadlineOf(overlay) !== overlay.nextMs) {
      this.timers.set(overlay, overlay.nextMs)
    }
  }

  /** The overlay of a model, a new one if need be; `undefined` when there are too many of more weight. */
  private take (model: string, nowMs: number): ModelOverlay | undefined {
    const known = this.overlays.touch(model)
    if (known !== undefined) {
      return known
    }
    if (this.overlays.size >= this.overlays.maxSize) {
      const oldest = [...this.overlays.values()].find(({ isServed }) => !isServed)
      if (oldest === undefined) {
        return undefined
      }
      oldest.leave()
      this.overlays.delete(oldest.model)
      this.timers.delete(oldest)
    }
    const overlay = new ModelOverlay(model, this.world, nowMs)
    this.overlays.set(model, overlay)
    return overlay
  }

  private joined (): ModelOverlay[] {
    return [...this.overlays.values()].filter(({ joined }) => joined !== undefined)
  }

  /** There is room, or one makes room that is not served and was called longer ago. */
  private mayJoin (overlay: ModelOverlay, nowMs: number): boolean {
    const joined = this.joined()
    if (joined.length < this.rules.maxTopics) {
      return true
    }
    const [least] = joined.filter(({ isServed }) => !isServed).sort((a, b) => a.lastCallMs - b.lastCallMs)
    if (least === undefined || !(overlay.isServed || overlay.lastCallMs > least.lastCallMs)) {
      return false
    }
    this.at(least, nowMs, () => { least.leave() })
    return true
  }
}
