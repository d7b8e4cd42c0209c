/** What a media relay tells of its streams, in the form that the control plane asks for: pure. */
import type { GroupStats, LinkStats } from '@skein/srtla'
import type { PublisherFigures } from '@skein/media-relay'
import type { AdmitRequest, LinkStatistics, StreamStatistics } from '../agent/node-agent.ts'

/** Packets of a stream since its publisher connected. */
export interface PacketCount {
  received: number
  lost: number
}

export function publisherId (streamToken: string): string {
  return `live_${streamToken}`
}

export function playerId (streamToken: string): string {
  return `play_${streamToken}`
}

export function packetCount ({ pktRecv, pktRcvLoss }: PublisherFigures): PacketCount {
  return { received: pktRecv, lost: pktRcvLoss }
}

/** Share of the packets that were lost on the way between two counts, 0 to 1; repeats that filled a gap are received packets. */
export function lossShare (now: PacketCount, before: PacketCount | undefined): number {
  // a publisher that has connected anew counts from 0
  const since = before === undefined || now.received < before.received || now.lost < before.lost ? { received: 0, lost: 0 } : before
  const lost = now.lost - since.lost
  const sent = now.received - since.received + lost
  return sent === 0 ? 0 : Math.min(1, lost / sent)
}

/** @param figures - of its publisher, `undefined` without one @param loss - since the last look @param groups - of the SRTLA receiver */
export function streamStatistics (
  { sessionId, fence, streamToken }: AdmitRequest, figures: PublisherFigures | undefined, loss: number, groups: GroupStats[]
): StreamStatistics {
  return {
    sessionId,
    fence,
    live: figures !== undefined && figures.kbitPerSecond > 0,
    bitrateBps: (figures?.kbitPerSecond ?? 0) * 1_000,
    rttMs: figures?.msRTT ?? 0,
    lossShare: loss,
    latencyMs: figures?.latencyMs ?? 0,
    links: groups.filter(({ stream_id: streamId }) => streamId === publisherId(streamToken))
      .flatMap(({ connections }) => connections.map(linkStatistics))
  }
}

function linkStatistics (link: LinkStats): LinkStatistics {
  const { addr, bytes, share_pct: sharePercent, asn_org: carrier, last_ms_ago: idleMs } = link
  return { address: addr, bytes, sharePercent, ...carrier !== undefined && { carrier }, idleMs }
}
