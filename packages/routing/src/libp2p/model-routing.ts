/** The libp2p service: finds who serves a model, announces what this peer serves, and holds offers for others (`/skein/routing/1.0.0`). */
import { serviceCapabilities, serviceDependencies } from '@libp2p/interface'
import { deadline, MachineDriver, toHex } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { MAX_OFFER_LIFE_MS, PROTOCOLS, signOffer } from '@skein/records'
import { Announcer } from '../announcer.ts'
import { modelKey } from '../model-key.ts'
import { compareOffers, meets } from '../offer-filter.ts'
import { OfferCache } from '../offer-cache.ts'
import { OfferStore } from '../offer-store.ts'
import { StoreRequest } from '../pb/routing.ts'
import { regionsByDistance } from '../region.ts'
import { ContactFeed } from './contact-feed.ts'
import { ContactTable } from './contact-table.ts'
import { newCounters } from './counters.ts'
import { PeerDirectory } from './peer-directory.ts'
import { PeerLinks, RoutingRequestError } from './peer-links.ts'
import { OfferVerifier } from './offer-verifier.ts'
import { encodeField, RequestServer } from './request-server.ts'
import { SearchRun } from './search-run.ts'
import { storeResult } from './store-code.ts'
import type { AnnounceKey, AnnouncerEffect, AnnouncerInit } from '../announcer.ts'
import type { OfferCacheInit } from '../offer-cache.ts'
import type { OfferFilter } from '../offer-filter.ts'
import type { OfferStoreInit } from '../offer-store.ts'
import type { SearchKey } from '../model-search.ts'
import type { RoutingCounters } from './counters.ts'
import type { KnownPeer } from './peer-directory.ts'
import type { RoutingTableView } from './routing-table-view.ts'
import type { AbortOptions, ComponentLogger, Libp2pEvents, Logger, PeerId, PeerStore, PrivateKey, Startable } from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { Cancel, Clock, Random } from '@skein/core'
import type { Offer, SignedOffer } from '@skein/records'
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

/** What a peer says of a model it serves; the rest of the offer is filled in. */
export interface OfferFields extends Pick<Offer, 'model'>, Partial<Omit<Offer, 'model' | 'peer' | 'seq' | 'issuedAtMs' | 'expiresAtMs' | 'withdrawn'>> {}

export type OfferUpdate = Partial<Omit<OfferFields, 'model' | 'region'>>

export interface FoundOffer extends SignedOffer {
  /** Where it came from: what this peer holds for others, what it remembered, or another peer's answer */
  source: 'held' | 'cache' | 'network'
}

export interface FindModelOptions extends AbortOptions {
  /** Region to begin with. @default the service's own */
  region?: string
  /** Further regions to ask before the whole world, in any order; at most 3 are asked, the nearest first */
  nearRegions?: string[]
  /** End as soon as offers of this many peers were found. @default walk to the end */
  wanted?: number
  /** Most offers of one answer; at most 100. @default 20 */
  limit?: number
  /** `false`: neither look at nor into what is remembered or held here; ask the network. @default true */
  cache?: boolean
}

export interface Announced {
  /** Peers that hold the offer, all keys counted */
  stored: number
  /** Peers that could not be asked or did not want it */
  failed: number
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
  readonly counters: Readonly<RoutingCounters>
  /** Offers held for others, streams to others, streams from others, peers known */
  gauges (): { heldKeys: number, heldBytes: number, outboundStreams: number, inboundStreams: number, contacts: number }
}

/** The model is not announced. */
export class NotAnnouncedError extends Error {
  static override name = 'NotAnnouncedError'
  override readonly name = 'NotAnnouncedError'
  readonly model: string

  constructor (model: string) {
    super(`No offer of ${model} is announced`)
    this.model = model
  }
}

/** As many models are announced as one peer may. */
export class TooManyModelsError extends Error {
  static override name = 'TooManyModelsError'
  override readonly name = 'TooManyModelsError'

  constructor (message = 'As many models are announced as one peer may') {
    super(message)
  }
}

