/** The libp2p service: finds who serves a model, announces what this peer serves, and holds offers for others (`/skein/routing/1.0.0`). */
import { serviceCapabilities, serviceDependencies } from '@libp2p/interface'
import { deadline, MachineDriver, toHex } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { MAX_OFFER_LIFE_MS, PROTOCOLS } from '@skein/records'
import { modelKey } from '../model-key.ts'
import { NetworkSize } from '../network-size.ts'
import { OfferCache } from '../offer-cache.ts'
import { OfferStore } from '../offer-store.ts'
import { ContactFeed } from './contact-feed.ts'
import { ContactTable } from './contact-table.ts'
import { count, newCounters } from './counters.ts'
import { cachePrefix, ModelFinder } from './model-finder.ts'
import { OfferVerifier } from './offer-verifier.ts'
import { OwnOffers } from './own-offers.ts'
import { PeerDirectory } from './peer-directory.ts'
import { PeerLinks, RoutingRequestError } from './peer-links.ts'
import { RequestServer } from './request-server.ts'
import { RoutingStream } from './routing-stream.ts'
import type { AnnouncerInit } from '../announcer.ts'
import type { PeerKey } from '../contact.ts'
import type { NetworkSizeEffect } from '../network-size.ts'
import type { PeerNetwork } from '../peer-standing.ts'
import type { OfferCacheInit } from '../offer-cache.ts'
import type { OfferFilter } from '../offer-filter.ts'
import type { OfferStoreInit } from '../offer-store.ts'
import type { RoutingCounters } from './counters.ts'
import type { FindModelOptions, FoundOffer } from './model-finder.ts'
import type { Announced, OfferFields, OfferUpdate } from './own-offers.ts'
import type { KnownPeer } from './peer-directory.ts'
import type { RoutingStreamHandlers } from './routing-stream.ts'
import type { RoutingTableView } from './routing-table-view.ts'
import type { AbortOptions, ComponentLogger, Connection, Libp2pEvents, PeerId, PeerStore, PrivateKey, Startable, Stream } from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { Cancel, Clock, Random } from '@skein/core'
import type { VerifiedNetwork } from '@skein/records'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { TypedEventTarget } from 'main-event'

export interface ModelRoutingComponents {
  peerId: PeerId
  privateKey: PrivateKey
  registrar: Registrar
  connectionManager: ConnectionManager
  peerStore: PeerStore
  addressManager: AddressManager
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
}

export interface ModelRoutingInit {
  /**
   * The region of this peer: where a search begins.
   *
   * @default '' (unknown: searches ask the model's key only)
   */
  region?: string
  /**
   * The routing table of kad-dht. Without one, only connected peers are known to begin with.
   *
   * @default the routing table of the service named `dht`, if there is one
   */
  routingTable?: () => RoutingTableView | undefined
  /**
   * Which addresses of a peer are told to others. Private ones are kept by default: without them nothing works on a LAN.
   *
   * @default all
   */
  addressFilter?: (addresses: Multiaddr[], peer: PeerId) => Multiaddr[]
  /**
   * The networks of an address, by which peers of one owner are kept from filling the routing table, the contacts, and what lookups find: at most 2
   * of a /24 in a bucket, 10 or 5 % in all, a quarter of an autonomous system (of a /16 where that is not known). `undefined` for addresses that no
   * rule applies to.
   *
   * @default none: networks do not matter
   */
  networkOf?: (address: string) => VerifiedNetwork | undefined
  /**
   * What is known of a peer, 0 to 1; `undefined`: nothing. Those below 0.1 are asked last, and offers are stored at them in addition to the k
   * closest others, never instead.
   *
   * @default none: all peers count alike
   */
  trustOf?: (peer: string) => number | undefined
  /**
   * Ask and announce, but answer nobody: for a peer that others cannot dial.
   *
   * @default false
   */
  clientMode?: boolean
  /**
   * At how many peers an offer is stored, and how many closest peers a lookup wants an answer from.
   *
   * @default 20
   */
  k?: number
  /**
   * Requests under way at once on each path of a lookup, see `LookupInit`.
   *
   * @default 3
   */
  alpha?: number
  /**
   * Paths of a lookup that share no node. More are harder to censor and cost requests.
   *
   * @default 2
   */
  disjointPaths?: number
  /**
   * After this a request no longer holds a lookup back, ms.
   *
   * @default 700
   */
  softTimeoutMs?: number
  /**
   * After this a request has failed, ms; a dial too.
   *
   * @default 4000
   */
  requestTimeoutMs?: number
  /**
   * Beyond two dials at once, a further one is begun this long after the one before, or when one is done. Costs a lookup among strangers a
   * little time, and saves dials that turn out not to be needed.
   *
   * @default 25
   */
  dialStaggerMs?: number
  /**
   * Life of an offer, ms; it is renewed at half of it. At most 120,000. A shorter one frees others sooner from an offer whose peer died, and costs
   * more renewals.
   *
   * @default 120_000
   */
  offerLifeMs?: number
  /**
   * Time that `stop()` has to withdraw the offers, ms.
   *
   * @default 1000
   */
  withdrawTimeoutMs?: number
  /**
   * How long a search or an announcement waits for the first peer when none is known but a connection is under way, ms.
   *
   * @default 5000
   */
  joinTimeoutMs?: number
  /**
   * Requests a second that one peer may make in the long run.
   *
   * @default 200
   */
  requestsPerSecond?: number
  /**
   * Requests that one peer may make at once.
   *
   * @default 600
   */
  requestBurst?: number
  /** How recent results are remembered; `false` remembers nothing */
  cache?: OfferCacheInit | false
  /** Bounds of what is held for others */
  store?: Omit<OfferStoreInit, 'self'>
  /** Bounds and pauses of announcing */
  announcer?: Omit<AnnouncerInit, 'k'>
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
}

