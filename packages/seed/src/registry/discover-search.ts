/** One discover: lists in the order of nearness and match, each a ring walked in blocks, the best of a block first, in a bounded number of steps. */
import { decodeCursor, encodeCursor, MAX_BLOCK, MAX_CURSOR_BYTES } from './discover-cursor.ts'
import { order, rank } from './discover-rank.ts'
import { mix32 } from './keyed-hash.ts'
import { modelTerm, TERM_ALL, TERM_REST } from './posting-lists.ts'
import { rttOfCode, saturated, taskBit } from './registration-columns.ts'
import { DEFAULT_DISCOVER_LIMIT, MAX_DISCOVER_LIMIT } from './registry.ts'
import { envelopeLength, hasName, readEnvelope } from './stored-record.ts'
import type { Cursor, RingPlace } from './discover-cursor.ts'
import type { KeyedHash } from './keyed-hash.ts'
import type { NameDictionary } from './name-dictionary.ts'
import type { PostingForest } from './posting-forest.ts'
import type { PostingLists } from './posting-lists.ts'
import type { RecordSlab } from './record-slab.ts'
import type { RegionOrder } from './region-order.ts'
import type { RegistrationColumns } from './registration-columns.ts'
import type { DiscoverPage, DiscoverQuery } from './registry.ts'

/** The parts of a registry that a search reads. */
export interface SearchParts {
  columns: RegistrationColumns
  slab: RecordSlab
  forest: PostingForest
  lists: PostingLists
  regions: NameDictionary
  models: NameDictionary
  regionOrder: RegionOrder
  hash: KeyedHash
}

/**
 * Postings and lists looked at for one page: about 0.3 ms, at most 0.7 where nothing is in a cache. A filter that fits fewer than one in forty
 * of those near brings pages that are short or empty, with a cursor to go on.
 */
export const MAX_VISITS = 768
/** How long an asker's walk starts at the same place. */
export const WINDOW_MS = 600_000
/** Most bytes of a page of 20, its cursor and the framing included; larger pages have as much for every 20. */
export const MAX_PAGE_BYTES = 12_288
/** More than the largest envelope, so that each page that can brings one. */
export const ENVELOPE_BUDGET_BYTES = MAX_PAGE_BYTES - MAX_CURSOR_BYTES - 64
/** Tag and length of an envelope in a message. */
export const ENVELOPE_FRAME_BYTES = 3
/** A block is this many pages, so that the best are chosen among several times as many. */
export const PAGES_PER_BLOCK = 3
export const MIN_BLOCK = 30

/** Domains of the hashes of names that have no code, and of the rest. */
export const HASH_DOMAIN = { peer: 0, model: 1, region: 2, task: 3, network: 4, query: 5, start: 6, origin: 8 } as const

interface Filter {
  asker: { hi: number, lo: number } | undefined
  minRamKiB: number
  minVramKiB: number
  maxTier: number
  minContext: number
  maxPrice: number
  taskBit: number
  /** Hashes of names that had no code */
  task: number | undefined
  region: number | undefined
  model: number | undefined
  nowMs: number
}

interface Found extends RingPlace {
  slot: number
  rank: number
  network: number
}

interface Block {
  found: Found[]
  /** The last place looked at */
  last: RingPlace | undefined
  /** Nothing comes behind it */
  ended: boolean
}

export class DiscoverSearch {
  private readonly parts: SearchParts
  private readonly query: DiscoverQuery
  private readonly limit: number
  private readonly filter: Filter
  private readonly cursor: Cursor
  private readonly envelopes: Array<Uint8Array<ArrayBuffer>> = []
  private bytesLeft: number
  private visits = 0

  /** @throws {StaleCursorError} */
  constructor (parts: SearchParts, query: DiscoverQuery, nowMs: number) {
    this.parts = parts
    this.query = query
    this.limit = Math.min(MAX_DISCOVER_LIMIT, Math.max(1, Math.floor(query.limit ?? DEFAULT_DISCOVER_LIMIT)))
    this.bytesLeft = ENVELOPE_BUDGET_BYTES * Math.max(1, this.limit / DEFAULT_DISCOVER_LIMIT)
    this.filter = filterOf(parts.hash, query, nowMs)
    const check = queryCheck(parts.hash, query)
    const start = parts.hash.text(`${Math.floor(nowMs / WINDOW_MS)} ${query.asker ?? ''}`, HASH_DOMAIN.start).lo
    this.cursor = query.cursor === undefined || query.cursor.length === 0
      ? { check, start, region: undefined, stage: 0, taken: [] }
      : decodeCursor(query.cursor, check)
  }

