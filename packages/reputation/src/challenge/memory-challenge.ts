/** What a memory challenge is: its size, what binds it to two peers, what the verifier's nonces select. docs/specs/capability.md, section 3. */
import { concatBytes } from '@skein/core'
import { BLOCK_BYTES } from './memory-fill.ts'
import { SEGMENT_STEPS } from './memory-walk.ts'
import type { Sha256 } from './merkle-tree.ts'
import type { WalkSalt, WalkState } from './memory-walk.ts'

export const MIN_CHALLENGE_BYTES = 64 * 1024 * 1024
export const MAX_CHALLENGE_BYTES = 4096 * 1024 * 1024
export const NONCE_BYTES = 32

/** Blocks that are opened: who made one in ten of them by another rule passes in 3.4 % of challenges, one in five in 0.08 %. */
export const BLOCK_OPENINGS = 32
/** Segments of the walk that are opened: who left out a tenth of it passes in 18.5 % of challenges, a quarter in 1 %. */
export const SEGMENT_OPENINGS = 16
/** 512 MiB are read: long enough to be timed over a network, 0.3 s where 1 KiB is read and mixed in 0.6 µs. */
export const WALK_STEPS = 524_288
export const SEGMENTS = WALK_STEPS / SEGMENT_STEPS

export interface MemoryChallenge {
  /** A power of two; in the protocol 64 MiB to 4 GiB */
  bytes: number
  /** Peer ids, as text */
  verifier: string
  prover: string
  /** 32 bytes, fresh */
  nonce: Uint8Array
}

/** A block and its two parents, all in the tree; the block itself follows from the parents. */
export interface BlockOpening {
  previous: Uint8Array
  referenced: Uint8Array
  path: Uint8Array
  previousPath: Uint8Array
  referencedPath: Uint8Array
}

/** A segment of the walk: where it begins and ends, and the blocks it reads. */
export interface SegmentOpening {
  /** 128 states of the walk, the one at the segment's end among them */
  ends: Uint8Array
  endsPath: Uint8Array
  /** The 128 before, where the segment is the first of its leaf; else empty */
  previousEnds: Uint8Array
  previousEndsPath: Uint8Array
  blocks: Uint8Array[]
  paths: Uint8Array[]
}

export interface MemoryProof {
  blocks: BlockOpening[]
  segments: SegmentOpening[]
}

export function isChallengeSize (bytes: number, minBytes = MIN_CHALLENGE_BYTES): boolean {
  return Number.isInteger(Math.log2(bytes)) && bytes >= minBytes && bytes <= MAX_CHALLENGE_BYTES
}

export function blocksOf ({ bytes }: MemoryChallenge): number {
  return bytes / BLOCK_BYTES
}

/** The 8 words that the buffer grows from: no two pairs of peers, and no two challenges of one pair, share a buffer. */
export function seedOf ({ bytes, verifier, prover, nonce }: MemoryChallenge, sha256: Sha256): Uint32Array {
  return wordsOf(sha256(concatBytes(textBytes(`skein memory 1\n${verifier}\n${prover}\n${bytes}\n`), nonce)))
}

/** Where the walk begins, and what its steps are bound by: a second nonce, that the prover learns after it committed to the buffer. */
export function walkStart (root: Uint8Array, nonce: Uint8Array, sha256: Sha256): { start: WalkState, salt: WalkSalt } {
  const words = wordsOf(sha256(concatBytes(textBytes('skein walk 1\n'), root, nonce)))
  const [a, b, key, state] = Int32Array.from(words) as unknown as [number, number, number, number]
  return { start: { a, b }, salt: { key, state } }
}

/** What is opened: by a third nonce, after the walk was committed to as well. Blocks 0 and 1 have no two parents and are not drawn. */
export function drawOpenings (
  blocks: number, segments: number, walkRoot: Uint8Array, nonce: Uint8Array, sha256: Sha256
): { blocks: number[], segments: number[] } {
  const key = concatBytes(textBytes('skein open 1\n'), walkRoot, nonce)
  const words = function * (): Generator<number, never, undefined> {
    for (let counter = 0; ; counter++) {
      yield * wordsOf(sha256(concatBytes(key, Uint8Array.of(counter))))
    }
  }
  const drawn = { blocks: [] as number[], segments: [] as number[] }
  for (const word of words()) {
    if (drawn.blocks.length < BLOCK_OPENINGS) {
      drawn.blocks.push(2 + word % (blocks - 2))
    } else if (drawn.segments.length < SEGMENT_OPENINGS) {
      drawn.segments.push(word % segments)
    } else {
      break
    }
  }
  return drawn
}

/** Little-endian words of bytes that may lie anywhere. */
export function wordsOf (bytes: Uint8Array): Uint32Array<ArrayBuffer> {
  return new Uint32Array(Uint8Array.from(bytes).buffer)
}

function textBytes (text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
