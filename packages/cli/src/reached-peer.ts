/** A peer that was named on the command line, found and connected, and the way on which it is reached now. */
import { isPeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { sleep } from '@skein/core'
import { isRelayed } from '@skein/records'
import { kadId } from '@skein/routing'
import type { Connection, PeerId } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { Peer } from '@skein/peer'

/** A peer that has just joined knows few others, and finds more in time. */
const RETRY_MS = 500

/**
 * @param target a peer id, or a multiaddr that ends with one
 * @throws what the last dial failed with, when `signal` fires
 */
export async function reachPeer (peer: Peer, target: string, clock: Clock, signal: AbortSignal): Promise<PeerId> {
  const at = target.startsWith('/') ? multiaddr(target) : peerIdFromString(target)
  for (;;) {
    try {
      if (isPeerId(at)) {
        // asks who stands near to it, itself at last; kad-dht's own lookup waits seconds for a table
        await peer.libp2p.services.routing.closestPeers(kadId(at.toMultihash().bytes), { signal })
      }
      return (isPeerId(at) && wayTo(peer, at) !== undefined) ? at : (await peer.libp2p.dial(at, { signal })).remotePeer
    } catch (error) {
      await sleep(clock, RETRY_MS, { signal }).catch(() => { throw error })
    }
  }
}

/** The connection that a request to it would take, and its path; `undefined` when there is none. */
export function wayTo ({ libp2p }: Peer, id: PeerId): { connection: Connection, path: string } | undefined {
  const { reachability } = libp2p.services
  const open = libp2p.getConnections(id).filter(({ status }) => status === 'open')
  const connection = reachability?.connectionTo(id.toString()) ?? open.find(one => !isRelayed(one)) ?? open[0]
  return connection && { connection, path: reachability?.pathOf(connection) ?? (isRelayed(connection) ? 'relayed' : 'direct') }
}
