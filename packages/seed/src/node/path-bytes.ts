/** Bytes of this node's own connections by the path they took. */
import type { Metrics, MultiaddrConnection } from '@libp2p/interface'
import type { PeerInit } from '@skein/peer'

type MetricsFactory = NonNullable<PeerInit['metrics']>

export type ConnectionPath = 'direct' | 'relayed'

/**
 * Counts through libp2p's hook for metrics. What a relayed connection of this node carries is counted under `relayed`, and once more under `direct`
 * for the connection to the relay that it runs over, when this node has one.
 */
export class PathBytes {
  readonly bytes: Record<ConnectionPath, { received: number, sent: number }> = { direct: { received: 0, sent: 0 }, relayed: { received: 0, sent: 0 } }

  /** The same metrics, or none, with the counting added. */
  counting (metrics: MetricsFactory | undefined): MetricsFactory {
    return components => {
      const counting = metrics?.(components) ?? noMetrics()
      const track = counting.trackMultiaddrConnection.bind(counting)
      counting.trackMultiaddrConnection = connection => {
        track(connection)
        this.count(connection)
      }
      return counting
    }
  }

  /** Not with a listener for messages: it would take the first ones before there is anybody to read them. */
  private count (connection: MultiaddrConnection): void {
    const bytes = this.bytes[connection.remoteAddr.toString().includes('/p2p-circuit') ? 'relayed' : 'direct']
    const dispatch = connection.dispatchEvent.bind(connection)
    connection.dispatchEvent = event => {
      if (event.type === 'message') {
        bytes.received += (event as Event & { data: { byteLength: number } }).data.byteLength
      }
      return dispatch(event)
    }
    const send = connection.send.bind(connection)
    connection.send = data => {
      bytes.sent += data.byteLength
      return send(data)
    }
  }
}

/** libp2p's metrics, kept nowhere. */
function noMetrics (): Metrics {
  const nothing = (): void => {}
  const metric = { update: nothing, increment: nothing, decrement: nothing, reset: nothing, observe: nothing, timer: () => nothing }
  const register = (): typeof metric => metric
  return {
    trackMultiaddrConnection: nothing,
    trackProtocolStream: nothing,
    registerMetric: register,
    registerMetricGroup: register,
    registerCounter: register,
    registerCounterGroup: register,
    registerHistogram: register,
    registerHistogramGroup: register,
    registerSummary: register,
    registerSummaryGroup: register,
    traceFunction: (_name: string, run: unknown) => run,
    createTrace: nothing
  } as unknown as Metrics
}
