/** A peer of the mesh: serves models, finds and calls those of others. */
import { NoCoordinatorError } from '@skein/clusters/libp2p'
import { deadline, randomBytes, toHex } from '@skein/core'
import { handlerBackend, InferenceError } from '@skein/inference'
import { TypedEventEmitter } from 'main-event'
import { platform } from '#platform'
import { chatCall } from './chat-call.ts'
import { PeerChecks } from './checks/peer-checks.ts'
import { loadsOf } from './mesh-clusters.ts'
import { MeshCalls } from './mesh-calls.ts'
import { openAIFetch } from './openai/openai-fetch.ts'
import { RelayUnavailableError } from './relay/relay-unavailable-error.ts'
import { mergeListings, SeenModels } from './seen-models.ts'
import { ServedModels } from './served-models.ts'
import { PeerSignals } from './signals/peer-signals.ts'
import type { ChatCall } from './chat-call.ts'
import type { CheckOptions } from './checks/check-options.ts'
import type { MeasuredSpeed } from './checks/answer-speeds.ts'
import type { MeasureOptions, PeerMeasurement } from './checks/measure-peer.ts'
import type { AskProvider, FindOffers } from './checks/peer-checks.ts'
import type { Service } from './served-models.ts'
import type { FailoverOptions } from './failover.ts'
import type { PeerGossip } from './gossip/peer-gossip.ts'
import type { MeshServices } from './metrics/mesh-figures.ts'
import type { ModelExplanation } from './model-explanation.ts'
import type { MeshMembership, SelfDescription } from './mesh-membership.ts'
import type { ModelCall, ModelCaller, ModelListing } from './openai/model-caller.ts'
import type { OpenAIFetch } from './openai/openai-fetch.ts'
import type { SkeinServices } from './mesh-options.ts'
import type { PeerEvents } from './peer-events.ts'
import type { NetworkLookup } from './trust/network-lookup.ts'
import type { SeedRefusal } from './admission/seed-refusal.ts'
import type { PeerTrust } from './trust/peer-trust.ts'
import type { PortMappingStatus } from './paths/mapped-port.ts'
import type { PeerPaths, Standing } from './paths/peer-paths.ts'
import type { HeldRelay, RelayedListening, ReserveRelayOptions } from './relay/relayed-listening.ts'
import type { Libp2p } from '@libp2p/interface'
import type { OutboundConnections } from '@skein/pex/libp2p'
import type { RegionAnswer } from '@skein/clusters'
import type { ClusterService, OverlayService, WhereOptions } from '@skein/clusters/libp2p'
import type { Clock, Random, Topics } from '@skein/core'
import type { Backend, Handler, HandlerBackendOptions, InferenceRequest, JsonObject } from '@skein/inference'
import type { BudgetState, PeerPath } from '@skein/reachability'
import type { Offer, SignedCapabilities, SuperNodeLease, SuperNodeRole } from '@skein/records'
import type { CapabilityService } from '@skein/reputation/libp2p'
import type { OfferFilter } from '@skein/routing'
import type { FindModelOptions } from '@skein/routing/libp2p'
import type { UsedSuperNode } from '@skein/supernode'
import type { SuperNodeClient } from '@skein/supernode/libp2p'

export interface PeerParts {
  libp2p: Libp2p<SkeinServices>
  membership: MeshMembership
  /** Not there when peer exchange is turned off */
  outbound?: OutboundConnections
  trust: PeerTrust
  checks: { options: false | CheckOptions, capability?: CapabilityService, networkOf: NetworkLookup }
  /** Not there when this peer takes no part in gossip */
  gossip?: PeerGossip
  /** Not there without gossip, or when it is turned off */
  clusters?: ClusterService
  /** Not there without gossip, or when they are turned off */
  overlays?: OverlayService
  relays?: RelayedListening
  /** Not there without gossip, or when it is turned off */
  superNodes?: SuperNodeClient
  /** Not there without relays, or when it is turned off */
  paths?: PeerPaths
  clock: Clock
  random: Random
  self: SelfDescription
  describe?: () => Partial<SelfDescription>
  /** Frees what the peer was started with, before the node stops */
  close?: () => Promise<void>
}

export interface ClusterPlace {
  /** `eu-west/all/` and the first bits that its members have in common */
  scope: string
  members: number
  /** Peer id; `undefined` while nobody coordinates it */
  coordinator: string | undefined
  /** The parts that this peer coordinates, its cluster first */
  held: string[]
}

