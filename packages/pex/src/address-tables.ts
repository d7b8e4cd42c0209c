/**
 * The addresses that a node knows, hard to poison: those it was connected to ("tried") and those it only heard of ("new"), in buckets chosen by a
 * secret key, their network and who told of them, so that one owner of many addresses, or one source, reaches few buckets. After Bitcoin's addrman
 * (Bitcoin Core, `src/addrman.h`; E. Heilman et al., "Eclipse Attacks on Bitcoin's Peer-to-Peer Network", USENIX Security 2015, §7: a tried address
 * is tested before another takes its place).
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { randomBelow, randomFloat } from '@skein/core'
import { wideNetworkOf } from './address-network.ts'
import type { Random } from '@skein/core'

export interface KnownAddress {
  peer: string
  /** Multiaddr texts without the peer's id, at most 8, best first */
  addresses: string[]
  /** Who told of it; the peer itself, when it was met first */
  source: string
  /** The network of who told of it, as text; empty when it has none */
  sourceNetwork: string
  tried: boolean
  /** When it was last connected, ms since the epoch; left out, never */
  connectedMs?: number
  /** Dials that failed since then */
  failures: number
  /** When it was last dialled, ms since the epoch; left out, never */
  dialledMs?: number
  /** It serves newcomers: dialled only by who is connected to nobody */
  seed?: boolean
}

/** What a store has to write to have what the tables have. */
export interface AddressTablesChanges {
  changed: KnownAddress[]
  /** Peers */
  deleted: string[]
}

export interface AddressTablesInit {
  /** 16 random bytes, kept with the tables: without it an attacker cannot choose the buckets it fills */
  key: Uint8Array
  /** What an earlier run kept; what finds no place is left out */
  known?: readonly KnownAddress[]
}

/** 64 × 32 addresses heard of, of which one source network reaches an eighth. */
export const NEW_BUCKETS = 64
export const NEW_SLOTS = 32
export const NEW_BUCKETS_PER_SOURCE = 8
/** 32 × 16 addresses connected to, of which one /16 reaches an eighth. */
export const TRIED_BUCKETS = 32
export const TRIED_SLOTS = 16
export const TRIED_BUCKETS_PER_NETWORK = 4
/** Tried addresses that wait to be tested, as others want their places. */
export const MAX_CONTESTED = 10

const MAX_ADDRESSES = 8
/** A new address that failed so often, and never worked, makes room for any other. */
const MAX_FAILURES = 3
/** One dialled so short a while ago is hardly ever drawn, ms. */
const RESTING_MS = 600_000

export class AddressTables {
  private readonly key: Uint8Array
  private readonly peers = new Map<string, KnownAddress>()
  /** Which peer has a place; by `new/bucket/slot` and `tried/bucket/slot` */
  private readonly places = new Map<string, string>()
  private readonly placeBy = new Map<string, string>()
  /** Who has the place, by who wants it */
  private readonly contested = new Map<string, string>()
  private readonly changed = new Set<string>()
  private readonly deleted = new Set<string>()

  constructor ({ key, known = [] }: AddressTablesInit) {
    this.key = key
    for (const entry of known) {
      const copy = { ...entry, addresses: entry.addresses.slice(0, MAX_ADDRESSES) }
      const place = this.placeOf(copy)
      if (!this.peers.has(copy.peer) && !this.places.has(place)) {
        this.hold(copy, place)
      } else if (!this.peers.has(copy.peer)) {
        this.deleted.add(copy.peer)
      }
    }
    this.changed.clear()
  }

  get size (): number {
    return this.peers.size
  }

  get (peer: string): Readonly<KnownAddress> | undefined {
    return this.peers.get(peer)
  }

  /** All of them, to be kept. */
  values (): IterableIterator<Readonly<KnownAddress>> {
    return this.peers.values()
  }

  count (tried: boolean): number {
    let count = 0
    for (const entry of this.peers.values()) {
      count += entry.tried === tried ? 1 : 0
    }
    return count
  }