  run (): DiscoverPage {
    const { cursor, query } = this
    const stages = query.model === undefined ? [0] : [0, 1, 2]
    const isFirst = query.cursor === undefined || query.cursor.length === 0
    const regions = this.regions()
    const firstRegion = isFirst ? 0 : Math.max(0, regions.indexOf(cursor.region))
    const firstStage = isFirst ? 0 : cursor.stage

    for (let at = firstRegion; at < regions.length; at++) {
      for (const stage of stages) {
        if (at === firstRegion && stage < firstStage) {
          continue
        }
        if (at !== firstRegion || stage !== firstStage) {
          cursor.after = undefined
          cursor.taken = []
        }
        cursor.region = regions[at]
        cursor.stage = stage
        const code = cursor.region === undefined ? 0 : this.parts.regions.code(cursor.region)
        const root = code === undefined ? 0 : this.root(code, stage)
        this.visits++
        if (root !== 0 && !this.walk(root, code === 0, stage === 2)) {
          return { envelopes: this.envelopes, cursor: encodeCursor(cursor) }
        }
      }
    }
    return { envelopes: this.envelopes }
  }

  /** Names in the order of the search; `undefined` for all that have no code. */
  private regions (): Array<string | undefined> {
    const { regions, regionOrder } = this.parts
    const { query, cursor } = this
    return query.region !== undefined
      ? [query.region, undefined]
      : [...regionOrder.regions(regions, query.near === '' ? undefined : query.near, cursor.start, cursor.region), undefined]
  }

  private root (region: number, stage: number): number {
    const { lists, models } = this.parts
    if (this.query.model === undefined) {
      return lists.root(region, TERM_ALL)
    }
    const code = models.code(this.query.model)
    return stage === 2 ? lists.root(region, TERM_REST) : code === undefined ? 0 : lists.root(region, modelTerm(code, stage === 0))
  }

  /** Says whether the list is at its end, and nothing of it is left for another page. */
  private walk (root: number, checkRegion: boolean, checkModel: boolean): boolean {
    const { cursor } = this
    for (;;) {
      if (this.envelopes.length >= this.limit || this.visits >= MAX_VISITS) {
        return false
      }
      const { found, last, ended } = this.block(root, checkRegion, checkModel)
      const taken = this.take(order(found))
      if (taken.length < found.length) {
        cursor.taken.push(...taken)
        return false
      }
      if (ended) {
        return true
      }
      if (last !== undefined) {
        cursor.after = { distance: last.distance, lo: last.lo }
        cursor.taken = cursor.taken.filter(place => place.distance >= last.distance)
      }
    }
  }

  private block (root: number, checkRegion: boolean, checkModel: boolean): Block {
    const { forest, columns } = this.parts
    const { start, after, taken } = this.cursor
    const target = Math.min(MAX_BLOCK, Math.max(MIN_BLOCK, PAGES_PER_BLOCK * this.limit))
    const most = Math.max(1, target - taken.length)
    const known = new Set(taken.map(placeKey))
    const block: Block = { found: [], last: undefined, ended: false }

    const from = after === undefined ? start : (start + after.distance) >>> 0
    let isWrapped = after !== undefined && from < start
    forest.seek(root, from, after?.lo ?? 0, after === undefined)
    while (block.found.length < most && this.visits < MAX_VISITS) {
      const slot = forest.next()
      if (slot === undefined && !isWrapped) {
        isWrapped = true
        forest.seek(root, 0, 0, true)
        continue
      }
      if (slot === undefined || (isWrapped && (columns.hi[slot] as number) >= start)) {
        block.ended = true
        break
      }
      this.visits++
      const place = { distance: ((columns.hi[slot] as number) - start) >>> 0, lo: columns.lo[slot] as number }
      block.last = place
      if (this.fits(slot, checkRegion, checkModel) && !known.has(placeKey(place))) {
        block.found.push({ ...place, slot, rank: this.rank(slot), network: columns.network[slot] as number })
      }
    }
    return block
  }