export interface StopOptions {
  /**
   * How long answers under way may take to end, ms; new requests are refused meanwhile.
   *
   * @default 0
   */
  drainMs?: number
}

/** The model list of the seeds is asked for at most this often, ms. */
const MODEL_LIST_LIFE_MS = 10_000
/** Reservations of a peer that is reached through others, so that it need not look for one when one ends. */
export const WANTED_RELAYS = 2
const EMBEDDING_ANSWER_CHARS = 64 * 1024 * 1024

export class Peer extends TypedEventEmitter<PeerEvents> implements ModelCaller {
  readonly libp2p: Libp2p<SkeinServices>
  /** Answers OpenAI's HTTP API from the mesh, in this process: `new OpenAI({ fetch: peer.fetch, … })` */
  readonly fetch: OpenAIFetch
  /** Offers, answers and candidates of connections to be made, to and from other peers over the seeds */
  readonly signals: PeerSignals
  private readonly parts: PeerParts
  private readonly calls: MeshCalls
  private readonly checks: PeerChecks
  private readonly served: ServedModels
  private readonly seen = new SeenModels()
  private seedModels?: { atMs: number, models: Promise<ModelListing[]> }
  private stopping?: Promise<void>

  constructor (parts: PeerParts) {
    super()
    this.parts = parts
    this.libp2p = parts.libp2p
    this.fetch = openAIFetch(this, { clock: parts.clock, random: parts.random })
    this.signals = new PeerSignals({ libp2p: parts.libp2p, clock: parts.clock, log: parts.libp2p.logger.forComponent('skein:signals') })
    this.signals.start()
    this.served = new ServedModels({
      routing: parts.libp2p.services.routing,
      inference: parts.libp2p.services.inference,
      clock: parts.clock,
      self: parts.self,
      connected: () => parts.libp2p.getConnections().length > 0,
      log: parts.libp2p.logger.forComponent('skein:served-models'),
      peer: parts.libp2p.peerId.toString(),
      onLoads: () => { parts.clusters?.setLoads(loadsOf(this.served.offers)) },
      onChange: (kind, model) => {
        parts.membership.capabilitiesChanged()
        if (kind === 'served') {
          parts.overlays?.serve(model)
        } else {
          parts.overlays?.withdraw(model)
        }
        this.safeDispatchEvent(kind === 'served' ? 'model:served' : 'model:withdrawn', { detail: { model } })
      },
      onLoad: model => { parts.overlays?.loadChanged(model) }
    })
    const { libp2p, clock, random, overlays, paths } = parts
    this.checks = new PeerChecks({
      ...parts.checks,
      trust: parts.trust,
      clock, random,
      self: this.id,
      find: this.findOffers,
      ask: this.askProvider,
      onOutcome: ({ type, ...detail }) => { this.safeDispatchEvent(type === 'agreed' ? 'check:agreed' : 'check:disputed', { detail }) }
    })
    this.calls = new MeshCalls({
      libp2p, clock, random, overlays, paths,
      region: parts.self.region,
      trust: parts.trust,
      checks: this.checks,
      served: this.served,
      seen: this.seen,
      onAttempt: attempt => {
        if (attempt.error === undefined && attempt.peer !== this.id) {
          parts.gossip?.onService(attempt.peer)
        }
        this.safeDispatchEvent('call:attempt', { detail: attempt })
      }
    })
    this.libp2p.addEventListener('connection:open', ({ detail }) => {
      this.safeDispatchEvent('peer:connected', {
        detail: { peer: detail.remotePeer.toString(), address: detail.remoteAddr.toString(), direction: detail.direction }
      })
    })
    parts.clusters?.addEventListener('cluster:changed', ({ detail }) => { this.safeDispatchEvent('cluster:changed', { detail }) })
    parts.clusters?.addEventListener('coordinator:changed', ({ detail }) => { this.safeDispatchEvent('coordinator:changed', { detail }) })
    parts.superNodes?.addEventListener('super-node:moved', ({ detail }) => { this.safeDispatchEvent('super-node:moved', { detail }) })
    this.judgePeers()
    this.libp2p.addEventListener('peer:disconnect', ({ detail }) => {
      this.safeDispatchEvent('peer:disconnected', { detail: { peer: detail.toString() } })
    })
  }

  /** Peer id, as text. */
  get id (): string {
    return this.libp2p.peerId.toString()
  }

  /** Where this peer can be dialled: multiaddr texts with `/p2p/…`. */
  get addresses (): string[] {
    return this.libp2p.getMultiaddrs().map(address => address.toString())
  }

