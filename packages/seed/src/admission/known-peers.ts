/**
 * Bounds what libp2p remembers of peers: each that ever connected, or that somebody named in an answer, for six hours and in memory. Beyond the bound
 * the one of which was heard longest ago is forgotten, unless it is connected or (by a tag) in the routing table, which has a bound of
 * its own, some hundreds.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import { BoundedMap } from '@skein/core'
import type { Libp2p, PeerId, PeerUpdate } from '@libp2p/interface'

/** At 1 to 2 KB each. */
const MAX_KNOWN_PEERS = 16_384

export class KnownPeers {
  private readonly libp2p: Pick<Libp2p, 'addEventListener' | 'removeEventListener' | 'getConnections' | 'peerStore'>
  private readonly onError: (error: Error) => void
  private readonly known: BoundedMap<string, true>

  constructor (libp2p: KnownPeers['libp2p'], onError: (error: Error) => void, maxPeers = MAX_KNOWN_PEERS) {
    this.libp2p = libp2p
    this.onError = onError
    this.known = new BoundedMap({ maxSize: maxPeers, onEvict: peer => { void this.forget(peer) } })
    libp2p.addEventListener('peer:update', this.onUpdate)
    libp2p.addEventListener('peer:disconnect', this.onDisconnect)
  }

  stop (): void {
    this.libp2p.removeEventListener('peer:update', this.onUpdate)
    this.libp2p.removeEventListener('peer:disconnect', this.onDisconnect)
  }

  private readonly onUpdate = (event: CustomEvent<PeerUpdate>): void => {
    this.known.set(event.detail.peer.id.toString(), true)
  }

  private readonly onDisconnect = (event: CustomEvent<PeerId>): void => {
    this.known.set(event.detail.toString(), true)
  }

  private async forget (peer: string): Promise<void> {
    const id: PeerId = peerIdFromString(peer)
    const { peerStore } = this.libp2p
    try {
      if (this.libp2p.getConnections(id).length > 0 || !await peerStore.has(id)) {
        return // when it goes it is looked at again
      }
      if ((await peerStore.get(id)).tags.size > 0) {
        this.known.set(peer, true)
      } else {
        await peerStore.delete(id)
      }
    } catch (error) {
      this.onError(error as Error)
    }
  }
}
