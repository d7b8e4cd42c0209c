/** What a seed counts and measures, for Prometheus. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { collectedCounter, collectedGauge } from './collected-metric.ts'
import { measureDevices } from './device-figures.ts'
import { collectMeshFigures } from './mesh-metrics.ts'
import { STAGES } from '../stages/stage.ts'
import type { MeshServices } from '@skein/peer'
import type { SocketCounters } from '../admission/admitted-sockets.ts'
import type { InboundCounters } from '../admission/inbound-guard.ts'
import type { SpotCheckCounters } from '../handouts/spot-checks.ts'
import type { RegionTierCount } from '../registry/registry.ts'
import type { RelayCounters } from '../relay/relay-ledger.ts'
import type { AdmissionGate } from '../admission/admission-gate.ts'
import type { RelayService } from '../relay/relay-service.ts'
import type { DeviceFigures } from './device-figures.ts'
import type { DialBackCounters } from '@skein/supernode/libp2p'
import type { StunCounters } from '@skein/supernode/node'
import type { PathBytes } from './path-bytes.ts'
import type { SeedCounters } from '../seed-service.ts'
import type { SignalStats } from '../signalling/signal-service.ts'
import type { Stage } from '../stages/stage.ts'

/** Where the figures come from; asked at each scrape. */
export interface SeedFigures {
  counters: () => SeedCounters
  /** Left out, they have no values */
  spotChecks?: () => SpotCheckCounters
  countBy: () => Promise<RegionTierCount[]>
  connections: () => { inbound: number, outbound: number }
  /** What connections of the mesh were refused, and what was ended of them */
  inbound: () => InboundCounters
  /** The same of the HTTP port */
  http: () => SocketCounters
  /** What devices were refused, by reason */
  devices: () => Record<string, number>
  /** What devices do; left out, or `undefined`, without `/ws` */
  deviceFigures?: () => DeviceFigures | undefined
  /** Where on the ladder the seed thinks the network is; `nodes` is left out until there is an estimate */
  network: () => { stage: Stage, nodes?: number } | undefined
  /** Left out, or `undefined`, when this seed does not signal */
  signals?: () => SignalStats | undefined
  /** Of a seed of a fleet: whether Redis answers, and commands that failed by operation */
  redis?: () => { up: boolean, failures: Record<string, number> } | undefined
  /** Of this node's own connections */
  paths: () => PathBytes['bytes']
  /** Of the mesh that this node is a part of; left out, they have no values */
  services?: () => MeshServices
  /** Left out without the role */
  relay?: Pick<RelayService, 'ledger' | 'usage'>
  /** What came to the port of STUN; left out, or `undefined`, without one */
  stun?: () => StunCounters | undefined
  /** Left out, or `undefined`, when this seed dials nobody back */
  dialBack?: () => DialBackCounters | undefined
  /** Left out, or `undefined`, when everybody is let in */
  admission?: () => Pick<AdmissionGate, 'size' | 'counters'> | undefined
  maxConnections: number
  maxRegistrations: number
}

/** From an answer out of memory to one that is nearly given up. */
const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]
/** Memory answers in a tenth of a millisecond, Redis in one; a time-out of Redis is half a second. */
const DISCOVER_SECONDS = [0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1]
/** Peers name their region themselves: a label for each of the most populous ones, one for all others. */
const MAX_REGIONS = 32
const OTHER_REGIONS = 'other'
const NO_REGION = 'unknown'
/** Outcomes come from the seed itself, so there are few; the bound is for a mistake. */
const MAX_OUTCOMES = 32

export class SeedMetrics {
  readonly registry: Registry
  private readonly exchanges: Histogram<'outcome'>
  private readonly discovers: Histogram
  private readonly draining: Gauge
  private readonly httpRequests: Counter<'path' | 'status'>
  private readonly outcomes = new Set<string>()