interface OwnOffer {
  fields: Required<Omit<OfferFields, 'addresses'>> & { addresses: string[] | undefined }
  signed: SignedOffer | undefined
  waiters: Set<PromiseWithResolvers<Announced>>
}

interface Batch {
  peer: KnownPeer
  entries: Map<string, { envelope: Uint8Array, keys: Array<{ key: AnnounceKey, version: number }> }>
}

const TICK_MS = 1000
const SYNC_MS = 60_000
const SWEEP_MS = 30_000
const IDLE_MS = 60_000
const MAX_OFFER_ADDRESSES = 8
const MAX_NEAR_REGIONS = 3
const MAX_BATCH_BYTES = 48 * 1024
const MAX_REFRESHES = 16

export class ModelRoutingService implements ModelRouting, Startable {
  readonly counters = newCounters()
  private readonly components: ModelRoutingComponents
  private readonly init: ModelRoutingInit
  private readonly clock: Clock
  private readonly k: number
  private readonly log: Logger
  private readonly directory = new PeerDirectory()
  private readonly table = new ContactTable()
  private readonly verifier = new OfferVerifier()
  private readonly self: KnownPeer
  private readonly store: OfferStore
  private readonly cache: OfferCache<KnownPeer> | undefined
  private readonly feed: ContactFeed
  private readonly server: RequestServer
  private links: PeerLinks
  private readonly announcer: MachineDriver<AnnouncerEffect<KnownPeer>, Announcer<KnownPeer>>
  private readonly own = new Map<string, OwnOffer>()
  private readonly runs = new Set<SearchRun>()
  /** Runs that began with few peers and are told of new ones */
  private readonly hungry = new Set<SearchRun>()
  private readonly refreshing = new Set<string>()
  private readonly batches = new Map<KnownPeer, Batch>()
  private readonly firstContact = new Set<() => void>()
  private lastSeq = 0
  private cancelTick: Cancel | undefined
  private sweptMs = 0
  private syncedMs = 0
  private started = false

