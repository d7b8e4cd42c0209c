/** The strings of a puzzle: each is a quarter of a block of ChaCha20 (RFC 8439, section 2.3) under the puzzle's key, cut into six chunks. */
import { chacha20 } from '@noble/ciphers/chacha.js'
import { CHUNK_BITS, PUZZLE_ROUNDS } from './puzzle.ts'

const CHUNKS = PUZZLE_ROUNDS + 1
const BLOCK_BYTES = 64
const STRINGS_PER_BLOCK = 4
const CHUNK_MASK = 2 ** CHUNK_BITS - 1
const NONCE = new Uint8Array(12)

/** Writes the strings of `blocks` blocks from block `first` on: chunk `c` of string `i` to `chunks[c][i]`, the first of them to `at`. */
export function drawStrings (key: Uint8Array, first: number, blocks: number, chunks: Uint32Array[], at: number): void {
  const bytes = chacha20(key, NONCE, new Uint8Array(blocks * BLOCK_BYTES), undefined, first)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let i = 0; i < blocks * STRINGS_PER_BLOCK; i++) {
    for (let half = 0; half < 2; half++) {
      // three chunks from each 64 bits
      const low = view.getUint32(16 * i + 8 * half, true)
      const high = view.getUint32(16 * i + 8 * half + 4, true);
      (chunks[3 * half] as Uint32Array)[at + i] = low & CHUNK_MASK;
      (chunks[3 * half + 1] as Uint32Array)[at + i] = (low >>> 21 | high << 11) & CHUNK_MASK;
      (chunks[3 * half + 2] as Uint32Array)[at + i] = high >>> 10 & CHUNK_MASK
    }
  }
}

/** The six chunks of one string. */
export function stringOf (key: Uint8Array, index: number): Uint32Array {
  const chunks = Array.from({ length: CHUNKS }, () => new Uint32Array(STRINGS_PER_BLOCK))
  drawStrings(key, Math.floor(index / STRINGS_PER_BLOCK), 1, chunks, 0)
  return Uint32Array.from(chunks, chunk => chunk[index % STRINGS_PER_BLOCK] as number)
}