export interface ModelRouting {
  /** Offers of peers that serve the model, as they are found; the walk ends with the loop. A newer offer of the same peer may follow. */
  findModel (query: string | OfferFilter, options?: FindModelOptions): AsyncIterable<FoundOffer>
  /** Announces a model, and goes on renewing its offer until it is withdrawn. Resolves when it has been stored for the first time. */
  announce (fields: OfferFields, options?: AbortOptions): Promise<Announced>
  /** Changes what the offer says: at once when it matters to who chooses, otherwise with the next renewal. */
  update (model: string, change: OfferUpdate): void
  /** Takes the offer back from all who hold it. */
  withdraw (model: string, options?: AbortOptions): Promise<Announced>
  /** The closest peers to a key that answer, closest first. */
  closestPeers (key: Uint8Array, options?: AbortOptions): Promise<PeerId[]>
  /** A peer did not serve what it offered: its offer is not shown from memory again. */
  forget (model: string, peer: string): void
  /** Answers nobody from now on, and stores nothing more for others; or does so again. */
  setClientMode (client: boolean): Promise<void>
  readonly counters: Readonly<RoutingCounters>
  /** Offers held for others, peers that can be asked without opening a stream, streams, peers known */
  gauges (): { heldKeys: number, heldBytes: number, links: number, streams: number, contacts: number }
  /** Estimate of how many peers take part in routing; `undefined` until something made use of it, see `NetworkSize`. */
  readonly networkSize: number | undefined
}

const TICK_MS = 1000
const SYNC_MS = 60_000
const SWEEP_MS = 30_000
const IDLE_MS = 60_000
const FIRST_FRAME_MS = 10_000
const MAX_STREAMS = 8192

export class ModelRoutingService implements ModelRouting, Startable {
  readonly counters = newCounters()
  private readonly components: ModelRoutingComponents
  private readonly init: ModelRoutingInit
  private readonly clock: Clock
  private readonly k: number
  private readonly directory = new PeerDirectory()
  private readonly table: ContactTable
  private readonly verifier = new OfferVerifier()
  private readonly self: KnownPeer
  private readonly store: OfferStore
  private readonly cache: OfferCache<KnownPeer> | undefined
  private readonly feed: ContactFeed
  private readonly server: RequestServer
  /** These three live from start to stop */
  private links: PeerLinks
  private finder: ModelFinder
  private own: OwnOffers
  private size: MachineDriver<NetworkSizeEffect, NetworkSize>
  private readonly firstContact = new Set<() => void>()
  private readonly streams = new Set<RoutingStream>()
  private readonly streamHandlers: RoutingStreamHandlers = {
    onRequest: (stream, message) => { this.server.receive(stream, message) },
    onAnswer: (stream, message) => { this.links.onAnswer(stream, message) },
    onEnd: (stream, error) => {
      this.streams.delete(stream)
      this.counters.protocol_errors_total += error === undefined ? 0 : 1
      this.links.onEnd(stream, error)
    }
  }

