/** A seed as an operator runs it: the node, its HTTP port, its log, and an orderly end. */
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { systemClock, systemRandom } from '@skein/core/system'
import { publicNetwork } from '@skein/peer'
import { openSystemTable } from '@skein/supernode/node'
import { Registry } from 'prom-client'
import { AdmittedSockets } from '../admission/admitted-sockets.ts'
import { inNetworks } from './trusted-networks.ts'
import { plainConfig } from '../config/printed-config.ts'
import { createSeed } from '../create-seed.ts'
import { openFleetRegistry } from '../redis/fleet.ts'
import { maskRedisAddress } from '../redis/redis-address.ts'
import { RedisSignalBus } from '../redis/signal-bus.ts'
import { openAdmission } from './admission/admission-files.ts'
import { drainConnections } from './connection-drain.ts'
import { EventLoopWatch } from './event-loop-watch.ts'
import { openHttpPort } from './http-port.ts'
import { listenFailure } from './listen-error.ts'
import { RefusalLog } from './refusal-log.ts'
import { RelayUsageFile } from './relay-usage-file.ts'
import { PathBytes } from './path-bytes.ts'
import { allRefusals } from './refusals.ts'
import { SeedMetrics } from './seed-metrics.ts'
import { stunInit } from './stun-endpoints.ts'
import type { Clock } from '@skein/core'
import type { PeerInit } from '@skein/peer'
import type { SystemTable } from '@skein/supernode/node'
import type { OpenAdmission } from './admission/admission-files.ts'
import type { MonthUsage } from '../relay/usage-period.ts'
import type { RelayLimits } from '../relay/relay-limits.ts'
import type { SeedConfig } from '../config/option-table.ts'
import type { Seed, SeedInit } from '../create-seed.ts'
import type { OpenFleet } from '../redis/fleet.ts'
import type { SignalBus } from '../signalling/signal-bus.ts'
import type { HttpPort, UpgradeTarget, Verdict } from './http-port.ts'
import type { SeedLog } from './seed-log.ts'

export interface SeedNodeInit {
  config: SeedConfig
  log: SeedLog
  /** What `/ws` and the like are handed to, made once the seed runs */
  upgrades?: (seed: Seed) => Record<string, UpgradeTarget>
  /** The networks and the autonomous system of an address @default its networks alone */
  networkOf?: PeerInit['networkOf']
  /** Bounds of connections, streams and registrations, where they are not those of the configuration */
  limits?: SeedInit['limits']
  /** Told, in words for a person, when something in the data folder was damaged */
  onDamage?: (message: string) => void
  /** Counts libp2p's streams and bytes too; it keeps them per process, so only one seed of a process should @default true */
  libp2pMetrics?: boolean
  /** @default systemClock() */
  clock?: Clock
  /** Ends the start when it fires */
  signal?: AbortSignal
}

export interface SeedNode {
  readonly seed: Seed
  /** `http://HOST:PORT`, when the configuration asks for it */
  readonly httpUrl?: string
  /** Not ready at once; no more registrations; connections closed over `drain` seconds; then the end. Safe to call twice */
  stop (): Promise<void>
}

/** Devices stay connected to it. */
const MAX_HTTP_CONNECTIONS = 8_192
/** How long the end itself may take after a drain, ms: what hangs then is left to the end of the process. */
const STOP_TIMEOUT_MS = 5_000

/**
 * Starts a seed with all that belongs to running one.
 *
 * @throws {SeedListenError} when a port cannot be opened
 * @throws {SystemTableError} when the table of systems cannot be read
 */
export async function startSeedNode (init: SeedNodeInit): Promise<SeedNode> {
  const { config, log } = init
  log.info({ config: plainConfig({ config }), node: process.version }, 'starting')
  const node = new OperatedSeed(init)
  try {
    await node.start()
  } catch (error) {
    await node.abandon()
    throw error
  }
  return node
}

