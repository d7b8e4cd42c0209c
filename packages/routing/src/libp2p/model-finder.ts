/** Runs the searches of this peer: from what it holds and remembers first, then over the network. */
import { toHex } from '@skein/core'
import { modelKey } from '../model-key.ts'
import { SIZE_DELAY_MS, WEIGH_MS } from '../network-size.ts'
import { compareOffers, meets } from '../offer-filter.ts'
import { regionsByDistance } from '../region.ts'
import { SearchRun } from './search-run.ts'
import type { AnnounceKey } from '../announcer.ts'
import type { LookupInit } from '../lookup.ts'
import type { SearchKey } from '../model-search.ts'
import type { OfferCache } from '../offer-cache.ts'
import type { OfferFilter } from '../offer-filter.ts'
import type { OfferStore } from '../offer-store.ts'
import type { ContactTable } from './contact-table.ts'
import type { RoutingCounters } from './counters.ts'
import type { OfferVerifier } from './offer-verifier.ts'
import type { OnLookupStep } from './lookup-step.ts'
import type { KnownPeer, PeerDirectory } from './peer-directory.ts'
import type { PeerLinks } from './peer-links.ts'
import type { Deposit } from './search-run.ts'
import type { AbortOptions } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { SignedOffer } from '@skein/records'

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
  /** Told of each step of the lookup, for whoever wants to see why it takes as long as it does; costs nothing when left out */
  onStep?: OnLookupStep
}

export interface ModelFinderInit {
  clock: Clock
  counters: RoutingCounters
  directory: PeerDirectory
  links: PeerLinks
  verifier: OfferVerifier
  table: ContactTable
  store: OfferStore
  cache: OfferCache<KnownPeer> | undefined
  self: KnownPeer
  /** This peer's id as text: its own offers are not found */
  ownName: string
  region: string
  k: number
  lookup: Pick<LookupInit<KnownPeer>, 'alpha' | 'disjointPaths' | 'softTimeoutMs' | 'requestTimeoutMs' | 'networkOf' | 'trustOf'>
  /** How many peers there are; `undefined` while that is not known */
  networkSize: () => number | undefined
  /** The size of the network is made use of, and should be known so long from now */
  onSizeNeeded: (delayMs: number) => void
  /** Resolves when there is somebody to ask, or nobody is to be expected */
  contact: (target: Uint8Array, signal?: AbortSignal) => Promise<void>
}

interface Query {
  filter: OfferFilter
  keys: Array<SearchKey<KnownPeer>>
  near: string
  limit: number
  cacheName: string
  cache: OfferCache<KnownPeer> | undefined
  onStep: OnLookupStep | undefined
}

const MAX_NEAR_REGIONS = 3
const MAX_REFRESHES = 16

export class ModelFinder {
  private readonly init: ModelFinderInit
  private readonly runs = new Set<SearchRun>()
  /** Runs that began with few peers and are told of new ones */
  private readonly hungry = new Set<SearchRun>()
  /** Queries that are being asked again though nobody waits */
  private readonly refreshing = new Set<string>()
  /** Of those, the searches that somebody began and left, by what they ask */
  private readonly left = new Map<SearchRun, string>()

  constructor (init: ModelFinderInit) {
    this.init = init
  }

  async * find (filter: OfferFilter, options: FindModelOptions): AsyncGenerator<FoundOffer, void, undefined> {
    const { clock, store } = this.init
    const { signal } = options
    signal?.throwIfAborted()
    const query = this.query(filter, options)
    const wanted = options.wanted ?? Infinity
    const found = new Found(this.init.ownName)

    if (options.cache !== false) {
      const nowMs = clock.nowMs()
      for (const key of query.keys) {
        found.add(store.best(key.target, filter, nowMs, { limit: query.limit, near: query.near }), 'held')
      }
      const remembered = query.cache?.get(query.cacheName, nowMs)
      if (remembered !== undefined) {
        found.add(remembered.offers.filter(({ offer }) => meets(offer, filter)).sort((a, b) => compareOffers(a.offer, b.offer, query.near)), 'cache')
      }
      let satisfied = false
      try {
        yield * found.drain()
        satisfied = true
      } finally {
        if (!satisfied && remembered?.fresh !== true) {
          // whoever asked was content with what was remembered; the next one gets what is true now
          this.refresh(query)
        }
      }
      if (remembered?.fresh === true || found.size >= wanted) {
        return
      }
    }
    yield * this.walk(query, found, wanted - found.size, signal)
  }

