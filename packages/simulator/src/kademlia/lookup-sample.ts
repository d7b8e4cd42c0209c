/** Many lookups of random ids by random nodes over a table, and what they took. */
import { RandomStream } from '../engine/random-stream.ts'
import { KademliaStream } from './kademlia-stream.ts'
import { LookupRunner } from './lookup-run.ts'
import type { KadTable } from './kad-table.ts'
import type { LookupRule } from './lookup-kernel.ts'
import type { LookupOutcome, RoundTrip } from './lookup-run.ts'

export interface LookupSampleInit {
  table: KadTable
  rule?: LookupRule
  seed: number
  lookups: number
  /** Default: each request takes 1, so that `elapsedMs` counts the sequential rounds */
  roundTripMs?: RoundTrip
  /** Number of the first lookup, for who divides them among threads. @default 0 */
  first?: number
}

export interface LookupSample {
  hops: Float64Array
  requests: Float64Array
  elapsedMs: Float64Array
  /** Lookups that found the k closest that answer */
  complete: number
}

export function sampleLookups (init: LookupSampleInit): LookupSample {
  const { lookups, table, first = 0 } = init
  const random = new RandomStream(init.seed, KademliaStream.lookup)
  const runner = new LookupRunner(table, init.rule ?? { k: table.k }, init.roundTripMs ?? (() => 1))
  const sample = { hops: new Float64Array(lookups), requests: new Float64Array(lookups), elapsedMs: new Float64Array(lookups), complete: 0 }
  const outcome: LookupOutcome = { reason: 'exhausted', hops: 0, requests: 0, elapsedMs: 0 }
  for (let i = 0; i < lookups; i++) {
    runner.run(table.nodeAt(random.uint32(first + i, 0)), random.uint32(first + i, 1), random.uint32(first + i, 2), outcome)
    sample.hops[i] = outcome.hops
    sample.requests[i] = outcome.requests
    sample.elapsedMs[i] = outcome.elapsedMs
    sample.complete += outcome.reason === 'converged' || outcome.reason === 'exhausted' ? 1 : 0
  }
  return sample
}

/** Mean hops of ideal tables with k = 20 and alpha = 3, fitted to networks of 1 K to 10 B nodes. */
export function expectedHops (nodes: number): number {
  return 0.36 + 0.512 * Math.log10(nodes)
}
