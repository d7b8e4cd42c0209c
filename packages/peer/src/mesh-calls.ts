/** How a peer calls models: whom it finds, what it knows of the way to them, and the requests of its own that are under way. */
import { peerIdFromString } from '@libp2p/peer-id'
import { BoundedMap, deadline } from '@skein/core'
import { meets } from '@skein/routing'
import { CoolDown } from './cool-down.ts'
import { callModel } from './failover.ts'
import { explainOffers } from './model-explanation.ts'
import { searchOffers } from './offer-search.ts'
import { connectionTo, dialOffered, pathOf } from './paths/call-connections.ts'
import { PathScout } from './paths/path-scout.ts'
import { ProviderCall } from './provider-call.ts'
import { IdleCircuits } from './relay/idle-circuits.ts'
import type { PeerChecks } from './checks/peer-checks.ts'
import type { OverlayService } from '@skein/clusters/libp2p'
import type { Clock, Random } from '@skein/core'
import type { InferenceEvent, InferenceRequest } from '@skein/inference'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { Offer } from '@skein/records'
import type { OfferFilter } from '@skein/routing'
import type { FindModelOptions } from '@skein/routing/libp2p'
import type { FailoverOptions, FailoverWorld } from './failover.ts'
import type { SkeinServices } from './mesh-options.ts'
import type { ModelExplanation } from './model-explanation.ts'
import type { PooledOffer } from './offer-pool.ts'
import type { OfferSearchInit } from './offer-search.ts'
import type { ModelCall } from './openai/model-caller.ts'
import type { PeerPaths } from './paths/peer-paths.ts'
import type { PeerEvents } from './peer-events.ts'
import type { Observe, ProviderCallOptions } from './provider-call.ts'
import type { PathKind, ProviderView } from './ranking.ts'
import type { SeenModels } from './seen-models.ts'
import type { ServedModels } from './served-models.ts'
import type { PeerTrust } from './trust/peer-trust.ts'

export type CallAttempt = PeerEvents['call:attempt']['detail']

export interface MeshCallsInit {
  libp2p: Libp2p<SkeinServices>
  clock: Clock
  random: Random
  region: string
  trust: Pick<PeerTrust, 'of' | 'explain'>
  checks: Pick<PeerChecks, 'watch' | 'measuredSpeed'>
  served: ServedModels
  seen: SeenModels
  /** Not there without gossip, or when they are turned off */
  overlays?: OverlayService
  /** Not there without relays, or when it is turned off */
  paths?: Pick<PeerPaths, 'pathOf' | 'connectionTo' | 'budget' | 'pathTo' | 'hasIPv6' | 'isSilent' | 'patienceMs' | 'use'>
  onAttempt: (attempt: CallAttempt) => void
}

/** A measured round trip is good for this long; a ping takes at most that long, ms. */
const ROUND_TRIP_LIFE_MS = 60_000
const PING_TIMEOUT_MS = 5_000

export class MeshCalls {
  private readonly init: MeshCallsInit
  private readonly self: string
  private readonly coolDown = new CoolDown()
  private readonly ownRequests = new Map<string, number>()
  private readonly idleCircuits: IdleCircuits
  private readonly scout: PathScout
  private readonly roundTrips = new BoundedMap<string, { atMs: number, ms: number | undefined }>({ maxSize: 1_024 })

  constructor (init: MeshCallsInit) {
    this.init = init
    this.self = init.libp2p.peerId.toString()
    this.idleCircuits = new IdleCircuits(init)
    this.scout = new PathScout({
      libp2p: init.libp2p,
      clock: init.clock,
      isKnown: peer => peer === this.self || init.paths?.pathTo(peer) !== undefined,
      connect: async (offer, signal) => connectionTo(init, peerIdFromString(offer.peer)) ?? await dialOffered(init, offer, { signal }),
      onConnected: peer => { this.idleCircuits.onIdle(peer) }
    })
  }

  call (request: InferenceRequest, options: FailoverOptions): ModelCall {
    return callModel(this.world(request.model, options), request, options)
  }

  /** Offers that meet the filter: this peer's own, then those of others as they are found; each peer once. */
  async * search (filter: OfferFilter, options: FindModelOptions): AsyncGenerator<Offer, void, undefined> {
    const own = this.init.served.offerOf(filter.model)
    if (own != null && meets(own, filter)) {
      yield own
    }
    const yielded = new Set<string>()
    for await (const { offer } of searchOffers(this.offerSearch(), filter, options)) {
      this.init.seen.onOffer(offer)
      if (!yielded.has(offer.peer)) {
        yielded.add(offer.peer)
        yield offer
      }
    }
  }

  /** Who would be asked for a model now, in which order, and why. */
  async explain (filter: OfferFilter, options: FindModelOptions): Promise<ModelExplanation> {
    const offers = new Map<string, Offer>()
    for await (const offer of this.search({ model: filter.model }, options)) {
      offers.set(offer.peer, offer)
    }
    const nowMs = this.init.clock.nowMs()
    return explainOffers([...offers.values()], filter, {
      region: this.init.region,
      nowMs,
      isBudgetSpent: this.isBudgetSpent(),
      hasIPv6: this.init.paths?.hasIPv6,
      view: peer => ({ ...this.view(peer, filter.model), coolUntilMs: this.coolDown.untilMs(peer, filter.model, nowMs) }),
      reputationOf: peer => peer === this.self ? [] : this.init.trust.explain(peer, 'inference')
    })
  }

  stop (): void {
    this.idleCircuits.stop()
    this.scout.stop()
  }

