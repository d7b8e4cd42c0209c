/** What a super-node does, for Prometheus. */
import { collectDefaultMetrics, Registry } from 'prom-client'
import { collectedCounter, collectedGauge } from '../collected-metric.ts'
import { collectMeshFigures } from '../mesh-metrics.ts'
import type { MeshServices } from '@skein/peer'
import type { SuperNodeState } from '../../super-node/super-node-state.ts'
import type { SuperNodeStatus } from '../../super-node/super-node-status.ts'
import type { InboundCounters } from '../../admission/inbound-guard.ts'

export interface SuperNodeFigures {
  status: () => SuperNodeStatus
  inbound: () => InboundCounters
  services?: () => MeshServices
}

export const SUPER_NODE_STATES: ReadonlyArray<SuperNodeState['state']> = ['candidate', 'elected', 'leaving', 'paused', 'draining', 'drained']

export function superNodeMetrics (figures: SuperNodeFigures, registry = new Registry()): Registry {
  collectDefaultMetrics({ register: registry })
  stateMetrics(registry, figures)
  usageMetrics(registry, figures)
  relayMetrics(registry, figures)
  mediaMetrics(registry, figures)
  collectMeshFigures(registry, figures.services ?? (() => ({})))
  return registry
}

type Read = (status: SuperNodeStatus) => number | undefined

/** One that has no value now has no line. */
function gauge (registry: Registry, { status }: SuperNodeFigures, name: string, help: string, read: Read): void {
  collectedGauge(registry, name, help, [], metric => {
    const value = read(status())
    if (value === undefined) {
      metric.remove()
    } else {
      metric.set(value)
    }
  })
}

function counters (registry: Registry, name: string, help: string, label: string, read: () => Partial<Record<string, number>>): void {
  collectedCounter(registry, name, help, [label], metric => {
    for (const [value, count] of Object.entries(read())) {
      metric.inc({ [label]: value }, count)
    }
  })
}

function stateMetrics (registry: Registry, figures: SuperNodeFigures): void {
  collectedGauge(registry, 'skein_supernode_state', '1 for the state in which it is, 0 for the others', ['state'], metric => {
    const { state } = figures.status().state
    for (const one of SUPER_NODE_STATES) {
      metric.set({ state: one }, one === state ? 1 : 0)
    }
  })
  gauge(registry, figures, 'skein_supernode_lease_end_timestamp_seconds', 'When the lease of its seat ends or ended; no value before the first',
    ({ lease }) => lease && lease.expiresAtMs / 1000)
  gauge(registry, figures, 'skein_supernode_election_place', 'Its place among those that may be elected, 1 is the first; no value when it may not be',
    ({ election }) => election?.place)
  gauge(registry, figures, 'skein_supernode_connections', 'libp2p connections open now', ({ connections }) => connections)
  counters(registry, 'skein_supernode_connections_refused_total', 'Connections closed as soon as they were accepted, by reason', 'reason',
    () => figures.inbound().refused)
}

function usageMetrics (registry: Registry, figures: SuperNodeFigures): void {
  gauge(registry, figures, 'skein_supernode_day_bytes', 'Bytes that passed its line today, in and out together', ({ today }) => today.bytes)
  gauge(registry, figures, 'skein_supernode_day_limit_bytes', 'Most of a day (perDay); no value without a limit', ({ today }) => today.limitBytes)
  gauge(registry, figures, 'skein_supernode_month_bytes', 'Bytes that passed its line this month, in and out together', ({ month }) => month.bytes)
  gauge(registry, figures, 'skein_supernode_month_limit_bytes', 'Most of a month (perMonth); no value without a limit',
    ({ month }) => month.limitBytes)
  gauge(registry, figures, 'skein_supernode_cpu_ratio', 'What it takes of all processors, 0 to 1, over 5 s', ({ cpuShare }) => cpuShare)
  gauge(registry, figures, 'skein_supernode_cpu_limit_ratio', 'Above this for 30 s nobody new is taken (cpu); no value without a limit',
    ({ quota }) => quota.cpuShare)
}

function relayMetrics (registry: Registry, figures: SuperNodeFigures): void {
  const { status } = figures
  gauge(registry, figures, 'skein_supernode_reservations', 'Peers that are reached through it now', ({ relay }) => relay.reservations)
  gauge(registry, figures, 'skein_supernode_reservations_limit', 'Most such peers, in its state', ({ relay }) => relay.maxReservations)
  gauge(registry, figures, 'skein_supernode_circuits', 'Circuits through it now', ({ relay }) => relay.circuits)
  gauge(registry, figures, 'skein_supernode_day_clients', 'Different clients today', ({ relay }) => relay.clientsToday)
  collectedCounter(registry, 'skein_supernode_relayed_bytes_total', 'Bytes of circuits, each counted once', [], metric => {
    metric.inc(status().relay.bytes)
  })
  counters(registry, 'skein_supernode_granted_total', 'Reservations (renewals included) and circuits granted', 'what', () => {
    const { reservations, circuits } = status().relay.granted
    return { reservation: reservations, circuit: circuits }
  })
  counters(registry, 'skein_supernode_refusals_total', 'Reservations and circuits refused, by reason', 'reason', () => status().relay.refused)
  counters(registry, 'skein_supernode_resets_total', 'Circuits that it ended, by reason', 'reason', () => status().relay.ended)
  counters(registry, 'skein_supernode_stun_total', 'What came to its STUN port, by what became of it', 'what', () => status().stun?.counters ?? {})
  counters(registry, 'skein_supernode_dial_back_total', 'Peers that it dialled for others to verify them, by what became of it', 'what',
    () => status().dialBack ?? {})
}

/** Those of the media relay itself, of its streams and links, are on its own port. */
function mediaMetrics (registry: Registry, figures: SuperNodeFigures): void {
  const { status } = figures
  gauge(registry, figures, 'skein_supernode_media_publishers', 'Streams of media that come in; no value without media',
    ({ media }) => media?.publishers)
  gauge(registry, figures, 'skein_supernode_media_ingests', 'Streams that peers have asked it to take in; no value without media',
    ({ media }) => media?.ingests)
  collectedGauge(registry, 'skein_supernode_media_players', 'Who plays streams of media, by how it is reached', ['by'], metric => {
    for (const [by, count] of Object.entries(status().media?.players ?? {})) {
      metric.set({ by }, count)
    }
  })
  counters(registry, 'skein_supernode_media_bytes_total', 'Bytes of media, by direction', 'direction', () => {
    const { media } = status()
    return media === undefined ? {} : { in: media.receivedBytes, out: media.sentBytes }
  })
  counters(registry, 'skein_supernode_media_left_out_packets_total', 'Packets of media that were not handed on, by reason', 'reason', () => {
    const { media } = status()
    return media === undefined ? {} : { slow_player: media.droppedPackets, quota: media.withheldPackets }
  })
}
