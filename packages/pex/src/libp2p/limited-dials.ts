/** The rule of networks around a libp2p service that dials whom strangers named: GossipSub's exchange on PRUNE, the maintenance of a DHT. */
import { isPeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { systemClock } from '@skein/core/system'
import { isRelayed } from '@skein/records'
import type { Connection, PeerId, PeerStore, Stream } from '@libp2p/interface'
import type { ConnectionManager, OpenConnectionOptions } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '@skein/core'
import type { DialLimits } from '../dial-limits.ts'

/**
 * - `network`: each network that the peer has addresses in was dialled twice within a minute
 * - `no_address`: none is known, and a lookup would dial whatever it finds
 */
export type DialRefusal = 'network' | 'no_address'

/** The peer is not connected and may not be dialled now: ask another, or come again in a minute. */
export class DialRefusedError extends Error {
  static override name = 'DialRefusedError'
  override readonly name = 'DialRefusedError'
  readonly peer: string
  readonly reason: DialRefusal

  constructor (peer: string, reason: DialRefusal) {
    super(reason === 'network'
      ? `${peer} is not dialled: its networks were dialled as often as is allowed in a minute`
      : `${peer} is not dialled: no address of it is known`)
    this.peer = peer
    this.reason = reason
  }
}

export interface LimitedDialsInit {
  /** The limits that all who dial strangers share */
  dials: DialLimits
  /** @default systemClock() */
  clock?: Clock
}

interface Dialling {
  connectionManager: ConnectionManager
  peerStore: PeerStore
}

/**
 * A service made of these components dials a peer that is not connected only at addresses that the limits let through, and is told of a refusal by a
 * `DialRefusedError`: `services: { dht: components => kadDHT(…)(limitDials(components, { dials })) }`.
 */
export function limitDials<Components extends Dialling> (components: Components, { dials, clock = systemClock() }: LimitedDialsInit): Components {
  const manager = new Proxy(components.connectionManager, {
    get (target, name) {
      if (name === 'openConnection') {
        return openConnection
      }
      if (name === 'openStream') {
        return openStream
      }
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) as unknown : value
    }
  })

  async function openConnection (target: PeerId | Multiaddr | Multiaddr[], options: OpenConnectionOptions = {}): Promise<Connection> {
    const { connectionManager, peerStore } = components
    const peer = isPeerId(target) ? target : namedPeer(target)
    if (peer !== undefined && options.force !== true && isConnected(connectionManager, peer)) {
      return await connectionManager.openConnection(target, options)
    }
    const addresses = isPeerId(target) ? await storedAddresses(peerStore, target, options.signal) : [target].flat().map(String)
    const allowed = dials.take(addresses, clock.nowMs())
    if (allowed.length === 0) {
      throw new DialRefusedError(peer?.toString() ?? addresses.join(), addresses.length === 0 ? 'no_address' : 'network')
    }
    const suffix = peer === undefined ? '' : `/p2p/${peer.toString()}`
    return await connectionManager.openConnection(allowed.map(text => multiaddr(text.endsWith(suffix) ? text : text + suffix)), options)
  }

  async function openStream (
    target: PeerId | Multiaddr | Multiaddr[], protocols: string | string[], options: Parameters<ConnectionManager['openStream']>[2] = {}
  ): Promise<Stream> {
    const connection = await openConnection(target, options)
    return await connection.newStream(protocols, options)
  }

  return new Proxy(components, {
    get: (target, name) => name === 'connectionManager' ? manager : Reflect.get(target, name) as unknown
  })
}

function isConnected (connectionManager: ConnectionManager, peer: PeerId): boolean {
  return connectionManager.getConnections(peer).some(connection => connection.status === 'open' && !isRelayed(connection))
}

function namedPeer (target: Multiaddr | Multiaddr[]): PeerId | undefined {
  const name = /\/p2p\/([^/]+)$/.exec([target].flat()[0]?.toString() ?? '')?.[1]
  return name === undefined ? undefined : peerIdFromString(name)
}

async function storedAddresses (peerStore: PeerStore, peer: PeerId, signal: AbortSignal | undefined): Promise<string[]> {
  try {
    return (await peerStore.get(peer, { signal })).addresses.map(address => address.multiaddr.toString())
  } catch (error) {
    if ((error as Error).name === 'NotFoundError') {
      return []
    }
    throw error
  }
}