  constructor (figures: SeedFigures, registry = new Registry()) {
    const registers = [registry]
    this.registry = registry
    collectDefaultMetrics({ register: registry })

    collectedGauge(registry, 'skein_seed_registrations',
      'Peers registered now, by the region they name (the 32 most populous, then "other") and by tier; other seeds that relay too, not this one',
      ['region', 'tier'], async metric => {
        for (const { region, tier, count } of foldRegions(await figures.countBy())) {
          metric.set({ region, tier: String(tier) }, count)
        }
      })
    collectedGauge(registry, 'skein_seed_registrations_limit', 'Most registrations kept (maxRegistrations)', [], metric => {
      metric.set(figures.maxRegistrations)
    })
    collectedGauge(registry, 'skein_seed_connections', 'libp2p connections open now, by direction', ['direction'], metric => {
      const { inbound, outbound } = figures.connections()
      metric.set({ direction: 'inbound' }, inbound)
      metric.set({ direction: 'outbound' }, outbound)
    })
    collectedGauge(registry, 'skein_seed_connections_limit', 'Most libp2p connections (maxConnections)', [], metric => {
      metric.set(figures.maxConnections)
    })
    collectedGauge(registry, 'skein_seed_stage', '1 for the stage at which the seed is, 0 for the others', ['stage'], metric => {
      const network = figures.network()
      for (const stage of network == null ? [] : STAGES) {
        metric.set({ stage }, stage === network?.stage ? 1 : 0)
      }
    })
    collectedGauge(registry, 'skein_seed_network_nodes', 'Estimated size of the network; without a value until there is an estimate', [], metric => {
      const nodes = figures.network()?.nodes
      if (nodes == null) {
        metric.remove()
      } else {
        metric.set(nodes)
      }
    })
    collectedGauge(registry, 'skein_seed_redis_up',
      '1 while Redis answers, 0 while the seed goes on from its memory; no value without one', [], metric => {
      const redis = figures.redis?.()
      if (redis == null) {
        metric.remove()
      } else {
        metric.set(redis.up ? 1 : 0)
      }
    })
    collectedCounter(registry, 'skein_seed_redis_failures_total', 'Operations that Redis did not answer, by operation', ['operation'], metric => {
      for (const [operation, count] of Object.entries(figures.redis?.()?.failures ?? {})) {
        metric.inc({ operation }, count)
      }
    })
    collectedCounter(registry, 'skein_seed_requests_total', 'Requests of the seed protocol that were read', [], metric => {
      metric.inc(figures.counters().requests)
    })
    collectedCounter(registry, 'skein_seed_registered_total', 'Registrations accepted, renewals included', [], metric => {
      metric.inc(figures.counters().registered)
    })
    collectedCounter(registry, 'skein_seed_refusals_total', 'Requests refused, by reason', ['reason'], metric => {
      for (const [reason, count] of Object.entries(figures.counters().refused)) {
        metric.inc({ reason }, count)
      }
    })
    const looked = 'Registered peers that were looked for, by whether they were found'
    collectedCounter(registry, 'skein_seed_spot_checks_total', looked, ['outcome'], metric => {
      const checks = figures.spotChecks?.()
      if (checks !== undefined) {
        metric.inc({ outcome: 'found' }, checks.found_total)
        metric.inc({ outcome: 'missing' }, checks.missing_total)
      }
    })
    countRefusals(registry, figures)
    admissionMetrics(registry, figures.admission ?? (() => undefined))

    signalMetrics(registry, figures.signals ?? (() => undefined))
    collectedCounter(registry, 'skein_seed_path_bytes_total',
      'Bytes of this node\'s own connections, by path (direct, relayed) and direction; what it relays for others is in direct too, twice',
      ['path', 'direction'], metric => {
        for (const [path, bytes] of Object.entries(figures.paths())) {
          metric.inc({ path, direction: 'received' }, bytes.received)
          metric.inc({ path, direction: 'sent' }, bytes.sent)
        }
      })
    relayMetrics(registry, figures.relay)
    collectedCounter(registry, 'skein_seed_stun_total', 'What came to the STUN port (stun), by what became of it', ['what'], metric => {
      incEach(timesBy(figures.stun?.() ?? {}), (what, count) => { metric.inc({ what }, count) })
    })
    const questions = 'Questions of peers whether they can be reached (dialBack), by what became of them'
    collectedCounter(registry, 'skein_seed_dial_back_total', questions, ['what'], metric => {
      incEach(timesBy(figures.dialBack?.() ?? {}), (what, count) => { metric.inc({ what }, count) })
    })

    this.exchanges = new Histogram({
      name: 'skein_seed_exchange_duration_seconds',
      help: 'From the opening of a stream of the seed protocol to its end, the network included; by outcome: answered, failed, or why it was refused',
      labelNames: ['outcome'],
      buckets: SECONDS,
      registers
    })
    this.discovers = new Histogram({
      name: 'skein_seed_discover_duration_seconds',
      help: 'What the registry takes for an answer to discover, in memory or in Redis',
      buckets: DISCOVER_SECONDS,
      registers
    })
    measureDevices(registry, () => figures.deviceFigures?.())
    collectMeshFigures(registry, figures.services ?? (() => ({})))
    this.draining = new Gauge({ name: 'skein_seed_draining', help: '1 from the signal to stop until the end, 0 before', registers })
    this.httpRequests = new Counter({
      name: 'skein_seed_http_requests_total',
      help: 'Requests of the HTTP port, by path ("other" for unknown ones) and status',
      labelNames: ['path', 'status'],
      registers
    })
  }

