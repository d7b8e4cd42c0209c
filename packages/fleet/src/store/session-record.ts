/** A session: one user's slot on one relay, for as long as its lease is renewed; and the six steps on the way to it. */

/** In this order. A step that a provider does not need takes no time, and is told all the same. */
export const PROVISION_STEPS = [
  'launching_instance', 'waiting_for_instance', 'admitting_stream', 'publishing_name', 'checking_relay', 'ready'
] as const
export type ProvisionStep = typeof PROVISION_STEPS[number]

export interface StepTime {
  step: ProvisionStep
  /** ms since the epoch */
  startedMs: number
  /** Left out while it runs */
  endedMs?: number
}

/** `releasing` is a session that has ended for its user, and whose places are still to be given back. */
export type SessionState = 'provisioning' | 'active' | 'releasing' | 'ended'
export type EndReason = 'stopped' | 'expired' | 'failed'

/** Which way a session gets its relay. */
export type ProviderName = 'pool' | 'own' | 'mesh'

/** Where a session is carried; the name and the token are what the user configures, and stay when the place changes. */
export interface RelayPlace {
  /** Of the node, whatever provides it */
  instanceId: string
  region: string
  ingestHost: string
  ingestPort: number
  playHost: string
  playPort: number
}

/** On the way to another place, while the one that it has goes on. */
export interface SessionMove {
  region: string
  startedMs: number
  steps: StepTime[]
  /** Its node is to be emptied: any other place will do, one in `region` rather than elsewhere, and it is not the user's move @default false */
  evacuates?: boolean
}

export interface SessionRecord {
  id: string
  userId: string
  /** Which of the user's slots */
  slot: number
  /** Of the slot: routes to the relay, and never authorises */
  name: string
  provider: ProviderName
  /** Wished for, '' for any */
  region: string
  /** The relay of one's own, with provider `own` */
  relayId?: string
  /** The right to publish and to play: `live_TOKEN`, `play_TOKEN` */
  streamToken: string
  state: SessionState
  steps: StepTime[]
  place?: RelayPlace
  move?: SessionMove
  /** When it was moved last: the place that it has left goes on for a while */
  movedMs?: number
  /** Why the last move came to nothing, in words for the user */
  moveFailure?: string
  moveFailedMs?: number
  endReason?: EndReason
  /** What went wrong, in words for the user */
  failure?: string
  /** Counts who works on it: whoever comes with a smaller one is too late */
  fence: number
  leaseUntilMs: number
  /** Until then a process is working on it, and others keep away; 0 when there is nothing to do */
  workUntilMs: number
  createdMs: number
  endedMs?: number
  /** Counts changes, for compare and swap */
  version: number
}

export function isLive (session: SessionRecord): boolean {
  return session.state === 'provisioning' || session.state === 'active'
}