class OperatedSeed implements SeedNode {
  private readonly init: SeedNodeInit
  private readonly clock: Clock
  private readonly registry = new Registry()
  private metrics?: SeedMetrics
  private running?: Seed
  private http?: HttpPort
  private readonly httpSockets: AdmittedSockets
  private upgrades: Record<string, UpgradeTarget> = {}
  private loop?: EventLoopWatch
  private refusals?: RefusalLog
  private fleet?: OpenFleet
  private relayUsage?: RelayUsageFile
  private admission?: OpenAdmission
  private systems?: SystemTable
  private readonly paths = new PathBytes()
  private stopping?: Promise<void>

  constructor (init: SeedNodeInit) {
    this.init = init
    this.clock = init.clock ?? systemClock()
    this.httpSockets = new AdmittedSockets({
      limits: { maxConnections: MAX_HTTP_CONNECTIONS },
      isTrusted: inNetworks(init.config.trustedNetworks),
      clock: this.clock
    })
  }

  get seed (): Seed {
    if (this.running == null) {
      throw new Error('The seed does not run')
    }
    return this.running
  }

  get httpUrl (): string | undefined {
    return this.http?.url
  }

  private get networkOf (): SeedNodeInit['networkOf'] {
    return this.init.networkOf ?? this.systems?.networkOf
  }

  async start (): Promise<void> {
    const { config, log } = this.init
    if (config.asnFile !== undefined) {
      this.systems = await openSystemTable(config.asnFile, {
        networkOf: publicNetwork,
        onFailure: ({ message }) => {
          log.error({ path: config.asnFile, problem: message }, 'the file cannot be used; what it held before still counts')
        }
      })
    }
    this.admission = await openAdmission({
      config,
      hasSystems: this.networkOf !== undefined,
      clock: this.clock,
      onChange: (path, problem) => {
        if (problem === undefined) {
          log.info({ path }, 'read again')
          void this.running?.admission?.recheck()
        } else {
          log.error({ path, problem: problem.message }, 'the file cannot be used; what it held before still counts')
        }
      }
    })
    this.fleet = this.openFleet()
    const used = await this.openRelayUsage()
    const seed = this.running = await createSeed(this.seedInit(used)).catch(listenFailure)
    const { relay } = seed
    if (relay !== undefined) {
      this.relayUsage?.follow(() => relay.usage())
    }
    this.loop = new EventLoopWatch(this.clock)
    this.metrics = this.countWith(seed)
    this.refusals = new RefusalLog(this.clock, () => this.refused(seed), refused => {
      log.warn({ refused }, 'refused in the last minute')
    })
    if (config.http != null) {
      this.upgrades = this.init.upgrades?.(seed) ?? {}
      this.http = await openHttpPort({
        endpoint: config.http,
        metrics: this.registry,
        metricsToken: config.metricsToken,
        health: () => this.health(),
        ready: () => this.readiness(),
        upgrades: this.upgrades,
        admission: this.httpSockets,
        onRequest: (path, status) => { this.metrics?.onHttpRequest(path, status) }
      })
    }
    log.info({ id: seed.id, addresses: seed.addresses, http: this.httpUrl }, 'listening')
  }

  async stop (): Promise<void> {
    this.stopping ??= this.drainAndStop()
    await this.stopping
  }

  /** What a start that failed has opened is closed. */
  async abandon (): Promise<void> {
    this.loop?.stop()
    this.refusals?.stop()
    this.httpSockets.stop()
    await this.http?.stop()
    await this.running?.stop()
    this.admission?.stop()
    this.systems?.close()
    await this.endRelayUsage()
    this.fleet?.close()
  }

  /** Through the same Redis signals reach peers of the other seeds. */
  private signalBus (): ((seed: string) => SignalBus) | undefined {
    const { fleet, clock } = this
    return fleet && (seed => new RedisSignalBus({ client: fleet.connection.client, seed, clock, prefix: this.init.config.redisPrefix }))
  }

  /** Without Redis there is none: the seed keeps to itself. */
  private openFleet (): OpenFleet | undefined {
    const { config, log } = this.init
    if (config.redis == null) {
      return undefined
    }
    // the first failure of each time that it is away; what else fails is counted
    let told = false
    return openFleetRegistry({
      redis: config.redis,
      prefix: config.redisPrefix,
      maxPerNetwork: config.registrationsPerNetwork,
      maxRegistrations: config.maxRegistrations,
      clock: this.clock,
      random: systemRandom(),
      onError: error => {
        if (!told) {
          told = true
          log.warn({ redis: maskRedisAddress(config.redis ?? ''), problem: error.message }, 'Redis cannot be reached')
        }
      },
      onState: state => {
        told = state === 'degraded' && told
        if (state === 'up') {
          log.info({ redis: maskRedisAddress(config.redis ?? '') }, 'Redis answers: registrations are shared')
        } else {
          log.warn({ redis: maskRedisAddress(config.redis ?? '') }, 'Redis does not answer: the seed goes on from its memory')
        }
      }
    })
  }

