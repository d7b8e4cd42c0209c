/**
 * One coordinator's part in the exchange of digests. Upwards goes what its part has; across, between coordinators of regions, the same; downwards
 * goes all that it knows. So each coordinator can say where there is capacity for a model, and each peer asks its own. Nothing is told that did not
 * change, but for a repetition before it expires, and never more than the part's peers may cost.
 */
import { BoundedMap, crc32 } from '@skein/core'
import { decodeDigest, DigestError, encodeDigest, MAX_DIGEST_BYTES, MAX_DIGEST_PARTS } from './digest.ts'
import { DigestBook, mergeRegions, sumOfParts, unionOfWholes } from './digest-book.ts'
import { capacityOf, digestKey, maxCapacity, NO_CAPACITY } from './region-capacity.ts'
import { isWithin, LEVEL_BITS, MAX_PREFIX_BITS, parentScope, regionOf, zonePart } from './scope.ts'
import type { ToldPart } from './cluster-census.ts'
import type { Digest } from './digest.ts'
import type { CapacityEstimate, RegionCapacity } from './region-capacity.ts'
import type { Machine } from '@skein/core'

/** Another coordinator, and the part that it coordinates. */
export interface DigestPeer {
  peer: string
  scope: string
}

export interface DigestPeers {
  /** Of the part one level up, both of them if there are two */
  upwards: DigestPeer[]
  /** Of the other regions, when this is a region */
  across: DigestPeer[]
  /** Of the parts below */
  downwards: DigestPeer[]
}

/**
 * - `send`: send these bytes to that coordinator, which has to know from whom they are; it may be this peer, if it coordinates both parts
 * - `penalize`: what that one sent nobody who keeps the protocol sends
 */
export type DigestEffect =
  | { type: 'send', to: string, bytes: Uint8Array<ArrayBuffer> }
  | { type: 'penalize', peer: string, reason: 'malformed' | 'not_its_part' | 'from_the_future' }

export interface DigestExchangeInit {
  self: string
  scope: string
  /** The number of the first digest: above all that this peer has sent before, so the time of its start */
  firstSeq: number
  /**
   * Between two digests to one coordinator.
   *
   * @default 60_000
   */
  periodMs?: number
  /** As of `DigestBook`; a digest that did not change is sent again at half of it. @default 300_000 */
  lifeMs?: number
  /**
   * What digests may cost for each peer of the part, B/s, sent by this coordinator. There are seven levels at most (`MAX_LEVELS`), so that a device
   * pays 28 B/s on average for all of them at worst; of 250 B/s presence takes about 200.
   *
   * @default 4
   */
  bytesPerSecondAndPeer?: number
  /**
   * Most bytes of a digest of a part; one of everything may have 64 KiB.
   *
   * @default 16_384
   */
  maxPartBytes?: number
  /**
   * Nothing is told before: who has just begun does not know its part yet.
   *
   * @default at once
   */
  notBeforeMs?: number
}

/** A region, a zone, four levels of parts within it, and clusters. */
export const MAX_LEVELS = 3 + Math.floor((MAX_PREFIX_BITS - 1) / LEVEL_BITS)

/** Within this another coordinates the part, and has told of it. */
const LEFT_LIFE_MS = 60_000
/** Soon after a change of coordinators more changes: a new one is told so often in a sixth of the time. */
const NEWS_AT_FIRST = 6
/** Of the message that a digest is part of. */
const FRAME_BYTES = 16

/** Above and across at most, and below: 32 parts, two coordinators each. */
const MAX_UPWARDS = 4
const MAX_ACROSS = 64
const MAX_DOWNWARDS = 64

export interface RegionAnswer extends CapacityEstimate {
  region: string
}

interface Destination {
  peer: string
  view: Digest['view']
  dueMs: number
  sentMs: number
  /** How often it was sent anything */
  news: number
  /** What it was sent last, without its number and time */
  sent?: number
}

interface Written {
  bytes: Uint8Array<ArrayBuffer>
  /** A checksum of what it says */
  content: number
}

export class DigestExchange implements Machine<DigestEffect> {
  private readonly init: Required<DigestExchangeInit>
  private readonly book: DigestBook
  private readonly effects: DigestEffect[] = []
  private readonly destinations = new Map<string, Destination>()
  /** Since when those that digests came from do not coordinate their part */
  private readonly leftMs = new BoundedMap<string, number>({ maxSize: MAX_ACROSS + MAX_DOWNWARDS })
  private peers: DigestPeers = { upwards: [], across: [], downwards: [] }
  private own: RegionCapacity = NO_CAPACITY
  private creditBytes = MAX_DIGEST_BYTES
  private creditedMs = -Infinity
  private seq: number

