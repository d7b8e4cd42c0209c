/** What is known of each peer: its place in the key space, where it can be dialled, and how it is told to others. */
import { CODE_P2P, multiaddr } from '@multiformats/multiaddr'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { BoundedMap, equalBytes } from '@skein/core'
import * as Digest from 'multiformats/hashes/digest'
import { kadId } from '../model-key.ts'
import { PeerAddresses } from '../pb/routing.ts'
import { byteKey } from './byte-key.ts'
import type { Contact, PeerKey } from '../contact.ts'
import type { PeerNetwork } from '../peer-standing.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { VerifiedNetwork } from '@skein/records'

/** Most addresses of one peer that are told, believed or dialled. */
export const MAX_ADDRESSES = 8

const MAX_ADDRESS_BYTES = 256
const MAX_ID_BYTES = 64

export class KnownPeer implements Contact {
  readonly peer: PeerKey
  readonly idBytes: Uint8Array
  readonly kadId: Uint8Array
  /** Addresses of the peer store, `undefined` until it was asked */
  private own: Uint8Array[] | undefined
  /** Addresses that others told */
  private told: Uint8Array[] = []
  private id: PeerId | undefined
  private entry: Uint8Array | undefined
  private seenAt: string | undefined
  private network: PeerNetwork | undefined
  /** `network` is what the addresses known say */
  private isPlaced = false

  constructor (idBytes: Uint8Array, id?: PeerId) {
    this.peer = byteKey(idBytes)
    this.idBytes = idBytes
    this.kadId = kadId(idBytes)
    this.id = id
  }

  /** Where it is connected, or else the first of its addresses that lies in a network says it stands. */
  networkNames (networkOf: (address: string) => VerifiedNetwork | undefined): PeerNetwork | undefined {
    if (!this.isPlaced) {
      this.isPlaced = true
      this.network = undefined
      for (const bytes of this.seenAt === undefined ? [...this.own ?? [], ...this.told] : []) {
        const address = textOf(bytes)
        // a circuit leads through the network of its relay, which says nothing of the peer
        const network = address.includes('/p2p-circuit') ? undefined : networkOf(address)
        if (network !== undefined) {
          this.network = namesOf(network)
          break
        }
      }
      if (this.seenAt !== undefined) {
        const network = networkOf(this.seenAt)
        this.network = network === undefined ? undefined : namesOf(network)
      }
    }
    return this.network
  }

  /** The address that a connection to it has; a circuit's says nothing of it. */
  setSeenAt (address: string): void {
    if (address !== this.seenAt) {
      this.seenAt = address
      this.isPlaced = false
    }
  }

  get peerId (): PeerId {
    this.id ??= peerIdFromMultihash(Digest.decode(this.idBytes) as Parameters<typeof peerIdFromMultihash>[0])
    return this.id
  }

  get isLoaded (): boolean {
    return this.own !== undefined
  }

  /** Others can reach it. */
  get isDialable (): boolean {
    return this.own !== undefined && this.own.length > 0
  }

  /** What others are told of it, a `PeerAddresses`; `undefined` when there is nothing that would help them. */
  get encoded (): Uint8Array | undefined {
    if (this.entry === undefined && this.isDialable) {
      this.entry = PeerAddresses.encode({ id: this.idBytes as Uint8Array<ArrayBuffer>, addresses: this.own as Array<Uint8Array<ArrayBuffer>> })
    }
    return this.entry
  }

  setOwnAddresses (addresses: Uint8Array[]): void {
    this.own = addresses.filter(address => address.length <= MAX_ADDRESS_BYTES).slice(0, MAX_ADDRESSES)
    this.entry = undefined
    this.isPlaced = false
  }

  /** Whether an address is news. The latest told are kept. */
  addToldAddresses (addresses: Uint8Array[]): boolean {
    let news = false
    for (const address of addresses.slice(0, MAX_ADDRESSES)) {
      if (address.length <= MAX_ADDRESS_BYTES && ![...this.told, ...this.own ?? []].some(known => equalBytes(known, address))) {
        this.told.unshift(Uint8Array.from(address))
        news = true
        this.isPlaced = false
      }
    }
    this.told.length = Math.min(this.told.length, MAX_ADDRESSES)
    return news
  }

  /** Where to dial it, what is surest first. Each address names the peer, so that a connection to another one fails. */
  dialTargets (): Multiaddr[] {
    const targets: Multiaddr[] = []
    for (const bytes of [...this.own ?? [], ...this.told].slice(0, MAX_ADDRESSES)) {
      try {
        const address = multiaddr(bytes)
        const last = address.getComponents().at(-1)
        targets.push(last?.code === CODE_P2P ? address : address.encapsulate(`/p2p/${this.peerId}`))
      } catch {
        // an address of a kind that this version cannot read
      }
    }
    return targets
  }
}

export interface PeerDirectoryInit {
  /**
   * Most peers remembered. Those that are connected or in the routing table are held by others too.
   *
   * @default 8192
   */
  maxPeers?: number
}

export class PeerDirectory {
  private readonly peers: BoundedMap<PeerKey, KnownPeer>
  /** By the bytes of an entry as it was received: most entries of an answer were seen before, and need not be decoded */
  private readonly byEntry: BoundedMap<string, KnownPeer>

  constructor (init: PeerDirectoryInit = {}) {
    const maxSize = init.maxPeers ?? 8192
    this.peers = new BoundedMap({ maxSize })
    this.byEntry = new BoundedMap({ maxSize })
  }

  named (key: PeerKey): KnownPeer | undefined {
    return this.peers.get(key)
  }

  of (peerId: PeerId): KnownPeer {
    const idBytes = peerId.toMultihash().bytes
    const key = byteKey(idBytes)
    let known = this.peers.get(key)
    if (known === undefined) {
      known = new KnownPeer(idBytes, peerId)
      this.peers.set(key, known)
    }
    return known
  }

  /** The peer that an entry of an answer speaks of; `undefined` when it makes no sense. */
  fromEntry (entry: Uint8Array): KnownPeer | undefined {
    if (entry.length > MAX_ID_BYTES + MAX_ADDRESSES * (MAX_ADDRESS_BYTES + 4) + 8) {
      return undefined
    }
    const text = byteKey(entry)
    const seen = this.byEntry.get(text)
    if (seen !== undefined) {
      return seen
    }
    let decoded: PeerAddresses
    try {
      decoded = PeerAddresses.decode(entry, { limits: { addresses: MAX_ADDRESSES } })
      if (decoded.id.length === 0 || decoded.id.length > MAX_ID_BYTES) {
        return undefined
      }
      const key = byteKey(decoded.id)
      let known = this.peers.get(key)
      if (known === undefined) {
        known = new KnownPeer(Uint8Array.from(decoded.id))
        // throws when the bytes are no peer id
        void known.peerId
        this.peers.set(key, known)
      }
      known.addToldAddresses(decoded.addresses)
      this.byEntry.set(text, known)
      return known
    } catch {
      return undefined
    }
  }
}

/** What a rule of wide networks counts: the autonomous system where it is known, the /16 where it is not. */
export function namesOf ({ small, system, wide }: VerifiedNetwork): PeerNetwork {
  return { small, wide: system === undefined ? wide : `AS${system}` }
}

function textOf (address: Uint8Array): string {
  try {
    return multiaddr(address).toString()
  } catch {
    // of a kind that this version cannot read
    return ''
  }
}
