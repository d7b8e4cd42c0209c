/**
 * The parts that one peer coordinates, from its cluster upwards. Who has the seat of a part joins the topic of those that have the seats of its
 * siblings, and is a candidate for the seat above; so on up to the regions. For each part that it has it exchanges digests with those around.
 */
import { clusterPoint, prefixOf } from './cluster-point.ts'
import { encodeMessage } from './cluster-message.ts'
import { decodeDigest, DigestError } from './digest.ts'
import { DigestExchange } from './digest-exchange.ts'
import { PartLevel } from './part-level.ts'
import { parentScope, zonePart } from './scope.ts'
import type { ToldPart } from './cluster-census.ts'
import type { EmitClusterEffect } from './cluster-effect.ts'
import type { LeaseNotice } from './cluster-notice.ts'
import type { DigestPeer, RegionAnswer } from './digest-exchange.ts'
import type { PartLevelInit } from './part-level.ts'
import type { RegionCapacity } from './region-capacity.ts'

export interface CoordinatorLadderInit extends Pick<PartLevelInit, 'self' | 'weigh' | 'random' | 'emit' | 'isConnected' | 'tell' | 'ownAddresses'> {
  /** What the members of the cluster have */
  capacity: (nowMs: number) => RegionCapacity
  /** Who coordinates a part so many levels above the cluster said this */
  onLease: (height: number, notice: LeaseNotice, nowMs: number) => void
}

/** All members tell a new coordinator their loads within 2 s; then it knows them. */
export const SETTLE_MS = 5000

export class CoordinatorLadder {
  private readonly init: CoordinatorLadderInit
  private readonly emit: EmitClusterEffect
  /** Above the cluster, the lowest first */
  private uppers: PartLevel[] = []
  private readonly exchanges = new Map<string, DigestExchange>()

  constructor (init: CoordinatorLadderInit) {
    this.init = init
    this.emit = init.emit
  }

  get levels (): readonly PartLevel[] {
    return this.uppers
  }

  /** The parts that this peer coordinates. */
  get held (): string[] {
    return [...this.exchanges.keys()]
  }

  /** What follows from who has which seat now: levels are entered and left, digests go to whom they belong. */
  settle (cluster: PartLevel, weight: number, nowMs: number): void {
    const before = this.held.join()
    const levels = [cluster]
    const held = new Set<string>()
    for (let below: PartLevel | undefined = cluster; below?.isHolder === true; ) {
      held.add(below.scope)
      const above: PartLevel = this.enter(levels.length - 1, below.scope, weight, nowMs)
      levels.push(above)
      below = above
    }
    this.leaveAbove(levels.length - 1, nowMs)
    for (const scope of this.exchanges.keys()) {
      if (!held.has(scope)) {
        this.exchanges.delete(scope)
      }
    }
    levels.slice(0, -1).forEach((level, i) => { this.connect(levels, level, i, nowMs) })
    this.drain(nowMs)
    if (this.held.join() !== before) {
      this.emit({ type: 'held', scopes: this.held })
    }
  }

  /** The peer leaves its cluster, and all that it coordinates with it. */
  leave (nowMs: number): void {
    this.leaveAbove(0, nowMs)
    this.exchanges.clear()
  }

  onDigest (from: string, bytes: Uint8Array, nowMs: number): void {
    try {
      const { scope, view } = decodeDigest(bytes)
      const parent = parentScope(scope)
      for (const [held, exchange] of this.exchanges) {
        const isForIt = view === 'whole' ? parentScope(held) === scope : parent === undefined ? parentScope(held) === undefined : held === parent
        if (isForIt) {
          exchange.onDigest(from, bytes, nowMs)
        }
      }
    } catch (error) {
      if (!(error instanceof DigestError)) {
        throw error
      }
      this.emit({ type: 'penalize', peer: from, reason: 'malformed' })
    }
  }

  /** Where there is capacity, as the coordinator of this cluster knows; `undefined` when this peer is not that, or has only begun to be. */
  where (cluster: PartLevel, model: string, nowMs: number): RegionAnswer[] | undefined {
    const exchange = this.exchanges.get(cluster.scope)
    if (exchange === undefined || cluster.heldSinceMs === undefined || nowMs < cluster.heldSinceMs + SETTLE_MS) {
      return undefined
    }
    exchange.onCapacity(this.init.capacity(nowMs))
    return exchange.where(model, nowMs)
  }

  /** Another coordinates a part of the same name, which is larger: what is left of this cluster was not split when that was. */
  hasRival (cluster: PartLevel): boolean {
    const [above] = this.uppers
    return above !== undefined && [...above.table.values()].some(({ peer, scope }) => peer !== this.init.self && scope === cluster.scope)
  }

  /** Since when this peer coordinates a part above its cluster. */
  heldSinceMs (scope: string): number | undefined {
    return this.uppers.find(level => level.scope === scope)?.heldSinceMs
  }