  /**
   * Offers models to the mesh: those of a backend, or one that a handler answers. Resolves once the offers are on their way.
   *
   * @throws {InferenceError} `backend_failed` when the backend cannot say which models it has
   */
  async serve (backend: Backend): Promise<Service>
  async serve (model: string, handler: Handler, options?: HandlerBackendOptions): Promise<Service>
  async serve (what: Backend | string, handler?: Handler, options?: HandlerBackendOptions): Promise<Service> {
    if (typeof what !== 'string') {
      return await this.served.add(what)
    }
    if (typeof handler !== 'function') {
      throw new TypeError('peer.serve(model, handler) needs a function that answers requests')
    }
    return await this.served.add(handlerBackend(what, handler, options))
  }

  /**
   * Who serves this model, the nearest region first; each peer once. The first result comes early; the search stops when the loop is left.
   */
  async * findModel (query: string | OfferFilter, options: FindModelOptions = {}): AsyncGenerator<Offer, void, undefined> {
    yield * this.calls.search(typeof query === 'string' ? { model: query } : query, options)
  }

  /**
   * Who would be asked for a model now, in which order, and why: the expected time and what it is made of, and what this peer thinks of each. What
   * does not meet the terms is there too, with the term that it misses. Waits for the lookup to end.
   */
  async explain (query: string | OfferFilter, options: FindModelOptions = {}): Promise<ModelExplanation> {
    return await this.calls.explain(typeof query === 'string' ? { model: query } : query, options)
  }

  /** One request of any task, as events; the other calls stand on it. */
  call (request: InferenceRequest, options: FailoverOptions = {}): ModelCall {
    if (this.stopping != null) {
      throw new InferenceError('cancelled', 'This peer has been stopped')
    }
    return this.calls.call(request, options)
  }

  /** Asks for a chat completion. `body` is OpenAI's request body; whether it is streamed depends on how the result is read. */
  chat (body: { model: string, messages: unknown[] } & Record<string, unknown>, options: FailoverOptions = {}): ChatCall {
    const { model } = body
    return chatCall({
      call: this.call({ task: 'chat', model, body: { stream: true, ...body } as JsonObject }, options),
      model,
      id: `chatcmpl-${toHex(randomBytes(this.parts.random, 12))}`,
      createdSeconds: Math.floor(this.parts.clock.nowMs() / 1000)
    })
  }

  /** Asks for embeddings. `body` and the result are OpenAI's. */
  async embed (body: { model: string, input: unknown } & Record<string, unknown>, options: FailoverOptions = {}): Promise<JsonObject> {
    let text = ''
    for await (const event of this.call({ task: 'embedding', model: body.model, body: body as JsonObject }, options)) {
      if (event.type === 'delta') {
        text += event.text
      }
      if (text.length > EMBEDDING_ANSWER_CHARS) {
        throw new InferenceError('backend_failed', `The embeddings are longer than ${EMBEDDING_ANSWER_CHARS} characters`, { retryable: false })
      }
    }
    try {
      return JSON.parse(text) as JsonObject
    } catch (error) {
      throw new InferenceError('backend_failed', 'The embeddings are not JSON', { cause: error })
    }
  }

  /** The models that can be called: served here, known to the connected seeds, or seen in offers lately. */
  async models (options: { signal?: AbortSignal } = {}): Promise<ModelListing[]> {
    const nowMs = this.parts.clock.nowMs()
    if (this.seedModels == null || nowMs - this.seedModels.atMs > MODEL_LIST_LIFE_MS) {
      const models = this.askSeedsForModels()
      this.seedModels = { atMs: nowMs, models }
      models.catch(() => { this.seedModels = undefined })
    }
    const fromSeeds = await this.seedModels.models
    options.signal?.throwIfAborted()
    return mergeListings(this.served.listings(), this.seen.listings(nowMs), fromSeeds)
  }

  /** What this peer tells seeds of itself. */
  describe (): SelfDescription {
    return { ...this.parts.self, ...this.served.summary(), ...this.parts.describe?.() }
  }

  /** … signed now, with where it is dialled. */
  async signSelf (): Promise<SignedCapabilities> {
    return await this.parts.membership.signSelf()
  }

  /** What `describe` tells has changed: seeds hear of it soon. */
  descriptionChanged (): void {
    this.parts.membership.capabilitiesChanged()
  }

  /** What this peer would say now of a model that it serves; times, `seq` and addresses are for whoever signs it. */
  offerOf (model: string): Offer | undefined {
    return this.served.offerOf(model)
  }

