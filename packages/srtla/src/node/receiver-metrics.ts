/** What a receiver counts and measures, for Prometheus; read at each scrape. */
import { Registry } from 'prom-client'
import { MetricSet } from './metric-set.ts'
import type { ReceiverStats } from '../receiver/group-stats.ts'
import type { SrtlaReceiver } from '../receiver/receiver.ts'

/** A `ReceiverService`. */
export interface ReceiverFigures {
  readonly receiver: SrtlaReceiver
  stats: () => ReceiverStats
}

/** Prefix `skein_srtla_`. Groups and links come and go: a link has its lines for as long as it is there. */
export function receiverMetrics (service: ReceiverFigures, registry = new Registry()): Registry {
  const metrics = new MetricSet(registry, 'skein_srtla_')
  const { receiver } = service

  metrics.gauge('groups', 'Groups with a link, or that had one until lately', [], metric => {
    metric.set([...receiver.groups].filter(({ isGhost }) => !isGhost).length)
  })
  metrics.gauge('links', 'Links of all groups', [], metric => { metric.set([...receiver.groups].reduce((sum, { links }) => sum + links.length, 0)) })
  metrics.gauge('listener_absent_groups', 'Groups whose packets nobody takes: no SRT listener', [], metric => {
    metric.set([...receiver.groups].filter(({ listenerIsAbsent }) => listenerIsAbsent).length)
  })
  metrics.gauge('link_share_ratio', 'Share of a link in what came for its group in the last 3 s', ['group', 'link'], metric => {
    for (const { id, connections } of service.stats().groups) {
      for (const { addr, share_pct: share } of connections) {
        metric.set({ group: id, link: addr }, share / 100)
      }
    }
  })
  metrics.gauge('link_silent_seconds', 'Since something came over a link', ['group', 'link'], metric => {
    for (const { id, connections } of service.stats().groups) {
      for (const { addr, last_ms_ago: silentMs } of connections) {
        metric.set({ group: id, link: addr }, silentMs / 1_000)
      }
    }
  })
  metrics.gauge('link_rtt_seconds', 'Round trip of a link, where its sender tells it', ['group', 'link'], metric => {
    for (const group of receiver.groups) {
      for (const { address, port, report } of group.links) {
        if (report !== undefined && report.rttMs > 0) {
          metric.set({ group: group.name, link: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}` }, report.rttMs / 1_000)
        }
      }
    }
  })
  metrics.counter('link_bytes_total', 'Bytes of SRT over a link', ['group', 'link'], metric => {
    for (const { id, connections } of service.stats().groups) {
      for (const { addr, bytes } of connections) {
        metric.inc({ group: id, link: addr }, bytes)
      }
    }
  })
  metrics.counter('link_packets_total', 'Packets of SRT over a link', ['group', 'link'], metric => {
    for (const { id, connections } of service.stats().groups) {
      for (const { addr, pkts } of connections) {
        metric.inc({ group: id, link: addr }, pkts)
      }
    }
  })
  metrics.counter('groups_total', 'Groups that were joined', [], metric => { metric.inc(receiver.counters.groups) })
  metrics.counter('ghosts_total', 'Groups that were asked for and never joined', [], metric => { metric.inc(receiver.counters.ghosts) })
  metrics.counter('acks_total', 'SRTLA ACKs sent, of ten packets each', [], metric => { metric.inc(receiver.counters.acks) })
  metrics.counter('naks_total', 'NAKs of SRT on their way back', [], metric => { metric.inc(receiver.counters.naks) })
  metrics.counter('nak_copies_total', 'NAKs sent, on one link or two', [], metric => { metric.inc(receiver.counters.nakCopies) })
  metrics.counter('dropped_packets_total', 'Packets beyond the share of their group while there were too many', [], metric => {
    metric.inc(receiver.counters.droppedPackets)
  })
  metrics.counter('stranger_packets_total', 'Packets from addresses that are no link', [], metric => { metric.inc(receiver.counters.strangers) })
  metrics.counter('refused_total', 'Registrations refused, by reason', ['reason'], metric => {
    for (const [reason, count] of Object.entries(receiver.counters.refused)) {
      metric.inc({ reason }, count)
    }
  })
  return registry
}
