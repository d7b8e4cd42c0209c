/** Who this page is connected to, in words for a person. */
import type { Peer } from '@skein/peer'

export interface ConnectionRow {
  name: string
  /** The whole id and the address */
  title: string
  path: 'direct' | 'relayed'
}

/** The end of a peer id: all begin alike. */
export function shortName (peer: string): string {
  return `…${peer.slice(-6)}`
}

/** One for each peer, with the better of its paths. */
export function connectionRows (peer: Peer): ConnectionRow[] {
  const rows = new Map<string, ConnectionRow>()
  for (const { remotePeer, remoteAddr, limits } of peer.libp2p.getConnections()) {
    const id = remotePeer.toString()
    const path = limits === undefined ? 'direct' : 'relayed'
    if (rows.get(id)?.path !== 'direct') {
      rows.set(id, { name: shortName(id), title: `${id}\n${remoteAddr.toString()}`, path })
    }
  }
  return [...rows.values()]
}