  constructor (init: DigestExchangeInit) {
    this.init = { periodMs: 60_000, lifeMs: 300_000, bytesPerSecondAndPeer: 4, maxPartBytes: 16_384, notBeforeMs: -Infinity, ...init }
    this.book = new DigestBook({ lifeMs: this.init.lifeMs })
    this.seq = this.init.firstSeq
  }

  /** With whom to exchange: who holds the seats around, as `CoordinatorSeat` says. A new one is told soon. */
  onPeers ({ upwards, across, downwards }: DigestPeers, nowMs: number): void {
    this.peers = { upwards: upwards.slice(0, MAX_UPWARDS), across: across.slice(0, MAX_ACROSS), downwards: downwards.slice(0, MAX_DOWNWARDS) }
    const views: Array<{ peer: string, view: Digest['view'] }> = [
      ...[...this.peers.upwards, ...this.peers.across].map(({ peer }) => ({ peer, view: 'part' as const })),
      ...this.peers.downwards.map(({ peer }) => ({ peer, view: 'whole' as const }))
    ]
    const keys = new Set(views.map(({ peer, view }) => `${view} ${peer}`))
    for (const key of this.destinations.keys()) {
      if (!keys.has(key)) {
        this.destinations.delete(key)
      }
    }
    for (const { peer, view } of views) {
      const key = `${view} ${peer}`
      if (!this.destinations.has(key)) {
        this.destinations.set(key, { peer, view, dueMs: Math.max(nowMs, this.init.notBeforeMs), sentMs: -Infinity, news: 0 })
      }
    }
  }

  /** What the peers of its own cluster have, from `LoadTable`; a part above the clusters has none of its own. */
  onCapacity (own: RegionCapacity): void {
    this.own = own
  }

  onDigest (from: string, bytes: Uint8Array, nowMs: number): void {
    let digest: Digest
    try {
      digest = decodeDigest(bytes)
    } catch (error) {
      if (!(error instanceof DigestError)) {
        throw error
      }
      this.effects.push({ type: 'penalize', peer: from, reason: 'malformed' })
      return
    }
    if (digest.origin !== from || !this.mayTell(digest)) {
      this.effects.push({ type: 'penalize', peer: from, reason: 'not_its_part' })
    } else if (this.book.accept(digest, nowMs) === 'future') {
      this.effects.push({ type: 'penalize', peer: from, reason: 'from_the_future' })
    }
  }

  /** Where there is capacity for a model, the region with most of it first. */
  where (model: string, nowMs: number): RegionAnswer[] {
    const key = digestKey(model)
    const answers: RegionAnswer[] = []
    for (const [region, capacity] of this.everything(nowMs)) {
      const estimate = capacityOf(capacity, key)
      if (estimate !== undefined && estimate.free > 0) {
        answers.push({ region, ...estimate })
      }
    }
    return answers.sort((a, b) => b.free - a.free || (a.region < b.region ? -1 : 1))
  }

  /** What the part has, by region. */
  part (nowMs: number): Map<string, RegionCapacity> {
    this.book.dropExpired(nowMs)
    this.dropLeft(nowMs)
    const below = sumOfParts(this.book.digests().filter(({ scope }) => isWithin(scope, this.init.scope) && scope !== this.init.scope))
    return this.own.peers === 0 ? below : new Map([[regionOf(this.init.scope), this.own]])
  }

  /** How many peers there are in parts of the zone: those below, and those that it was told of. */
  parts (): ToldPart[] {
    const parts = new Map<string, ToldPart>()
    for (const { scope, view, regions, parts: told = [] } of this.book.digests()) {
      const part = zonePart(scope)
      if (view === 'whole') {
        told.forEach(one => { parts.set(`${one.depth} ${one.prefix}`, one) })
      } else if (part !== undefined && part.depth > 0 && isWithin(scope, this.init.scope)) {
        parts.set(`${part.depth} ${part.prefix}`, { ...part, peers: regions.get(regionOf(scope))?.peers ?? 0 })
      }
    }
    return [...parts.values()].slice(0, MAX_DIGEST_PARTS)
  }

