/** The peers a lookup may start from and that others are told of: kad-dht's routing table united with the connected peers that route. */
import { BoundedMap } from '@skein/core'
import { commonBits, compareDistance, nearness } from '../model-key.ts'
import { admitted } from '../table-diversity.ts'
import type { KnownPeer } from './peer-directory.ts'
import type { PeerKey } from '../contact.ts'
import type { PeerNetwork } from '../peer-standing.ts'

export interface ContactTableInit {
  /** Where this peer stands, 32 bytes: contacts as far from it as each other are one bucket. @default all are one */
  self?: Uint8Array
  /** The networks by which contacts are kept diverse, see `DiversityRule`. @default networks do not matter */
  networkOf?: (peer: KnownPeer) => PeerNetwork | undefined
  /**
   * Most peers taken from the routing table.
   *
   * @default 2048
   */
  maxTabled?: number
  /**
   * Most connected peers.
   *
   * @default 4096
   */
  maxConnected?: number
}

export class ContactTable {
  private readonly tabled: BoundedMap<PeerKey, KnownPeer>
  private readonly connected: BoundedMap<PeerKey, KnownPeer>
  /** Connected, but whether they route is not known yet */
  private readonly tentative = new BoundedMap<PeerKey, KnownPeer>({ maxSize: 256 })
  private readonly init: ContactTableInit
  private union: KnownPeer[] | undefined

  constructor (init: ContactTableInit = {}) {
    this.init = init
    this.tabled = new BoundedMap({ maxSize: init.maxTabled ?? 2048 })
    this.connected = new BoundedMap({ maxSize: init.maxConnected ?? 4096 })
  }

  get size (): number {
    return this.all().length
  }

  /** Replaces what was taken from the routing table. */
  setTabled (peers: Iterable<KnownPeer>): void {
    this.tabled.clear()
    for (const peer of peers) {
      this.tabled.set(peer.peer, peer)
    }
    this.union = undefined
  }

  addTabled (peer: KnownPeer): void {
    this.tabled.set(peer.peer, peer)
    this.union = undefined
  }

  removeTabled (key: PeerKey): void {
    this.tabled.delete(key)
    this.union = undefined
  }

  addConnected (peer: KnownPeer): void {
    this.tentative.delete(peer.peer)
    this.connected.set(peer.peer, peer)
    this.union = undefined
  }

  addTentative (peer: KnownPeer): void {
    if (!this.connected.has(peer.peer)) {
      this.tentative.set(peer.peer, peer)
    }
  }

  removeTentative (key: PeerKey): void {
    this.tentative.delete(key)
  }

  removeConnected (key: PeerKey): void {
    this.connected.delete(key)
    this.tentative.delete(key)
    this.union = undefined
  }

  /** The network of a contact may be another than it was. */
  onNetworkChange (): void {
    if (this.init.networkOf !== undefined) {
      this.union = undefined
    }
  }

  /** The `count` closest to `target` that others can reach, closest first. */
  closest (target: Uint8Array, count: number, accept: (peer: KnownPeer) => boolean = () => true): KnownPeer[] {
    const best: KnownPeer[] = []
    const nears: number[] = []
    for (const peer of this.all()) {
      const near = nearness(peer.kadId, target)
      if ((best.length === count && near > (nears[count - 1] as number)) || !peer.isDialable || !accept(peer)) {
        continue
      }
      let place = best.length
      while (place > 0 && (near - (nears[place - 1] as number) || compareDistance(peer.kadId, (best[place - 1] as KnownPeer).kadId, target)) < 0) {
        place--
      }
      if (place < count) {
        best.splice(place, 0, peer)
        nears.splice(place, 0, near)
        if (best.length > count) {
          best.pop()
          nears.pop()
        }
      }
    }
    return best
  }

  /** Where a lookup begins: the closest, and while there are few, whoever else is connected. */
  start (target: Uint8Array, count: number): KnownPeer[] {
    const start = this.closest(target, count)
    if (start.length < count) {
      const have = new Set(start)
      for (const peers of [this.connected, this.tabled, this.tentative]) {
        for (const peer of peers.values()) {
          if (start.length < count && !have.has(peer)) {
            have.add(peer)
            start.push(peer)
          }
        }
      }
    }
    return start
  }

  private all (): KnownPeer[] {
    this.union ??= this.diverse([...new Map([...this.tabled, ...this.connected]).values()])
    return this.union
  }

  private diverse (peers: KnownPeer[]): KnownPeer[] {
    const { networkOf, self } = this.init
    if (networkOf === undefined) {
      return peers
    }
    const placed = peers.map(peer => ({ peer, bucket: self === undefined ? 0 : commonBits(peer.kadId, self), network: networkOf(peer) }))
    return admitted(placed).map(({ peer }) => peer)
  }
}