  /** The closest peers to a key that answer, closest first. Returns what stops it. */
  lookUp (
    key: AnnounceKey, onClosest: (closest: KnownPeer[], region: KnownPeer[]) => void, deposit?: Deposit
  ): () => void {
    let closest: KnownPeer[] = []
    let region: KnownPeer[] = []
    let stopped = false
    let run: SearchRun | undefined
    void this.init.contact(key.bytes).then(() => {
      if (stopped) {
        onClosest([], [])
        return
      }
      run = this.begin(new SearchRun({
        ...this.init,
        filter: undefined,
        limit: 0,
        near: '',
        deposit,
        search: {
          ...this.init.lookup,
          self: this.init.self.peer,
          k: this.init.k,
          keys: [this.key(key.bytes)],
          // only where an offer is to be stored does it matter who crowds around a key
          networkSize: deposit === undefined ? undefined : this.init.networkSize
        },
        onOffers: () => {},
        onClosest: (_key, peers, others) => {
          closest = peers
          region = others
        },
        onDone: () => { onClosest(closest, region) }
      }))
      if (deposit !== undefined) {
        this.init.onSizeNeeded(SIZE_DELAY_MS)
      }
    })
    return () => {
      stopped = true
      run?.stop()
    }
  }

  onContact (peer: KnownPeer): void {
    for (const run of this.hungry) {
      run.onContact(peer)
    }
  }

  /** The size of the network has become known. */
  onNetworkSize (): void {
    for (const run of this.runs) {
      run.onNetworkSize()
    }
  }

  stop (): void {
    for (const run of this.runs) {
      run.stop()
    }
  }