  /** What changed since the last call. */
  takeChanges (): AddressTablesChanges {
    const changed = [...this.changed].flatMap(peer => {
      const entry = this.peers.get(peer)
      return entry === undefined ? [] : [{ ...entry, addresses: [...entry.addresses] }]
    })
    const deleted = [...this.deleted]
    this.changed.clear()
    this.deleted.clear()
    return { changed, deleted }
  }

  /** Somebody told of a peer. Returns whether there was a place for it. */
  add (peer: string, addresses: readonly string[], source: { peer: string, address?: string }): boolean {
    const known = this.peers.get(peer)
    if (known !== undefined) {
      // only the peer itself moves an address that has worked
      if (!known.tried || source.peer === peer) {
        // where it was reached stays in front: a peer behind a router often does not know that address
        const reached = known.connectedMs === undefined ? [] : known.addresses.slice(0, 1)
        const told = [...reached, ...addresses.filter(address => !reached.includes(address))].slice(0, MAX_ADDRESSES)
        if (told.length > 0 && told.join() !== known.addresses.join()) {
          known.addresses = told
          this.changed.add(peer)
          this.replace(known)
        }
      }
      return this.peers.has(peer)
    }
    if (addresses.length === 0) {
      return false
    }
    const sourceNetwork = wideNetworkOf(source.address ?? '') ?? ''
    return this.put({ peer, addresses: addresses.slice(0, MAX_ADDRESSES), source: source.peer, sourceNetwork, tried: false, failures: 0 })
  }

  onDial (peer: string, nowMs: number): void {
    const entry = this.peers.get(peer)
    if (entry !== undefined) {
      entry.dialledMs = nowMs
      this.changed.add(peer)
    }
  }

  /** Whether the peer serves newcomers, as it told when it was connected. */
  onSeed (peer: string, seed: boolean): void {
    const entry = this.peers.get(peer)
    if (entry !== undefined && (entry.seed ?? false) !== seed) {
      entry.seed = seed
      this.changed.add(peer)
    }
  }

  onDialFailed (peer: string): void {
    const entry = this.peers.get(peer)
    if (entry === undefined) {
      return
    }
    entry.failures++
    this.changed.add(peer)
    for (const [wants, has] of this.contested) {
      if (has === peer) {
        this.contested.delete(wants)
        this.toNew(entry)
        this.toTried(wants)
      }
    }
    if (entry.failures >= MAX_FAILURES && !entry.tried && entry.connectedMs === undefined) {
      this.remove(entry)
    }
  }

  /** This node dialled it at `address`, and it is who it should be: into the tried ones, when its place is free or its holder fails a test. */
  onConnected (peer: string, address: string, nowMs: number): void {
    const entry = this.peers.get(peer) ??
      { peer, addresses: [], source: peer, sourceNetwork: wideNetworkOf(address) ?? '', tried: false, failures: 0 }
    entry.addresses = [address, ...entry.addresses.filter(other => other !== address)].slice(0, MAX_ADDRESSES)
    entry.connectedMs = nowMs
    entry.failures = 0
    if (!this.peers.has(peer)) {
      // one that was only heard of does not keep it out
      const place = this.placeOf({ ...entry, tried: true })
      if (!this.places.has(place)) {
        entry.tried = true
        this.hold(entry, place)
        return
      }
      if (!this.put(entry)) {
        return
      }
    }
    this.changed.add(peer)
    this.replace(entry)
    for (const [wants, has] of this.contested) {
      if (has === peer) {
        this.contested.delete(wants) // it keeps its place
      }
    }
    if (!entry.tried) {
      this.toTried(peer)
    }
  }

  /** A tried peer whose place another wants: dial it, and tell how it went. */
  toTest (): Readonly<KnownAddress> | undefined {
    for (const [wants, has] of this.contested) {
      const entry = this.peers.get(has)
      if (entry?.tried === true && this.peers.has(wants)) {
        return entry
      }
      this.contested.delete(wants)
    }
    return undefined
  }

