/** What a media relay carries, for Prometheus; read at each scrape. */
import { createHash } from 'node:crypto'
import { MetricSet, receiverMetrics } from '@skein/srtla/node'
import { Registry } from 'prom-client'
import type { ReceiverService } from '@skein/srtla/node'
import type { FanoutDriver } from '../fanout/fanout-driver.ts'
import type { Publication } from '../fanout/publication.ts'
import type { PublisherFigures } from '../http/stats-api.ts'

export interface RelayFigures {
  driver: FanoutDriver
  /** `undefined` for a publisher that is not connected by SRT */
  figuresOf: (publication: Publication) => PublisherFigures | undefined
  /** Its metrics are among these, as on its own port */
  srtla?: ReceiverService
}

const STREAM_CHARACTERS = 8

/**
 * Prefix `skein_media_`. Ids of streams are secrets and stand nowhere: `stream` is the beginning of the SHA-256 of the publisher's id, in hex
 * (`printf %s live_TOKEN | sha256sum`). A stream has its lines while somebody publishes it.
 */
export function relayMetrics (figures: RelayFigures, registry = new Registry()): Registry {
  const { driver, srtla } = figures
  const { fanout } = driver
  const metrics = new MetricSet(registry, 'skein_media_')
  metrics.gauge('publishers', 'Streams that are published now', [], metric => { metric.set(fanout.publisherCount) })
  metrics.gauge('stale_publishers', 'Publishers that have sent nothing for a while, and may be taken over', [], metric => {
    metric.set([...fanout.current].filter(({ isStale }) => isStale).length)
  })
  metrics.gauge('players', 'Players now, by how they are reached', ['by'], metric => {
    for (const [by, count] of Object.entries(driver.playersNow())) {
      metric.set({ by }, count)
    }
  })
  metrics.counter('connections_total', 'Publishers and players that were let in', ['role'], metric => {
    metric.inc({ role: 'publisher' }, fanout.counters.publishers)
    metric.inc({ role: 'player' }, fanout.counters.players)
  })
  metrics.counter('refused_total', 'Callers that were not let in, by reason', ['role', 'reason'], metric => {
    for (const [role, reasons] of Object.entries(driver.refused)) {
      for (const [reason, count] of Object.entries(reasons)) {
        metric.inc({ role, reason }, count)
      }
    }
  })
  const counter = (name: string, help: string, read: () => number): void => {
    metrics.counter(name, help, [], metric => { metric.inc(read()) })
  }
  counter('received_packets_total', 'Packets of media from publishers', () => fanout.counters.receivedPackets)
  counter('received_bytes_total', 'Bytes of media from publishers', () => fanout.counters.receivedBytes)
  counter('sent_packets_total', 'Packets of media to players', () => fanout.counters.sentPackets)
  counter('sent_bytes_total', 'Bytes of media to players', () => fanout.counters.sentBytes)
  counter('dropped_packets_total', 'Packets left out for players that are too slow', () => fanout.counters.droppedPackets)
  counter('dropped_bytes_total', 'Bytes left out for players that are too slow', () => fanout.counters.droppedBytes)
  counter('withheld_packets_total', 'Packets that were not carried because of a quota', () => driver.withheldPackets)
  streamMetrics(metrics, figures)
  return srtla === undefined ? registry : receiverMetrics(srtla, registry)
}

function streamMetrics (metrics: MetricSet, { driver: { fanout }, figuresOf }: RelayFigures): void {
  const eachStream = (visit: (stream: string, publication: Publication) => void): void => {
    for (const publication of fanout.current) {
      visit(createHash('sha256').update(publication.publisher).digest('hex').slice(0, STREAM_CHARACTERS), publication)
    }
  }
  const gauge = (name: string, help: string, read: (figures: PublisherFigures) => number): void => {
    metrics.gauge(name, help, ['stream'], metric => {
      eachStream((stream, publication) => {
        const told = figuresOf(publication)
        if (told !== undefined) {
          metric.set({ stream }, read(told))
        }
      })
    })
  }
  metrics.gauge('stream_players', 'Players of a stream', ['stream'], metric => {
    eachStream((stream, { publisher }) => { metric.set({ stream }, fanout.sessionsOf(publisher).length) })
  })
  metrics.counter('stream_received_bytes_total', 'Bytes of media of a stream, since its publisher came', ['stream'], metric => {
    eachStream((stream, { bytes }) => { metric.inc({ stream }, bytes) })
  })
  gauge('stream_rtt_seconds', 'Round trip to the publisher', ({ msRTT }) => msRTT / 1_000)
  gauge('stream_buffer_seconds', 'What waits to be handed out', ({ msRcvBuf }) => msRcvBuf / 1_000)
  gauge('stream_latency_seconds', 'Agreed with the publisher', ({ latencyMs }) => latencyMs / 1_000)
  gauge('stream_uptime_seconds', 'Since the publisher came', ({ uptimeMs }) => uptimeMs / 1_000)
  gauge('stream_lost_packets', 'Packets that had to be sent again, since the publisher came', ({ pktRcvLoss }) => pktRcvLoss)
  gauge('stream_dropped_packets', 'Packets that came too late, since the publisher came', ({ pktRcvDrop }) => pktRcvDrop)
}
