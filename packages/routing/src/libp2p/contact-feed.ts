/** Keeps the contact table up to date from what libp2p and kad-dht tell: connections, identities, addresses, the routing table. */
import { PROTOCOLS } from '@skein/records'
import type { ContactTable } from './contact-table.ts'
import type { KnownPeer, PeerDirectory } from './peer-directory.ts'
import type { RoutingTableView } from './routing-table-view.ts'
import type { Connection, IdentifyResult, Libp2pEvents, PeerId, PeerStore, PeerUpdate, Address } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { TypedEventTarget } from 'main-event'

export interface ContactFeedInit {
  peerId: PeerId
  registrar: Registrar
  peerStore: PeerStore
  events: TypedEventTarget<Libp2pEvents>
  directory: PeerDirectory
  table: ContactTable
  routingTable: () => RoutingTableView | undefined
  addressFilter: (addresses: Multiaddr[], peer: PeerId) => Multiaddr[]
  /** A peer that others can reach became known, or may be asked though it is not known what it speaks */
  onContact: (peer: KnownPeer) => void
  /** The routing table found a peer dead */
  onLost: (peer: KnownPeer) => void
  /** A peer connected */
  onConnect: (peer: KnownPeer) => void
}

/** Most peers taken from the routing table. */
const MAX_TABLED = 2048

export class ContactFeed {
  private readonly init: ContactFeedInit
  private topologyId: string | undefined
  private view: RoutingTableView | undefined
  private running = false

  constructor (init: ContactFeedInit) {
    this.init = init
  }

  async start (): Promise<void> {
    const { events, registrar } = this.init
    this.running = true
    events.addEventListener('connection:open', this.onConnectionOpen)
    events.addEventListener('peer:disconnect', this.onDisconnect)
    events.addEventListener('peer:identify', this.onIdentify)
    events.addEventListener('peer:update', this.onUpdate)
    this.topologyId = await registrar.register(PROTOCOLS.routing, {
      notifyOnLimitedConnection: true,
      onConnect: peer => { this.onRouter(peer) }
    })
  }

  /** Reads the whole routing table; its events keep it up to date in between. */
  sync (): void {
    const { directory, peerId, routingTable, table } = this.init
    const view = routingTable()
    if (view !== this.view) {
      this.unwatch()
      this.view = view
      view?.addEventListener?.('peer:add', this.onTableAdd)
      view?.addEventListener?.('peer:remove', this.onTableRemove)
    }
    if (view !== undefined) {
      const self = directory.of(peerId)
      const peers = view.closestPeers(self.kadId, { count: MAX_TABLED }).map(peer => directory.of(peer)).filter(peer => peer !== self)
      table.setTabled(peers)
      peers.filter(peer => !peer.isLoaded).forEach(peer => { this.load(peer) })
    }
  }

  stop (): void {
    const { events, registrar } = this.init
    this.running = false
    this.unwatch()
    events.removeEventListener('connection:open', this.onConnectionOpen)
    events.removeEventListener('peer:disconnect', this.onDisconnect)
    events.removeEventListener('peer:identify', this.onIdentify)
    events.removeEventListener('peer:update', this.onUpdate)
    if (this.topologyId !== undefined) {
      registrar.unregister(this.topologyId)
      this.topologyId = undefined
    }
  }

  private unwatch (): void {
    this.view?.removeEventListener?.('peer:add', this.onTableAdd)
    this.view?.removeEventListener?.('peer:remove', this.onTableRemove)
    this.view = undefined
  }

  /** A connected peer said that it routes. */
  private onRouter (peer: PeerId): void {
    const known = this.init.directory.of(peer)
    this.init.table.addConnected(known)
    this.init.onConnect(known)
    this.load(known)
  }

  /** Whether it routes is not known before identify has run; a newcomer need not wait for that. */
  private readonly onConnectionOpen = (event: CustomEvent<Connection>): void => {
    const known = this.init.directory.of(event.detail.remotePeer)
    this.init.table.addTentative(known)
    this.init.onConnect(known)
    this.init.onContact(known)
  }

  private readonly onDisconnect = (event: CustomEvent<PeerId>): void => {
    this.init.table.removeConnected(this.init.directory.of(event.detail).peer)
  }

  private readonly onIdentify = (event: CustomEvent<IdentifyResult>): void => {
    if (!event.detail.protocols.includes(PROTOCOLS.routing)) {
      this.init.table.removeTentative(this.init.directory.of(event.detail.peerId).peer)
    }
  }

  private readonly onUpdate = (event: CustomEvent<PeerUpdate>): void => {
    const { peer } = event.detail
    const known = this.init.directory.of(peer.id)
    if (known.isLoaded) {
      this.setAddresses(known, peer.addresses)
    }
  }

  private readonly onTableAdd = (event: CustomEvent<PeerId>): void => {
    const known = this.init.directory.of(event.detail)
    this.init.table.addTabled(known)
    this.load(known)
  }

  private readonly onTableRemove = (event: CustomEvent<PeerId>): void => {
    const known = this.init.directory.of(event.detail)
    this.init.table.removeTabled(known.peer)
    this.init.onLost(known)
  }

  private load (known: KnownPeer): void {
    this.init.peerStore.get(known.peerId).then(
      peer => { this.setAddresses(known, peer.addresses) },
      () => { this.setAddresses(known, []) }
    )
  }

  private setAddresses (known: KnownPeer, addresses: Address[]): void {
    if (!this.running) {
      return
    }
    const wasDialable = known.isDialable
    known.setOwnAddresses(this.init.addressFilter(addresses.map(({ multiaddr }) => multiaddr), known.peerId).map(address => address.bytes))
    if (known.isDialable && !wasDialable) {
      this.init.onContact(known)
    }
  }
}
