/** How often a node may discover: one in 10 s, three at once to begin with (GCRA, ITU-T I.371: one time a node says it all). */
import { KeyedHash } from './keyed-hash.ts'
import type { Random } from '@skein/core'

export interface DiscoverLimiterInit {
  /** @default 10_000 */
  intervalMs?: number
  /** @default 3 */
  burst?: number
  /**
   * Nodes that are remembered at once; a node needs to be for `burst` intervals after its last question. Beyond it the one whose time is
   * nearest to being over is forgotten.
   *
   * @default 262_144
   */
  maxNodes?: number
  random: Random
}

export type DiscoverPermit = { granted: true } | { granted: false, reason: 'too_early', retryAfterMs: number }

/** Nodes whose hashes fall together share this many places. */
const WAYS = 8

export class DiscoverLimiter {
  private readonly intervalMs: number
  private readonly toleranceMs: number
  private readonly hash: KeyedHash
  private readonly sets: number
  private readonly tags: Uint32Array
  /** When a node will have paid for all its questions */
  private readonly paidAtMs: Float64Array

  constructor (init: DiscoverLimiterInit) {
    this.intervalMs = init.intervalMs ?? 10_000
    this.toleranceMs = this.intervalMs * ((init.burst ?? 3) - 1)
    this.hash = new KeyedHash(init.random)
    this.sets = Math.max(1, Math.ceil((init.maxNodes ?? 262_144) / WAYS))
    this.tags = new Uint32Array(this.sets * WAYS)
    this.paidAtMs = new Float64Array(this.sets * WAYS)
  }

  take (node: string, nowMs: number): DiscoverPermit {
    const { hi, lo } = this.hash.text(node)
    const first = (lo % this.sets) * WAYS
    let at = first
    for (let i = first; i < first + WAYS; i++) {
      if (this.tags[i] === hi) {
        at = i
        break
      }
      if ((this.paidAtMs[i] as number) < (this.paidAtMs[at] as number)) {
        at = i
      }
    }
    const paidAtMs = this.tags[at] === hi ? Math.max(this.paidAtMs[at] as number, nowMs) : nowMs
    if (paidAtMs - this.toleranceMs > nowMs) {
      return { granted: false, reason: 'too_early', retryAfterMs: Math.ceil(paidAtMs - this.toleranceMs - nowMs) }
    }
    this.tags[at] = hi
    this.paidAtMs[at] = paidAtMs + this.intervalMs
    return { granted: true }
  }
}
