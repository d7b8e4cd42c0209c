/** One attempt at a better path, one way: what it takes of libp2p, and of the other side over the relayed connection that stands. */
import { multiaddr } from '@multiformats/multiaddr'
import type { Connection, PeerStore } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { DirectWay } from '../pair-ways.ts'
import type { PunchExchange } from './punch-exchange.ts'

export interface WayAttemptInit {
  connectionManager: Pick<ConnectionManager, 'openConnection'>
  peerStore: PeerStore
  exchange: Pick<PunchExchange, 'askToDial' | 'punch'>
  webrtc?: (connection: Connection, signal: AbortSignal) => Promise<Connection>
  mayDial?: (peer: string, address: Multiaddr) => boolean
}

/** @throws when it does not work */
export async function attemptWay (init: WayAttemptInit, connection: Connection, way: DirectWay, signal: AbortSignal): Promise<void> {
  switch (way) {
    case 'dial': {
      const { addresses } = await init.peerStore.get(connection.remotePeer)
      await dialDirectly(init, connection.remotePeer.toString(), addresses.map(({ multiaddr }) => multiaddr), signal)
      return
    }
    case 'reverse': {
      await init.exchange.askToDial(connection, signal)
      return
    }
    case 'tcp-punch': {
      await init.exchange.punch(connection, signal)
      return
    }
    case 'webrtc': {
      await init.webrtc?.(connection, signal)
    }
  }
}

/** A new connection to addresses that the peer named; never through a relay. @throws when there is none */
export async function dialDirectly (
  { connectionManager, mayDial }: Pick<WayAttemptInit, 'connectionManager' | 'mayDial'>, peer: string, addresses: Multiaddr[], signal: AbortSignal
): Promise<void> {
  const targets = addresses
    .filter(address => !isCircuit(address) && (mayDial?.(peer, address) ?? true))
    .map(address => address.toString().includes('/p2p/') ? address : multiaddr(`${address.toString()}/p2p/${peer}`))
  if (targets.length === 0) {
    throw new Error('It names no address that may be dialled')
  }
  await connectionManager.openConnection(targets, { signal, force: true })
}

export function isCircuit (address: Multiaddr): boolean {
  return address.toString().includes('/p2p-circuit')
}