  private world (model: string, { checks }: FailoverOptions): FailoverWorld {
    return {
      clock: this.init.clock,
      random: this.init.random,
      region: this.init.region,
      coolDown: this.coolDown,
      isBudgetSpent: () => this.isBudgetSpent(),
      hasIPv6: () => this.init.paths?.hasIPv6,
      onRelayed: this.init.paths && (others => { this.scout.onRelayed(others) }),
      find: (request, options, signal, hungry) => this.find(request, options, signal, hungry),
      view: peer => this.view(peer, model),
      ask: (offer, request, options) => this.ask(offer, request, options, answer =>
        this.init.checks.watch(answer, offer, request, checks === false)),
      onAttempt: attempt => { this.onAttempt(attempt) }
    }
  }

  private offerSearch (): OfferSearchInit {
    const { libp2p, overlays, region } = this.init
    return { overlays, findModel: (filter, options) => libp2p.services.routing.findModel(filter, options), region }
  }

  private async * find (
    request: InferenceRequest, options: FailoverOptions, signal: AbortSignal, hungry: () => Promise<void>
  ): AsyncGenerator<PooledOffer, void, undefined> {
    const { clock } = this.init
    const filter = { model: request.model, task: request.task, maxPriceMicros: options.maxPriceMicros, minTier: options.minTier }
    const own = this.init.served.offerOf(request.model)
    if (own != null && meets(own, filter)) {
      yield { offer: own, fromCache: true }
    }
    const isUsable = ({ peer, queueDepth, maxConcurrent }: Offer): boolean => {
      const nowMs = clock.nowMs()
      return queueDepth < maxConcurrent && (this.coolDown.untilMs(peer, request.model, nowMs) ?? 0) <= nowMs
    }
    for await (const { offer, source } of searchOffers(this.offerSearch(), filter, { signal, hungry, isUsable })) {
      this.init.seen.onOffer(offer)
      yield { offer, fromCache: source !== 'network' }
    }
  }

  private view (peer: string, model: string): ProviderView {
    const ownRequests = this.ownRequests.get(peer) ?? 0
    if (peer === this.self) {
      return { path: 'local', ownRequests }
    }
    const roundTripMs = this.roundTrips.get(peer)?.ms ?? this.init.libp2p.services.coordinates?.roundTripMs(peer)
    const { lastPath, isStuck } = this.init.paths?.pathTo(peer) ?? {}
    return {
      path: this.pathTo(peerIdFromString(peer)),
      lastPath,
      isStuck,
      roundTripMs,
      ownRequests,
      trust: this.init.trust.of(peer, 'inference'),
      measuredTokensPerSecond: this.init.checks.measuredSpeed(peer, model)?.tokensPerSecond
    }
  }

  private onAttempt (attempt: CallAttempt): void {
    const { model, peer, error } = attempt
    const { libp2p, seen, overlays, onAttempt } = this.init
    if (error?.code === 'model_not_found' || error?.code === 'connection_failed') {
      libp2p.services.routing.forget(model, peer)
      seen.forget(model, peer)
      overlays?.gone(model, peer)
    } else if (peer !== this.self) {
      void this.measureRoundTrip(peer)
    }
    onAttempt(attempt)
  }

  /** Those who are called are worth a ping now and then: ranking goes by it. */
  private async measureRoundTrip (peer: string): Promise<void> {
    const nowMs = this.init.clock.nowMs()
    const path = this.pathTo(peerIdFromString(peer))
    if (path !== 'direct' && path !== 'punched') {
      return // libp2p would dial for the ping, through the relay once more
    }
    const known = this.roundTrips.touch(peer)
    if (known != null && nowMs - known.atMs < ROUND_TRIP_LIFE_MS) {
      return
    }
    this.roundTrips.set(peer, { atMs: nowMs, ms: known?.ms })
    const limit = deadline(this.init.clock, PING_TIMEOUT_MS)
    try {
      const ms = await this.init.libp2p.services.ping.ping(peerIdFromString(peer), { signal: limit.signal })
      this.roundTrips.set(peer, { atMs: nowMs, ms })
    } catch {
      // the next call finds out whether it is still there
    } finally {
      limit.clear()
    }
  }

  private pathTo (peerId: PeerId): PathKind {
    const connection = connectionTo(this.init, peerId)
    return connection === undefined ? 'unconnected' : pathOf(this.init, connection)
  }

  private isBudgetSpent (): boolean {
    return this.init.paths?.budget.spent === true
  }

  /** Asks one provider, with nobody to go on to; `observe` looks on while its answer is read. */
  ask (
    offer: Offer, request: InferenceRequest, options: ProviderCallOptions, observe: Observe = answer => answer
  ): AsyncIterable<InferenceEvent> & { path: () => PathKind } {
    const { served } = this.init
    const local = offer.peer === this.self
    const call = local ? undefined : new ProviderCall(this.init, offer, request, options, observe)
    const count = (change: number): void => { this.count(offer.peer, change) }

    async function * events (): AsyncGenerator<InferenceEvent, void, undefined> {
      count(1)
      try {
        yield * call ?? served.infer(request, options)
      } finally {
        count(-1)
      }
    }
    const iterable = events()
    return { [Symbol.asyncIterator]: () => iterable, path: () => call?.path() ?? 'local' }
  }

  private count (peer: string, change: number): void {
    const requests = (this.ownRequests.get(peer) ?? 0) + change
    if (requests > 0) {
      this.ownRequests.set(peer, requests)
      this.idleCircuits.onCalled(peer)
    } else {
      this.ownRequests.delete(peer)
      this.idleCircuits.onIdle(peer)
    }
  }
}
