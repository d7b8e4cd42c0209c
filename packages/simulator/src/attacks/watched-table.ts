/** One node's routing table as peers come to its notice: whom it takes, and whom it gives up for that. */
import { refusal } from '@skein/routing'
import type { DiversityRule } from '@skein/routing'

/**
 * - `newest`: in a full bucket the newest takes the place of the one not seen the longest
 * - `checked`: only if that one does not answer any more (Maymounkov and Mazières 2002, §2.2)
 */
export type Eviction = 'newest' | 'checked'

export interface WatchedTableInit {
  /** @default 20 */
  k?: number
  buckets: number
  eviction: Eviction
  /** Left out: networks do not matter */
  diversity?: DiversityRule
  subnetOf: (peer: number) => number
  asOf: (peer: number) => number
}

export class WatchedTable {
  /** Each bucket's peers, the one not seen the longest first */
  readonly buckets: number[][]
  size = 0
  private readonly init: WatchedTableInit
  private readonly k: number
  private readonly bySubnet = new Map<number, number>()
  private readonly byAs = new Map<number, number>()

  constructor (init: WatchedTableInit) {
    this.init = init
    this.k = init.k ?? 20
    this.buckets = Array.from({ length: init.buckets }, () => [])
  }

  /** A peer was heard of and answered; `isLive` asks another whether it still does. */
  onSeen (peer: number, bucket: number, isLive: (peer: number) => boolean): void {
    const entries = this.buckets[bucket] as number[]
    const at = entries.indexOf(peer)
    if (at >= 0) {
      entries.push(...entries.splice(at, 1))
      return
    }
    const leaving = entries.length < this.k ? undefined : entries[0] as number
    if (leaving !== undefined && this.init.eviction === 'checked' && isLive(leaving)) {
      // it has been seen just now
      entries.push(...entries.splice(0, 1))
      return
    }
    if (this.isRefused(peer, entries, leaving)) {
      return
    }
    if (leaving !== undefined) {
      entries.shift()
      this.count(leaving, -1)
    }
    entries.push(peer)
    this.count(peer, 1)
  }

  private isRefused (peer: number, entries: number[], leaving: number | undefined): boolean {
    const { asOf, diversity, subnetOf } = this.init
    if (diversity === undefined) {
      return false
    }
    const subnet = subnetOf(peer)
    const as = asOf(peer)
    const gone = (same: boolean): number => leaving !== undefined && same ? 1 : 0
    const leavesSubnet = gone(leaving !== undefined && subnetOf(leaving) === subnet)
    return refusal({
      subnetInBucket: entries.reduce((sum, other) => sum + (subnetOf(other) === subnet ? 1 : 0), 0) - leavesSubnet,
      subnetInTable: (this.bySubnet.get(subnet) ?? 0) - leavesSubnet,
      asInTable: (this.byAs.get(as) ?? 0) - gone(leaving !== undefined && asOf(leaving) === as),
      table: this.size - gone(true)
    }, diversity) !== undefined
  }

  private count (peer: number, change: 1 | -1): void {
    const { asOf, subnetOf } = this.init
    this.size += change
    this.bySubnet.set(subnetOf(peer), (this.bySubnet.get(subnetOf(peer)) ?? 0) + change)
    this.byAs.set(asOf(peer), (this.byAs.get(asOf(peer)) ?? 0) + change)
  }
}