  /** How many peers a part has; `undefined` when this peer does not coordinate it. */
  peersOf (scope: string, nowMs: number): number | undefined {
    const exchange = this.exchanges.get(scope)
    return exchange && [...exchange.part(nowMs).values()].reduce((sum, { peers }) => sum + peers, 0)
  }

  /** How many peers there are in parts of the zone, as far as this peer coordinates. */
  parts (): ToldPart[] {
    return [...this.exchanges.values()].flatMap(exchange => exchange.parts())
  }

  onTimeout (nowMs: number): void {
    this.uppers.forEach(level => { level.onTimeout(nowMs) })
    for (const [scope, exchange] of this.exchanges) {
      if ((exchange.nextTimeoutMs() ?? Infinity) <= nowMs) {
        if (scope === this.lowest) {
          exchange.onCapacity(this.init.capacity(nowMs))
        }
        exchange.onTimeout(nowMs)
      }
    }
    this.drain(nowMs)
  }

  nextTimeoutMs (): number {
    return Math.min(
      ...this.uppers.map(level => level.nextTimeoutMs()),
      ...Array.from(this.exchanges.values(), exchange => exchange.nextTimeoutMs() ?? Infinity),
      Infinity
    )
  }

  private get lowest (): string | undefined {
    return this.exchanges.keys().next().value
  }

  private enter (index: number, ownScope: string, weight: number, nowMs: number): PartLevel {
    const scope = parentScope(ownScope) ?? ''
    const known = this.uppers[index]
    if (known?.scope === scope) {
      return known
    }
    this.leaveAbove(index, nowMs)
    const { onLease, ...init } = this.init
    const level: PartLevel = new PartLevel({
      ...init,
      onLease: (holder, notice, atMs) => {
        if (holder === level.coordinator) {
          onLease(index + 1, notice, atMs)
        }
      },
      scope,
      topic: partTopic(scope),
      ownScope,
      weight,
      belongs: (peer, part) => isChild(part, scope) && isCoordinatorOf(peer, part)
    }, nowMs)
    this.uppers[index] = level
    return level
  }

  /** Leaves the levels above the first `count` of those above the cluster, the uppermost first. */
  private leaveAbove (count: number, nowMs: number): void {
    for (const level of this.uppers.splice(count).reverse()) {
      level.leave(nowMs)
    }
  }

  private connect (levels: PartLevel[], level: PartLevel, index: number, nowMs: number): void {
    let exchange = this.exchanges.get(level.scope)
    if (exchange === undefined) {
      exchange = new DigestExchange({ self: this.init.self, scope: level.scope, firstSeq: nowMs, notBeforeMs: nowMs + SETTLE_MS })
      this.exchanges.set(level.scope, exchange)
    }
    const above = levels[index + 1]
    const below = index === 0 ? [] : membersOf(level)
    const upwards = above === undefined || above.scope === '' ? [] : above.holders().map(({ holder }) => ({ peer: holder, scope: above.scope }))
    const across = above?.scope === '' ? membersOf(above).filter(({ peer, scope }) => peer !== this.init.self || scope !== level.scope) : []
    exchange.onPeers({ upwards, across, downwards: below }, nowMs)
  }

  private drain (nowMs: number): void {
    for (const exchange of this.exchanges.values()) {
      for (let effect = exchange.poll(); effect !== undefined; effect = exchange.poll()) {
        if (effect.type === 'penalize') {
          // while seats change hands, who has one and who knows it differ: that is nobody's fault
          if (effect.reason !== 'not_its_part') {
            this.emit(effect)
          }
        } else if (effect.to === this.init.self) {
          this.onDigest(this.init.self, effect.bytes, nowMs)
        } else {
          const { to: peer, bytes } = effect
          const addresses = this.uppers.map(level => level.addressesOf(peer)).find(known => known.length > 0) ?? []
          this.emit({ type: 'send', peer, addresses, bytes: encodeMessage({ type: 'digest', bytes }) })
        }
      }
    }
  }
}

/** The topic of those that coordinate the parts just below a part. */
export function partTopic (scope: string): string {
  return `/skein/part/1/${scope}`
}

export function clusterTopic (scope: string): string {
  return `/skein/cluster/1/${scope}`
}

function membersOf (level: PartLevel): DigestPeer[] {
  return [...level.table.values()].flatMap(({ peer, scope }) => scope === undefined ? [] : [{ peer, scope }])
}

function isChild (part: string | undefined, scope: string): boolean {
  return part !== undefined && (parentScope(part) ?? '') === scope
}

/** Who coordinates a part of a zone is a peer of it, and who is can be told from its id. */
function isCoordinatorOf (peer: string, part: string | undefined): boolean {
  const { prefix, depth } = zonePart(part ?? '') ?? { prefix: 0, depth: 0 }
  return prefixOf(clusterPoint(peer), depth) === prefix
}
