/** What a receiver counts and measures, for Prometheus; read at each scrape. */
import { Counter, Gauge, Registry } from 'prom-client'
import type { ReceiverService } from './receiver-service.ts'

/** Prefix `skein_srtla_`. Groups and links come and go: a link has its lines for as long as it is there. */
export function receiverMetrics (service: ReceiverService, registry = new Registry()): Registry {
  const registers = [registry]
  const { receiver } = service
  const gauge = <L extends string>(name: string, help: string, labelNames: L[], collect: (metric: Gauge<L>) => void): void => {
    const metric: Gauge<L> = new Gauge({
      name: `skein_srtla_${name}`,
      help,
      labelNames,
      registers,
      collect () {
        metric.reset()
        collect(metric)
      }
    })
  }
  const counter = <L extends string>(name: string, help: string, labelNames: L[], collect: (metric: Counter<L>) => void): void => {
    const metric: Counter<L> = new Counter({
      name: `skein_srtla_${name}`,
      help,
      labelNames,
      registers,
      collect () {
        metric.reset()
        collect(metric)
      }
    })
  }

  gauge('groups', 'Groups with a link, or that had one until lately', [], metric => {
    metric.set([...receiver.groups].filter(({ isGhost }) => !isGhost).length)
  })
  gauge('links', 'Links of all groups', [], metric => { metric.set([...receiver.groups].reduce((sum, { links }) => sum + links.length, 0)) })
  gauge('listener_absent_groups', 'Groups whose packets nobody takes: no SRT listener', [], metric => {
    metric.set([...receiver.groups].filter(({ listenerIsAbsent }) => listenerIsAbsent).length)
  })
  gauge('link_share_ratio', 'Share of a link in what came for its group in the last 3 s', ['group', 'link'], metric => {
    for (const { id, connections } of service.stats().groups) {
      for (const { addr, share_pct: share } of connections) {
        metric.set({ group: id, link: addr }, share / 100)
      }
    }
  })
  gauge('link_silent_seconds', 'Since something came over a link', ['group', 'link'], metric => {
    for (const { id, connections } of service.stats().groups) {
      for (const { addr, last_ms_ago: silentMs } of connections) {
        metric.set({ group: id, link: addr }, silentMs / 1_000)
      }
    }
  })
  gauge('link_rtt_seconds', 'Round trip of a link, where its sender tells it', ['group', 'link'], metric => {
    for (const group of receiver.groups) {
      for (const { address, port, report } of group.links) {
        if (report !== undefined && report.rttMs > 0) {
          metric.set({ group: group.name, link: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}` }, report.rttMs / 1_000)
        }
      }
    }
  })
  counter('link_bytes_total', 'Bytes of SRT over a link', ['group', 'link'], metric => {
    for (const { id, connections } of service.stats().groups) {
      for (const { addr, bytes } of connections) {
        metric.inc({ group: id, link: addr }, bytes)
      }
    }
  })
  counter('link_packets_total', 'Packets of SRT over a link', ['group', 'link'], metric => {
    for (const { id, connections } of service.stats().groups) {
      for (const { addr, pkts } of connections) {
        metric.inc({ group: id, link: addr }, pkts)
      }
    }
  })
  counter('groups_total', 'Groups that were joined', [], metric => { metric.inc(receiver.counters.groups) })
  counter('ghosts_total', 'Groups that were asked for and never joined', [], metric => { metric.inc(receiver.counters.ghosts) })
  counter('acks_total', 'SRTLA ACKs sent, of ten packets each', [], metric => { metric.inc(receiver.counters.acks) })
  counter('naks_total', 'NAKs of SRT on their way back', [], metric => { metric.inc(receiver.counters.naks) })
  counter('nak_copies_total', 'NAKs sent, on one link or two', [], metric => { metric.inc(receiver.counters.nakCopies) })
  counter('dropped_packets_total', 'Packets beyond the share of their group while there were too many', [], metric => {
    metric.inc(receiver.counters.droppedPackets)
  })
  counter('stranger_packets_total', 'Packets from addresses that are no link', [], metric => { metric.inc(receiver.counters.strangers) })
  counter('refused_total', 'Registrations refused, by reason', ['reason'], metric => {
    for (const [reason, count] of Object.entries(receiver.counters.refused)) {
      metric.inc({ reason }, count)
    }
  })
  return registry
}
