/** When a peer moves to a larger or smaller cluster: what `clusterDepth` says must hold for a while first. */
import { BoundedMap, randomFloat } from '@skein/core'
import { ClusterCensus } from './cluster-census.ts'
import { clusterDepth, depthRange, MIN_CLUSTER_PEERS } from './cluster-depth.ts'
import { clusterPoint, prefixOf } from './cluster-point.ts'
import { scopeName } from './scope.ts'
import type { ToldPart } from './cluster-census.ts'
import type { ClusterBounds, CountPrefix } from './cluster-depth.ts'
import type { MemberTable } from './member-table.ts'
import type { Random } from '@skein/core'

export interface ClusterChoiceInit {
  self: string
  region: string
  zone: string
  bounds: ClusterBounds
  random: Random
}

/** A part that is too large is left after this, so that all have heard what one has. */
const SPLIT_AFTER_MS = 5000
const SPLIT_SPREAD_MS = 5000
/** One that is too small may only be short of some that are about to come. */
const MERGE_AFTER_MS = 30_000
const MERGE_SPREAD_MS = 15_000
const CHECK_MS = 5000
/** Who coordinates announces every 5 min. */
const TOLD_LIFE_MS = 400_000
/** Those who moved count for so long where they were, so that the last do not stay because the first have gone. */
export const MOVED_LIFE_MS = 600_000
const HINT_LIFE_MS = 60_000
const MAX_TOLD = 256

export class ClusterChoice {
  readonly point: number
  depth = 0
  private readonly init: ClusterChoiceInit
  private readonly told = new BoundedMap<string, ToldPart & { atMs: number }>({ maxSize: MAX_TOLD })
  private claims: number[] = []
  private hint?: { depth: number, untilMs: number }
  private wanted?: { depth: number, sinceMs: number, afterMs: number }
  /** What was known where it came from */
  private before?: { count: CountPrefix, untilMs: number }
  private checkMs: number
  private movedMs = -Infinity

  constructor (init: ClusterChoiceInit, nowMs: number) {
    this.init = init
    this.point = clusterPoint(init.self)
    this.checkMs = nowMs
  }

  get scope (): string {
    return scopeName(this.init.region, this.init.zone, prefixOf(this.point, this.depth), this.depth)
  }

  /** The depths that connected peers of the same zone have. */
  onClaims (depths: readonly number[], nowMs: number): void {
    this.claims = [...depths]
    this.checkMs = nowMs
  }

  /** One that knows the zone says where this peer belongs. */
  onHint (depth: number, nowMs: number): void {
    this.hint = { depth, untilMs: nowMs + HINT_LIFE_MS }
    this.checkMs = nowMs
  }

  onTold (parts: Iterable<ToldPart>, nowMs: number): void {
    for (const part of parts) {
      this.told.set(`${part.depth} ${part.prefix}`, { ...part, atMs: nowMs })
    }
  }

  /** What it was told of other parts, those nearest to its own first. */
  parts (nowMs: number): ToldPart[] {
    return [...this.told.values()].filter(({ atMs }) => nowMs - atMs < TOLD_LIFE_MS)
      .map(({ prefix, depth, peers }) => ({ prefix, depth, peers }))
  }

  /** The depth to move to; `undefined` while it stays. Who is lost follows a hint. */
  decide (table: MemberTable, isListed: boolean, isLost: boolean, nowMs: number): number | undefined {
    if (nowMs < this.checkMs) {
      return undefined
    }
    this.checkMs = nowMs + CHECK_MS
    const target = this.target(table, isListed, isLost, nowMs)
    if (target === this.depth) {
      this.wanted = undefined
      return undefined
    }
    if (!isListed) {
      return target
    }
    if (this.wanted?.depth !== target) {
      const [after, spread] = target > this.depth ? [SPLIT_AFTER_MS, SPLIT_SPREAD_MS] : [MERGE_AFTER_MS, MERGE_SPREAD_MS]
      this.wanted = { depth: target, sinceMs: nowMs, afterMs: after + randomFloat(this.init.random) * spread }
    }
    return nowMs - this.wanted.sinceMs >= this.wanted.afterMs ? target : undefined
  }

