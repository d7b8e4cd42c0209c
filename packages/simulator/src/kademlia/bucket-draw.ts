/**
 * Which of the nodes that could be in a bucket are: `k` of `n`, decided by a hash of the node, the bucket and the seed, so that nothing need be
 * stored.
 * Robert Floyd's sampling ("A Sample of Brilliance", CACM 30(9), 1987): k draws whatever n is, all subsets equally likely.
 */
import { RandomStream } from '../engine/random-stream.ts'
import { KademliaStream } from './kademlia-stream.ts'

/** Draws of one bucket: more than any bucket holds. */
const DRAWS = 256

export interface BucketRule {
  /**
   * Of a bucket's entries, how many were met on one errand and stand side by side: 0 in an ideal table, 15 of 20 in one that joins and refreshes
   * made.
   *
   * @default 0
   */
  clustered?: number
}

export class BucketDraw {
  /** Indices below n that were drawn */
  readonly drawn: Float64Array
  private readonly k: number
  private readonly clustered: number
  private readonly random: RandomStream
  private readonly clusters: RandomStream

  constructor (seed: number, k: number, rule: BucketRule = {}) {
    this.k = k
    this.clustered = Math.min(k, rule.clustered ?? 0)
    this.drawn = new Float64Array(k)
    this.random = new RandomStream(seed, KademliaStream.bucket)
    this.clusters = new RandomStream(seed, KademliaStream.cluster)
  }

  /** Draws into `drawn` and returns how many: all when n is at most k. */
  draw (node: number, bucket: number, n: number): number {
    const { drawn, k } = this
    if (n <= k) {
      for (let i = 0; i < n; i++) {
        drawn[i] = i
      }
      return n
    }
    // those met on one errand are neighbours of one another; the others are drawn from all but them
    const { clustered } = this
    const alone = k - clustered
    const first = clustered === 0 ? n : below(this.clusters.uint32(node, bucket), n - clustered + 1)
    for (let i = 0; i < alone; i++) {
      const top = n - k + i
      const index = below(this.random.uint32(node, bucket * DRAWS + i), top + 1)
      drawn[i] = this.has(i, index) ? top : index
    }
    for (let i = 0; i < alone; i++) {
      drawn[i] = (drawn[i] as number) < first ? drawn[i] as number : (drawn[i] as number) + clustered
    }
    for (let i = 0; i < clustered; i++) {
      drawn[alone + i] = first + i
    }
    return k
  }

  private has (size: number, index: number): boolean {
    for (let i = 0; i < size; i++) {
      if (this.drawn[i] === index) {
        return true
      }
    }
    return false
  }
}

/** 0 to `bound - 1` from 32 random bits, by multiplication: even to within bound / 2^32. */
export function below (uint32: number, bound: number): number {
  return Math.floor(uint32 * bound / 0x100000000)
}