  onExchange (outcome: string, durationMs: number): void {
    if (this.outcomes.size < MAX_OUTCOMES) {
      this.outcomes.add(outcome)
    }
    this.exchanges.observe({ outcome: this.outcomes.has(outcome) ? outcome : 'other' }, durationMs / 1000)
  }

  onDiscover (durationMs: number): void {
    this.discovers.observe(durationMs / 1000)
  }

  onHttpRequest (path: string, status: number): void {
    this.httpRequests.inc({ path, status: String(status) })
  }

  onDrain (): void {
    this.draining.set(1)
  }
}

/** Of the policy of admission; without one they have no values. */
function admissionMetrics (registry: Registry, admission: NonNullable<SeedFigures['admission']>): void {
  collectedGauge(registry, 'skein_seed_admitted', 'Peers that met the policy of admission when they came last, at most 2 h ago', [], metric => {
    const gate = admission()
    if (gate === undefined) {
      metric.remove()
    } else {
      metric.set(gate.size)
    }
  })
  collectedCounter(registry, 'skein_seed_admission_unmet_total',
    'Rules that a peer which was refused did not meet, by rule and problem: token_revoked', ['rule'], metric => {
      incEach(admission()?.counters.refused ?? {}, (rule, count) => { metric.inc({ rule }, count) })
    })
  collectedCounter(registry, 'skein_seed_admission_drops_total', 'Peers that were let in and dropped later, by reason', ['reason'], metric => {
    incEach(admission()?.counters.dropped ?? {}, (reason, count) => { metric.inc({ reason }, count) })
  })
}

/** Below requests: what was refused or ended before, or beside them. */
function countRefusals (registry: Registry, { inbound, http, devices }: SeedFigures): void {
  collectedCounter(registry, 'skein_seed_connections_refused_total',
    'Connections closed as soon as they were accepted, by port (mesh, http) and reason', ['port', 'reason'], metric => {
      incEach(inbound().refused, (reason, count) => { metric.inc({ port: 'mesh', reason }, count) })
      incEach(http().refused, (reason, count) => { metric.inc({ port: 'http', reason }, count) })
    })
  collectedCounter(registry, 'skein_seed_connections_ended_total', 'Connections that the seed ended, by port (mesh, http) and reason',
    ['port', 'reason'], metric => {
      incEach({ ...inbound().givenUp, ...inbound().ended }, (reason, count) => { metric.inc({ port: 'mesh', reason }, count) })
      incEach(http().givenUp, (reason, count) => { metric.inc({ port: 'http', reason }, count) })
    })
  collectedCounter(registry, 'skein_seed_streams_reset_total', 'Streams that peers opened and the seed reset, by reason', ['reason'], metric => {
    incEach(inbound().streamsReset, (reason, count) => { metric.inc({ reason }, count) })
  })
  collectedCounter(registry, 'skein_seed_faults_total', 'Connections and streams ended because of what came on them, before it was read, by reason',
    ['reason'], metric => {
      incEach(inbound().faults, (reason, count) => { metric.inc({ reason }, count) })
    })
  collectedCounter(registry, 'skein_seed_device_refusals_total', 'What devices on /ws were refused, and their sockets that were not taken, by reason',
    ['reason'], metric => {
      incEach(devices(), (reason, count) => { metric.inc({ reason }, count) })
    })
}

/** `answered_total` → `answered`; without those that count bytes. */
function timesBy (counters: object): Record<string, number> {
  return Object.fromEntries(Object.entries(counters as Record<string, number>)
    .filter(([name]) => !name.endsWith('_bytes_total'))
    .map(([name, count]) => [name.replace(/_total$/, ''), count]))
}

function incEach (counts: Partial<Record<string, number>>, inc: (reason: string, count: number) => void): void {
  for (const [reason, count] of Object.entries(counts)) {
    inc(reason, count as number)
  }
}

/** The regions with the most registrations by name, all others as one. */
export function foldRegions (counts: RegionTierCount[], maxRegions = MAX_REGIONS): RegionTierCount[] {
  const totals = new Map<string, number>()
  for (const { region, count } of counts) {
    totals.set(region, (totals.get(region) ?? 0) + count)
  }
  const named = new Set([...totals].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, maxRegions).map(([region]) => region))
  const folded = new Map<string, RegionTierCount>()
  for (const { region, tier, count } of counts) {
    const label = named.has(region) ? region || NO_REGION : OTHER_REGIONS
    const key = `${tier} ${label}`
    folded.set(key, { region: label, tier, count: (folded.get(key)?.count ?? 0) + count })
  }
  return [...folded.values()]
}