  onMoved (table: MemberTable, depth: number, nowMs: number): void {
    this.before = { count: greatest(this.views(table, nowMs)), untilMs: nowMs + MOVED_LIFE_MS }
    this.depth = depth
    this.movedMs = nowMs
    this.wanted = undefined
    this.hint = undefined
    this.checkMs = nowMs + CHECK_MS
  }

  nextTimeoutMs (): number {
    return this.checkMs
  }

  private target (table: MemberTable, isListed: boolean, isLost: boolean, nowMs: number): number {
    const { minPeers = MIN_CLUSTER_PEERS } = this.init.bounds
    const hint = this.hint !== undefined && nowMs < this.hint.untilMs ? this.hint.depth : undefined
    const around = hint ?? median(this.claims)
    if (!isListed) {
      return around ?? this.depth
    }
    if (table.size === 1 && minPeers > 1 && around !== undefined) {
      return around // alone, and there are others
    }
    const finer = hint !== undefined && hint > this.depth && isLost ? hint : this.finer(table.size, nowMs)
    if (finer !== undefined) {
      return finer
    }
    const moved = table.former(nowMs, MOVED_LIFE_MS).flatMap(({ movedTo }) => movedTo === undefined ? [] : [movedTo])
    const claims = [...Array.from(table.values(), () => this.depth), ...moved]
    const before = this.before !== undefined && nowMs < this.before.untilMs ? [this.before.count] : []
    return clusterDepth(depthRange(this.point, greatest([...this.views(table, nowMs), ...before]), this.init.bounds), claims)
  }

  /**
   * The depth of a finer part around this peer, if the finer ones have most of those who belong to its cluster: it was left behind when its cluster
   * was split. Soon after it moved it does not believe that: what it is told is of the time before.
   */
  private finer (size: number, nowMs: number): number | undefined {
    const { minPeers = MIN_CLUSTER_PEERS } = this.init.bounds
    const hasSettled = nowMs - this.movedMs >= MOVED_LIFE_MS || size < minPeers / 2
    const own = prefixOf(this.point, this.depth)
    const within = this.parts(nowMs).filter(({ prefix, depth }) => depth > this.depth && prefix >>> (depth - this.depth) === own)
    const isInside = (part: ToldPart, { prefix, depth }: ToldPart): boolean => depth < part.depth && part.prefix >>> (part.depth - depth) === prefix
    const outermost = within.filter(part => !within.some(other => isInside(part, other)))
    const around = within.filter(({ prefix, depth }) => prefixOf(this.point, depth) === prefix)
    const peers = outermost.reduce((sum, part) => sum + part.peers, 0)
    return around.length === 0 || !hasSettled || peers <= 2 * size ? undefined : Math.max(...around.map(({ depth }) => depth))
  }

  private views (table: MemberTable, nowMs: number): CountPrefix[] {
    const moved = table.former(nowMs, MOVED_LIFE_MS).filter(({ movedTo }) => movedTo !== undefined).map(({ peer }) => clusterPoint(peer))
    const points = [...table.points(), ...moved]
    const [own, told] = [prefixOf(this.point, this.depth), this.parts(nowMs)]
    const seen = new ClusterCensus({ points, prefix: own, depth: this.depth, told })
    const views: CountPrefix[] = [seen.count]
    // after two parts became one, those of the other may not have come yet: as long as one is told of them, they count
    const half = prefixOf(this.point, this.depth + 1)
    if (told.some(({ prefix, depth }) => depth > this.depth && prefix >>> (depth - this.depth - 1) === (half ^ 1))) {
      const ofHalf = points.filter(point => prefixOf(point, this.depth + 1) === half)
      views.push(new ClusterCensus({ points: ofHalf, prefix: half, depth: this.depth + 1, told }).count)
    }
    return views
  }
}

function greatest (views: CountPrefix[]): CountPrefix {
  return (prefix, depth) => Math.max(...views.map(view => view(prefix, depth)))
}

function median (values: number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[(values.length - 1) >> 1]
}
