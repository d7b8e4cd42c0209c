/** One discover over the parts of a registry in Redis: by the rules of `DiscoverSearch`, the lists walked by a script, ranked here. */
import { decodeCursor, encodeCursor, MAX_BLOCK } from '../registry/discover-cursor.ts'
import { order, rank } from '../registry/discover-rank.ts'
import {
  ENVELOPE_BUDGET_BYTES, ENVELOPE_FRAME_BYTES, HASH_DOMAIN, MAX_VISITS, MIN_BLOCK, PAGES_PER_BLOCK, placeKey, queryCheck, WINDOW_MS
} from '../registry/discover-search.ts'
import { mix32 } from '../registry/keyed-hash.ts'
import { saturated, taskBit } from '../registry/registration-columns.ts'
import { DEFAULT_DISCOVER_LIMIT, MAX_DISCOVER_LIMIT } from '../registry/registry.ts'
import { nameHash, placeOfScore, readColumns, scoreOf } from './registration-fields.ts'
import { idOf } from './registry-keys.ts'
import { orderTags, regionTag } from './region-tag.ts'
import type { Cursor, RingPlace } from '../registry/discover-cursor.ts'
import type { KeyedHash } from '../registry/keyed-hash.ts'
import type { OrderRegions } from '../registry/region-order.ts'
import type { DiscoverPage, DiscoverQuery } from '../registry/registry.ts'
import type { RedisArgument, RedisReply } from './redis-connection.ts'

/** What a search needs of the registry. */
export interface SearchWorld {
  hash: KeyedHash
  orderRegions: OrderRegions
  /** Whether there may be somebody in a part */
  mayHold: (tag: string) => boolean
  /** Runs the script `WALK` in a part, with all that follows its `now` */
  walk: (tag: string, args: RedisArgument[]) => Promise<RedisReply>
}

interface Found extends RingPlace {
  rank: number
  network: number
  envelope: Buffer
}

interface Block {
  found: Found[]
  last: RingPlace | undefined
  ended: boolean
}

/** Parts that are asked at once: one, and when they hold little, more. */
const MOST_AT_ONCE = 8
/** Entries looked at in a part at the least, so that each question gets on. */
const MIN_VISITS = 32

export class RedisSearch {
  private readonly world: SearchWorld
  private readonly limit: number
  private readonly cursor: Cursor
  private readonly tags: string[]
  private readonly lists: Array<[list: string, checkModel: 0 | 1]>
  private readonly filter: RedisArgument[]
  private readonly envelopes: Array<Uint8Array<ArrayBuffer>> = []
  private bytesLeft: number
  private visitsLeft = MAX_VISITS

  /** @throws {StaleCursorError} */
  constructor (world: SearchWorld, query: DiscoverQuery, nowMs: number) {
    const { hash } = world
    this.world = world
    this.limit = Math.min(MAX_DISCOVER_LIMIT, Math.max(1, Math.floor(query.limit ?? DEFAULT_DISCOVER_LIMIT)))
    this.bytesLeft = ENVELOPE_BUDGET_BYTES * Math.max(1, this.limit / DEFAULT_DISCOVER_LIMIT)
    const check = queryCheck(hash, query)
    const start = hash.text(`${Math.floor(nowMs / WINDOW_MS)} ${query.asker ?? ''}`, HASH_DOMAIN.start).lo
    this.cursor = query.cursor === undefined || query.cursor.length === 0
      ? { check, start, region: undefined, stage: 0, taken: [] }
      : decodeCursor(query.cursor, check)
    this.tags = query.region === undefined ? orderTags(query.near, this.cursor.start, world.orderRegions) : [regionTag(query.region)]
    const model = query.model === undefined ? undefined : idOf(query.model)
    this.lists = model === undefined ? [['all', 0]] : [[`m:${model}`, 0], [`w:${model}`, 0], ['rest', 1]]
    this.filter = filterOf(hash, query)
  }

  async run (): Promise<DiscoverPage> {
    const { cursor, tags } = this
    let at = Math.max(0, tags.indexOf(cursor.region ?? ''))
    cursor.region = tags[at]
    for (let width = 1; ;) {
      const group = this.group(at, width)
      const [first] = group
      if (first === undefined) {
        return { envelopes: this.envelopes }
      }
      const replies = await Promise.all(group.map(async (tag, i) => await this.walk(tag, i === 0 && tag === cursor.region, group.length)))
      let outcome: 'ended' | 'more' | 'full' = 'ended'
      for (const [i, blocks] of replies.entries()) {
        this.moveTo(group[i] as string)
        outcome = this.take(blocks)
        if (outcome !== 'ended') {
          break
        }
      }
      at = tags.indexOf(cursor.region as string) + (outcome === 'ended' ? 1 : 0)
      if (outcome === 'ended' && at < tags.length) {
        this.moveTo(tags[at] as string)
      }
      if (at >= tags.length) {
        return { envelopes: this.envelopes }
      }
      if (outcome === 'full' || this.visitsLeft <= 0 || this.envelopes.length >= this.limit) {
        return { envelopes: this.envelopes, cursor: encodeCursor(cursor) }
      }
      width = outcome === 'ended' ? Math.min(MOST_AT_ONCE, 2 * width) : 1
    }
  }

