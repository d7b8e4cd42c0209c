/** What connected neighbours said of themselves last: which clusters there are around a peer, how far they are split, and who coordinates them. */
import { BoundedMap } from '@skein/core'
import { clusterPoint, prefixOf } from './cluster-point.ts'
import { scopeName } from './scope.ts'
import type { Greeting } from './greeting.ts'
import type { ZoneAnchor } from './zone.ts'

export interface NeighbourClaimsInit {
  /** Beyond them the one heard longest ago goes. @default 512 */
  maxNeighbours?: number
  /**
   * What a neighbour said counts for so long, ms.
   *
   * @default 600_000
   */
  claimMs?: number
}

/** Who is less sure of where it stands than this moves on still. */
const MAX_STANDING_ERROR = 0.4

interface Heard {
  greeting: Greeting
  heardMs: number
  point: number
}

export class NeighbourClaims {
  private readonly claimMs: number
  /** In the order in which they were heard */
  private readonly heard: BoundedMap<string, Heard>

  constructor (init: NeighbourClaimsInit = {}) {
    this.claimMs = init.claimMs ?? 600_000
    this.heard = new BoundedMap({ maxSize: init.maxNeighbours ?? 512 })
  }

  /** A neighbour said this. `true` when it says something else than before. */
  onGreeting (peer: string, greeting: Greeting, nowMs: number): boolean {
    const before = this.heard.get(peer)
    this.heard.set(peer, { greeting, heardMs: nowMs, point: before?.point ?? clusterPoint(peer) })
    return before === undefined || !saysTheSame(before.greeting, greeting)
  }

  /** `true` when it had said something. */
  forget (peer: string): boolean {
    return this.heard.delete(peer)
  }

  clear (): void {
    this.heard.clear()
  }

  /** Forgets what was said too long ago; `true` when there was any. */
  expire (nowMs: number): boolean {
    const before = this.heard.size
    for (const [peer, { heardMs }] of this.heard) {
      if (nowMs - heardMs < this.claimMs) {
        break
      }
      this.heard.delete(peer)
    }
    return this.heard.size < before
  }

  /** The depths that neighbours in a zone say their clusters have: what `clusterDepth` wants. */
  depths (region: string, zone: string, nowMs: number): number[] {
    return this.fresh(nowMs).filter(({ greeting }) => greeting.region === region && greeting.zone === zone).map(({ greeting }) => greeting.depth)
  }

  /** Where neighbours of a region stand, by name, those that know it themselves. */
  standing (region: string, nowMs: number): ZoneAnchor[] {
    const known: ZoneAnchor[] = []
    for (const [name, { greeting, heardMs }] of this.heard) {
      if (greeting.region === region && greeting.coordinate.error <= MAX_STANDING_ERROR && nowMs - heardMs < this.claimMs) {
        known.push({ name, coordinate: greeting.coordinate })
      }
    }
    return known
  }

  /** Who coordinates a cluster, as neighbours in it say: the one that most say first. */
  coordinators (scope: string, nowMs: number): string[] {
    const votes = new Map<string, number>()
    for (const { greeting, point } of this.fresh(nowMs)) {
      const { region, zone, depth, coordinator } = greeting
      if (coordinator !== undefined && scopeName(region, zone, prefixOf(point, depth), depth) === scope) {
        votes.set(coordinator, (votes.get(coordinator) ?? 0) + 1)
      }
    }
    return [...votes].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([coordinator]) => coordinator)
  }

  private fresh (nowMs: number): Heard[] {
    return [...this.heard.values()].filter(({ heardMs }) => nowMs - heardMs < this.claimMs)
  }
}

function saysTheSame (a: Greeting, b: Greeting): boolean {
  return a.region === b.region && a.zone === b.zone && a.depth === b.depth && a.coordinator === b.coordinator
}
