/** Keeps the contact table up to date from what libp2p and kad-dht tell: connections, identities, addresses, the routing table. */
import { PROTOCOLS, seenAddress } from '@skein/records'
import { commonBits } from '../model-key.ts'
import { TableGuard } from './table-guard.ts'
import type { ContactTable } from './contact-table.ts'
import type { KnownPeer, PeerDirectory } from './peer-directory.ts'
import type { RoutingTableView } from './routing-table-view.ts'
import type { PeerNetwork } from '../peer-standing.ts'
import type { AdmissionRefusal } from '../table-diversity.ts'
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
  /** By these the routing table is kept diverse; left out, networks do not matter */
  networkOf?: (peer: KnownPeer) => PeerNetwork | undefined
  /** Too many of its network stand in the routing table */
  onRefused?: (peer: KnownPeer, reason: AdmissionRefusal) => void
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
  private guard: TableGuard | undefined
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
      this.guard = view === undefined ? undefined : this.newGuard(view)
      view?.addEventListener?.('peer:add', this.onTableAdd)
      view?.addEventListener?.('peer:remove', this.onTableRemove)
    }
    if (view !== undefined) {
      const self = directory.of(peerId)
      const peers = view.closestPeers(self.kadId, { count: MAX_TABLED }).map(peer => directory.of(peer)).filter(peer => peer !== self)
      table.setTabled(peers.filter(peer => this.guard?.onAdded(peer) !== false))
      peers.filter(peer => !peer.isLoaded).forEach(peer => { void this.load(peer) })
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
    this.guard?.stop()
    this.guard = undefined
  }

  private newGuard (view: RoutingTableView): TableGuard | undefined {
    const { directory, networkOf, onRefused, peerId } = this.init
    const self = directory.of(peerId)
    return networkOf === undefined
      ? undefined
      : new TableGuard({
        view,
        directory,
        networkOf,
        bucketOf: peer => commonBits(peer.kadId, self.kadId),
        load: async peer => { await this.load(peer) },
        onRefused: onRefused ?? (() => {})
      })
  }

  /** A connected peer said that it routes. */
  private onRouter (peer: PeerId): void {
    const known = this.init.directory.of(peer)
    this.init.table.addConnected(known)
    this.init.onConnect(known)
    void this.load(known)
  }

  /** Whether it routes is not known before identify has run; a newcomer need not wait for that. */
  private readonly onConnectionOpen = (event: CustomEvent<Connection>): void => {
    const address = seenAddress(event.detail)
    const known = this.init.directory.of(event.detail.remotePeer)
    if (address !== undefined) {
      known.setSeenAt(address)
      this.init.table.onNetworkChange()
    }
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
    if (this.guard?.onAdded(known) !== false) {
      this.init.table.addTabled(known)
      void this.load(known)
    }
  }

  private readonly onTableRemove = (event: CustomEvent<PeerId>): void => {
    const known = this.init.directory.of(event.detail)
    this.guard?.onRemoved(known)
    this.init.table.removeTabled(known.peer)
    this.init.onLost(known)
  }

  private async load (known: KnownPeer): Promise<void> {
    await this.init.peerStore.get(known.peerId).then(
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
    this.init.table.onNetworkChange()
    if (known.isDialable && !wasDialable) {
      this.init.onContact(known)
    }
  }
}
