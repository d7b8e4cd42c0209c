/** Notices when peers have other addresses of their own than before, as one has whose router has just opened a port. */
import type { Libp2pEvents, Peer, TypedEventTarget } from '@libp2p/interface'

export class AddressChanges {
  private readonly events: TypedEventTarget<Libp2pEvents>
  private readonly onChanged: (peer: string) => void

  constructor (events: TypedEventTarget<Libp2pEvents>, onChanged: (peer: string) => void) {
    this.events = events
    this.onChanged = onChanged
  }

  start (): void {
    this.events.addEventListener('peer:update', this.onUpdate)
  }

  stop (): void {
    this.events.removeEventListener('peer:update', this.onUpdate)
  }

  private readonly onUpdate = ({ detail: { peer, previous } }: Libp2pEvents['peer:update']): void => {
    if (previous !== undefined && directAddresses(peer) !== directAddresses(previous)) {
      this.onChanged(peer.id.toString())
    }
  }
}

function directAddresses ({ addresses }: Peer): string {
  return addresses.map(({ multiaddr }) => multiaddr.toString()).filter(address => !address.includes('/p2p-circuit')).sort().join()
}
