/** The seed's side of `/skein/seed/1.0.0`, as a libp2p service. */
import { lpStream } from '@libp2p/utils'
import { BoundedMap, deadline, equalBytes, TokenBucket } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import {
  isRelayed, MAX_SEED_MESSAGE_BYTES, MAX_SEED_MODELS, MAX_SEED_PEERS, MAX_SEED_STUN, networkOf, openCapabilities, PROTOCOLS, RecordError,
  SeedRequest, SeedResponse
} from '@skein/records'
import { DRAWN_PER_HANDED_OUT } from './handouts/handout-order.ts'
import { DiscoverLimiter } from './registry/discover-limiter.ts'
import { NetworkPlaces } from './admission/network-places.ts'
import { MemoryRegistry } from './registry/memory-registry.ts'
import { DEFAULT_SEED_ROLES, takesRegistrations } from './roles.ts'
import { newcomerPlan } from './stages/newcomer-plan.ts'
import { DEFAULT_DISCOVER_LIMIT, StaleCursorError } from './registry/registry.ts'
import type { AdmissionGate } from './admission/admission-gate.ts'
import type { RegionTierCount, Registry } from './registry/registry.ts'
import type { SeedRole } from './roles.ts'
import type { NewcomerPlan, NewcomerWant } from './stages/newcomer-plan.ts'
import type { ComponentLogger, Connection, Logger, PeerId, Startable, Stream } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import type { Cancel, Clock, Random } from '@skein/core'
import type { SeedDiscover, SeedModel, SeedPage, SignedCapabilities, VerifiedNetwork } from '@skein/records'

export interface SeedServiceInit {
  /** Of the registry in memory @default 100_000 */
  maxRegistrations?: number
  /** Of the registry in memory: most of one /24 (IPv6: /48) @default 512 */
  maxPerNetwork?: number
  /** Where registrations are kept @default a MemoryRegistry */
  registry?: Registry
  /** Told of each exchange that has ended: `answered`, the reason of a refusal, or `failed` */
  onExchange?: (outcome: string, durationMs: number) => void
  /** Told of each answer to discover: what the registry took for it, ms */
  onDiscover?: (durationMs: number) => void
  /** What a newcomer gets of what it wants, and when it may come again @default what it wants, at half the life of its registration */
  plan?: (want: NewcomerWant) => Pick<NewcomerPlan, 'peers' | 'models' | 'renewAfterMs' | 'discover'>
  /** Where providers are looked for first when a question names no region, at a stage that begins with the nearest @default '' */
  region?: string
  /** What it does of what is asked here; `not_here` is the answer to the rest @default DEFAULT_SEED_ROLES */
  roles?: readonly SeedRole[]
  /** The seed's own record in the registry: not for those who are connected to it already */
  self?: () => SignedCapabilities | undefined
  /** The network that an address (a multiaddr) lies in, by which registrations are capped; `undefined` is not @default networkOf */
  networkOf?: (address: string) => string | undefined
  /** The round trip to a peer as measured last, ms; asked at each registration @default unknown */
  roundTripOf?: (peer: PeerId) => number | undefined
  /** Puts the registrations drawn for a newcomer, or the relays for a peer, in order, and takes so many @default the first */
  handOut?: <E extends Uint8Array>(envelopes: readonly E[], count: number) => E[]
  /** Who is let in; whoever is not gets no answer but what is missing @default everybody is */
  admission?: Pick<AdmissionGate, 'judge'>
  /** Most registrations of one network, besides those that the registry limits @default not limited */
  places?: NetworkPlaces
  /** The networks by which `places` counts @default none is counted */
  placeOf?: (address: string) => VerifiedNetwork | undefined
  /** Multiaddrs at which this seed answers STUN, told in each answer @default none */
  stun?: () => readonly string[]
  /** Told of each request that was answered */
  onAnswered?: (peer: string, answer: { registered: boolean, otherConnections: number }) => void
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
}

/** Without what each answer has: it is put in when the answer is sent. */
type Answer = Omit<SeedResponse, 'timeMs' | 'stun'>

export interface SeedServiceComponents {
  registrar: Registrar
  logger: ComponentLogger
}

export interface SeedCounters {
  requests: number
  registered: number
  /** By reason */
  refused: Record<string, number>
}

/** A request must be in and answered within this time, ms. */
const EXCHANGE_TIMEOUT_MS = 10_000
/** A peer's requests: a burst for a start with several changes, then one in 5 s. */
const REQUEST_RATE = { ratePerSecond: 0.2, burst: 20 }
const MAX_RATED_PEERS = 16_384
/** A seed that drains will not be back sooner, ms. */
const DRAIN_RETRY_MS = 30_000
/** What a peer lacks that is not admitted takes its time; whoever can show it comes at once, ms. */
const NOT_ADMITTED_RETRY_MS = 60_000
/** Roles change with a restart, which closes the connection, ms. */
const NOT_HERE_RETRY_MS = 3_600_000
const MAX_STREAMS_PER_CONNECTION = 4
/** How often the registry is asked to forget those whose life is over. */
const SWEEP_INTERVAL_MS = 1_000
/** Longest name in a question; records have none that is longer. */
const MAX_NAME_LENGTH = 128

