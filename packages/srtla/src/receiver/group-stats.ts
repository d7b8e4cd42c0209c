/** What an operator is shown of groups and their links: the answer of `/stats`. */
import type { ReceiverGroup, ReceiverLink } from './group.ts'

export interface LinkStats {
  /** `HOST:PORT`, IPv6 in brackets */
  addr: string
  bytes: number
  pkts: number
  /** Of what came over all links of the group in the last 3 s, percent; what is silent for as long has none */
  share_pct: number
  last_ms_ago: number
  uptime_s: number
  /** Nothing has come over it for 3 s; left out otherwise */
  stale?: true
  /** Whose network the link comes from, where that is known */
  asn_org?: string
}

export interface GroupStats {
  /** The first 8 bytes of the id */
  id: string
  /** Left out until the handshake of SRT has told it */
  stream_id?: string
  total_bytes: number
  conn_count: number
  connections: LinkStats[]
}

export interface ReceiverStats {
  groups: GroupStats[]
}

/** A link is stale after so long a silence. */
export const STALE_MS = 3_000

/** @param organizationOf whose network an address belongs to */
export function receiverStats (
  groups: Iterable<ReceiverGroup>, nowMs: number, organizationOf: (address: string) => string | undefined = () => undefined
): ReceiverStats {
  return { groups: [...groups].filter(({ isGhost }) => !isGhost).map(group => groupStats(group, nowMs, organizationOf)) }
}

function groupStats (group: ReceiverGroup, nowMs: number, organizationOf: (address: string) => string | undefined): GroupStats {
  const recent = group.links.map(link => isStale(link, nowMs) ? 0 : link.recentBytes)
  const total = recent.reduce((sum, bytes) => sum + bytes, 0)
  return {
    id: group.name,
    ...group.streamId !== undefined && { stream_id: group.streamId },
    total_bytes: group.totalBytes,
    conn_count: group.links.length,
    connections: group.links.map((link, i) => {
      const organization = organizationOf(link.address)
      return {
        addr: `${link.family === 'IPv6' ? `[${link.address}]` : link.address}:${link.port}`,
        bytes: link.bytes,
        pkts: link.packets,
        share_pct: total === 0 ? 0 : Math.round(1_000 * (recent[i] as number) / total) / 10,
        last_ms_ago: Math.max(0, Math.round(nowMs - link.lastHeardMs)),
        uptime_s: Math.floor((nowMs - link.sinceMs) / 1_000),
        ...isStale(link, nowMs) && { stale: true as const },
        ...organization !== undefined && { asn_org: organization }
      }
    })
  }
}

function isStale (link: ReceiverLink, nowMs: number): boolean {
  return nowMs - link.lastHeardMs >= STALE_MS
}