  private cancelTick: Cancel | undefined
  private sweptMs = 0
  private syncedMs = 0
  private started = false
  private clientMode: boolean

  constructor (components: ModelRoutingComponents, init: ModelRoutingInit = {}) {
    this.components = components
    this.init = init
    this.clock = init.clock ?? systemClock()
    this.k = init.k ?? 20
    this.clientMode = init.clientMode ?? false
    this.self = this.directory.of(components.peerId)
    const { networkOf } = init
    const namesOf = networkOf === undefined ? undefined : (peer: KnownPeer): PeerNetwork | undefined => peer.networkNames(networkOf)
    this.table = new ContactTable({ self: this.self.kadId, networkOf: namesOf })
    this.store = new OfferStore({ ...init.store, self: this.self.kadId })
    this.cache = init.cache === false ? undefined : new OfferCache(init.cache)
    this.links = this.newLinks()
    this.finder = this.newFinder()
    this.own = this.newOwnOffers()
    this.size = this.newSize()
    const { clock, counters, store, table, verifier } = this
    this.server = new RequestServer({
      clock,
      counters,
      store,
      table,
      verifier,
      k: this.k,
      isResting: peer => this.links.isResting(peer),
      ratePerSecond: init.requestsPerSecond ?? 200,
      rateBurst: init.requestBurst ?? 600,
      clientMode: () => this.clientMode
    })
    this.feed = new ContactFeed({
      peerId: components.peerId,
      registrar: components.registrar,
      peerStore: components.peerStore,
      events: components.events,
      directory: this.directory,
      table,
      routingTable: init.routingTable ?? (() => tableOf(components)),
      addressFilter: init.addressFilter ?? (addresses => addresses),
      networkOf: namesOf,
      onRefused: (_peer, reason) => { count(counters.table_refusals_total, reason) },
      onContact: peer => { this.onContact(peer) },
      onLost: peer => { this.own.onContactLost(peer) },
      onConnect: peer => {
        if (components.connectionManager.getConnections().length <= 1) {
          this.links.wakeAll()
        }
        this.links.wake(peer.peer)
      }
    })
  }

  readonly [Symbol.toStringTag] = '@skein/routing'

  readonly [serviceCapabilities]: string[] = ['@skein/routing']

  readonly [serviceDependencies]: string[] = ['@libp2p/identify']

  isStarted (): boolean {
    return this.started
  }

  async start (): Promise<void> {
    if (this.started) {
      return
    }
    this.started = true
    this.links = this.newLinks()
    this.finder = this.newFinder()
    this.own = this.newOwnOffers()
    this.size = this.newSize()
    this.components.events.addEventListener('self:peer:update', this.onSelfUpdate)
    if (!this.clientMode) {
      await this.answer()
    }
    await this.feed.start()
    this.tick()
  }

  afterStart (): void {
    this.feed.sync()
  }

  /** Withdraws while all else still runs, so that the holders can be told. */
  async beforeStop (): Promise<void> {
    await this.own.withdrawAll(this.init.withdrawTimeoutMs ?? 1000)
  }

  async stop (): Promise<void> {
    if (!this.started) {
      return
    }
    this.started = false
    this.cancelTick?.()
    this.components.events.removeEventListener('self:peer:update', this.onSelfUpdate)
    this.feed.stop()
    this.own.stop()
    this.size.stop()
    this.finder.stop()
    this.links.stop()
    for (const stream of this.streams) {
      stream.abort(new RoutingRequestError('closed', 'Stopped'))
    }
    if (!this.clientMode) {
      await this.components.registrar.unhandle(PROTOCOLS.routing)
    }
  }

  findModel (query: string | OfferFilter, options: FindModelOptions = {}): AsyncGenerator<FoundOffer, void, undefined> {
    return this.finder.find(typeof query === 'string' ? { model: query } : query, options)
  }

  async announce (fields: OfferFields, options: AbortOptions = {}): Promise<Announced> {
    return await this.own.announce(fields, options)
  }

  update (model: string, change: OfferUpdate): void {
    this.own.update(model, change)
  }

