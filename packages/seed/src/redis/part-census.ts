/** How many are in each part of a registry in Redis, as last heard, and what they offer; so that parts that are empty need not be asked. */
import { randomBelow } from '@skein/core'
import { REGION_TAGS } from './region-tag.ts'
import { TALLY } from './registry-scripts.ts'
import type { RedisConnection, RedisReply } from './redis-connection.ts'
import type { RegistryKeys } from './registry-keys.ts'
import type { RegionTierCount } from '../registry/registry.ts'
import type { Random } from '@skein/core'
import type { SeedModel } from '@skein/records'

const MODELS_LIFE_MS = 1_000
const RECOUNT_INTERVAL_MS = 1_000
/** Up to this many registrations the listing of models is made anew each time. */
const SMALL = 1_000
/** Region and model together, of one part. */
const MAX_LISTED = 200
const MAX_LISTED_REGIONS = 16

export class PartCensus {
  private readonly connection: RedisConnection
  private readonly keys: RegistryKeys
  private readonly sizes = new Map<string, number>()
  private total = 0
  private recountedMs = -Infinity
  private listing?: { atMs: number, models: SeedModel[] }

  constructor (connection: RedisConnection, keys: RegistryKeys) {
    this.connection = connection
    this.keys = keys
  }

  get size (): number {
    return this.total
  }

  sizeOf (tag: string): number {
    return this.sizes.get(tag) ?? 0
  }

  /** Also when nothing was heard of it yet. */
  mayHold (tag: string): boolean {
    return this.sizes.get(tag) !== 0
  }

  note (tag: string, size: number): void {
    this.total += size - this.sizeOf(tag)
    this.sizes.set(tag, size)
  }

  forget (): void {
    this.sizes.clear()
    this.total = 0
    this.listing = undefined
  }

  /** Whether it is time to count all parts because one is full: not for each of a flood. */
  mayRecount (nowMs: number): boolean {
    if (nowMs < this.recountedMs + RECOUNT_INTERVAL_MS) {
      return false
    }
    this.recountedMs = nowMs
    return true
  }

  /** Random numbers by part, half of them by how many are in each, so that small ones are seen as well; no number: all of that part. */
  draw (count: number, random: Random): Map<string, number[]> {
    const tags = REGION_TAGS.filter(tag => this.mayHold(tag))
    const draws = new Map<string, number[]>()
    if (tags.length === 0 || tags.some(tag => !this.sizes.has(tag)) || this.total <= count) {
      tags.forEach(tag => draws.set(tag, []))
      return draws
    }
    for (let i = 0; i < count; i++) {
      let tag = tags[randomBelow(random, tags.length)] as string
      if (i % 2 === 0) {
        let at = randomBelow(random, this.total)
        tag = tags.find(name => (at -= this.sizeOf(name)) < 0) ?? tag
      }
      draws.set(tag, [...draws.get(tag) ?? [], random.nextUint32()])
    }
    // of few, chance would leave some out
    return new Map([...draws].map(([tag, drawn]) => [tag, this.sizeOf(tag) <= drawn.length ? [] : drawn]))
  }

  async countBy (): Promise<RegionTierCount[]> {
    const counts = await Promise.all(this.held().map(async tag => {
      const reply = await this.connection.run(TALLY, `${this.keys.part(tag)}cnt`)
      return pairs(reply).map(([label, count]) => ({ region: label.slice(1), tier: Number(label[0]), count }))
    }))
    return counts.flat()
  }

  async models (count: number, nowMs: number): Promise<SeedModel[]> {
    if (this.listing === undefined || this.size <= SMALL || nowMs >= this.listing.atMs + MODELS_LIFE_MS || nowMs < this.listing.atMs) {
      this.listing = { atMs: nowMs, models: await this.listModels() }
    }
    return this.listing.models.slice(0, count)
  }

  private async listModels (): Promise<SeedModel[]> {
    const replies = await Promise.all(this.held().map(async tag =>
      await this.connection.call('zrevrange', `${this.keys.part(tag)}top`, 0, MAX_LISTED - 1, 'WITHSCORES')))
    const models = new Map<string, SeedModel>()
    for (const [name, providers] of replies.flatMap(pairs)) {
      const split = name.indexOf('\0')
      const [region, id] = [name.slice(0, split), name.slice(split + 1)]
      const model = models.get(id) ?? { id, providers: 0, regions: [] }
      model.providers += providers
      model.regions = region === '' || model.regions.includes(region) ? model.regions : [...model.regions, region]
      models.set(id, model)
    }
    return [...models.values()]
      .sort((a, b) => b.providers - a.providers || (a.id < b.id ? -1 : 1))
      .slice(0, MAX_LISTED)
      .map(model => ({ ...model, regions: model.regions.sort().slice(0, MAX_LISTED_REGIONS) }))
  }

  private held (): string[] {
    return REGION_TAGS.filter(tag => this.mayHold(tag))
  }
}

/** Names and numbers, as HGETALL in a script and ZREVRANGE give them. */
function pairs (reply: RedisReply): Array<[string, number]> {
  const flat = (reply as Buffer[] | null) ?? []
  return Array.from({ length: Math.floor(flat.length / 2) }, (_, i) => [String(flat[2 * i]), Number(flat[2 * i + 1])])
}
