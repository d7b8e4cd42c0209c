/** The peers a lookup may start from and that others are told of: kad-dht's routing table united with the connected peers that route. */
import { BoundedMap } from '@skein/core'
import { compareDistance, nearness } from '../model-key.ts'
import type { KnownPeer } from './peer-directory.ts'
import type { PeerKey } from '../lookup.ts'

export interface ContactTableInit {
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
  private union: KnownPeer[] | undefined

  constructor (init: ContactTableInit = {}) {
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
    this.union ??= [...new Map([...this.tabled, ...this.connected]).values()]
    return this.union
  }
}
