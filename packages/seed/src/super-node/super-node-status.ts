/** What a super-node says of itself, for a person or a program: what it did against its limits, whom it serves, its seat, and why it has none. */
import { LocalClock } from '@skein/supernode'
import type { SuperNodeRole } from '@skein/records'
import type { DayUsage, ElectionVerdict, Refusal, VolunteerQuota } from '@skein/supernode'
import type { CircuitEnd, RelayRefusalReason } from '../relay/relay-ledger.ts'
import type { MediaStatus } from './media-ingest.ts'
import type { SuperNodeState } from './super-node-state.ts'

export interface SuperNodeStatus {
  /** Peer id, as text */
  peer: string
  region: string
  /** Multiaddr texts with `/p2p/…` */
  addresses: string[]
  roles: SuperNodeRole[]
  state: SuperNodeState
  /** When it came to be so, ms since the Unix epoch */
  sinceMs: number
  startedAtMs: number
  /** Of the day and month in the volunteer's time zone; `limitBytes` is left out where there is none */
  today: PeriodUsage
  month: PeriodUsage
  /** By day, the oldest first; the last 31 */
  days: DayUsage[]
  quota: VolunteerQuota
  /** Of all processors, measured last */
  cpuShare: number
  relay: RelayStatus
  /** Its seat, held now or last; left out before the first */
  lease?: { term: number, fence: number, expiresAtMs: number, withdrawn: boolean }
  /** Why it was elected or not; left out before the first election that knew it */
  election?: ElectionVerdict
  /** Left out when it answers no STUN */
  stun?: { address: string, counters: Record<string, number> }
  /** Left out when it takes no streams of media in */
  media?: MediaStatus
  dialBack?: Record<string, number>
  connections: number
}

export interface PeriodUsage {
  /** `2026-11-21` or `2026-11` */
  name: string
  bytes: number
  circuits: number
  limitBytes?: number
}

export interface RelayStatus {
  reservations: number
  maxReservations: number
  circuits: number
  maxCircuits: number
  /** Different clients today */
  clientsToday: number
  /** Bytes of circuits since the start, each counted once */
  bytes: number
  /** Since the start */
  granted: { reservations: number, circuits: number }
  refused: Partial<Record<RelayRefusalReason, number>>
  ended: Partial<Record<CircuitEnd, number>>
}

export function usageOf (days: readonly DayUsage[], quota: VolunteerQuota, nowMs: number): Pick<SuperNodeStatus, 'today' | 'month' | 'days'> {
  const clock = new LocalClock(quota.timeZone ?? 'UTC')
  const over = (name: string, limitBytes: number | undefined): PeriodUsage => {
    const those = days.filter(({ day }) => day.startsWith(name))
    return {
      name,
      bytes: those.reduce((sum, { bytes }) => sum + bytes, 0),
      circuits: those.reduce((sum, { circuits }) => sum + circuits, 0),
      ...limitBytes === undefined ? {} : { limitBytes }
    }
  }
  return {
    today: over(clock.keyOf('day', nowMs), quota.bytesPerDay),
    month: over(clock.keyOf('month', nowMs), quota.bytesPerMonth),
    days: days.slice(-31)
  }
}

/** What is missing to be elected, or what was in the way, one sentence for each. */
export function explainVerdict ({ elected, seat, place, why }: ElectionVerdict): string[] {
  return elected
    ? [`elected, seat ${(seat ?? 0) + 1}${seat === 0 ? ', which coordinates the region' : ''}`]
    : why.map(refusal => `${explainRefusal(refusal)}${place === undefined ? '' : ` (place ${place} among those that may be elected)`}`)
}

function explainRefusal (refusal: Refusal): string {
  switch (refusal.rule) {
    case 'networks': return 'nobody has reached it at a public address yet: forward its port, or say with --announce where it is reached'
    case 'verified_from': return `it was reached from ${refusal.found} networks; ${refusal.needed} are needed`
    case 'age': return `it is known for ${hours(refusal.found)}; ${hours(refusal.needed)} are needed`
    case 'uptime': return `it was there ${percent(refusal.found)} of the time; ${percent(refusal.needed)} are needed`
    case 'reputation': return `its reputation is ${refusal.found.toFixed(2)}; ${refusal.needed} is needed, which comes with what it relays`
    case 'bandwidth': return `${rate(refusal.found)} were measured; ${rate(refusal.needed)} are needed`
    case 'claim': return `it says that it gives ${rate(refusal.found)}; ${rate(refusal.needed)} are needed: raise --bandwidth`
    case 'seats': return `all ${refusal.seats} seats of the region are taken by others whose lot was better today`
    default: return `its ${NETWORK_NAMES[refusal.rule]} ${refusal.network} has the most seats that one may have, ${refusal.most}`
  }
}

const NETWORK_NAMES = { small_network: 'network', wide_network: 'wider network', system: 'provider' } as const

function hours (ms: number): string {
  return `${(ms / 3_600_000).toFixed(1)} h`
}

function percent (share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function rate (bytesPerSecond: number): string {
  return `${(bytesPerSecond / 1e6).toFixed(1)} MB/s`
}
