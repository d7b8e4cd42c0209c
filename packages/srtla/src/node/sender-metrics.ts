/** What a sender counts and measures, for Prometheus; read at each scrape. */
import { Registry } from 'prom-client'
import { MetricSet } from './metric-set.ts'
import type { SrtlaSender } from '../sender/sender.ts'
import type { SenderLinkStats, SenderStats } from '../sender/sender-stats.ts'

/** A `SenderService`. */
export interface SenderFigures {
  readonly sender: SrtlaSender
  stats: () => SenderStats
}

/** Prefix `skein_srtla_send_`. A link has its lines for as long as it is in the list. */
export function senderMetrics (service: SenderFigures, registry = new Registry()): Registry {
  const metrics = new MetricSet(registry, 'skein_srtla_send_')
  const { counters } = service.sender
  const ofLinks = (read: (link: SenderLinkStats) => number | undefined, tell: (link: string, value: number) => void): void => {
    for (const link of service.stats().groups[0]?.connections ?? []) {
      const value = read(link)
      if (value !== undefined) {
        tell(link.addr, value)
      }
    }
  }
  const gauge = (name: string, help: string, read: (link: SenderLinkStats) => number | undefined): void => {
    metrics.gauge(name, help, ['link'], metric => { ofLinks(read, (link, value) => { metric.set({ link }, value) }) })
  }
  const counter = (name: string, help: string, read: (link: SenderLinkStats) => number): void => {
    metrics.counter(name, help, ['link'], metric => { ofLinks(read, (link, value) => { metric.inc({ link }, value) }) })
  }

  metrics.gauge('links', 'Links of the list, by state', ['state'], metric => {
    for (const state of ['joining', 'up', 'down'] as const) {
      metric.set({ state }, service.sender.links.filter(link => link.state === state).length)
    }
  })
  gauge('link_up', '1 while a link carries packets', ({ state }) => state === 'up' ? 1 : 0)
  gauge('link_share_ratio', 'Share of a link in what was sent in the last 3 s', ({ share_pct: share }) => share / 100)
  gauge('link_silent_seconds', 'Since something came back over a link', ({ last_ms_ago: silentMs }) => silentMs / 1_000)
  gauge('link_rtt_seconds', 'Round trip of a link, where it is measured', ({ rtt_ms: rttMs }) => rttMs === undefined ? undefined : rttMs / 1_000)
  gauge('link_window_packets', 'Packets that may be in flight over a link', ({ window }) => window)
  gauge('link_in_flight_packets', 'Packets in flight over a link', ({ in_flight: inFlight }) => inFlight)
  counter('link_bytes_total', 'Bytes of SRT over a link', ({ bytes }) => bytes)
  counter('link_packets_total', 'Packets of SRT over a link', ({ pkts }) => pkts)
  counter('link_lost_packets_total', 'Packets that the other end did not get', ({ nak_count: naks }) => naks)
  metrics.counter('retransmissions_total', 'Packets that the encoder sent again', [], metric => { metric.inc(counters.retransmissions) })
  metrics.counter('unsent_packets_total', 'Packets for which there was no link', [], metric => { metric.inc(counters.unsent) })
  metrics.counter('naks_total', 'NAKs of SRT that came back', [], metric => { metric.inc(counters.naks) })
  metrics.counter('false_losses_total', 'Reported losses kept from the encoder, as the packets had arrived', [], metric => {
    metric.inc(counters.falseAlarms)
  })
  metrics.counter('copies_total', 'ACKs and NAKs that had come before, and were dropped', [], metric => { metric.inc(counters.copies) })
  return registry
}