  onTimeout (nowMs: number): void {
    const due = [...this.destinations.values()].filter(({ dueMs }) => dueMs <= nowMs).sort((a, b) => a.dueMs - b.dueMs)
    const written = new Map<Digest['view'], Written>()
    for (const destination of due) {
      const digest = written.get(destination.view) ?? this.write(destination.view, nowMs)
      written.set(destination.view, digest)
      // one level of a peer tells another at no cost
      const isSelf = destination.peer === this.init.self
      const waitMs = isSelf ? 0 : this.waitMs(digest.bytes.length, nowMs)
      const periodMs = isSelf ? this.init.periodMs / 12 : destination.news < NEWS_AT_FIRST ? this.init.periodMs / 6 : this.init.periodMs
      if (destination.sent === digest.content && nowMs - destination.sentMs < this.init.lifeMs / 2) {
        destination.dueMs = nowMs + periodMs
      } else if (waitMs > 0) {
        destination.dueMs = nowMs + waitMs
      } else {
        this.creditBytes -= isSelf ? 0 : digest.bytes.length
        this.effects.push({ type: 'send', to: destination.peer, bytes: digest.bytes })
        Object.assign(destination, { sent: digest.content, sentMs: nowMs, dueMs: nowMs + periodMs, news: destination.news + 1 })
      }
    }
  }

  poll (): DigestEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const next = Math.min(Infinity, ...[...this.destinations.values()].map(({ dueMs }) => dueMs))
    return next === Infinity ? undefined : next
  }

  /** A part is told of by who coordinates it, below or across; everything by who is above. */
  private mayTell ({ origin, scope, view, regions }: Digest): boolean {
    const { upwards, across, downwards } = this.peers
    const allowed = view === 'whole' ? upwards : [...downwards, ...across]
    return allowed.some(other => other.peer === origin && other.scope === scope) &&
      (view === 'whole' || [...regions.keys()].every(region => region === regionOf(scope)))
  }

  /** Who does not coordinate a part any more, or not that part, is believed for as long as another may need to tell of it. */
  private dropLeft (nowMs: number): void {
    const { upwards, across, downwards } = this.peers
    for (const digest of this.book.digests()) {
      const key = `${digest.origin} ${digest.view} ${digest.scope}`
      const around = digest.view === 'whole' ? upwards : [...downwards, ...across]
      if (around.some(({ peer, scope }) => peer === digest.origin && scope === digest.scope)) {
        this.leftMs.delete(key)
      } else if (nowMs - (this.leftMs.get(key) ?? nowMs) >= LEFT_LIFE_MS) {
        this.leftMs.delete(key)
        this.book.drop(digest)
      } else if (!this.leftMs.has(key)) {
        this.leftMs.set(key, nowMs)
      }
    }
  }

  private everything (nowMs: number): Map<string, RegionCapacity> {
    const part = this.part(nowMs)
    const digests = this.book.digests()
    const across = parentScope(this.init.scope) === undefined
      ? sumOfParts(digests.filter(({ scope }) => !isWithin(scope, this.init.scope)))
      : new Map<string, RegionCapacity>()
    return mergeRegions([part, across, unionOfWholes(digests)], maxCapacity)
  }

  private write (view: Digest['view'], nowMs: number): Written {
    const { self: origin, scope, maxPartBytes } = this.init
    const regions = view === 'part' ? this.part(nowMs) : this.everything(nowMs)
    const parts = view === 'part' ? [] : this.parts()
    const maxBytes = view === 'part' ? maxPartBytes : MAX_DIGEST_BYTES - FRAME_BYTES
    // by the checksum alone a change may be overlooked once in 2^32: until the next repetition
    const content = crc32(encodeDigest({ origin, scope, view, regions, parts, seq: 0, issuedAtMs: 0 }, maxBytes))
    this.seq++
    return { bytes: encodeDigest({ origin, scope, view, regions, parts, seq: this.seq, issuedAtMs: nowMs }, maxBytes), content }
  }

  /** How long until so many bytes may be sent: credit grows with the number of peers of the part, up to that for one digest of any size. */
  private waitMs (bytes: number, nowMs: number): number {
    const peers = [...this.part(nowMs).values()].reduce((sum, capacity) => sum + capacity.peers, 0)
    const bytesPerMs = Math.max(1, peers) * this.init.bytesPerSecondAndPeer / 1000
    this.creditBytes = Math.min(MAX_DIGEST_BYTES, this.creditBytes + Math.max(0, nowMs - this.creditedMs) * bytesPerMs)
    this.creditedMs = nowMs
    return bytes <= this.creditBytes ? 0 : Math.ceil((bytes - this.creditBytes) / bytesPerMs)
  }
}
