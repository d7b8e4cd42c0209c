/**
 * Reservations at relays, as a libp2p service: makes one at a relay that was chosen, announces the circuit addresses that come with it, says when
 * it is gone. The protocol is that of `@libp2p/circuit-relay-v2`; its listeners are not used, for each failed one stays behind, and closing one
 * cancels all reservations.
 */
import { KEEP_ALIVE } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { raceSignal } from 'race-signal'
import { isRelayed } from '@skein/records'
import type { PeerId, PeerStore, Startable } from '@libp2p/interface'
import type { AddressManager, ConnectionManager, TransportManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { KnownRelay } from './relay-keeper.ts'

export interface RelayClientComponents {
  addressManager: AddressManager
  connectionManager: ConnectionManager
  peerId: PeerId
  peerStore: PeerStore
  transportManager: TransportManager
}

/** What is used of the transport of `@libp2p/circuit-relay-v2`; its class is not exported. */
interface ReservationStore extends EventTarget {
  addRelay: (relay: PeerId, type: 'configured') => Promise<{ details: Reservation }>
}

interface Reservation {
  reservation: { addrs: Uint8Array[] }
}

export const HOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/hop'
/** By which libp2p keeps the connection to a relay. */
const RESERVATION_TAG = `${KEEP_ALIVE}-circuit-relay`
const TRANSPORT_NAME = '@libp2p/circuit-relay-v2-transport'
/** Of one relay that are announced; the first is the one by which this peer reached it. */
const MAX_RELAY_ADDRESSES = 8

export function relayClient (): (components: RelayClientComponents) => RelayClient {
  return components => new RelayClient(components)
}

export class RelayClient implements Startable {
  /** Told when a reservation is gone */
  onLost: (relay: string) => void = () => {}
  private readonly components: RelayClientComponents
  private readonly announced = new Map<string, Multiaddr[]>()
  /** Not used any more, and still connected; no more than there are connections */
  private readonly released = new Set<string>()
  /** Being made, by relay: of two at once the transport forgets the first, and its timer keeps the process until the renewal */
  private readonly adding = new Map<string, Promise<{ details: Reservation }>>()
  private store?: ReservationStore

  constructor (components: RelayClientComponents) {
    this.components = components
  }

  start (): void {
    const transport = this.components.transportManager.getTransports().find(one => one[Symbol.toStringTag] === TRANSPORT_NAME)
    this.store = (transport as { reservationStore?: ReservationStore } | undefined)?.reservationStore
    this.store?.addEventListener('relay:removed', this.onRemoved)
    this.store?.addEventListener('relay:created-reservation', this.onCreated)
  }

  stop (): void {
    this.store?.removeEventListener('relay:removed', this.onRemoved)
    this.store?.removeEventListener('relay:created-reservation', this.onCreated)
  }

  /** Multiaddr texts with `/p2p/…` under which others reach this peer through a relay. */
  addressesAt (relay: string): string[] {
    return (this.announced.get(relay) ?? []).map(address => `${address.toString()}/p2p/${this.components.peerId.toString()}`)
  }

  /** @throws when the relay cannot be reached, refuses, or does not relay */
  async reserve ({ peer, addresses }: KnownRelay, signal: AbortSignal): Promise<void> {
    if (this.store === undefined) {
      throw new Error('This node has no relay transport')
    }
    const { connectionManager, peerStore } = this.components
    const relay = peerIdFromString(peer)
    const direct = connectionManager.getConnections(relay).some(connection => !isRelayed(connection))
    if (!direct) {
      // before the transport does: a relay that it fails to dial it never tries again
      await connectionManager.openConnection(addresses.filter(isDirect).map(address => multiaddr(`${address}/p2p/${peer}`)), { signal })
    }
    const { protocols } = await peerStore.get(relay, { signal })
    if (protocols.length > 0 && !protocols.includes(HOP_PROTOCOL)) {
      throw new Error('It does not relay')
    }
    signal.throwIfAborted()
    this.released.delete(peer)
    const { details } = await raceSignal(this.add(relay, this.store), signal)
    if (!this.announced.has(peer)) {
      if (!connectionManager.getConnections(relay).some(connection => !isRelayed(connection))) {
        throw new Error('It closed the connection')
      }
      this.announce(relay, details) // it stood already, and had been released
    }
  }

  /**
   * Others are not told of this relay any more. The reservation itself ends with the connection: without one, the transport of libp2p would make
   * another for the next circuit that comes by it.
   */
  async release (peer: string): Promise<void> {
    if (this.announced.has(peer)) {
      this.released.add(peer)
      this.withdraw(peer, [])
      this.announced.delete(peer)
      await this.components.peerStore.merge(peerIdFromString(peer), { tags: { [RESERVATION_TAG]: undefined } })
    }
  }

  private async add (relay: PeerId, store: ReservationStore): Promise<{ details: Reservation }> {
    const peer = relay.toString()
    const adding = this.adding.get(peer) ?? store.addRelay(relay, 'configured').finally(() => { this.adding.delete(peer) })
    this.adding.set(peer, adding)
    return await adding
  }

  /** Also when a reservation was renewed: the relay's addresses may have changed. */
  private readonly onCreated = (event: Event): void => {
    const { relay, details } = (event as CustomEvent<{ relay: PeerId, details: Reservation }>).detail
    if (!this.released.has(relay.toString())) {
      this.announce(relay, details)
    }
  }

  private announce (relay: PeerId, { reservation }: Reservation): void {
    const addresses = reservation.addrs.slice(0, MAX_RELAY_ADDRESSES).flatMap(bytes => circuitAddress(bytes, relay))
    this.withdraw(relay.toString(), addresses)
    this.announced.set(relay.toString(), addresses)
    // as an observed address: of the kinds that libp2p knows, one that is neither listened on nor mapped to a port
    addresses.forEach(address => { this.components.addressManager.confirmObservedAddr(address, { type: 'observed' }) })
  }

  private readonly onRemoved = (event: Event): void => {
    const relay = (event as CustomEvent<{ relay: PeerId }>).detail.relay.toString()
    this.released.delete(relay)
    this.withdraw(relay, [])
    this.announced.delete(relay)
    this.onLost(relay)
  }

  private withdraw (relay: string, except: Multiaddr[]): void {
    for (const address of this.announced.get(relay) ?? []) {
      if (!except.some(other => other.equals(address))) {
        this.components.addressManager.removeObservedAddr(address)
      }
    }
  }
}

/** None of what a relay says of others, or of itself behind another relay. */
function circuitAddress (bytes: Uint8Array, relay: PeerId): Multiaddr[] {
  try {
    const address = multiaddr(bytes)
    return isDirect(address.toString()) && address.toString().endsWith(`/p2p/${relay.toString()}`) ? [address.encapsulate('/p2p-circuit')] : []
  } catch {
    return []
  }
}

function isDirect (address: string): boolean {
  return !address.includes('/p2p-circuit')
}