/** Registers peers and tells newcomers of some of them: `services: { seed: seedService() }`. */
export function seedService (init: SeedServiceInit = {}): (components: SeedServiceComponents) => SeedService {
  return components => new SeedService(components, init)
}

export class SeedService implements Startable {
  readonly registry: Registry
  readonly counters: SeedCounters = { requests: 0, registered: 0, refused: {} }
  private readonly registrar: Registrar
  private readonly log: Logger
  private readonly clock: Clock
  private readonly random: Random
  private readonly onExchange: (outcome: string, durationMs: number) => void
  private readonly onDiscover: (durationMs: number) => void
  private readonly plan: NonNullable<SeedServiceInit['plan']>
  private readonly roles: readonly SeedRole[]
  private readonly self: () => SignedCapabilities | undefined
  private readonly region: string
  private readonly networkOf: NonNullable<SeedServiceInit['networkOf']>
  private readonly roundTripOf: NonNullable<SeedServiceInit['roundTripOf']>
  private readonly handOut: NonNullable<SeedServiceInit['handOut']>
  private readonly stun: NonNullable<SeedServiceInit['stun']>
  private readonly onAnswered: NonNullable<SeedServiceInit['onAnswered']>
  private readonly admission: SeedServiceInit['admission']
  private readonly places: NetworkPlaces
  private readonly placeOf: NonNullable<SeedServiceInit['placeOf']>
  private readonly buckets = new BoundedMap<string, TokenBucket>({ maxSize: MAX_RATED_PEERS })
  private readonly limiter: DiscoverLimiter
  private cancelSweep?: Cancel
  private stopped = false
  private draining = false

  constructor (components: SeedServiceComponents, init: SeedServiceInit) {
    this.registrar = components.registrar
    this.log = components.logger.forComponent('skein:seed')
    this.clock = init.clock ?? systemClock()
    this.random = init.random ?? systemRandom()
    this.onExchange = init.onExchange ?? (() => {})
    this.onDiscover = init.onDiscover ?? (() => {})
    this.plan = init.plan ?? (want => newcomerPlan('hub', want))
    this.roles = init.roles ?? DEFAULT_SEED_ROLES
    this.self = init.self ?? (() => undefined)
    this.region = init.region ?? ''
    this.networkOf = init.networkOf ?? networkOf
    this.roundTripOf = init.roundTripOf ?? (() => undefined)
    this.handOut = init.handOut ?? ((envelopes, count) => envelopes.slice(0, count))
    this.stun = init.stun ?? (() => [])
    this.onAnswered = init.onAnswered ?? (() => {})
    this.admission = init.admission
    this.places = init.places ?? new NetworkPlaces({})
    this.placeOf = init.placeOf ?? (() => undefined)
    this.limiter = new DiscoverLimiter({ random: this.random })
    this.registry = init.registry ?? new MemoryRegistry({
      maxRegistrations: init.maxRegistrations,
      maxPerNetwork: init.maxPerNetwork,
      random: this.random
    })
  }

  async start (): Promise<void> {
    await this.registrar.handle(PROTOCOLS.seed, (stream, connection) => { void this.onStream(stream, connection) }, {
      maxInboundStreams: MAX_STREAMS_PER_CONNECTION,
      runOnLimitedConnection: true
    })
    this.stopped = false
    this.scheduleSweep()
  }

  async stop (): Promise<void> {
    this.stopped = true
    this.cancelSweep?.()
    await this.registrar.unhandle(PROTOCOLS.seed)
  }

  /** Registrations by region and tier, without the seed's own. */
  async countBy (): Promise<RegionTierCount[]> {
    const counts = await this.registry.countBy()
    const self = this.self()?.capabilities
    return self === undefined
      ? counts
      : counts
        .map(entry => ({ ...entry, count: entry.count - (entry.region === self.region && entry.tier === self.tier ? 1 : 0) }))
        .filter(({ count }) => count > 0)
  }

  /** Takes no more registrations; questions are still answered, for those who leave need to know where to go. */
  drain (): void {
    this.draining = true
  }

  async models (count = MAX_SEED_MODELS): Promise<SeedModel[]> {
    return await this.registry.models(count, this.clock.nowMs())
  }

