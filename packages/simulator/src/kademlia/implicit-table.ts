/** Routing tables that are not stored: the ids are, in order, and a hash decides which of the nodes that could be in a bucket are. 8 bytes a node. */
import { BucketDraw, below } from './bucket-draw.ts'
import { distance } from './contact-list.ts'
import { cellOf } from './sorted-ids.ts'
import type { BucketRule } from './bucket-draw.ts'
import type { ContactList } from './contact-list.ts'
import type { KadTable } from './kad-table.ts'
import type { SortedIds } from './sorted-ids.ts'

export class ImplicitTable implements KadTable {
  readonly size: number
  readonly k: number
  readonly buckets: number
  private readonly ids: SortedIds
  private readonly draw: BucketDraw

  constructor (ids: SortedIds, seed: number, k: number, rule: BucketRule = {}) {
    this.ids = ids
    this.size = ids.size
    this.k = k
    this.buckets = ids.cellBits + 1
    this.draw = new BucketDraw(seed, k, rule)
  }

  idHi (node: number): number {
    return this.ids.hi[node] as number
  }

  idLo (node: number): number {
    return this.ids.lo[node] as number
  }

  nodeAt (draw: number): number {
    return below(draw, this.size)
  }

  pushBucket (node: number, bucket: number, targetHi: number, targetLo: number, out: ContactList): void {
    const { cellBits, hi, lo, start } = this.ids
    const cell = cellOf(hi[node] as number, cellBits)
    if (bucket === cellBits) {
      // the node's own cell: hardly ever more than fits its buckets, so all of it is known
      for (let other = start[cell] as number, end = start[cell + 1] as number; other < end; other++) {
        if (other !== node) {
          out.push(other, distance(hi[other] as number, lo[other] as number, targetHi, targetLo))
        }
      }
      return
    }
    const level = cellBits - 1 - bucket
    const firstCell = ((cell >>> level) ^ 1) * 2 ** level
    const first = start[firstCell] as number
    const drawn = this.draw.draw(node, bucket, (start[firstCell + 2 ** level] as number) - first)
    for (let i = 0; i < drawn; i++) {
      const other = first + (this.draw.drawn[i] as number)
      out.push(other, distance(hi[other] as number, lo[other] as number, targetHi, targetLo))
    }
  }
}
