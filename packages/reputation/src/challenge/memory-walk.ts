/**
 * The walk over a filled buffer: each step reads a whole block under a key, and from what it read comes the next block. Who does not hold a block has
 * to make it again before it can go on, and nothing shorter than a block answers for it, since the key is known only then. docs/specs/capability.md,
 * section 4.
 */
import { BLOCK_WORDS } from './memory-fill.ts'

/** Steps between two states that are committed to. */
export const SEGMENT_STEPS = 4

/** Where a walk stands: two words. */
export interface WalkState {
  a: number
  b: number
}

/** What a walk is bound to the verifier's nonce by, in each step: no piece of it can be walked before the nonce is known. Two words. */
export interface WalkSalt {
  key: number
  state: number
}

/** The block that the next step reads; there are 2^n blocks. */
export function blockAt ({ a }: WalkState, blocks: number): number {
  return (a & (blocks - 1)) >>> 0
}

/** One step, over the block that begins at a word of `memory`. */
export function step ({ a, b }: WalkState, salt: WalkSalt, memory: Uint32Array, from: number): WalkState {
  const key = (b ^ salt.key) | 1
  const end = from + BLOCK_WORDS
  let h0 = a
  let h1 = b ^ salt.state
  let h2 = ~a
  let h3 = ~b
  for (let i = from; i < end; i += 4) {
    h0 = Math.imul(h0, key) + (memory[i] as number) | 0
    h1 = Math.imul(h1, key) + (memory[i + 1] as number) | 0
    h2 = Math.imul(h2, key) + (memory[i + 2] as number) | 0
    h3 = Math.imul(h3, key) + (memory[i + 3] as number) | 0
  }
  const nextA = mixed(h0 ^ mixed(h1))
  return { a: nextA, b: mixed(h2 ^ mixed(h3) ^ nextA) }
}

/** Walks all segments; gives the state at the end of each, two words each. */
export function walk (start: WalkState, salt: WalkSalt, memory: Uint32Array, segments: number): Uint32Array<ArrayBuffer> {
  const blocks = memory.length / BLOCK_WORDS
  const ends = new Uint32Array(2 * segments)
  let state = start
  for (let segment = 0; segment < segments; segment++) {
    for (let i = 0; i < SEGMENT_STEPS; i++) {
      state = step(state, salt, memory, blockAt(state, blocks) * BLOCK_WORDS)
    }
    ends[2 * segment] = state.a
    ends[2 * segment + 1] = state.b
  }
  return ends
}

/** The finalizer of MurmurHash3 (A. Appleby): each bit of the input sways each of the output. */
function mixed (word: number): number {
  let h = word ^ word >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ h >>> 16
}
