/** A super-node that a peer uses, as it tells of it, and what spoke for it. */
import type { SuperNodeRole } from '@skein/records'

export interface UsedSuperNode {
  /** Peer id, as text */
  peer: string
  /** Whether it is the one to use first */
  primary: boolean
  roles: SuperNodeRole[]
  /** Whether a reservation stands there: others reach this peer through it */
  reserved: boolean
  /** Where it answers STUN: `/ip4/192.0.2.1/udp/3478`; empty when it does not */
  stun: string[]
  /** Measured last; `undefined` until it was */
  roundTripMs: number | undefined
  /** Used since, ms since the epoch */
  sinceMs: number
  /** When its lease ends, unless it is renewed, ms since the epoch */
  leaseEndsMs: number | undefined
  why: SuperNodeReasons
}

/** As it was when the super-node was chosen. */
export interface SuperNodeReasons {
  /** Networks whose electors named it, of those that answered */
  named: number
  of: number
  /** How full it was, 0 to 1 */
  load: number
  /** `undefined` when it was not measured before */
  roundTripMs: number | undefined
  /** The autonomous systems (`AS64496`) or networks that it is in, and no other that is used */
  systems: string[]
}
