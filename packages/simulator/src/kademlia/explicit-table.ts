/** Routing tables as they are stored: buckets of node numbers in one array, `4 · k · buckets` bytes a node. Ideal when filled by `fillIdeal`. */
import { RandomStream } from '../engine/random-stream.ts'
import { distance } from './contact-list.ts'
import { below } from './bucket-draw.ts'
import { firstDifference } from './kad-table.ts'
import { KademliaStream } from './kademlia-stream.ts'
import type { ContactList } from './contact-list.ts'
import type { KadTable } from './kad-table.ts'

/** Where the nodes of a network stand. */
export interface NodeIds {
  readonly size: number
  readonly hi: Uint32Array
  readonly lo: Uint32Array
}

/** Buckets beyond the depth at which one node is expected; what is deeper shares the last. */
const SPARE_BUCKETS = 3

export class ExplicitTable implements KadTable {
  readonly size: number
  readonly k: number
  readonly buckets: number
  readonly ids: NodeIds
  private readonly entries: Int32Array
  private readonly counts: Uint8Array

  constructor (ids: NodeIds, k: number) {
    this.ids = ids
    this.size = ids.size
    this.k = k
    this.buckets = Math.min(32, Math.ceil(Math.log2(Math.max(2, ids.size))) + SPARE_BUCKETS)
    this.entries = new Int32Array(ids.size * this.buckets * k)
    this.counts = new Uint8Array(ids.size * this.buckets)
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

  bucketOf (node: number, other: number): number {
    const { hi, lo } = this.ids
    return Math.min(this.buckets - 1, firstDifference((hi[node] as number) ^ (hi[other] as number), (lo[node] as number) ^ (lo[other] as number)))
  }

  countIn (node: number, bucket: number): number {
    return this.counts[node * this.buckets + bucket] as number
  }

  entryAt (node: number, bucket: number, place: number): number {
    return this.entries[(node * this.buckets + bucket) * this.k + place] as number
  }

  /**
   * A contact that answered, or asked: kept when its bucket has room (Maymounkov and Mazières 2002, §2.2; nobody leaves here, so the oldest stay).
   */
  add (node: number, other: number): void {
    if (node === other) {
      return
    }
    const bucket = node * this.buckets + this.bucketOf(node, other)
    const count = this.counts[bucket] as number
    if (count === this.k) {
      return
    }
    const first = bucket * this.k
    for (let i = 0; i < count; i++) {
      if (this.entries[first + i] === other) {
        return
      }
    }
    this.entries[first + count] = other
    this.counts[bucket] = count + 1
  }

  pushBucket (node: number, bucket: number, targetHi: number, targetLo: number, out: ContactList): void {
    const { hi, lo } = this.ids
    const count = this.countIn(node, bucket)
    const first = (node * this.buckets + bucket) * this.k
    for (let i = 0; i < count; i++) {
      const other = this.entries[first + i] as number
      out.push(other, distance(hi[other] as number, lo[other] as number, targetHi, targetLo))
    }
  }
}

/** Fills each bucket with up to k of all nodes that belong in it, all equally likely. The ids must be in order. */
export function fillIdeal (table: ExplicitTable, seed: number): void {
  const random = new RandomStream(seed, KademliaStream.bucket)
  const { hi, lo, size } = table.ids
  const picked = new Int32Array(size)
  for (let i = 0; i < size; i++) {
    picked[i] = i
  }
  for (let node = 0; node < size; node++) {
    let low = 0
    let high = size
    for (let bucket = 0; bucket < table.buckets - 1 && high - low > 1; bucket++) {
      const middle = firstWithBit(hi, lo, bucket, low, high)
      const upper = node >= middle
      const first = upper ? low : middle
      const count = upper ? middle - low : high - middle
      fillBucket(table, node, bucket, first, count, picked, random)
      low = upper ? middle : low
      high = upper ? high : middle
    }
    for (let other = low; other < high; other++) {
      table.add(node, other)
    }
  }
}

/** The first `k` steps of a Fisher–Yates shuffle of the range, undone afterwards. */
function fillBucket (
  table: ExplicitTable, node: number, bucket: number, first: number, count: number, picked: Int32Array, random: RandomStream
): void {
  const take = Math.min(table.k, count)
  const swapped: number[] = []
  for (let i = 0; i < take; i++) {
    const j = i + below(random.uint32(node, bucket * 256 + i), count - i)
    swap(picked, first + i, first + j)
    swapped.push(j)
    table.add(node, picked[first + i] as number)
  }
  for (let i = take - 1; i >= 0; i--) {
    swap(picked, first + i, first + (swapped[i] as number))
  }
}

function swap (array: Int32Array, a: number, b: number): void {
  const value = array[a] as number
  array[a] = array[b] as number
  array[b] = value
}

/** Of nodes that share the bits before `bit`, in order, the first with this bit set. */
function firstWithBit (hi: Uint32Array, lo: Uint32Array, bit: number, low: number, high: number): number {
  while (low < high) {
    const middle = (low + high) >>> 1
    const set = bit < 32 ? ((hi[middle] as number) >>> (31 - bit)) & 1 : ((lo[middle] as number) >>> (63 - bit)) & 1
    if (set === 1) {
      high = middle
    } else {
      low = middle + 1
    }
  }
  return low
}
