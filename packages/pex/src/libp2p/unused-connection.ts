/** Closes a connection that was made to look, unless something else has come to need it. */
import { KEEP_ALIVE } from '@libp2p/interface'
import { deadline } from '@skein/core'
import { PROTOCOLS } from '@skein/records'
import type { Connection, PeerId, PeerStore } from '@libp2p/interface'
import type { Clock } from '@skein/core'

/** Of a tag that keeps a connection: above the 50 that kad-dht gives to the peers closest to itself. */
export const TAG_VALUE = 100

/** Peers of which a DHT or another part says that they matter have at least this. */
const KEPT_TAG_VALUE = 50

/** What every peer opens to every other: a connection that carries nothing else is not used. */
const BACKGROUND = ['/ipfs/id/', '/ipfs/ping/', '/meshsub/', '/floodsub/', PROTOCOLS.kad, PROTOCOLS.pex, PROTOCOLS.coordinates]

/** What a libp2p node and the components of a service both have. */
export interface Connections {
  getConnections: (peer: PeerId) => Connection[]
  peerStore: PeerStore
}

/** An orderly end waits for streams that the other side may never close. */
const CLOSE_TIMEOUT_MS = 5_000

/** Closes the connections to a peer when no stream of them is used and no tag keeps them. Returns whether it did. */
export async function closeUnused ({ getConnections, peerStore }: Connections, peer: PeerId, clock: Clock): Promise<boolean> {
  const connections = getConnections(peer)
  const used = connections.some(({ streams }) => streams.some(({ protocol }) => !BACKGROUND.some(prefix => protocol.startsWith(prefix))))
  if (connections.length === 0 || used || await isKept(peerStore, peer)) {
    return false
  }
  const limit = deadline(clock, CLOSE_TIMEOUT_MS)
  await Promise.all(connections.map(async connection => {
    await connection.close({ signal: limit.signal }).catch((error: Error) => { connection.abort(error) })
  }))
  limit.clear()
  return true
}

async function isKept (peerStore: PeerStore, peer: PeerId): Promise<boolean> {
  if (!await peerStore.has(peer)) {
    return false
  }
  const { tags } = await peerStore.get(peer)
  return [...tags].some(([name, { value }]) => name.startsWith(KEEP_ALIVE) || value >= KEPT_TAG_VALUE)
}