  /** Whom this peer trusts, by what it saw and was told of them */
  get trust (): PeerTrust {
    return this.parts.trust
  }

  /**
   * Measures what a peer can do, which costs that one seconds of a core: its memory by a challenge, the speed of a model by asking it. Claims that
   * come out false count against its honesty. Not in a browser.
   *
   * @throws {CapabilityError} of `@skein/reputation/libp2p`, when memory alone was to be measured and was not: `busy`, `declined` …
   * @throws {InferenceError} when the model was to be timed and was not
   */
  async measure (peer: string, options: MeasureOptions = {}): Promise<PeerMeasurement> {
    const { trust, clock, random, checks: { capability } } = this.parts
    if (platform.measurePeer === undefined || capability === undefined) {
      throw new Error('A browser measures nobody; peer.measuredSpeed() tells how fast the answers were')
    }
    const { ledger } = trust
    return await platform.measurePeer({ capability, ledger, clock, random, find: this.findOffers, ask: this.askProvider }, peer, options)
  }

  /** How fast a provider's last answers to this peer were; `undefined` when it gave none. */
  measuredSpeed (peer: string, model: string): MeasuredSpeed | undefined {
    return this.checks.measuredSpeed(peer, model)
  }

  /** Of the seeds that refuse to register this peer now: why, and what it does about it. */
  get refusals (): SeedRefusal[] {
    return this.parts.membership.refusals
  }

  /** The connections that it keeps by its own choice, and whom it knows; `undefined` when peer exchange is turned off. */
  get outbound (): OutboundConnections | undefined {
    return this.parts.outbound
  }

  /** The relays through which this peer can be reached now. */
  get relays (): HeldRelay[] {
    return this.parts.relays?.held ?? []
  }

  /**
   * Super-nodes of its region that have a role, whether it uses them or not, with the addresses of their leases: `ingest` takes streams of encoders
   * in. They become known some seconds after the start; none when it was started with `superNodes: false` or `gossip: false`.
   */
  superNodesWith (role: SuperNodeRole): Array<{ peer: string, addresses: string[] }> {
    return this.parts.superNodes?.withRole(role) ?? []
  }

  /** The super-nodes that it uses, the first one first; none when it was started with `superNodes: false` or `gossip: false`. */
  get superNodes (): UsedSuperNode[] {
    return this.parts.superNodes?.current ?? []
  }

  /** Leases of super-nodes of its region that this peer believes now, used or not; who carries streams has the role `ingest`. */
  get superNodeLeases (): SuperNodeLease[] {
    return this.parts.superNodes?.believed ?? []
  }

  /** More super-nodes are needed than are known: electors are asked soon. May be called often. */
  seekSuperNodes (): void {
    this.parts.superNodes?.seek()
  }

  /** How each peer is reached that is connected, or was lately: the path, why, since when, and what did not work. */
  get paths (): Array<PeerPath & { peer: string }> {
    return this.parts.paths?.all ?? []
  }

  /**
   * How others reach this peer: whether they can dial it, and why; what NAT it is behind. `undefined` when it was started with `reachability: false`
   * or `relay: 'off'`.
   */
  get standing (): Standing | undefined {
    return this.parts.paths?.standing
  }

  /** How it goes with the router's mapping of the ports that this peer listens at; `undefined` where it is turned off, and in a browser. */
  get portMapping (): PortMappingStatus | undefined {
    return this.libp2p.services.portMapping?.status
  }

  /** What of the answers to this peer came through relays lately, and whether that was enough; `undefined` as for `standing`. */
  get relayBudget (): BudgetState | undefined {
    return this.parts.paths?.budget
  }

  /**
   * Makes this peer reachable through a relay, a super-node or the least loaded near one that seeds name, and keeps it so: a reservation that
   * vanishes is made again, there or elsewhere. A second one is kept in another network where there is one.
   *
   * @throws {RelayUnavailableError} when there is none in time; it is sought on
   */
  async reserveRelay (options: ReserveRelayOptions = {}): Promise<HeldRelay> {
    const { relays } = this.parts
    if (relays == null) {
      throw new RelayUnavailableError({}, { cause: new Error('This peer was started with relay: off') })
    }
    relays.want(WANTED_RELAYS)
    return await relays.whenHeld(options)
  }

  /** Its place among the peers of its region: the cluster, how many it has as far as is known here, who coordinates it, what this peer does. */
  get cluster (): ClusterPlace | undefined {
    const { clusters } = this.parts
    return clusters?.scope === undefined
      ? undefined
      : { scope: clusters.scope, members: clusters.members, coordinator: clusters.coordinator, held: clusters.held }
  }

