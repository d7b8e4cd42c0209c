/**
 * Tells others the public addresses of this machine's own interfaces. libp2p keeps these back until AutoNAT confirms them, which nobody runs here, so
 * a node on a public host would name its loopback address alone. An address that a firewall keeps others from costs them a dial.
 */
import { systemClock } from '@skein/core/system'
import type { Libp2pEvents, PeerId, PeerStore, Startable, TypedEventTarget } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import type { Cancel, Clock } from '@skein/core'

export interface OwnAddressesComponents {
  addressManager: AddressManager
  events: TypedEventTarget<Libp2pEvents>
  peerId: PeerId
  peerStore: PeerStore
}

/** libp2p does not tell when an interface has another address. */
const LOOK_INTERVAL_MS = 5_000

export class OwnAddresses implements Startable {
  readonly [Symbol.toStringTag] = '@skein/own-addresses'
  private readonly components: OwnAddressesComponents
  private readonly clock: Clock
  private cancelLook?: Cancel

  constructor (components: OwnAddressesComponents, clock: Clock = systemClock()) {
    this.components = components
    this.clock = clock
  }

  start (): void {
    this.components.events.addEventListener('transport:listening', this.confirm)
    this.look()
  }

  stop (): void {
    this.components.events.removeEventListener('transport:listening', this.confirm)
    this.cancelLook?.()
  }

  /** The interfaces have other addresses: others are told at once, and of those that are gone no more. */
  async refresh (): Promise<void> {
    this.confirm()
    const { addressManager, peerId, peerStore } = this.components
    const multiaddrs = addressManager.getAddresses().map(address => address.decapsulate(`/p2p/${peerId.toString()}`))
    await peerStore.patch(peerId, { multiaddrs })
  }

  private readonly confirm = (): void => {
    const { addressManager } = this.components
    for (const { type, verified, multiaddr } of addressManager.getAddressesWithMetadata()) {
      if (type === 'transport' && !verified) {
        addressManager.confirmObservedAddr(multiaddr, { type })
      }
    }
  }

  private look (): void {
    this.confirm()
    this.cancelLook = this.clock.schedule(this.clock.nowMs() + LOOK_INTERVAL_MS, () => { this.look() })
  }
}