  /** What was relayed this month before; a count that cannot be kept is a reason not to start. */
  private async openRelayUsage (): Promise<MonthUsage | undefined> {
    const { config, log, onDamage } = this.init
    if (config.ephemeral || !config.roles.includes('relay')) {
      return undefined
    }
    this.relayUsage = new RelayUsageFile({
      folder: config.data,
      clock: this.clock,
      monthBytes: config.relayMonthGb * 1e9,
      onDamage: error => {
        log.warn({ path: error.path, movedTo: error.movedTo, assumedBytes: error.assumedBytes }, error.message)
        onDamage?.(error.message)
      },
      onProblem: error => {
        log.error({ reason: error.message }, 'what the relay has carried this month cannot be written; a restart would forget it')
      }
    })
    return await this.relayUsage.load()
  }

  private async endRelayUsage (): Promise<void> {
    const { relay } = this.running ?? {}
    if (relay !== undefined) {
      await this.relayUsage?.end(relay.usage())
    }
  }

  private seedInit (used: MonthUsage | undefined): SeedInit {
    const { init } = this
    const { config } = init
    return {
      bootstrap: config.seeds,
      listen: config.listen,
      announce: config.announce.length === 0 ? undefined : config.announce,
      region: config.region,
      dataDir: config.ephemeral ? undefined : config.data,
      signalling: { bus: this.signalBus() },
      roles: config.roles,
      relay: { limits: relayLimits(config), used },
      stun: stunInit(config),
      dialBack: config.dialBack && config.roles.includes('bootstrap'),
      stage: config.stage,
      onStage: change => { init.log.info(change, 'the stage has changed') },
      maxRegistrations: config.maxRegistrations,
      maxPerNetwork: config.registrationsPerNetwork,
      networkLimits: networkLimits(config),
      networkOf: this.networkOf,
      admission: this.admission?.init,
      credentials: this.admission?.credentials,
      onSeedRefusal: ({ seed, reason, message, remedy }) => { init.log.warn({ seed, reason, message, remedy }, 'another seed refuses this one') },
      registry: this.fleet?.registry,
      maxConnections: config.maxConnections,
      trustedNetworks: config.trustedNetworks,
      limits: init.limits,
      onExchange: (outcome, durationMs) => { this.metrics?.onExchange(outcome, durationMs) },
      onDiscover: durationMs => { this.metrics?.onDiscover(durationMs) },
      onDamage: init.onDamage,
      onSeedNameFailure: ({ seedName, problem, message }) => { init.log.warn({ seedName, problem }, message) },
      metrics: this.paths.counting(init.libp2pMetrics === false
        ? undefined
        : prometheusMetrics({ registry: this.registry, collectDefaultMetrics: false, preserveExistingMetrics: true })),
      clock: init.clock,
      signal: init.signal
    }
  }

  private countWith (seed: Seed): SeedMetrics {
    const { maxConnections, maxRegistrations } = this.init.config
    return new SeedMetrics({
      counters: () => seed.service.counters,
      spotChecks: () => seed.spotChecks,
      countBy: async () => await seed.service.countBy(),
      connections: () => {
        const connections = seed.peer.libp2p.getConnections()
        const inbound = connections.filter(({ direction }) => direction === 'inbound').length
        return { inbound, outbound: connections.length - inbound }
      },
      signals: () => seed.signalling?.stats(),
      inbound: () => seed.inbound,
      http: () => this.httpSockets.counters,
      devices: () => refusedBy(this.upgrades),
      deviceFigures: () => Object.values(this.upgrades).map(target => target.devices?.()).find(figures => figures !== undefined),
      network: () => ({ stage: seed.stage, nodes: seed.networkSize?.nodes }),
      redis: () => this.fleet && { up: this.fleet.registry.state === 'up', failures: this.fleet.registry.failures },
      paths: () => this.paths.bytes,
      services: () => seed.peer.meshServices,
      relay: seed.relay,
      stun: () => seed.stun?.counters,
      dialBack: () => seed.dialBack?.counters,
      admission: () => seed.admission,
      maxConnections,
      maxRegistrations
    }, this.registry)
  }

