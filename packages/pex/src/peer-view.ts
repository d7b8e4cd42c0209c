/**
 * The bounded view of a peer: records of others, whom it exchanges with and tells of. It keeps the links of the network evenly spread, after
 * CYCLON (S. Voulgaris, D. Gavidia, M. van Steen, "CYCLON: Inexpensive Membership Management for Unstructured P2P Overlays", 2005) and the healer
 * of M. Jelasity et al., "Gossip-based Peer Sampling", 2007.
 */
import { randomBelow } from '@skein/core'
import { networksOf, smallNetworkOf } from './address-network.ts'
import { EXCHANGE_BOUNDS, oldestToGo } from './exchange-rules.ts'
import type { PeerRecord } from './peer-record.ts'
import type { Random } from '@skein/core'

export interface PeerViewInit {
  /** This peer: it is not in its own view */
  self: string
  /**
   * Records of a full view, 100 to 500. More find their way around a partition more easily, and are older.
   *
   * @default 100
   */
  viewSize?: number
  /**
   * Largest share of the view that one source told of.
   *
   * @default 0.25
   */
  sourceShare?: number
  /**
   * Largest share of the view in one /24, /48 or host name. Four /24s of one owner get a quarter.
   *
   * @default 1/16
   */
  networkShare?: number
}

export interface ViewEntry {
  record: PeerRecord
  /** Who told of it: the peer itself when it was connected, this node when a seed or its own memory did */
  source: string
  /** When this node was last connected to the peer; one that it never was is not told to others */
  checkedMs: number | undefined
}

export interface Merged {
  added: PeerRecord[]
  dropped: number
  /** Not taken for what their source, or their network, has of the view already */
  crowded: number
}

export const MIN_VIEW = 100
export const MAX_VIEW = 500

/** How long a peer counts as checked when the connection has ended. */
export const CHECK_LIFE_MS = 30 * 60_000

export class PeerView {
  readonly viewSize: number
  private readonly self: string
  private readonly perSource: number
  private readonly perNetwork: number
  private readonly entries = new Map<string, ViewEntry>()
  private readonly bySource = new Map<string, number>()
  private readonly byNetwork = new Map<string, number>()

  constructor (init: PeerViewInit) {
    this.viewSize = init.viewSize ?? MIN_VIEW
    if (!Number.isInteger(this.viewSize) || this.viewSize < MIN_VIEW || this.viewSize > MAX_VIEW) {
      throw new RangeError(`viewSize must be a whole number from ${MIN_VIEW} to ${MAX_VIEW}, not ${this.viewSize}`)
    }
    this.self = init.self
    this.perSource = Math.max(1, Math.floor(this.viewSize * (init.sourceShare ?? 0.25)))
    this.perNetwork = Math.max(1, Math.floor(this.viewSize * (init.networkShare ?? 1 / 16)))
  }

  get size (): number {
    return this.entries.size
  }

  get (peer: string): ViewEntry | undefined {
    return this.entries.get(peer)
  }

  values (): IterableIterator<ViewEntry> {
    return this.entries.values()
  }

  /** The peer is connected. */
  check (peer: string, nowMs: number): void {
    const entry = this.entries.get(peer)
    if (entry !== undefined) {
      entry.checkedMs = nowMs
    }
  }

  drop (peer: string): boolean {
    const entry = this.entries.get(peer)
    if (entry === undefined) {
      return false
    }
    this.entries.delete(peer)
    this.count(entry, -1)
    return true
  }

  /** Drops a peer that lied, and what it told of that has not been checked since. */
  dropFrom (source: string): void {
    this.drop(source)
    for (const [peer, entry] of this.entries) {
      if (entry.source === source && entry.checkedMs === undefined) {
        this.drop(peer)
      }
    }
  }

  dropExpired (nowMs: number): void {
    for (const [peer, { record }] of this.entries) {
      if (record.expiresAtMs <= nowMs) {
        this.drop(peer)
      }
    }
  }