/** Of what this seed passes on between peers; without the role they have no values. */
function signalMetrics (registry: Registry, stats: NonNullable<SeedFigures['signals']>): void {
  const figure = (name: string, help: string, read: (stats: SignalStats) => number): void => {
    collectedGauge(registry, name, help, [], metric => {
      const now = stats()
      if (now === undefined) {
        metric.remove()
      } else {
        metric.set(read(now))
      }
    })
  }
  figure('skein_seed_signal_sessions', 'Peers that can be signalled through this seed now', ({ sessions }) => sessions)
  figure('skein_seed_signal_claims', 'Peers of which the other seeds of the fleet know that they are here', ({ claims }) => claims)
  figure('skein_seed_signal_queue_bytes', 'Payloads that wait for a receiver connected here, or for its acknowledgement',
    ({ queuedBytes }) => queuedBytes)
  collectedCounter(registry, 'skein_seed_signals_total',
    'Signals of peers connected here, by outcome (delivered, or why not) and path: local, remote (over another seed), none (passed on to nobody)',
    ['outcome', 'path'], metric => {
      for (const [path, outcomes] of Object.entries(stats()?.counters.outcomes ?? {})) {
        for (const [outcome, count] of Object.entries(outcomes)) {
          metric.inc({ outcome, path }, count)
        }
      }
    })
  collectedCounter(registry, 'skein_seed_foreign_signals_total', 'Signals that other seeds gave to this one for its peers, by outcome',
    ['outcome'], metric => {
      for (const [outcome, count] of Object.entries(stats()?.counters.foreign ?? {})) {
        metric.inc({ outcome }, count)
      }
    })
  collectedCounter(registry, 'skein_seed_signal_faults_total',
    'Faults of signalling, by kind: malformed (a stream or message not of the protocol), late (an outcome nobody waits for), bus (it did not answer)',
    ['kind'], metric => {
      const counters = stats()?.counters
      metric.inc({ kind: 'malformed' }, counters?.malformed ?? 0)
      metric.inc({ kind: 'late' }, counters?.lateOutcomes ?? 0)
      metric.inc({ kind: 'bus' }, counters?.busFailures ?? 0)
    })
}

/** Of what this seed relays for others; without the role they have no values. */
function relayMetrics (registry: Registry, relay: SeedFigures['relay']): void {
  const figure = (name: string, help: string, read: (relay: NonNullable<SeedFigures['relay']>) => number): void => {
    collectedGauge(registry, name, help, [], metric => {
      if (relay === undefined) {
        metric.remove()
      } else {
        metric.set(read(relay))
      }
    })
  }
  const count = <L extends string>(name: string, help: string, label: L, read: (counters: RelayCounters) => Record<string, number>): void => {
    collectedCounter(registry, name, help, [label], metric => {
      for (const [value, total] of Object.entries(relay === undefined ? {} : read(relay.ledger.counters))) {
        metric.inc({ [label]: value } as Record<L, string>, total)
      }
    })
  }
  figure('skein_seed_relay_reservations', 'Peers that are reached through this seed now', ({ ledger }) => ledger.reserved)
  figure('skein_seed_relay_reservations_limit', 'Most such peers (relayReservations)', ({ ledger }) => ledger.limits.maxReservations)
  figure('skein_seed_relay_circuits', 'Circuits through this seed now', ({ ledger }) => ledger.circuits)
  figure('skein_seed_relay_month_bytes', 'Bytes relayed this calendar month (UTC), each counted once', one => one.usage().bytes)
  figure('skein_seed_relay_month_limit_bytes', 'The month\'s quota (relayMonthGb)', ({ ledger }) => ledger.limits.monthBytes)
  count('skein_seed_relay_bytes_total', 'Bytes relayed, each counted once, by direction: to who asked for the circuit, or to its end', 'direction',
    ({ bytes }) => bytes)
  count('skein_seed_relay_granted_total', 'Reservations (renewals included) and circuits granted', 'what',
    ({ reserved, connected }) => ({ reservation: reserved, circuit: connected }))
  count('skein_seed_relay_refusals_total', 'Reservations and circuits refused, by reason', 'reason', ({ refused }) => refused)
  count('skein_seed_relay_resets_total', 'Circuits that this seed ended, by reason', 'reason', ({ reset }) => reset)
}
