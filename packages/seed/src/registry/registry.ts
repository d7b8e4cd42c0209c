/** The registry of a seed as its users see it: who is here, for how long, and who of them fits a question. */
import type { Random } from '@skein/core'
import type { Capabilities, SeedModel } from '@skein/records'
import type { RelayQuery } from './relay-rank.ts'

/** Peers in a page when a query names no number. */
export const DEFAULT_DISCOVER_LIMIT = 20
/** Most peers in a page. */
export const MAX_DISCOVER_LIMIT = 100

/**
 * - `replayed`: not newer than the registration that is here
 * - `expired`: its life is over
 * - `full`: all places, or all bytes for records, are taken by live registrations
 * - `network_full`: others from the same network have taken all places that one network may have
 * - `oversize`: the record is larger than a registry keeps
 */
export type RegisterRefusal = 'replayed' | 'expired' | 'full' | 'network_full' | 'oversize'

export interface RegisterOptions {
  /** The network it came from, as `networkOf` names it; registrations of one network are capped. Left out: not counted */
  network?: string
  /** Round trip between the seed and the peer as last measured; left out when it was not @default as before, or unknown */
  rttMs?: number
}

export type RegisterOutcome =
  | { registered: true, renewed: boolean, lifeMs: number }
  | { registered: false, reason: RegisterRefusal, message: string }

/** A registration as it came: what it says is in the signed envelope. */
export interface Registration {
  /** The peer, as text */
  peer: string
  /** Signed capabilities, handed on as they came */
  envelope: Uint8Array<ArrayBuffer>
  expiresAtMs: number
}

export interface DiscoverQuery {
  /** Has it loaded, or can load it on request (ranked behind) */
  model?: string
  /** Compared in whole KiB, as is `minVramBytes` */
  minRamBytes?: number
  minVramBytes?: number
  /** That tier or a better one, which is a smaller number */
  minTier?: number
  /** Only this region */
  region?: string
  task?: string
  minContext?: number
  /** Of a million generated tokens, in millionths of a US dollar; 0: only what is free */
  maxPriceMicros?: number
  /** @default 20, at most 100 */
  limit?: number
  /** Of the page before, with the same filters */
  cursor?: Uint8Array
  /** Who asks: is not in the answer, and decides where the rotation starts */
  asker?: string
  /** The region that others are near to */
  near?: string
}

export interface DiscoverPage {
  envelopes: Array<Uint8Array<ArrayBuffer>>
  /**
   * Where the next page starts; `undefined` when there is none. A page may hold fewer than `limit`, even none, and still have a next: the
   * work of one query is bounded
   */
  cursor?: Uint8Array<ArrayBuffer>
}

export interface RegionTierCount {
  region: string
  tier: number
  count: number
}

export interface Registry {
  /** Registrations as last known; ones whose life has just ended may be among them */
  readonly size: number
  register (capabilities: Capabilities, envelope: Uint8Array, nowMs: number, options?: RegisterOptions): Promise<RegisterOutcome>
  /** @throws {StaleCursorError} */
  discover (query: DiscoverQuery, nowMs: number): Promise<DiscoverPage>
  get (peer: string, nowMs: number): Promise<Registration | undefined>
  /** Whether it was there */
  remove (peer: string): Promise<boolean>
  /** Up to `count` others than `asker` for a newcomer, from as many regions and networks as there are */
  sample (count: number, asker: string, nowMs: number, random: Random): Promise<Array<Uint8Array<ArrayBuffer>>>
  /** The models that are loaded, the most offered first; may be a second old */
  models (count: number, nowMs: number): Promise<SeedModel[]>
  countBy (): Promise<RegionTierCount[]>
  /** Registered relays for a peer: nearest regions first, the least loaded first among them */
  relays (query: RelayQuery, nowMs: number): Promise<Array<Uint8Array<ArrayBuffer>>>
  /** Forgets those whose life is over, as many as one turn may take; an owner calls it about every second */
  sweep (nowMs: number): Promise<void>
}

/** The cursor is of another query or another seed, or the seed was started anew: ask for the first page. */
export class StaleCursorError extends Error {
  static override name = 'StaleCursorError'
  override readonly name = 'StaleCursorError'

  constructor (message = 'The cursor is not of this query at this seed; ask for the first page') {
    super(message)
  }
}