  constructor (components: ModelRoutingComponents, init: ModelRoutingInit = {}) {
    this.components = components
    this.init = init
    this.clock = init.clock ?? systemClock()
    this.k = init.k ?? 20
    this.log = components.logger.forComponent('skein:routing')
    this.self = this.directory.of(components.peerId)
    this.store = new OfferStore({ ...init.store, self: this.self.kadId })
    this.cache = init.cache === false ? undefined : new OfferCache(init.cache)
    this.links = this.newLinks()
    const { clock, counters, directory, store, table, verifier } = this
    this.server = new RequestServer({
      clock,
      counters,
      directory,
      store,
      table,
      verifier,
      k: this.k,
      isResting: peer => this.links.isResting(peer),
      ratePerSecond: init.requestsPerSecond ?? 200,
      rateBurst: init.requestBurst ?? 600,
      maxStreams: 8192,
      idleMs: 2 * IDLE_MS
    })
    this.feed = new ContactFeed({
      ...pick(components),
      directory,
      table,
      routingTable: init.routingTable ?? (() => tableOf(components)),
      addressFilter: init.addressFilter ?? (addresses => addresses),
      onContact: peer => { this.onContact(peer) },
      onLost: peer => { this.announcer.input((machine, nowMs) => { machine.onContactLost(peer.peer, nowMs) }) },
      onConnect: peer => { this.links.wake(peer.peer) }
    })
    this.announcer = new MachineDriver({
      machine: new Announcer<KnownPeer>({ ...init.announcer, k: this.k }, init.random ?? systemRandom()),
      clock,
      perform: effect => { this.performAnnounce(effect) }
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
    this.components.events.addEventListener('self:peer:update', this.onSelfUpdate)
    if (this.init.clientMode !== true) {
      await this.components.registrar.handle(PROTOCOLS.routing, (stream, connection) => { this.server.accept(stream, connection) }, {
        runOnLimitedConnection: true,
        maxInboundStreams: 4,
        maxOutboundStreams: 4
      })
    }
    await this.feed.start()
    this.tick()
  }

  afterStart (): void {
    this.feed.sync()
  }

  /** While all else still runs, so that the holders can be told. */
  async beforeStop (): Promise<void> {
    const models = this.announcer.machine.models
    if (models.length === 0) {
      return
    }
    const limit = deadline(this.clock, this.init.withdrawTimeoutMs ?? 1000)
    try {
      await Promise.all(models.map(model => this.withdraw(model, { signal: limit.signal })))
    } catch (error) {
      this.log('not all offers were withdrawn in time - %e', error)
    } finally {
      limit.clear()
    }
  }

  async stop (): Promise<void> {
    if (!this.started) {
      return
    }
    this.started = false
    this.cancelTick?.()
    this.components.events.removeEventListener('self:peer:update', this.onSelfUpdate)
    this.feed.stop()
    for (const run of this.runs) {
      run.stop()
    }
    this.links.stop()
    this.server.stop()
    for (const [model, own] of this.own) {
      this.own.delete(model)
      this.announcer.input(machine => { machine.onWithdraw(model) })
      own.waiters.forEach(({ reject }) => { reject(new NotAnnouncedError(model)) })
    }
    if (this.init.clientMode !== true) {
      await this.components.registrar.unhandle(PROTOCOLS.routing)
    }
  }

  async * findModel (query: string | OfferFilter, options: FindModelOptions = {}): AsyncGenerator<FoundOffer, void, undefined> {
    const { signal } = options
    signal?.throwIfAborted()
    const filter: OfferFilter = typeof query === 'string' ? { model: query } : query
    const wanted = options.wanted ?? Infinity
    const near = options.region ?? this.init.region ?? ''
    const keys = this.searchKeys(filter, near, options.nearRegions ?? [])
    const cacheName = cacheNameOf(filter, keys)
    const nowMs = this.clock.nowMs()
    const found = new Map<string, number>()
    const queue: FoundOffer[] = []
    const take = (offers: Iterable<SignedOffer>, source: FoundOffer['source']): void => {
      for (const signed of offers) {
        const seq = found.get(signed.offer.peer)
        if ((seq === undefined || seq < signed.offer.seq) && signed.offer.peer !== this.ownName) {
          found.set(signed.offer.peer, signed.offer.seq)
          queue.push({ ...signed, source })
        }
      }
    }

    let fresh = false
    if (options.cache !== false) {
      for (const key of keys) {
        take(this.store.best(key.target, filter, nowMs, { limit: options.limit, near }), 'held')
      }
      const remembered = this.cache?.get(cacheName, nowMs)
      if (remembered !== undefined) {
        fresh = remembered.fresh
        take(remembered.offers.filter(({ offer }) => meets(offer, filter)).sort((a, b) => compareOffers(a.offer, b.offer, near)), 'cache')
      }
    }
    if (fresh || found.size >= wanted) {
      yield * queue
      return
    }

    let wake: () => void = () => {}
    let done = false
    let failure: { reason: unknown } | undefined
    const onAbort = (): void => {
      failure = { reason: signal?.reason }
      wake()
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    const fromMemory = queue.length
    let yielded = 0
    let run: SearchRun | undefined
    try {
      if (this.table.start(keys[0]?.target as Uint8Array, 1).length === 0) {
        await this.waitForContact(signal)
      }
      run = this.search({
        keys,
        filter,
        limit: options.limit ?? 20,
        near,
        wanted: wanted - found.size,
        cacheName,
        remember: options.cache !== false,
        onOffers: offers => {
          take(offers, 'network')
          wake()
        },
        onDone: () => {
          done = true
          wake()
        }
      })
      for (;;) {
        const next = queue.shift()
        if (failure !== undefined) {
          throw failure.reason
        } else if (next !== undefined) {
          yielded++
          yield next
        } else if (done || !this.started) {
          return
        } else {
          await new Promise<void>(resolve => { wake = resolve })
        }
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
      if (yielded > fromMemory || failure !== undefined || fromMemory === 0 || !this.mayRefresh(cacheName)) {
        run?.stop()
      }
      // otherwise all that was taken came from memory, which is stale: the walk goes on for the next who asks
    }
  }

  async announce (fields: OfferFields, options: AbortOptions = {}): Promise<Announced> {
    options.signal?.throwIfAborted()
    const known = this.own.get(fields.model)
    const own: OwnOffer = {
      fields: {
        tasks: ['chat'],
        effectiveContext: 0,
        tokensPerSecond: 0,
        queueDepth: 0,
        maxConcurrent: 1,
        priceMicros: 0,
        region: this.init.region ?? '',
        tier: 2,
        deterministic: false,
        addresses: undefined,
        ...fields
      },
      signed: known?.signed,
      waiters: known?.waiters ?? new Set()
    }
    this.own.set(fields.model, own)
    const waiter = this.waiter(own, options.signal)
    let accepted = false
    this.announcer.input((machine, nowMs) => { accepted = machine.onOffer(fields.model, keysOf(own.fields.model, own.fields.region), nowMs) })
    if (!accepted) {
      this.own.delete(fields.model)
      throw new TooManyModelsError()
    }
    return await waiter
  }

  update (model: string, change: OfferUpdate): void {
    const own = this.own.get(model)
    if (own === undefined) {
      throw new NotAnnouncedError(model)
    }
    const before = own.fields
    own.fields = { ...before, ...change }
    const urgent = matters(before, own.fields)
    this.announcer.input((machine, nowMs) => { machine.onChange(model, urgent, nowMs) })
  }

  async withdraw (model: string, options: AbortOptions = {}): Promise<Announced> {
    const own = this.own.get(model)
    if (own === undefined) {
      throw new NotAnnouncedError(model)
    }
    const waiter = this.waiter(own, options.signal)
    this.announcer.input(machine => { machine.onWithdraw(model) })
    return await waiter
  }

  async closestPeers (key: Uint8Array, options: AbortOptions = {}): Promise<PeerId[]> {
    options.signal?.throwIfAborted()
    if (this.table.start(key, 1).length === 0) {
      await this.waitForContact(options.signal)
    }
    const { promise, resolve, reject } = Promise.withResolvers<KnownPeer[]>()
    const run = this.lookUp({ name: toHex(key), bytes: key }, resolve)
    const onAbort = (): void => {
      run.stop()
      reject(options.signal?.reason)
    }
    options.signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return (await promise).map(({ peerId }) => peerId)
    } finally {
      options.signal?.removeEventListener('abort', onAbort)
    }
  }

  forget (model: string, peer: string): void {
    this.cache?.forgetPeer(`${JSON.stringify(model)} `, peer)
  }

  /** Whether offers of a model are held here for others. */
  holds (model: string, region = ''): boolean {
    return this.store.countOf(modelKey(model, region)) > 0
  }

  gauges (): ReturnType<ModelRouting['gauges']> {
    return {
      heldKeys: this.store.keyCount,
      heldBytes: this.store.byteLength,
      outboundStreams: this.links.size,
      inboundStreams: this.server.streamCount,
      contacts: this.table.size
    }
  }

  private get ownName (): string {
    return this.components.peerId.toString()
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
      maxUnderWay: 64,
      maxWaiting: 256,
      maxLinks: 1024,
      onUnsupported: peer => {
        this.table.removeConnected(peer.peer)
        this.table.removeTabled(peer.peer)
      }
    })
  }

  private tick (): void {
    const nowMs = this.clock.nowMs()
    this.links.sweep(nowMs)
    this.server.sweep(nowMs)
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
    for (const run of this.hungry) {
      run.onContact(peer)
    }
    if (peer.isDialable) {
      this.announcer.input((machine, nowMs) => { machine.onContact(peer, nowMs) })
    }
  }

  private readonly onSelfUpdate = (): void => {
    // the offers name addresses
    for (const [model, own] of this.own) {
      if (own.signed !== undefined && own.fields.addresses === undefined && own.signed.offer.addresses.join() !== this.addresses().join()) {
        this.announcer.input((machine, nowMs) => { machine.onChange(model, true, nowMs) })
      }
    }
  }

  /** While nobody is known but a connection is being made. */
  private async waitForContact (signal: AbortSignal | undefined): Promise<void> {
    const { connectionManager } = this.components
    if (connectionManager.getConnections().length === 0 && connectionManager.getDialQueue().length === 0) {
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
    signal?.throwIfAborted()
  }

  private searchKeys (filter: OfferFilter, near: string, nearRegions: string[]): Array<SearchKey<KnownPeer>> {
    const regions = filter.region !== undefined
      ? [filter.region]
      : [...new Set([near, ...regionsByDistance(near, nearRegions).slice(0, MAX_NEAR_REGIONS)])].filter(region => region !== '')
    const keys = regions.map(region => modelKey(filter.model, region))
    if (filter.region === undefined || filter.region === '') {
      keys.push(modelKey(filter.model))
    }
    return keys.map(target => ({ name: toHex(target), target, start: () => this.table.start(target, this.k) }))
  }

  private search (options: {
    keys: Array<SearchKey<KnownPeer>>
    filter: OfferFilter | undefined
    limit: number
    near: string
    wanted: number
    cacheName?: string
    remember: boolean
    onOffers: (offers: SignedOffer[]) => void
    onClosest?: (closest: KnownPeer[]) => void
    onDone: () => void
  }): SearchRun {
    const { cacheName, filter, remember } = options
    const cache = remember && cacheName !== undefined ? this.cache : undefined
    const holders = cacheName === undefined ? [] : cache?.get(cacheName, this.clock.nowMs()).holders ?? []
    const run: SearchRun = new SearchRun({
      clock: this.clock,
      counters: this.counters,
      directory: this.directory,
      links: this.links,
      verifier: this.verifier,
      filter,
      limit: options.limit,
      near: options.near,
      k: this.k,
      search: {
        keys: options.keys.map(key => ({ ...key, start: () => [...holders, ...key.start()] })),
        self: this.self.peer,
        k: this.k,
        alpha: this.init.alpha,
        disjointPaths: this.init.disjointPaths ?? 2,
        softTimeoutMs: this.init.softTimeoutMs,
        requestTimeoutMs: this.init.requestTimeoutMs,
        wanted: options.wanted
      },
      onOffers: (_key, offers, from) => {
        this.counters.offers_found_total += offers.length
        cache?.onOffers(cacheName as string, offers, from)
        options.onOffers(offers)
      },
      onClosest: (_key, closest) => { options.onClosest?.(closest) },
      onFailure: (_key, peer) => { cache?.onHolderFailed(cacheName as string, peer.peer) },
      onDone: complete => {
        this.runs.delete(run)
        this.hungry.delete(run)
        this.refreshing.delete(cacheName ?? '')
        if (complete) {
          cache?.onComplete(cacheName as string, this.clock.nowMs())
        }
        options.onDone()
      }
    })
    this.runs.add(run)
    if (this.table.size < this.k) {
      this.hungry.add(run)
    }
    run.start()
    return run
  }

  private lookUp (key: AnnounceKey, onClosest: (closest: KnownPeer[]) => void): SearchRun {
    let closest: KnownPeer[] = []
    return this.search({
      keys: [{ name: key.name, target: key.bytes, start: () => this.table.start(key.bytes, this.k) }],
      filter: undefined,
      limit: 0,
      near: '',
      wanted: Infinity,
      remember: false,
      onOffers: () => {},
      onClosest: peers => { closest = peers },
      onDone: () => { onClosest(closest) }
    })
  }

  private mayRefresh (cacheName: string): boolean {
    if (!this.started || this.refreshing.has(cacheName) || this.refreshing.size >= MAX_REFRESHES) {
      return false
    }
    this.refreshing.add(cacheName)
    return true
  }

  private performAnnounce (effect: AnnouncerEffect<KnownPeer>): void {
    switch (effect.type) {
      case 'sign':
        void this.sign(effect.model, effect.withdrawn)
        break
      case 'lookup':
        void this.lookUpForAnnouncer(effect.model, effect.key)
        break
      case 'store':
        this.enqueue(effect)
        break
      case 'announced':
        this.settle(effect.model, effect)
        break
      case 'withdrawn':
        this.settle(effect.model, effect)
        this.own.delete(effect.model)
        break
    }
  }

  private async lookUpForAnnouncer (model: string, key: AnnounceKey): Promise<void> {
    if (this.table.start(key.bytes, 1).length === 0) {
      await this.waitForContact(undefined)
    }
    this.lookUp(key, closest => {
      this.announcer.input((machine, nowMs) => { machine.onClosest(model, key.name, closest, nowMs) })
    })
  }

  private async sign (model: string, withdrawn: boolean): Promise<void> {
    const own = this.own.get(model)
    try {
      if (own === undefined) {
        throw new NotAnnouncedError(model)
      }
      const nowMs = this.clock.nowMs()
      // grows over restarts too, as long as the clock does
      this.lastSeq = Math.max(this.lastSeq + 1, Math.floor(nowMs))
      const lifeMs = Math.min(MAX_OFFER_LIFE_MS, this.init.offerLifeMs ?? MAX_OFFER_LIFE_MS)
      const signed = await signOffer({
        ...own.fields,
        addresses: own.fields.addresses ?? this.addresses(),
        peer: this.ownName,
        seq: this.lastSeq,
        issuedAtMs: Math.floor(nowMs),
        expiresAtMs: Math.floor(nowMs) + lifeMs,
        withdrawn
      }, this.components.privateKey)
      own.signed = signed
      this.verifier.remember(signed)
      for (const { bytes } of keysOf(model, own.fields.region)) {
        this.store.put(bytes, signed, nowMs)
      }
      this.announcer.input((machine, now) => { machine.onSigned(model, signed.offer.expiresAtMs, now) })
    } catch (error) {
      this.log.error('an offer could not be signed - %e', error)
      own?.waiters.forEach(({ reject }) => { reject(error) })
      own?.waiters.clear()
      this.announcer.input((machine, nowMs) => { machine.onSignFailed(model, nowMs) })
    }
  }

  private addresses (): string[] {
    return this.components.addressManager.getAddresses().slice(0, MAX_OFFER_ADDRESSES).map(address => address.toString())
  }

  /** Gathers what goes to the same peer at the same time: two keys of one model need its envelope once. */
  private enqueue (effect: Extract<AnnouncerEffect<KnownPeer>, { type: 'store' }>): void {
    const signed = this.own.get(effect.model)?.signed
    if (signed === undefined) {
      return
    }
    if (this.batches.size === 0) {
      queueMicrotask(() => {
        const batches = [...this.batches.values()]
        this.batches.clear()
        batches.forEach(batch => { this.send(batch) })
      })
    }
    let batch = this.batches.get(effect.to)
    if (batch === undefined) {
      batch = { peer: effect.to, entries: new Map() }
      this.batches.set(effect.to, batch)
    }
    const entry = batch.entries.get(effect.model) ?? { envelope: signed.envelope, keys: [] }
    entry.keys.push({ key: effect.key, version: effect.version })
    batch.entries.set(effect.model, entry)
  }

  private send (batch: Batch): void {
    let group: Array<[string, { envelope: Uint8Array, keys: Array<{ key: AnnounceKey, version: number }> }]> = []
    let bytes = 0
    for (const entry of batch.entries) {
      const size = entry[1].envelope.length + 40 * entry[1].keys.length
      if (group.length > 0 && bytes + size > MAX_BATCH_BYTES) {
        this.sendGroup(batch.peer, group)
        group = []
        bytes = 0
      }
      group.push(entry)
      bytes += size
    }
    this.sendGroup(batch.peer, group)
  }

  private sendGroup (peer: KnownPeer, group: Array<[string, { envelope: Uint8Array, keys: Array<{ key: AnnounceKey, version: number }> }]>): void {
    const body = encodeField(3, StoreRequest.encode({
      entries: group.map(([, { envelope, keys }]) => ({ envelope: envelope as Uint8Array<ArrayBuffer>, keys: keys.map(({ key }) => key.bytes as Uint8Array<ArrayBuffer>) }))
    }))
    this.links.request(peer, body, answer => {
      const failed = answer instanceof RoutingRequestError ? answer : undefined
      const results = answer instanceof RoutingRequestError ? [] : answer.stored?.results ?? []
      let index = 0
      for (const [model, { keys }] of group) {
        for (const { key, version } of keys) {
          const result = storeResult(results[index++] ?? -1)
          this.announcer.input((machine, nowMs) => {
            if (result === 'stored' || result === 'unchanged') {
              machine.onStored(model, key.name, peer.peer, version, nowMs)
            } else {
              machine.onStoreFailed(model, key.name, peer.peer, version, { again: failed !== undefined, retryAfterMs: failed?.retryAfterMs }, nowMs)
            }
          })
        }
      }
    })
  }

  private settle (model: string, result: Announced): void {
    const own = this.own.get(model)
    own?.waiters.forEach(({ resolve }) => { resolve({ stored: result.stored, failed: result.failed }) })
    own?.waiters.clear()
  }

  private async waiter (own: OwnOffer, signal: AbortSignal | undefined): Promise<Announced> {
    const waiter = Promise.withResolvers<Announced>()
    own.waiters.add(waiter)
    const onAbort = (): void => { waiter.reject(signal?.reason) }
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await waiter.promise
    } finally {
      own.waiters.delete(waiter)
      signal?.removeEventListener('abort', onAbort)
    }
  }
}

/**
 * Model routing as a libp2p service:
 *
 * ```ts
 * const node = await createLibp2p({ services: { identify: identify(), ping: ping(), dht: kadDHT({…}), routing: modelRouting({ region: 'eu-west' }) } })
 * ```
 */
export function modelRouting (init: ModelRoutingInit = {}): (components: ModelRoutingComponents) => ModelRoutingService {
  return components => new ModelRoutingService(components, init)
}

function keysOf (model: string, region: string): AnnounceKey[] {
  return (region === '' ? [modelKey(model)] : [modelKey(model), modelKey(model, region)]).map(bytes => ({ name: toHex(bytes), bytes }))
}

function cacheNameOf (filter: OfferFilter, keys: Array<SearchKey<KnownPeer>>): string {
  const { model, ...rest } = filter
  return `${JSON.stringify(model)} ${keys.map(({ name }) => name).join()} ${JSON.stringify(rest)}`
}

/** Whether a change matters to who chooses among offers, so much that it should not wait for the next renewal. */
function matters (before: OwnOffer['fields'], after: OwnOffer['fields']): boolean {
  const isFull = (fields: OwnOffer['fields']): boolean => fields.queueDepth >= fields.maxConcurrent
  const ratio = (after.tokensPerSecond + 1) / (before.tokensPerSecond + 1)
  return isFull(before) !== isFull(after) ||
    ratio < 0.5 || ratio > 2 ||
    before.priceMicros !== after.priceMicros ||
    before.effectiveContext !== after.effectiveContext ||
    before.deterministic !== after.deterministic ||
    before.tier !== after.tier ||
    before.tasks.join() !== after.tasks.join() ||
    before.addresses?.join() !== after.addresses?.join()
}

/** libp2p's components are a proxy that cannot be spread. */
function pick ({ peerId, registrar, peerStore, events }: ModelRoutingComponents): Pick<ModelRoutingComponents, 'peerId' | 'registrar' | 'peerStore' | 'events'> {
  return { peerId, registrar, peerStore, events }
}

/** kad-dht's routing table, if a service named `dht` has one. Asking libp2p for a component it does not have throws. */
function tableOf (components: ModelRoutingComponents): RoutingTableView | undefined {
  try {
    return (components as { dht?: { routingTable?: RoutingTableView } }).dht?.routingTable
  } catch {
    return undefined
  }
}
