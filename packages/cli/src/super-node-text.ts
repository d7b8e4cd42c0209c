/** What a super-node does, in plain words. */
import { explainVerdict } from '@skein/seed'
import { formatBytes, formatRate, formatSchedule, formatShare } from '@skein/seed/node'
import { LocalClock } from '@skein/supernode'
import type { MediaStatus, PeriodUsage, SuperNodeState, SuperNodeStatus } from '@skein/seed'

const PAUSES = {
  schedule: 'it is outside your hours',
  month: 'the bytes of the month are used up',
  day: 'the bytes of the day are used up',
  cpu: 'the processor is busy'
} as const

export function stateLine (state: SuperNodeState): string {
  switch (state.state) {
    case 'candidate': return 'candidate: relays with some of its places, and is not elected (yet)'
    case 'elected': return 'elected: holds a seat, and relays with all its places'
    case 'leaving': return 'leaving: its seat is over; keeps whom it has for a minute, and takes nobody'
    case 'paused': {
      const until = state.untilMs === undefined || state.why.includes('cpu') ? '' : `; goes on at ${timeOf(state.untilMs)}`
      return `paused: ${state.why.map(why => PAUSES[why]).join(', ')}${until}`
    }
    case 'draining': return `draining: ${counted(state.circuits, 'circuit')} left; ends at ${timeOf(state.untilMs)} at the latest`
    default: return 'drained: nobody is left'
  }
}

/** What the volunteer gives, at the start. */
export function limitLines ({ quota, today, month }: SuperNodeStatus): string[] {
  const { bytesPerSecond, cpuShare, schedule, timeZone } = quota
  return [
    `  gives ${limit(today)} a day, ${limit(month)} a month, ${bytesPerSecond === undefined ? 'any bandwidth' : formatRate(bytesPerSecond)}, ` +
      `${cpuShare === undefined ? 'all' : formatShare(cpuShare)} of the processors`,
    ...schedule === undefined ? [] : [`  at ${formatSchedule(schedule)} (${timeZone})`],
    `  used ${formatBytes(today.bytes)} today, ${formatBytes(month.bytes)} this month`
  ]
}

export function statusLines (status: SuperNodeStatus, nowMs: number): string[] {
  const { relay, lease, election, stun, media, dialBack, today, month, cpuShare, quota } = status
  return [
    `super-node ${status.peer}${status.region === '' ? '' : ` in ${status.region}`}`,
    ...status.addresses.map(address => `  ${address}`),
    '',
    row('state', `${stateLine(status.state)} (for ${duration(nowMs - status.sinceMs)})`),
    row('today', usage(today)),
    row('month', usage(month)),
    row('bandwidth', quota.bytesPerSecond === undefined ? 'no limit' : `${formatRate(quota.bytesPerSecond)} at most`),
    row('processors', `${formatShare(cpuShare)}${quota.cpuShare === undefined ? '' : ` of ${formatShare(quota.cpuShare)} at most`}`),
    ...quota.schedule === undefined ? [] : [row('hours', `${formatSchedule(quota.schedule)} (${quota.timeZone})`)],
    '',
    row('reservations', `${relay.reservations} of ${relay.maxReservations}`),
    row('circuits', `${relay.circuits} of ${relay.maxCircuits}; ${relay.granted.circuits} since the start, ${today.circuits} today`),
    row('clients', `${relay.clientsToday} today; ${counted(status.connections, 'connection')} now`),
    row('relayed', `${formatBytes(relay.bytes)} since the start, ${duration(nowMs - status.startedAtMs)} ago`),
    ...counts('refused', relay.refused),
    ...counts('reset', relay.ended),
    ...stun === undefined ? [] : [row('STUN', `${stun.address}; ${countText(stun.counters)}`)],
    ...media === undefined ? [] : [row('media', mediaText(media))],
    ...dialBack === undefined ? [] : counts('dialled back', dialBack),
    '',
    row('seat', lease === undefined ? 'none so far' : seatText(lease, nowMs)),
    ...(election === undefined ? ['no election has known it yet'] : explainVerdict(election)).map((line, i) => row(i === 0 ? 'election' : '', line))
  ]
}

function seatText ({ term, fence, expiresAtMs, withdrawn }: NonNullable<SuperNodeStatus['lease']>, nowMs: number): string {
  const since = `held since term ${term}, lease ${fence}`
  const end = timeOf(expiresAtMs)
  return withdrawn ? 'given back' : expiresAtMs > nowMs ? `${since}, until ${end} unless it is renewed` : `over since ${end}`
}

function mediaText ({ publishers, players, ingests, receivedBytes, sentBytes, withheldPackets }: MediaStatus): string {
  const leftOut = withheldPackets === 0 ? '' : `; ${withheldPackets} packets left out for your limits`
  return `${counted(publishers, 'stream')} to ${counted(players.srt + players.mesh, 'player')}, ${players.mesh} of the mesh; ` +
    `${ingests} asked for by peers; ${formatBytes(receivedBytes)} in, ${formatBytes(sentBytes)} out${leftOut}`
}

function usage (period: PeriodUsage): string {
  const share = period.limitBytes === undefined || period.limitBytes === 0 ? '' : ` (${formatShare(period.bytes / period.limitBytes)})`
  return `${formatBytes(period.bytes)} of ${limit(period)}${share}, ${period.name}`
}

function limit ({ limitBytes }: PeriodUsage): string {
  return limitBytes === undefined ? 'no limit' : formatBytes(limitBytes)
}

function row (name: string, text: string): string {
  return `${name.padEnd(14)}${text}`
}

function counts (name: string, those: Partial<Record<string, number>>): string[] {
  return Object.values(those).some(count => (count ?? 0) > 0) ? [row(name, countText(those))] : []
}

function countText (those: Partial<Record<string, number>>): string {
  return Object.entries(those).map(([what, count]) => `${what.replaceAll('_', ' ')} ${count}`).join(', ')
}

function counted (count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function duration (ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  return minutes < 60 ? `${minutes} min` : minutes < 2_880 ? `${(minutes / 60).toFixed(1)} h` : `${Math.floor(minutes / 1_440)} days`
}

/** By the clock of who reads it. */
function timeOf (ms: number): string {
  const clock = new LocalClock(Intl.DateTimeFormat().resolvedOptions().timeZone)
  const { minute } = clock.at(ms)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${clock.keyOf('day', ms)} ${two(Math.floor(minute / 60))}:${two(minute % 60)}`
}