  /** What may be told to `to`: peers that are connected, or were a short while ago, drawn at random; at most `count`, and `maxBytes` of envelopes. */
  compose (to: string, count: number, maxBytes: number, isConnected: (peer: string) => boolean, nowMs: number, random: Random): PeerRecord[] {
    const tellable = [...this.entries.values()].filter(({ record, checkedMs }) => record.peer !== to && record.expiresAtMs > nowMs &&
      checkedMs !== undefined && (nowMs - checkedMs < CHECK_LIFE_MS || isConnected(record.peer)))
    const chosen: PeerRecord[] = []
    let bytes = 0
    for (let i = 0; i < tellable.length && chosen.length < Math.min(count, EXCHANGE_BOUNDS.maxAdded); i++) {
      const j = i + randomBelow(random, tellable.length - i)
      const { record } = tellable[j] as ViewEntry
      tellable[j] = tellable[i] as ViewEntry
      if (bytes + record.envelope.length + RECORD_FRAME_BYTES <= maxBytes) {
        bytes += record.envelope.length + RECORD_FRAME_BYTES
        chosen.push(record)
      }
    }
    return chosen
  }

  /**
   * Takes what was received: newer records of peers in the view, and new ones as long as there is room, or in place of the oldest, as many as were
   * sent for them. `records` are of different peers, at most `EXCHANGE_BOUNDS.maxAdded`; the sender's own is checked by the connection it came over.
   */
  merge (from: string, records: readonly PeerRecord[], sentCount: number, nowMs: number): Merged {
    const merged: Merged = { added: [], dropped: 0, crowded: 0 }
    const entries = [...this.entries.values()]
    const giveWay = oldestToGo(entries.map(({ record }) => nowMs - record.issuedAtMs), sentCount).map(i => (entries[i] as ViewEntry).record.peer)
    // the sender's own first: it is the link that each message makes
    for (const record of [...records].sort((a, b) => Number(b.peer === from) - Number(a.peer === from))) {
      if (record.peer === this.self || record.expiresAtMs <= nowMs || this.renew(from, record, nowMs)) {
        continue
      }
      if (!this.hasShare(from, record)) {
        merged.crowded++
        continue
      }
      if (this.entries.size >= this.viewSize) {
        // one that was renewed at addresses where there are too many has gone already
        const oldest = giveWay.splice(0, giveWay.findIndex(peer => this.entries.has(peer)) + 1).at(-1)
        if (oldest === undefined || merged.dropped >= EXCHANGE_BOUNDS.maxDropped || !this.drop(oldest)) {
          break
        }
        merged.dropped++
      }
      this.put({ record, source: from, checkedMs: record.peer === from ? nowMs : undefined })
      merged.added.push(record)
    }
    return merged
  }

  /** Whether the peer is in the view already; of two records the newer stays. */
  private renew (from: string, record: PeerRecord, nowMs: number): boolean {
    const entry = this.entries.get(record.peer)
    if (entry === undefined) {
      return false
    }
    const first = record.peer === from
    if (record.issuedAtMs > entry.record.issuedAtMs) {
      this.drop(record.peer)
      const same = record.addresses.join() === entry.record.addresses.join()
      const source = first || !same ? from : entry.source
      // at other addresses it has not been checked, and may have come to where there are too many
      if (same || this.hasShare(from, record)) {
        this.put({ record, source, checkedMs: first ? nowMs : same ? entry.checkedMs : undefined })
      }
    } else if (first) {
      entry.checkedMs = nowMs
    }
    return true
  }

  private put (entry: ViewEntry): void {
    this.entries.set(entry.record.peer, entry)
    this.count(entry, 1)
  }

  private hasShare (from: string, record: PeerRecord): boolean {
    return (record.peer === from || from === this.self || (this.bySource.get(from) ?? 0) < this.perSource) &&
      networksOf(record.addresses, smallNetworkOf).every(network => (this.byNetwork.get(network) ?? 0) < this.perNetwork)
  }

  private count ({ record, source }: ViewEntry, change: 1 | -1): void {
    if (source !== record.peer) {
      add(this.bySource, source, change)
    }
    for (const network of networksOf(record.addresses, smallNetworkOf)) {
      add(this.byNetwork, network, change)
    }
  }
}

/** What protobuf puts before each record of a message. */
const RECORD_FRAME_BYTES = 3

function add (counts: Map<string, number>, key: string, change: 1 | -1): void {
  const value = (counts.get(key) ?? 0) + change
  if (value > 0) {
    counts.set(key, value)
  } else {
    counts.delete(key)
  }
}