  /** One of the tried or the new ones at random; one that failed often, or was dialled a short while ago, less likely (addrman's `GetChance`). */
  draw (tried: boolean, random: Random, nowMs: number, wanted: (entry: Readonly<KnownAddress>) => boolean = () => true): KnownAddress | undefined {
    const entries = [...this.peers.values()].filter(entry => entry.tried === tried && wanted(entry))
    for (let tries = 0; tries < 4 * entries.length; tries++) {
      const entry = entries[randomBelow(random, entries.length)] as KnownAddress
      const resting = entry.dialledMs !== undefined && nowMs - entry.dialledMs < RESTING_MS && entry.connectedMs !== entry.dialledMs
      if (randomFloat(random) < 0.66 ** Math.min(entry.failures, 8) * (resting ? 0.01 : 1)) {
        return entry
      }
    }
    return undefined
  }

  /** The bucket that an entry is in: how widely a network or a source is spread. */
  bucketOf (entry: Readonly<KnownAddress>): string {
    return this.placeOf(entry).split('/').slice(0, 2).join('/')
  }

  private put (entry: KnownAddress): boolean {
    const place = this.placeOf(entry)
    const holder = this.peers.get(this.places.get(place) ?? '')
    if (holder !== undefined) {
      if (entry.tried || holder.failures === 0) {
        return false
      }
      this.remove(holder) // one that failed gives way to one that may not
    }
    this.hold(entry, place)
    return true
  }

  private hold (entry: KnownAddress, place: string): void {
    this.peers.set(entry.peer, entry)
    this.places.set(place, entry.peer)
    this.placeBy.set(entry.peer, place)
    this.changed.add(entry.peer)
    this.deleted.delete(entry.peer)
  }

  /** Its addresses changed: it may belong elsewhere. */
  private replace (entry: KnownAddress): void {
    const place = this.placeOf(entry)
    if (this.places.get(place) !== entry.peer) {
      this.remove(entry)
      if (!this.put(entry) && entry.tried) {
        entry.tried = false
        this.put(entry)
      }
    }
  }

  private toTried (peer: string): void {
    const entry = this.peers.get(peer)
    if (entry === undefined) {
      return
    }
    const place = this.placeOf({ ...entry, tried: true })
    const holder = this.places.get(place)
    if (holder === undefined) {
      this.remove(entry)
      entry.tried = true
      this.put(entry)
    } else if (holder !== peer && this.contested.size < MAX_CONTESTED) {
      this.contested.set(peer, holder)
    }
  }

  private toNew (entry: KnownAddress): void {
    this.remove(entry)
    entry.tried = false
    this.put(entry)
  }

  private remove (entry: KnownAddress): void {
    this.places.delete(this.placeBy.get(entry.peer) ?? '')
    this.placeBy.delete(entry.peer)
    this.peers.delete(entry.peer)
    this.changed.delete(entry.peer)
    this.deleted.add(entry.peer)
  }

  /** As addrman places addresses; a network of one's own home counts as one network. */
  private placeOf ({ peer, addresses, tried, sourceNetwork, source }: Readonly<KnownAddress>): string {
    const network = wideNetworkOf(addresses[0] ?? '') ?? ''
    const from = sourceNetwork === '' ? source : sourceNetwork
    const bucket = tried
      ? this.hash('tried', network, String(this.hash('peer', peer) % TRIED_BUCKETS_PER_NETWORK)) % TRIED_BUCKETS
      : this.hash('new', from, String(this.hash('network', from, network) % NEW_BUCKETS_PER_SOURCE)) % NEW_BUCKETS
    const slot = this.hash('slot', String(tried), String(bucket), peer) % (tried ? TRIED_SLOTS : NEW_SLOTS)
    return `${tried ? 'tried' : 'new'}/${bucket}/${slot}`
  }

  private hash (...words: string[]): number {
    const text = new TextEncoder().encode(JSON.stringify(words))
    const input = new Uint8Array(this.key.length + text.length)
    input.set(this.key)
    input.set(text, this.key.length)
    const digest = sha256(input)
    return new DataView(digest.buffer, digest.byteOffset).getUint32(0)
  }
}