  /** Copies envelopes into the page as long as there is room; returns whose. */
  private take (found: Found[]): Found[] {
    const { slab, columns } = this.parts
    return found.filter(({ slot }) => {
      const address = columns.address[slot] as number
      const bytes = slab.bytes(address)
      const offset = slab.offset(address)
      const length = columns.length[slot] as number
      const size = envelopeLength(bytes, offset, length) + ENVELOPE_FRAME_BYTES
      if (this.envelopes.length >= this.limit || size > this.bytesLeft) {
        return false
      }
      this.bytesLeft -= size
      this.envelopes.push(readEnvelope(bytes, offset, length))
      return true
    })
  }

  private fits (slot: number, checkRegion: boolean, checkModel: boolean): boolean {
    const { columns } = this.parts
    const { filter } = this
    return (columns.expiresAtMs[slot] as number) > filter.nowMs &&
      (columns.tier[slot] as number) <= filter.maxTier &&
      (columns.ramKiB[slot] as number) >= filter.minRamKiB &&
      (columns.vramKiB[slot] as number) >= filter.minVramKiB &&
      (columns.context[slot] as number) >= filter.minContext &&
      (columns.priceMicros[slot] as number) <= filter.maxPrice &&
      (filter.taskBit === 0 || ((columns.tasks[slot] as number) & filter.taskBit) !== 0) &&
      !(filter.asker?.hi === columns.hi[slot] && filter.asker?.lo === columns.lo[slot]) &&
      (filter.task === undefined || this.hasName(slot, filter.task)) &&
      (!checkRegion || filter.region === undefined || this.hasName(slot, filter.region)) &&
      (!checkModel || filter.model === undefined || this.hasName(slot, filter.model))
  }

  private hasName (slot: number, name: number): boolean {
    const { slab, columns } = this.parts
    const address = columns.address[slot] as number
    return hasName(slab.bytes(address), slab.offset(address), name)
  }

  private rank (slot: number): number {
    const { columns } = this.parts
    return rank({
      tier: columns.tier[slot] as number,
      ramKiB: columns.ramKiB[slot] as number,
      vramKiB: columns.vramKiB[slot] as number,
      free: columns.free[slot] as number,
      maxConcurrent: columns.maxConcurrent[slot] as number,
      rttMs: rttOfCode(columns.rtt[slot] as number),
      turn: mix32((columns.lo[slot] as number) ^ this.cursor.start) / 0x100000000
    })
  }
}

/** Ties a cursor to a query, its asker, and who holds the key of the hash. */
export function queryCheck (hash: KeyedHash, query: DiscoverQuery): number {
  return hash.text(JSON.stringify([
    query.model, query.minRamBytes, query.minVramBytes, query.minTier, query.region, query.task, query.minContext, query.maxPriceMicros,
    query.asker, query.near
  ]), HASH_DOMAIN.query).lo
}

function filterOf (hash: KeyedHash, query: DiscoverQuery, nowMs: number): Filter {
  const named = (name: string | undefined, domain: number): number | undefined => name === undefined ? undefined : hash.text(name, domain).lo
  const bit = query.task === undefined ? 0 : taskBit(query.task)
  return {
    asker: query.asker === undefined ? undefined : { hi: hash.text(query.asker, HASH_DOMAIN.peer).hi, lo: hash.lo },
    minRamKiB: saturated((query.minRamBytes ?? 0) / 1024),
    minVramKiB: saturated((query.minVramBytes ?? 0) / 1024),
    maxTier: query.minTier ?? Infinity,
    minContext: query.minContext ?? 0,
    maxPrice: saturated(query.maxPriceMicros ?? Infinity),
    taskBit: bit,
    task: bit === 0 ? named(query.task, HASH_DOMAIN.task) : undefined,
    region: named(query.region, HASH_DOMAIN.region),
    model: named(query.model, HASH_DOMAIN.model),
    nowMs
  }
}

/** Distance and the lower 16 bits of the other half: what a cursor keeps. */
export function placeKey (place: RingPlace): number {
  return place.distance * 0x10000 + (place.lo & 0xffff)
}
