/** The peers one has met: where they were reached and how often, so that a restart needs no seed. Bounded, and kept by an `AddressBookStore`. */

export interface KnownPeer {
  peer: string
  /** Multiaddr texts without `/p2p/…`, the one that worked last first */
  addresses: string[]
  /** It answered the seed protocol */
  seed: boolean
  /** Last time a connection stood, ms since the epoch; 0 if never */
  lastConnectedMs: number
  /** Dials that failed since then */
  failures: number
}

/** Where an address book is kept. */
export interface AddressBookStore {
  load (): Promise<KnownPeer[]>
  /** Writes and deletes in one go: all of it or nothing */
  save (changed: KnownPeer[], deleted: string[]): Promise<void>
  close (): Promise<void>
}

export interface AddressBookInit {
  /**
   * Most peers remembered; beyond it the one with the most failures, then the longest unseen, is forgotten.
   *
   * @default 2_000
   */
  maxPeers?: number
  /**
   * Most addresses remembered of a peer.
   *
   * @default 8
   */
  maxAddresses?: number
}

export class AddressBook {
  private readonly maxPeers: number
  private readonly maxAddresses: number
  private readonly peers = new Map<string, KnownPeer>()
  private readonly changed = new Set<string>()
  private readonly deleted = new Set<string>()

  constructor (init: AddressBookInit = {}, known: KnownPeer[] = []) {
    this.maxPeers = init.maxPeers ?? 2_000
    this.maxAddresses = init.maxAddresses ?? 8
    for (const peer of known) {
      this.peers.set(peer.peer, peer)
    }
    this.trim()
  }

  get size (): number {
    return this.peers.size
  }

  get (peer: string): KnownPeer | undefined {
    return this.peers.get(peer)
  }

  /** A connection stands; `address` is where it goes when this side dialled. */
  onConnected (peer: string, address: string | undefined, nowMs: number): void {
    const known = this.entry(peer)
    known.lastConnectedMs = nowMs
    known.failures = 0
    if (address != null) {
      known.addresses = [address, ...known.addresses.filter(other => other !== address)].slice(0, this.maxAddresses)
    }
    this.mark(peer)
  }

  /** What a connected peer says of its own addresses. */
  onAddresses (peer: string, addresses: string[], options: { seed?: boolean } = {}): void {
    const known = this.entry(peer)
    // an address that worked stays in front as long as the peer still names it
    const [first] = known.addresses
    const rest = addresses.filter(address => address !== first)
    known.addresses = (first != null && (addresses.includes(first) || addresses.length === 0) ? [first, ...rest] : rest).slice(0, this.maxAddresses)
    known.seed = options.seed ?? known.seed
    this.mark(peer)
  }

  onDialFailed (peer: string): void {
    const known = this.peers.get(peer)
    if (known != null) {
      known.failures++
      this.mark(peer)
    }
  }

  /** Whom to dial after a restart: the ones that worked, the latest first; those that failed often go last. */
  candidates (count: number): KnownPeer[] {
    return [...this.peers.values()]
      .filter(known => known.addresses.length > 0)
      .sort((a, b) => a.failures - b.failures || b.lastConnectedMs - a.lastConnectedMs)
      .slice(0, count)
  }

  /** What changed since the last call, for the store. */
  takeChanges (): { changed: KnownPeer[], deleted: string[] } {
    const changes = {
      changed: [...this.changed].flatMap(peer => {
        const known = this.peers.get(peer)
        return known == null ? [] : [{ ...known, addresses: [...known.addresses] }]
      }),
      deleted: [...this.deleted]
    }
    this.changed.clear()
    this.deleted.clear()
    return changes
  }

  private entry (peer: string): KnownPeer {
    let known = this.peers.get(peer)
    if (known == null) {
      known = { peer, addresses: [], seed: false, lastConnectedMs: 0, failures: 0 }
      this.peers.set(peer, known)
      this.mark(peer)
      this.trim(peer)
    }
    return known
  }

  private mark (peer: string): void {
    this.changed.add(peer)
    this.deleted.delete(peer)
  }

  private trim (keep?: string): void {
    while (this.peers.size > this.maxPeers) {
      let worst: KnownPeer | undefined
      for (const known of this.peers.values()) {
        if (known.peer !== keep && (worst == null || known.failures > worst.failures ||
          (known.failures === worst.failures && known.lastConnectedMs < worst.lastConnectedMs))) {
          worst = known
        }
      }
      if (worst == null) {
        return
      }
      this.peers.delete(worst.peer)
      this.changed.delete(worst.peer)
      this.deleted.add(worst.peer)
    }
  }
}