  /** The next parts in which somebody may be. */
  private group (at: number, width: number): string[] {
    const group: string[] = []
    for (let i = at; i < this.tags.length && group.length < width; i++) {
      const tag = this.tags[i] as string
      if (this.world.mayHold(tag)) {
        group.push(tag)
      }
    }
    return group
  }

  private moveTo (tag: string): void {
    const { cursor } = this
    if (cursor.region !== tag) {
      cursor.region = tag
      cursor.stage = 0
      cursor.after = undefined
      cursor.taken = []
    }
  }

  /** Blocks of the lists of a part, from where the cursor stands or from the beginning. */
  private async walk (tag: string, isHere: boolean, parts: number): Promise<Block[]> {
    const { start, after, stage } = this.cursor
    const { wanted, budget } = this.share(parts)
    const hi = isHere && after !== undefined ? (start + after.distance) >>> 0 : start
    const from = scoreOf({ hi, lo: isHere ? after?.lo ?? 0 : 0 })
    const isAfter = isHere && after !== undefined
    const lists = this.lists.slice(isHere ? stage : 0)
    const [visits, ...blocks] = await this.world.walk(tag, [
      budget, wanted, scoreOf({ hi: start, lo: 0 }), from, isAfter ? 1 : 0, isAfter && hi < start ? 1 : 0, ...this.filter, ...lists.flat()
    ]) as [number, ...Buffer[][]]
    this.visitsLeft -= Math.max(1, visits)
    return blocks.map(block => this.read(block))
  }

  private share (parts: number): { wanted: number, budget: number } {
    const block = Math.min(MAX_BLOCK, Math.max(MIN_BLOCK, PAGES_PER_BLOCK * this.limit))
    return {
      // of those that are asked beforehand a page is enough to choose from
      wanted: parts === 1 ? block : Math.min(block, Math.max(MIN_BLOCK, this.limit)),
      budget: Math.max(MIN_VISITS, Math.floor(this.visitsLeft / parts))
    }
  }

  private read ([last, ended, ...entries]: Array<Buffer | number>): Block {
    const found: Found[] = []
    for (let i = 0; i < entries.length; i += 4) {
      const columns = readColumns(entries[i + 2] as Buffer)
      const place = this.placeOf(entries[i + 1] as Buffer)
      const turn = mix32(place.lo ^ this.cursor.start) / 0x100000000
      found.push({ ...place, rank: rank({ ...columns, turn }), network: columns.network, envelope: entries[i + 3] as Buffer })
    }
    const lastText = last as Buffer
    return { found, last: lastText.length === 0 ? undefined : this.placeOf(lastText), ended: ended === 1 }
  }

  private placeOf (score: Buffer): RingPlace {
    const { hi, lo } = placeOfScore(Number(score.toString('latin1')))
    return { distance: (hi - this.cursor.start) >>> 0, lo }
  }

  /** Fills the page from the blocks of one part: `ended` when nothing of it is left for another page. */
  private take (blocks: Block[]): 'ended' | 'more' | 'full' {
    const { cursor } = this
    for (const block of blocks) {
      const { others, last, ended } = this.unseen(block)
      const taken = this.fill(order(others))
      if (taken.length < others.length) {
        cursor.taken.push(...taken.map(({ distance, lo }) => ({ distance, lo })))
        return 'full'
      }
      if (!ended) {
        if (last !== undefined) {
          cursor.after = last
          cursor.taken = cursor.taken.filter(place => place.distance >= last.distance)
        }
        return 'more'
      }
      cursor.stage++
      cursor.after = undefined
      cursor.taken = []
    }
    return cursor.stage >= this.lists.length ? 'ended' : 'more'
  }

  /** Those of a block who were not handed out before; no more than a cursor can remember with those who were. */
  private unseen ({ found, last, ended }: Block): { others: Found[], last: RingPlace | undefined, ended: boolean } {
    const { taken } = this.cursor
    const known = new Set(taken.map(placeKey))
    const others = found.filter(place => !known.has(placeKey(place)))
    const most = Math.max(1, MAX_BLOCK - taken.length)
    return others.length <= most
      ? { others, last, ended }
      : { others: others.slice(0, most), last: others[most - 1], ended: false }
  }

  /** Copies envelopes into the page as long as there is room; returns whose. */
  private fill (found: Found[]): Found[] {
    return found.filter(({ envelope }) => {
      const size = envelope.length + ENVELOPE_FRAME_BYTES
      if (this.envelopes.length >= this.limit || size > this.bytesLeft) {
        return false
      }
      this.bytesLeft -= size
      this.envelopes.push(Uint8Array.from(envelope))
      return true
    })
  }
}

/** In the order in which the script `WALK` takes them. */
function filterOf (hash: KeyedHash, query: DiscoverQuery): RedisArgument[] {
  const bit = query.task === undefined ? 0 : taskBit(query.task)
  return [
    query.asker === undefined ? '' : idOf(query.asker),
    saturated((query.minRamBytes ?? 0) / 1024),
    saturated((query.minVramBytes ?? 0) / 1024),
    query.minTier ?? 255,
    query.minContext ?? 0,
    saturated(query.maxPriceMicros ?? Infinity),
    bit,
    query.task === undefined || bit !== 0 ? '' : nameHash(hash, query.task, 'task'),
    query.region === undefined ? '' : nameHash(hash, query.region, 'region'),
    query.model === undefined ? '' : nameHash(hash, query.model, 'model')
  ]
}
