/**
 * The puzzle that makes peer ids cost work: Equihash (Biryukov, Khovratovich, "Equihash: Asymmetric Proof-of-Work Based on the Generalized Birthday
 * Problem", NDSS 2016) with n = 114, k = 5, its strings drawn from ChaCha20, bound to a peer id and a window of time. Solving takes some 80 MB of
 * memory, and with less of it steeply more work; checking takes 32 strings.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from '@skein/core'
import { peerIdBytesOf } from '../peer-name.ts'
import { RecordError } from '../record-error.ts'

/** A string is so many chunks; one is made to vanish in each round. */
export const PUZZLE_ROUNDS = 5
/** Bits of a chunk. */
export const CHUNK_BITS = 19
/** Strings to choose from. */
export const STRINGS = 2 ** (CHUNK_BITS + 1)
/** Strings whose sum is zero. */
export const SOLUTION_INDICES = 2 ** PUZZLE_ROUNDS

/**
 * How long a solution is of use to the peer it is for: in this window, and in the next so that nobody is refused while it solves anew. Longer, an
 * attacker may gather ids for as long before it uses them all at once; shorter, honest peers solve more often.
 */
export const PUZZLE_WINDOW_MS = 30 * 86_400_000

/** Most doublings of the work that a seed may ask for: about 17 minutes on an ordinary machine. */
export const MAX_PUZZLE_BITS = 10

/** What makes a second on an ordinary machine. */
export const DEFAULT_PUZZLE_BITS = 1

const DOMAIN = new TextEncoder().encode('/skein/puzzle/1')
const SOLUTION_BYTES = 8 + 4 * SOLUTION_INDICES

export interface PuzzleSolution {
  /** Number of the window it is for */
  window: number
  /** Which of the puzzles of that peer and window */
  nonce: number
  /** Of strings, in the order of the tree in which they cancel out */
  indices: Uint32Array
}

/** The window of a peer at a time. */
export function puzzleWindow (peer: string, nowMs: number): number {
  return Math.floor(nowMs / PUZZLE_WINDOW_MS + windowShift(peer))
}

/** Until when a solution of this window holds, ms since the Unix epoch. */
export function puzzleExpiryMs (peer: string, window: number): number {
  return Math.floor((window + 2 - windowShift(peer)) * PUZZLE_WINDOW_MS)
}

/** The windows of each peer begin elsewhere, 0 to 1 window earlier, or all would solve at the same hour. */
function windowShift (peer: string): number {
  const [a = 0, b = 0, c = 0, d = 0] = sha256(peerIdBytesOf(peer))
  return ((a << 24 | b << 16 | c << 8 | d) >>> 0) / 2 ** 32
}

/** What the strings are drawn from. */
export function puzzleKey (peer: string, window: number, nonce: number): Uint8Array {
  return sha256(concatBytes(DOMAIN, peerIdBytesOf(peer), uint32(window), uint32(nonce)))
}

/** By which it is seen how much work went into a solution: so many leading bits are zero. */
export function solutionBits (key: Uint8Array, indices: Uint32Array): number {
  const [a = 0, b = 0] = sha256(concatBytes(key, ...[...indices].map(uint32)))
  return Math.clz32((a << 8 | b) << 16)
}

export function encodeSolution ({ window, nonce, indices }: PuzzleSolution): Uint8Array<ArrayBuffer> {
  return concatBytes(uint32(window), uint32(nonce), ...[...indices].map(uint32))
}

/** @throws {RecordError} `malformed` */
export function decodeSolution (bytes: Uint8Array): PuzzleSolution {
  if (bytes.length !== SOLUTION_BYTES) {
    throw new RecordError('malformed', `A puzzle's solution has ${SOLUTION_BYTES} bytes, not ${bytes.length}`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const numbers = Array.from({ length: 2 + SOLUTION_INDICES }, (_, i) => view.getUint32(4 * i))
  return { window: numbers[0] as number, nonce: numbers[1] as number, indices: Uint32Array.from(numbers.slice(2)) }
}

function uint32 (value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255)
}