  private refused (seed: Seed): Record<string, number> {
    const requests = refusalsOf(seed)
    return allRefusals({ requests, inbound: seed.inbound, http: this.httpSockets.counters, devices: refusedBy(this.upgrades) })
  }

  private health (): Verdict {
    const stalling = this.loop?.stalling === true
    return { ok: !stalling, body: stalling ? { status: 'failing', reason: 'the event loop stalls' } : { status: 'ok' } }
  }

  private readiness (): Verdict {
    if (this.stopping != null) {
      return { ok: false, body: { status: 'draining' } }
    }
    if (this.seed.isShedding) {
      return { ok: false, body: { status: 'overloaded' } }
    }
    const listening = this.seed.addresses.length > 0
    // without Redis a seed takes clients as well
    return { ok: listening, body: { status: listening ? 'ready' : 'not listening', ...this.fleet && { redis: this.fleet.registry.state } } }
  }

  private async drainAndStop (): Promise<void> {
    const { config, log } = this.init
    const { seed, clock } = this
    const startMs = clock.nowMs()
    this.metrics?.onDrain()
    seed.service.drain()
    seed.signalling?.drain()
    seed.relay?.close('draining')
    log.info({ connections: seed.peer.libp2p.getConnections().length, seconds: config.drain }, 'draining')

    const drainMs = config.drain * 1_000
    const [result] = await Promise.all([
      drainConnections(() => seed.peer.libp2p.getConnections(), drainMs, clock),
      within(clock, drainMs, Promise.allSettled(Object.values(this.upgrades).map(async target => { await target.drain?.(drainMs) })))
    ])
    this.loop?.stop()
    this.refusals?.stop()
    this.admission?.stop()
    this.systems?.close()
    this.httpSockets.stop()
    await within(clock, STOP_TIMEOUT_MS, Promise.all([seed.stop(), this.http?.stop()]))
    this.fleet?.close()
    await this.endRelayUsage()
    log.info({ ...result, ms: Math.round(clock.nowMs() - startMs) }, 'stopped')
  }
}

function networkLimits (config: SeedConfig): SeedInit['networkLimits'] {
  return {
    // the registry has the limit of the smallest
    registrations: { wide: config.registrationsPerWideNetwork, system: config.registrationsPerSystem },
    reservations: { small: config.reservationsPerNetwork, wide: config.reservationsPerWideNetwork, system: config.reservationsPerSystem }
  }
}

function relayLimits (config: SeedConfig): Partial<RelayLimits> {
  return {
    circuitBytes: config.relayCircuitMib * 2 ** 20,
    circuitMs: config.relayCircuitMinutes * 60_000,
    circuitsPerPeer: config.relayCircuitsPerPeer,
    maxCircuits: config.relayReservations,
    maxReservations: config.relayReservations,
    peerDayBytes: config.relayPeerDayMib * 2 ** 20,
    monthBytes: config.relayMonthGb * 1e9
  }
}

/** Of the seed protocol, and of the relay under a name that says so. */
function refusalsOf ({ service, relay }: Seed): Record<string, number> {
  const relayed = Object.entries(relay?.ledger.counters.refused ?? {}).map(([reason, count]) => [`relay_${reason}`, count])
  return { ...service.counters.refused, ...Object.fromEntries(relayed) }
}

/** What the mounted endpoints refused. */
function refusedBy (upgrades: Record<string, UpgradeTarget>): Record<string, number> {
  return Object.assign({}, ...Object.values(upgrades).map(target => target.refused?.() ?? {})) as Record<string, number>
}

async function within (clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  let cancel = (): void => {}
  const over = new Promise<void>(resolve => { cancel = clock.schedule(clock.nowMs() + ms, resolve) })
  await Promise.race([work, over]).finally(() => { cancel() })
}