  private async * walk (query: Query, found: Found, wanted: number, signal: AbortSignal | undefined): AsyncGenerator<FoundOffer, void, undefined> {
    let wake: () => void = () => {}
    let done = false
    const onAbort = (): void => { wake() }
    signal?.addEventListener('abort', onAbort, { once: true })
    let run: SearchRun | undefined
    try {
      await this.init.contact((query.keys[0] as SearchKey<KnownPeer>).target, signal)
      run = this.search(query, wanted, offers => {
        found.add(offers, 'network')
        wake()
      }, () => {
        done = true
        if (run !== undefined) {
          this.refreshing.delete(this.left.get(run) ?? '')
          this.left.delete(run)
        }
        wake()
      })
      for (;;) {
        signal?.throwIfAborted()
        yield * found.drain()
        if (done) {
          return
        }
        await new Promise<void>(resolve => {
          wake = resolve
          if (done || found.hasMore || signal?.aborted === true) {
            resolve()
          }
        })
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
      if (run !== undefined && !done) {
        this.leave(run, query, wanted, found.size)
      }
    }
  }

  /**
   * Nobody waits for the rest of this search. It goes on once in a while all the same: who stops at the first offer, time and again, would know but
   * those who answer first.
   */
  private leave (run: SearchRun, { cache, cacheName }: Query, wanted: number, found: number): void {
    if (cache === undefined || wanted !== Infinity || found === 0 || this.refreshing.has(cacheName) || this.refreshing.size >= MAX_REFRESHES) {
      run.stop()
      return
    }
    this.refreshing.add(cacheName)
    this.left.set(run, cacheName)
  }

  private refresh (query: Query): void {
    if (query.cache !== undefined && !this.refreshing.has(query.cacheName) && this.refreshing.size < MAX_REFRESHES) {
      this.refreshing.add(query.cacheName)
      this.search({ ...query, onStep: undefined }, Infinity, () => {}, () => { this.refreshing.delete(query.cacheName) })
    }
  }

  private query (filter: OfferFilter, options: FindModelOptions): Query {
    const near = options.region ?? this.init.region
    const nearRegions = regionsByDistance(near, options.nearRegions ?? []).slice(0, MAX_NEAR_REGIONS)
    const regions = filter.region !== undefined ? [filter.region] : [near, ...nearRegions]
    const targets = [...new Set(regions)].filter(region => region !== '').map(region => modelKey(filter.model, region))
    if (filter.region === undefined || filter.region === '') {
      targets.push(modelKey(filter.model))
    }
    const keys = targets.map(target => this.key(target))
    const { model, ...conditions } = filter
    return {
      filter,
      keys,
      near,
      limit: options.limit ?? 20,
      cacheName: `${cachePrefix(model)}${keys.map(({ name }) => name).join()} ${JSON.stringify(conditions)}`,
      cache: options.cache === false ? undefined : this.init.cache,
      onStep: options.onStep
    }
  }

  private key (target: Uint8Array): SearchKey<KnownPeer> {
    return { name: toHex(target), target, start: beside => this.init.table.start(beside, this.init.k) }
  }

  private search (query: Query, wanted: number, onOffers: (offers: SignedOffer[]) => void, onDone: () => void): SearchRun {
    const { clock, counters, k, lookup, networkSize, onSizeNeeded, self } = this.init
    const { cache, cacheName } = query
    const holders = cache?.get(cacheName, clock.nowMs()).holders ?? []
    onSizeNeeded(SIZE_DELAY_MS)
    return this.begin(new SearchRun({
      ...this.init,
      filter: query.filter,
      limit: query.limit,
      near: query.near,
      search: {
        ...lookup,
        self: self.peer,
        k,
        wanted,
        networkSize,
        weighMs: WEIGH_MS,
        keys: query.keys.map(key => ({ ...key, start: target => [...holders, ...key.start(target)] }))
      },
      onStep: query.onStep,
      onWeigh: () => { onSizeNeeded(0) },
      onOffers: (_key, offers, from) => {
        counters.offers_found_total += offers.length
        cache?.onOffers(cacheName, offers, from)
        onOffers(offers)
      },
      onFailure: (_key, peer) => { cache?.onHolderFailed(cacheName, peer.peer) },
      onDone: complete => {
        if (complete) {
          cache?.onComplete(cacheName, clock.nowMs())
        }
        onDone()
      }
    }))
  }

  private begin (run: SearchRun): SearchRun {
    this.runs.add(run)
    if (this.init.table.size < this.init.k) {
      this.hungry.add(run)
    }
    run.start(() => {
      this.runs.delete(run)
      this.hungry.delete(run)
    })
    return run
  }
}

/** What the names of all remembered queries for a model begin with. */
export function cachePrefix (model: string): string {
  return `${JSON.stringify(model)} `
}

/** What was found and not given out yet: each peer once, unless it has a newer offer. */
class Found {
  private readonly seqs = new Map<string, number>()
  private readonly ownName: string
  private queue: FoundOffer[] = []

  constructor (ownName: string) {
    this.ownName = ownName
  }

  get size (): number {
    return this.seqs.size
  }

  get hasMore (): boolean {
    return this.queue.length > 0
  }

  add (offers: SignedOffer[], source: FoundOffer['source']): void {
    for (const { offer, envelope } of offers) {
      const seq = this.seqs.get(offer.peer)
      if (offer.peer !== this.ownName && (seq === undefined || seq < offer.seq)) {
        this.seqs.set(offer.peer, offer.seq)
        this.queue.push({ offer, envelope, source })
      }
    }
  }

  * drain (): Generator<FoundOffer, void, undefined> {
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
      yield next
    }
  }
}