  private async onStream (stream: Stream, connection: Connection): Promise<void> {
    const limit = deadline(this.clock, EXCHANGE_TIMEOUT_MS)
    const startMs = this.clock.nowMs()
    let outcome = 'failed'
    try {
      const messages = lpStream(stream, { maxDataLength: MAX_SEED_MESSAGE_BYTES })
      const request = this.decode(await messages.read({ signal: limit.signal }))
      const response = await this.answer(connection, request)
      const stun = this.stun().slice(0, MAX_SEED_STUN)
      await messages.write(SeedResponse.encode({ ...response, timeMs: Math.round(this.clock.nowMs()), stun }), { signal: limit.signal })
      await stream.close({ signal: limit.signal })
      outcome = response.refused === '' ? 'answered' : response.refused
      this.onAnswered(connection.remotePeer.toString(), { registered: response.lifeMs > 0, otherConnections: request.connections })
    } catch (error) {
      this.log('exchange with %p failed: %s', connection.remotePeer, (error as Error).message)
      if (limit.signal.aborted) {
        this.refusal('timeout', 'The request did not come, or its answer was not taken, in time')
      }
      stream.abort(error as Error)
    } finally {
      limit.clear()
      this.onExchange(outcome, this.clock.nowMs() - startMs)
    }
  }

  private decode (bytes: Parameters<typeof SeedRequest.decode>[0]): SeedRequest {
    try {
      return SeedRequest.decode(bytes)
    } catch (error) {
      this.refusal('malformed_request', (error as Error).message)
      throw error
    }
  }

  private async answer (connection: Connection, request: SeedRequest): Promise<Answer> {
    const peer = connection.remotePeer.toString()
    this.counters.requests++
    const nowMs = this.clock.nowMs()
    const waitMs = this.waitMs(peer, nowMs)
    if (waitMs > 0) {
      return { ...this.refusal('too_early', `Ask again in ${Math.ceil(waitMs / 1000)} s`), retryAfterMs: waitMs }
    }

    // before any signature is checked: what a flood of strangers costs is this
    const verdict = await this.admission?.judge(peer, request.proofs)
    if (verdict?.admitted === false) {
      return { ...this.refusal('not_admitted', verdict.message), demands: verdict.demands, retryAfterMs: NOT_ADMITTED_RETRY_MS }
    }

    const plan = this.plan({
      peers: this.roles.includes('bootstrap') ? Math.min(request.wantPeers, MAX_SEED_PEERS) : 0,
      models: this.roles.includes('discover') ? Math.min(request.wantModels, MAX_SEED_MODELS) : 0
    })
    const response: Answer = {
      refused: '',
      message: '',
      lifeMs: 0,
      retryAfterMs: 0,
      peers: plan.peers === 0 ? [] : await this.sample(plan.peers, peer, nowMs),
      models: plan.models === 0 ? [] : await this.registry.models(plan.models, nowMs),
      relays: request.wantRelays === 0 ? [] : await this.relays(peer, request.wantRelays, nowMs),
      demands: []
    }
    if (request.discover != null) {
      // a large page has a message for itself
      const maxLimit = plan.peers + plan.models > 0 ? DEFAULT_DISCOVER_LIMIT : Infinity
      response.page = plan.discover === 'none' || !this.roles.includes('discover')
        ? this.noPage('not_here', 'This seed does not look for providers: a peer finds them by its own lookups')
        : await this.discover(peer, plan.discover === 'everywhere' ? request.discover : nearFirst(request.discover, this.region), maxLimit, nowMs)
    }
    if (request.capabilities.length === 0) {
      return response
    }
    if (!takesRegistrations(this.roles)) {
      const { refused, message } = this.refusal('not_here', 'This seed only relays; register at another one')
      return { ...response, refused, message, retryAfterMs: NOT_HERE_RETRY_MS }
    }
    if (this.draining) {
      const { refused, message } = this.refusal('draining', 'This seed is about to stop; register at another one')
      return { ...response, refused, message, retryAfterMs: DRAIN_RETRY_MS }
    }
    try {
      return { ...response, lifeMs: await this.register(connection, request, nowMs), retryAfterMs: plan.renewAfterMs }
    } catch (error) {
      const { refused, message } = error instanceof RecordError
        ? this.refusal(error.reason, error.message)
        : this.refusal(error instanceof RegistryRefusal ? error.reason : 'unavailable', (error as Error).message)
      return { ...response, refused, message, retryAfterMs: 10_000 }
    }
  }

  /** Of others than the seed, which it knows already. */
  private async sample (count: number, peer: string, nowMs: number): Promise<Array<Uint8Array<ArrayBuffer>>> {
    const self = this.self()?.envelope
    const drawn = Math.ceil(count * DRAWN_PER_HANDED_OUT) + (self === undefined ? 0 : 1)
    const peers = await this.registry.sample(drawn, peer, nowMs, this.random)
    return this.handOut(peers.filter(envelope => self === undefined || !equalBytes(envelope, self)), count)
  }

