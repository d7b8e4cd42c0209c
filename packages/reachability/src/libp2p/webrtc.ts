/** What brings WebRTC to a peer: a package of its own (`@skein/webrtc`), as its library is as large as all else together. */
import type { Connection, Startable } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { ReachabilityComponents } from './reachability-service.ts'

/** All only grow. */
export interface WebRtcCounters {
  offers_sent_total: number
  offers_received_total: number
  connected_total: number
  /** Offers of others that came too often, or while too many were under way */
  refused_total: number
}

export interface WebRtc extends Startable {
  readonly counters: Readonly<WebRtcCounters>
  /** Whether it has a TURN server */
  readonly turn: boolean
  /** A connection over WebRTC to the peer at the other end of this one, over which the signals go. @throws when there is no way */
  connect: (connection: Connection, signal: AbortSignal) => Promise<Connection>
}

export interface WebRtcWorld {
  /** STUN servers that may be asked now, multiaddr texts */
  stun: () => readonly string[]
  clock: Clock
}

export type WebRtcFactory = (world: WebRtcWorld) => (components: ReachabilityComponents) => WebRtc
