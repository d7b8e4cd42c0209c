/** What an operator is shown of a sender: its group and links in the shape of a receiver's, with what only the sending side knows. */
import { groupName } from '../receiver/group.ts'
import { STALE_MS } from '../receiver/group-stats.ts'
import type { GroupStats, LinkStats } from '../receiver/group-stats.ts'
import type { LinkState, SenderLink } from './link.ts'
import type { SenderMode, SrtlaSender } from './sender.ts'

/** `addr` is the source address; `uptime_s` is since it was taken for a link. */
export interface SenderLinkStats extends LinkStats {
  state: LinkState
  /** Left out until it was measured, and by the classic rule, which measures none */
  rtt_ms?: number
  /** Packets that may be in flight */
  window: number
  in_flight: number
  /** Packets that the other end did not get, so far */
  nak_count: number
  /** Share of packets that it loses, as it seems now, percent; left out by the classic rule */
  loss_pct?: number
  /** Over the last 3 s, bytes/s */
  bitrate: number
}

export interface SenderGroupStats extends GroupStats {
  connections: SenderLinkStats[]
  mode: SenderMode
  total_pkts: number
  /** Packets that the encoder sent again */
  retransmitted_pkts: number
  /** Packets for which there was no link */
  unsent_pkts: number
  /** Reported losses, and those of them that were kept from the encoder as the packets had arrived */
  nak_count: number
  false_nak_count: number
}

/** A sender has one group; the list is that of a receiver's `/stats`, so that the same programs read both. */
export interface SenderStats {
  groups: SenderGroupStats[]
}

const RECENT_S = 3

export function senderStats (
  sender: SrtlaSender, nowMs: number, organizationOf: (address: string) => string | undefined = () => undefined
): SenderStats {
  const { links, counters } = sender
  const recent = links.reduce((sum, link) => sum + link.recentBytes, 0)
  return {
    groups: [{
      id: groupName(sender.groupId),
      ...sender.streamId !== undefined && { stream_id: sender.streamId },
      total_bytes: counters.bytes,
      total_pkts: counters.packets,
      conn_count: links.length,
      mode: sender.mode,
      retransmitted_pkts: counters.retransmissions,
      unsent_pkts: counters.unsent,
      nak_count: counters.naks,
      false_nak_count: counters.falseAlarms,
      connections: links.map(link => linkStats(sender, link, recent, nowMs, organizationOf(link.name)))
    }]
  }
}

function linkStats (sender: SrtlaSender, link: SenderLink, recentOfAll: number, nowMs: number, organization: string | undefined): SenderLinkStats {
  const { path, recentBytes } = link
  const isAdaptive = sender.mode === 'adaptive'
  const silentMs = nowMs - Math.max(link.lastHeardMs, link.sinceMs)
  return {
    addr: link.name,
    state: link.state,
    bytes: link.bytes,
    pkts: link.packets,
    share_pct: recentOfAll === 0 ? 0 : Math.round(1_000 * recentBytes / recentOfAll) / 10,
    last_ms_ago: Math.max(0, Math.round(silentMs)),
    uptime_s: Math.floor((nowMs - link.sinceMs) / 1_000),
    ...silentMs >= STALE_MS && { stale: true as const },
    ...path.srttMs !== undefined && { rtt_ms: Math.round(path.srttMs) },
    window: Math.round(isAdaptive ? path.window : link.window / 1_000),
    in_flight: sender.inFlightOf(link),
    nak_count: link.losses,
    ...isAdaptive && { loss_pct: Math.round(1_000 * path.loss) / 10 },
    bitrate: Math.round(recentBytes / RECENT_S),
    ...organization !== undefined && { asn_org: organization }
  }
}
