/** What senders and receivers of SRTLA tell, in plain words. */
import type { GroupStats, LinkStats, ReceiverEffect, ReceiverStats, SenderEffect, SenderLinkStats, SenderStats } from '@skein/srtla'

/** What `/stats` of either side answers. */
export type LinkedStats = ReceiverStats | SenderStats

/** An earlier look, for rates. */
export interface Rates {
  atMs: number
  stats: LinkedStats
}

const DEGRADED_MS = 2_000
const GONE_MS = 5_000

export function senderEventLine (event: SenderEffect): string {
  switch (event.type) {
    case 'registered': return 'the receiver has made a group for this stream'
    case 'link-up': return `link ${event.link.name} is up`
    case 'link-down': return `link ${event.link.name} is down; it is tried again`
    default: return event.what === 'group' ? 'the receiver refused a group; it is asked again later' : `the receiver refused link ${event.link.name}`
  }
}

export function senderEventFields (event: SenderEffect): Record<string, unknown> {
  switch (event.type) {
    case 'registered': return {}
    case 'refused': return { link: event.link.name, what: event.what }
    default: return { link: event.link.name }
  }
}

export function receiverEventFields (event: ReceiverEffect): Record<string, unknown> {
  switch (event.type) {
    case 'link-added': case 'link-lost': return { group: event.link.group.name, address: event.link.address, port: event.link.port }
    case 'refused': return { address: event.origin.address, port: event.origin.port, reason: event.reason }
    default: return { group: event.group.name, streamId: event.group.streamId }
  }
}

export function receiverEventLine (event: ReceiverEffect): string {
  switch (event.type) {
    case 'group-opened': return `group ${event.group.name} begins`
    case 'group-closed': return `group ${event.group.name} is over`
    case 'link-added': return `group ${event.link.group.name} has a link from ${event.link.address} port ${event.link.port}`
    case 'link-lost': return `group ${event.link.group.name} lost the link from ${event.link.address} port ${event.link.port}`
    case 'session-changed': return `group ${event.group.name} begins another connection of SRT`
    case 'stream-named': return `group ${event.group.name} carries ${JSON.stringify(event.group.streamId)}`
    case 'listener-absent': return `nobody takes the packets of group ${event.group.name}: the SRT listener is absent`
    case 'listener-back': return `the SRT listener takes the packets of group ${event.group.name} again`
    default: return `refused ${event.origin.address} port ${event.origin.port}: ${event.reason}`
  }
}

export function statusLines (stats: LinkedStats, nowMs: number, before?: Rates): string[] {
  if (stats.groups.length === 0) {
    return ['no streams']
  }
  return stats.groups.flatMap(group => [...groupLines(group, nowMs, before), '']).slice(0, -1)
}

function groupLines (group: GroupStats, nowMs: number, before: Rates | undefined): string[] {
  const earlier = before?.stats.groups.find(({ id }) => id === group.id)
  const rate = rateText(group.total_bytes, earlier?.total_bytes, nowMs, before)
  const rows = group.connections.map(link => [
    link.addr,
    stateOf(link),
    `${link.share_pct.toFixed(1)} %`,
    rateText(link.bytes, earlier?.connections.find(({ addr }) => addr === link.addr)?.bytes, nowMs, before),
    megabytes(link.bytes),
    `${link.last_ms_ago} ms ago`,
    ...'state' in link ? sendingCells(link as SenderLinkStats) : [],
    `up ${duration(link.uptime_s)}`,
    printable(link.asn_org ?? '')
  ])
  const last = (rows[0]?.length ?? 0) - 1
  // names are read from the left, numbers from the right
  const align = (cell: string, i: number): string => i < 2 || i === last ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map(row => (row[i] as string).length)))
  return [
    `${group.id}  ${printable(group.stream_id ?? '(no stream id yet)')}  ${rate === '' ? '' : `${rate}, `}${megabytes(group.total_bytes)} over ` +
      `${group.conn_count} link${group.conn_count === 1 ? '' : 's'}`,
    ...rows.map(row => `  ${row.map(align).join('  ')}`.trimEnd())
  ]
}

/** What only a sender knows of a link. */
function sendingCells ({ rtt_ms: rttMs, in_flight: inFlight, window, nak_count: lost }: SenderLinkStats): string[] {
  return [rttMs === undefined ? '' : `${rttMs} ms`, `${inFlight} of ${window} in flight`, `${lost} lost`]
}

function stateOf (link: LinkStats): string {
  const { last_ms_ago: silentMs } = link
  if ('state' in link && link.state !== 'up') {
    return String(link.state)
  }
  return silentMs < DEGRADED_MS ? 'ok' : silentMs < GONE_MS ? 'degraded' : 'gone'
}

function rateText (bytes: number, earlier: number | undefined, nowMs: number, before: Rates | undefined): string {
  const elapsedMs = before === undefined ? 0 : nowMs - before.atMs
  return earlier === undefined || elapsedMs <= 0 ? '' : `${((bytes - earlier) * 8 / elapsedMs / 1_000).toFixed(2)} Mbit/s`
}

function megabytes (bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

function duration (seconds: number): string {
  const parts: Array<[number, string]> = [[Math.floor(seconds / 3_600), 'h'], [Math.floor(seconds / 60) % 60, 'm'], [seconds % 60, 's']]
  return parts.filter(([count], i) => count > 0 || i === 2).map(([count, unit]) => `${count}${unit}`).join(' ')
}

/** Names come from others: what steers a terminal is not shown. */
function printable (text: string): string {
  return text.replace(/\p{C}/gu, '�').slice(0, 80)
}