  /**
   * Which regions have room for requests to a model, that with most of it first; none has it when the list is empty.
   *
   * @throws {NoCoordinatorError} when nobody who coordinates this peer's cluster answered in time, and when this peer is in no cluster
   */
  async whereIs (model: string, options: WhereOptions = {}): Promise<RegionAnswer[]> {
    const { clusters } = this.parts
    if (clusters === undefined) {
      const cause = new Error('This peer was started with clusters: false, or gossip: false, or is a page')
      throw new NoCoordinatorError('no cluster', undefined, { cause })
    }
    return await clusters.where(model, options)
  }

  /** The services that count what they do, those that are not turned off; for `meshFigures`. */
  get meshServices (): MeshServices {
    const { gossip, clusters, outbound, overlays, superNodes, paths, trust, libp2p } = this.parts
    const { routing, pex, coordinates, receipts, portMapping } = libp2p.services
    const { receipts: dealings } = trust
    return { routing, pex, outbound, gossip: gossip?.topics, clusters, overlays, coordinates, superNodes, paths, receipts, portMapping, dealings }
  }

  /** Topics of gossip that this peer may join; `undefined` when it takes no part in gossip. */
  get topics (): Topics | undefined {
    return this.parts.gossip?.topics
  }

  /** The models of which this peer hears in their overlays what their providers have room for. */
  get overlays (): string[] {
    return this.parts.overlays?.models ?? []
  }

  /** What it has done so far; for metrics. */
  stats (): {
    connections: number
    servedModels: string[]
    routing: Record<string, unknown>
    inference: Record<string, unknown>
    overlays?: Record<string, unknown>
  } {
    const { overlays } = this.parts
    const { routing, inference } = this.parts.libp2p.services
    return {
      connections: this.libp2p.getConnections().length,
      servedModels: this.served.models,
      routing: { ...routing.counters },
      inference: { active: inference.active },
      ...overlays === undefined ? {} : { overlays: { ...overlays.gauges(), ...overlays.counters } }
    }
  }

  /** Takes the offers back, lets answers under way end within `drainMs`, and leaves the mesh. */
  async stop (options: StopOptions = {}): Promise<void> {
    this.stopping ??= this.shutDown(options.drainMs ?? 0)
    await this.stopping
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.stop()
  }

  private readonly findOffers: FindOffers = (filter, signal) => this.calls.search(filter, { signal })
  private readonly askProvider: AskProvider = (offer, request, options) => this.calls.ask(offer, request, options)

  private async shutDown (drainMs: number): Promise<void> {
    const { clock, membership, outbound, clusters, overlays, close } = this.parts
    const limit = deadline(clock, drainMs)
    // a drain refuses requests at once; the offers go meanwhile
    await Promise.all([overlays?.stop(), this.served.stop(), this.libp2p.services.inference.drain({ signal: limit.signal })])
    limit.clear()
    this.signals.stop()
    this.parts.superNodes?.stop()
    this.parts.relays?.stop()
    this.parts.paths?.stop()
    this.calls.stop()
    this.checks.stop()
    await this.parts.checks.capability?.stop()
    await clusters?.stop()
    this.parts.gossip?.stop()
    membership.stop()
    outbound?.stop()
    await this.parts.trust.stop()
    await close?.()
    await this.libp2p.stop()
  }

  /** What goes well, and what no honest peer does, goes into the scores of gossip. */
  private judgePeers (): void {
    const { gossip, clusters, libp2p: { services: { pex, coordinates, receipts } } } = this.parts
    pex?.addEventListener('peers:learned', ({ detail }) => { gossip?.onService(detail.source) })
    pex?.addEventListener('peer:offended', ({ detail }) => { gossip?.onOffence(detail.peer, detail.reason) })
    clusters?.addEventListener('peer:offended', ({ detail }) => { gossip?.onOffence(detail.peer, detail.reason) })
    coordinates?.addEventListener('peer:offended', ({ detail }) => { gossip?.onOffence(detail.peer, detail.reason) })
    receipts?.addEventListener('peer:offended', ({ detail }) => { gossip?.onOffence(detail.peer, detail.reason) })
  }

  private async askSeedsForModels (): Promise<ModelListing[]> {
    return mergeListings((await this.parts.membership.seedModels())
      .map(({ id, providers, regions }) => ({ id, tasks: [], providers, contextTokens: 0, regions })))
  }
}
