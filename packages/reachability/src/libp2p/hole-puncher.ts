/** What a platform brings to punch holes with: TCP under Node, nothing in a browser. */
import type { AbortOptions, Connection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** A local port of which it is known where others see it. */
export interface PunchPort {
  /** Where it was seen: `/ip4/…/tcp/…` */
  observed: Multiaddr[]
  /**
   * Opens a connection from the port while the other side does the same; `initiator` is the side that opens streams first in the handshakes.
   *
   * @throws when none stands by the time that `signal` fires
   */
  connect: (peer: PeerId, addresses: Multiaddr[], role: 'initiator' | 'responder', options: Required<AbortOptions>) => Promise<Connection>
  /**
   * Takes a connection of the peer on the port, for a NAT that lets everybody in to it; resolves once it listens.
   *
   * @throws when it cannot
   */
  listen: (peer: PeerId, role: 'initiator' | 'responder', options: Required<AbortOptions>) => Promise<{ accepted: Promise<Connection> }>
  close: () => Promise<void>
}

export interface HolePuncher {
  /** @throws when no public node tells where the port is seen */
  open: (options: Required<AbortOptions>) => Promise<PunchPort>
  /** Whether a connection was made by a punch */
  isPunched: (connection: Connection) => boolean
}
