/**
 * Routing tables as joining makes them (Maymounkov and Mazières 2002, §2.3): one node after another knows one that is there, looks up its own id, and
 * then an id in each bucket farther away than its closest neighbour. Who is asked and who asks learn each other. Such tables are worse than ideal
 * ones: most
 * of what a bucket holds was met on one errand and stands side by side.
 */
import { RandomStream } from '../engine/random-stream.ts'
import { ExplicitTable } from './explicit-table.ts'
import { below } from './bucket-draw.ts'
import { KademliaStream } from './kademlia-stream.ts'
import { LookupRunner } from './lookup-run.ts'
import type { NodeIds } from './explicit-table.ts'
import type { LookupOutcome } from './lookup-run.ts'

export interface JoinInit {
  seed: number
  /** @default 20 */
  k?: number
  /** @default 3 */
  alpha?: number
  /**
   * - `none`: a node looks up its own id and no more
   * - `join`: and at once an id in each bucket farther away than its closest neighbour
   * - `later`: the same, at some time between its joining and the end; what periodic refreshing comes to in a network that grows
   *
   * @default 'later'
   */
  refresh?: 'none' | 'join' | 'later'
  /**
   * Whom a node learns of: those that it asked and those that asked it, as in the paper; or also those that it heard of from others, without having
   * asked them.
   *
   * @default 'asked'
   */
  learns?: 'asked' | 'heard'
  /**
   * The nodes that came first by which the others join. Default: any node that is there
   */
  seeds?: number
  onJoin?: (joined: number) => void
}

export interface JoinedNetwork {
  table: ExplicitTable
  lookups: number
  requests: number
}

/** Counters of one node's draws: which node it knows, and two for each bucket. */
const FIRST_BUCKET = 8

export function joinNetwork (ids: NodeIds, init: JoinInit): JoinedNetwork {
  const k = init.k ?? 20
  const table = new ExplicitTable(ids, k)
  const runner = new LookupRunner(table, { k, alpha: init.alpha ?? 3 }, () => 1)
  const random = new RandomStream(init.seed, KademliaStream.join)
  const order = shuffled(ids.size, random)
  const outcome: LookupOutcome = { reason: 'exhausted', hops: 0, requests: 0, elapsedMs: 0 }
  const joined: JoinedNetwork = { table, lookups: 0, requests: 0 }

  const lookUp = (self: number, hi: number, lo: number): void => {
    runner.run(self, hi, lo, outcome)
    joined.lookups++
    joined.requests += outcome.requests
    if (init.learns === 'heard') {
      runner.forEachKnown(node => { table.add(self, node) })
    }
    for (let i = 0; i < runner.contactedLength; i++) {
      const other = runner.contacted[i] as number
      table.add(other, self)
      table.add(self, other)
    }
  }
  const refresh = (self: number): void => {
    for (let bucket = closestBucket(table, self) - 1; bucket >= 0; bucket--) {
      const draw = FIRST_BUCKET + 2 * bucket
      const [hi, lo] = idInBucket(ids.hi[self] as number, ids.lo[self] as number, bucket, random.uint32(self, draw), random.uint32(self, draw + 1))
      lookUp(self, hi, lo)
    }
  }
  /** The nodes that refresh after each join, as chains: the first of each, and the next of each node */
  const first = new Int32Array(ids.size).fill(-1)
  const next = new Int32Array(ids.size).fill(-1)
  for (let i = 1; i < ids.size; i++) {
    const self = order[i] as number
    const known = order[below(random.uint32(self, 0), Math.min(i, init.seeds ?? i))] as number
    table.add(self, known)
    lookUp(self, ids.hi[self] as number, ids.lo[self] as number)
    const at = init.refresh === 'join' ? i : i + below(random.uint32(self, 2), ids.size - i)
    if (init.refresh !== 'none') {
      next[self] = first[at] as number
      first[at] = self
    }
    for (let node = first[i] as number; node >= 0; node = next[node] as number) {
      refresh(node)
    }
    init.onJoin?.(i + 1)
  }
  return joined
}

/** An id that shares `bucket` leading bits with a node's, and not the next; the others as drawn. */
export function idInBucket (hi: number, lo: number, bucket: number, drawHi: number, drawLo: number): [hi: number, lo: number] {
  return bucket < 32
    ? [halfInBucket(hi, bucket, drawHi), drawLo]
    : [hi, halfInBucket(lo, bucket - 32, drawLo)]
}

function halfInBucket (half: number, bucket: number, draw: number): number {
  const kept = bucket === 0 ? 0 : -1 << (32 - bucket)
  const flipped = 1 << (31 - bucket)
  return ((half & kept) | (~half & flipped) | (draw & ~kept & ~flipped)) >>> 0
}

/** The bucket of the closest neighbour that a node knows. */
function closestBucket (table: ExplicitTable, node: number): number {
  let bucket = table.buckets - 1
  while (bucket > 0 && table.countIn(node, bucket) === 0) {
    bucket--
  }
  return bucket
}

function shuffled (size: number, random: RandomStream): Uint32Array {
  const order = Uint32Array.from({ length: size }, (_, i) => i)
  for (let i = size - 1; i > 0; i--) {
    const j = below(random.uint32(i, 1), i + 1)
    const other = order[j] as number
    order[j] = order[i] as number
    order[i] = other
  }
  return order
}
