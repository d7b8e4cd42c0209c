/** Statistics of a stream, for who has a player id of it: in the shape of the older SRT live servers (`?legacy=1`), and in the newer one. */
import { JsonRefusal, onlyMethods, pathRest } from './json-exchange.ts'
import type { JsonHandler } from './json-exchange.ts'

/** Figures of the publisher's connection, by libsrt's names where it has one; counts are since it was opened. */
export interface PublisherFigures {
  /** Of media over the last seconds */
  kbitPerSecond: number
  uptimeMs: number
  /** Agreed for what this side receives */
  latencyMs: number
  msRTT: number
  /** What is waiting to be handed out */
  msRcvBuf: number
  mbpsBandwidth: number
  mbpsRecvRate: number
  pktRecv: number
  pktRcvDrop: number
  pktRcvLoss: number
  byteRcvDrop: number
  byteRcvLoss: number
}

export interface StatsApiInit {
  /** `unknown` when there is no such player id, `offline` when nobody publishes for it */
  figuresOf: (player: string) => PublisherFigures | 'unknown' | 'offline'
  /** What `/metrics` answers @default there is no `/metrics` */
  metrics?: () => Promise<{ type: string, text: string }>
}

const STATS = '/stats/'
const METRICS = '/metrics'
const OFFLINE = 'Stream is offline'

export function statsApi ({ figuresOf, metrics }: StatsApiInit): JsonHandler {
  return async request => {
    if (metrics !== undefined && request.path === METRICS) {
      onlyMethods(request, ['GET', 'HEAD'])
      const { type, text } = await metrics()
      return { status: 200, body: text, textType: type }
    }
    if (!request.path.startsWith(STATS) || request.path === STATS) {
      throw new JsonRefusal(404, metrics === undefined ? 'There is /stats/PLAYER' : 'There is /stats/PLAYER and /metrics')
    }
    onlyMethods(request, ['GET', 'HEAD'])
    const figures = figuresOf(pathRest(request, STATS))
    if (figures === 'unknown') {
      throw new JsonRefusal(404, 'Invalid player key')
    }
    const isLegacy = request.query.get('legacy') === '1'
    if (figures === 'offline') {
      // readers of the newer shape take a stream for live that has a publisher at all
      return { status: 200, body: isLegacy ? { message: OFFLINE, publishers: {}, status: 'ok' } : { message: OFFLINE, status: 'ok' } }
    }
    return {
      status: 200,
      body: isLegacy ? { publishers: { live: legacyFigures(figures) }, status: 'ok' } : { publisher: newerFigures(figures), status: 'ok' }
    }
  }
}

function legacyFigures (figures: PublisherFigures): Record<string, number> {
  return {
    bitrate: Math.round(figures.kbitPerSecond),
    bytesRcvDrop: figures.byteRcvDrop,
    bytesRcvLoss: figures.byteRcvLoss,
    latency: Math.round(figures.latencyMs),
    mbpsBandwidth: rounded(figures.mbpsBandwidth),
    mbpsRecvRate: rounded(figures.mbpsRecvRate),
    msRcvBuf: Math.round(figures.msRcvBuf),
    pktRcvDrop: figures.pktRcvDrop,
    pktRcvLoss: figures.pktRcvLoss,
    rtt: rounded(figures.msRTT),
    uptime: Math.floor(figures.uptimeMs / 1_000)
  }
}

function newerFigures (figures: PublisherFigures): Record<string, number> {
  return {
    bitrate: Math.round(figures.kbitPerSecond),
    buffer: Math.round(figures.msRcvBuf),
    dropped_pkts: figures.pktRcvDrop,
    latency: Math.round(figures.latencyMs),
    rtt: rounded(figures.msRTT),
    uptime: Math.floor(figures.uptimeMs / 1_000)
  }
}

/** To three places after the point. */
function rounded (value: number): number {
  return Math.round(value * 1_000) / 1_000
}