  /** Near to the region in which the peer is registered, else near to this seed, which it chose for being near. */
  private async relays (peer: string, limit: number, nowMs: number): Promise<Array<Uint8Array<ArrayBuffer>>> {
    const registration = await this.registry.get(peer, nowMs)
    const known = registration === undefined ? undefined : await openCapabilities(registration.envelope, nowMs).catch(() => undefined)
    const drawn = Math.ceil(limit * DRAWN_PER_HANDED_OUT)
    return this.handOut(await this.registry.relays({ near: known?.capabilities.region || this.region, limit: drawn, asker: peer }, nowMs), limit)
  }

  private async register (connection: Connection, request: SeedRequest, nowMs: number): Promise<number> {
    const { capabilities } = await openCapabilities(request.capabilities, nowMs)
    if (capabilities.peer !== connection.remotePeer.toString()) {
      throw new RecordError('wrong_signer', 'Only the peer itself can register')
    }
    const address = connection.remoteAddr.toString()
    const place = this.placeOf(address)
    const full = this.places.refusal(capabilities.peer, place, nowMs)
    if (full !== undefined) {
      throw new RegistryRefusal('network_full',
        `Others of ${full.network} have the ${full.limit} places that one network of its kind may have; try another seed`)
    }
    const network = this.networkOf(address)
    // over a relay it would be the relay's
    const rttMs = isRelayed(connection) ? undefined : this.roundTripOf(connection.remotePeer)
    const outcome = await this.registry.register(capabilities, request.capabilities, nowMs, { network, rttMs })
    if (!outcome.registered) {
      throw new RegistryRefusal(outcome.reason, outcome.message)
    }
    this.places.take(capabilities.peer, place, nowMs + outcome.lifeMs)
    this.counters.registered++
    return outcome.lifeMs
  }

  /** Its registration ends now. */
  async expel (peer: string): Promise<void> {
    this.places.release(peer)
    await this.registry.remove(peer)
  }

  private async discover (peer: string, question: SeedDiscover, maxLimit: number, nowMs: number): Promise<SeedPage> {
    const permit = this.limiter.take(peer, nowMs)
    if (!permit.granted) {
      return { ...this.noPage(permit.reason, `Ask again in ${Math.ceil(permit.retryAfterMs / 1000)} s`), retryAfterMs: permit.retryAfterMs }
    }
    const { model = '', region = '', task = '', near = '', limit = DEFAULT_DISCOVER_LIMIT } = question
    if ([model, region, task, near].some(name => name.length > MAX_NAME_LENGTH)) {
      return this.noPage('malformed', `A name is longer than ${MAX_NAME_LENGTH} characters`)
    }
    try {
      const startMs = this.clock.nowMs()
      const page = await this.registry.discover({ ...question, limit: Math.min(limit, maxLimit), asker: peer }, nowMs)
      this.onDiscover(this.clock.nowMs() - startMs)
      return { peers: page.envelopes, cursor: page.cursor ?? new Uint8Array(), refused: '', message: '', retryAfterMs: 0 }
    } catch (error) {
      return this.noPage(error instanceof StaleCursorError ? 'stale_cursor' : 'unavailable', (error as Error).message)
    }
  }

  private noPage (refused: string, message: string): SeedPage {
    this.refusal(`discover_${refused}`, message)
    return { peers: [], cursor: new Uint8Array(), refused, message, retryAfterMs: 0 }
  }

  private scheduleSweep (): void {
    if (this.stopped) {
      return
    }
    this.cancelSweep = this.clock.schedule(this.clock.nowMs() + SWEEP_INTERVAL_MS, () => {
      this.registry.sweep(this.clock.nowMs())
        .catch(error => { this.log.error('sweep failed: %s', (error as Error).message) })
        .finally(() => { this.scheduleSweep() })
    })
  }

  private refusal (refused: string, message: string): Answer {
    this.counters.refused[refused] = (this.counters.refused[refused] ?? 0) + 1
    return { refused, message, lifeMs: 0, retryAfterMs: 0, peers: [], models: [], relays: [], demands: [] }
  }

  private waitMs (peer: string, nowMs: number): number {
    let bucket = this.buckets.touch(peer)
    if (bucket == null) {
      bucket = new TokenBucket(REQUEST_RATE, nowMs)
      this.buckets.set(peer, bucket)
    }
    return bucket.take(1, nowMs) ? 0 : bucket.waitMs(1, nowMs)
  }
}

/** The same question, beginning in a region unless it says where. */
function nearFirst (question: SeedDiscover, region: string): SeedDiscover {
  return (question.near ?? '') === '' ? { ...question, near: region } : question
}

/** Carries what the registry says out of `register`. */
class RegistryRefusal extends Error {
  static override name = 'RegistryRefusal'
  override readonly name = 'RegistryRefusal'
  readonly reason: string

  constructor (reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}
