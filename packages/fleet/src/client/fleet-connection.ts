/** A connection of the user to the fleet: which slot it is, how it is to be provided, and how it does. */
import type { ProviderName, RelayPlace } from '../store/session-record.ts'

export interface ConnectionSpec {
  /** 0 to 99 */
  slot: number
  /** Wished for @default any */
  region?: string
  /** @default 'pool' */
  provider?: ProviderName
  /** With provider `own` */
  relayId?: string
}

/** `ready` has a relay, and nobody sends; with `live` somebody does. */
export type ConnectionState = 'provisioning' | 'ready' | 'live' | 'error'

/** What the control plane tells of a session. */
export interface SessionView {
  id: string
  slot: number
  name: string
  /** The name in DNS, where it is published */
  hostname?: string
  state: 'provisioning' | 'active' | 'releasing' | 'ended'
  steps: Array<{ step: string, startedMs: number, endedMs?: number }>
  place?: RelayPlace
  publishId: string
  playId: string
  leaseRemainingMs: number
  heartbeatMs: number
  /** On the way to another region, while the place that it has goes on */
  move?: { region: string, startedMs: number }
  moveFailure?: string
  endReason?: string
  failure?: string
}

export interface Connection extends ConnectionSpec {
  state: ConnectionState
  session?: SessionView
  /** Why it is in error, or what it waits for, in words */
  message?: string
}