  async withdraw (model: string, options: AbortOptions = {}): Promise<Announced> {
    return await this.own.withdraw(model, options)
  }

  async closestPeers (key: Uint8Array, options: AbortOptions = {}): Promise<PeerId[]> {
    options.signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<KnownPeer[]>()
    const stop = this.finder.lookUp({ name: toHex(key), bytes: key }, closest => { resolve(closest) })
    const onAbort = (): void => {
      reject(options.signal?.reason)
      stop()
    }
    options.signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return (await promise).map(({ peerId }) => peerId)
    } finally {
      options.signal?.removeEventListener('abort', onAbort)
    }
  }

  forget (model: string, peer: string): void {
    this.cache?.forgetPeer(cachePrefix(model), peer)
    // who looks for the model again should know by then whether those that gave the offer crowd around its key
    this.size.input((machine, nowMs) => { machine.onNeeded(nowMs) })
  }

  async setClientMode (client: boolean): Promise<void> {
    if (client !== this.clientMode) {
      this.clientMode = client
      if (this.started) {
        await (client ? this.components.registrar.unhandle(PROTOCOLS.routing) : this.answer())
      }
    }
  }

  get networkSize (): number | undefined {
    return this.size.machine.size
  }

  /** Whether offers of a model are held here. */
  holds (model: string, region = ''): boolean {
    return this.store.countOf(modelKey(model, region)) > 0
  }

  gauges (): ReturnType<ModelRouting['gauges']> {
    return {
      heldKeys: this.store.keyCount,
      heldBytes: this.store.byteLength,
      links: this.links.size,
      streams: this.streams.size,
      contacts: this.table.size
    }
  }

  private async answer (): Promise<void> {
    await this.components.registrar.handle(PROTOCOLS.routing, (stream, connection) => { this.accept(stream, connection) }, {
      runOnLimitedConnection: true,
      maxInboundStreams: 4,
      maxOutboundStreams: 4
    })
  }

  private newLinks (): PeerLinks {
    const requestTimeoutMs = this.init.requestTimeoutMs ?? 4000
    return new PeerLinks({
      clock: this.clock,
      connectionManager: this.components.connectionManager,
      counters: this.counters,
      requestTimeoutMs,
      openTimeoutMs: requestTimeoutMs,
      idleMs: IDLE_MS,
      dialStaggerMs: this.init.dialStaggerMs ?? 25,
      maxUnderWay: 64,
      maxWaiting: 256,
      maxLinks: 1024,
      wrap: (stream, connection, peer) => this.wrap(stream, connection, peer),
      onUnsupported: peer => {
        this.table.removeConnected(peer.peer)
        this.table.removeTabled(peer.peer)
      }
    })
  }

  private newFinder (): ModelFinder {
    const { alpha, disjointPaths, networkOf, region, requestTimeoutMs, softTimeoutMs, trustOf } = this.init
    const { cache, clock, counters, directory, k, links, self, store, table, verifier } = this
    return new ModelFinder({
      cache,
      clock,
      counters,
      directory,
      k,
      links,
      self,
      store,
      table,
      verifier,
      ownName: this.components.peerId.toString(),
      region: region ?? '',
      lookup: {
        alpha,
        disjointPaths: disjointPaths ?? 2,
        requestTimeoutMs,
        softTimeoutMs,
        networkOf: networkOf === undefined ? undefined : peer => peer.networkNames(networkOf),
        trustOf: trustOf === undefined ? undefined : key => this.trust(key, trustOf)
      },
      networkSize: () => this.networkSize,
      onSizeNeeded: delayMs => { this.size.input((machine, nowMs) => { machine.onNeeded(nowMs, delayMs) }) },
      contact: async (target, signal) => { await this.waitForContact(target, signal) }
    })
  }

  private newOwnOffers (): OwnOffers {
    const { announcer, offerLifeMs, random, region } = this.init
    const { addressManager, logger, peerId, privateKey } = this.components
    const { clock, finder, links, store, verifier } = this
    return new OwnOffers({
      clock,
      links,
      privateKey,
      store,
      verifier,
      log: logger.forComponent('skein:routing'),
      random: random ?? systemRandom(),
      peer: peerId.toString(),
      region: region ?? '',
      offerLifeMs: offerLifeMs ?? MAX_OFFER_LIFE_MS,
      announcer: { ...announcer, k: this.k },
      addresses: () => addressManager.getAddresses().map(String),
      lookUp: (key, onClosest, deposit) => { finder.lookUp(key, onClosest, deposit) }
    })
  }

  private newSize (): MachineDriver<NetworkSizeEffect, NetworkSize> {
    const { k } = this
    return new MachineDriver({
      machine: new NetworkSize({ k }, this.init.random ?? systemRandom()),
      clock: this.clock,
      perform: ({ target }) => {
        this.finder.lookUp({ name: toHex(target), bytes: target }, closest => {
          this.size.input((machine, nowMs) => { machine.onClosest(target, closest, nowMs) })
          const { networkSize } = this
          if (networkSize !== undefined) {
            this.finder.onNetworkSize()
            this.own.onNetworkSize(networkSize)
          }
        })
      }
    })
  }

  private trust (key: PeerKey, trustOf: (peer: string) => number | undefined): number | undefined {
    const peer = this.directory.named(key)
    return peer === undefined ? undefined : trustOf(peer.peerId.toString())
  }

  private wrap (stream: Stream, connection: Connection, peer: KnownPeer): RoutingStream {
    const wrapped = new RoutingStream(stream, connection, peer, this.clock.nowMs(), this.streamHandlers)
    this.streams.add(wrapped)
    return wrapped
  }

  private accept (stream: Stream, connection: Connection): void {
    if (this.streams.size >= MAX_STREAMS) {
      stream.abort(new RoutingRequestError('busy', 'Too many streams'))
      return
    }
    this.links.adopt(this.wrap(stream, connection, this.directory.of(connection.remotePeer)))
  }

  private tick (): void {
    const nowMs = this.clock.nowMs()
    this.links.sweep(nowMs)
    for (const stream of this.streams) {
      if (stream.isInbound && nowMs - stream.usedMs >= (stream.heard ? 2 * IDLE_MS : FIRST_FRAME_MS)) {
        stream.abort(new RoutingRequestError('timeout', 'Nothing was asked for too long'))
      }
    }
    if (nowMs - this.sweptMs >= SWEEP_MS) {
      this.sweptMs = nowMs
      this.store.sweep(nowMs)
    }
    if (nowMs - this.syncedMs >= SYNC_MS) {
      this.syncedMs = nowMs
      this.feed.sync()
    }
    this.cancelTick = this.clock.schedule(nowMs + TICK_MS, () => { this.tick() })
  }

  private onContact (peer: KnownPeer): void {
    for (const resolve of this.firstContact) {
      resolve()
    }
    this.finder.onContact(peer)
    if (peer.isDialable) {
      this.own.onContact(peer)
    }
  }

  private readonly onSelfUpdate = (): void => { this.own.onAddresses() }

  /** While nobody is known but a connection is being made. */
  private async waitForContact (target: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const { connectionManager } = this.components
    const isAlone = connectionManager.getConnections().length === 0 && connectionManager.getDialQueue().length === 0
    if (isAlone || this.table.start(target, 1).length > 0) {
      return
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    const limit = deadline(this.clock, this.init.joinTimeoutMs ?? 5000, [signal])
    limit.signal.addEventListener('abort', () => { resolve() }, { once: true })
    if (limit.signal.aborted) {
      resolve()
    }
    this.firstContact.add(resolve)
    try {
      await promise
    } finally {
      this.firstContact.delete(resolve)
      limit.clear()
    }
  }
}

/**
 * Model routing as a libp2p service:
 *
 * ```ts
 * const node = await createLibp2p({
 *   services: { identify: identify(), ping: ping(), dht: kadDHT({…}), routing: modelRouting({ region: 'eu-west' }) }
 * })
 * ```
 */
export function modelRouting (init: ModelRoutingInit = {}): (components: ModelRoutingComponents) => ModelRoutingService {
  return components => new ModelRoutingService(components, init)
}

/** kad-dht's routing table, if a service named `dht` has one. Asking libp2p for a component it does not have throws. */
function tableOf (components: ModelRoutingComponents): RoutingTableView | undefined {
  try {
    return (components as { dht?: { routingTable?: RoutingTableView } }).dht?.routingTable
  } catch {
    return undefined
  }
}
