/**
 * The buffer of a memory challenge: a chain of blocks of 1 KiB in which each depends on the one before and on an earlier one that only the one before
 * tells, as in Argon2d (RFC 9106, section 3.4.1.1, with the reference drawn evenly); a block is made by Salsa20/8 lane after lane, as in scrypt's
 * BlockMix (RFC 7914, section 4). docs/specs/capability.md, section 3.
 */

export const BLOCK_BYTES = 1024
export const BLOCK_WORDS = 256

const LANE_WORDS = 16
/** "expand 32-byte k", as in Salsa20. */
const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const

/** What the first two blocks have for parents that are not there. */
const NONE = new Uint32Array(BLOCK_WORDS)

/** Fills the whole buffer of at least two blocks; `seed` has 8 words. */
export function fillMemory (memory: Uint32Array, seed: Uint32Array): void {
  const blocks = memory.length / BLOCK_WORDS
  writeBlock(memory, 0, NONE, 0, NONE, 0, seed, 0)
  writeBlock(memory, BLOCK_WORDS, memory, 0, NONE, 0, seed, 1)
  for (let index = 2; index < blocks; index++) {
    const to = index * BLOCK_WORDS
    writeBlock(memory, to, memory, to - BLOCK_WORDS, memory, referenceOf(index, memory[to - 1] as number) * BLOCK_WORDS, seed, index)
  }
}

/** The block that one refers to besides the one before, by the last word of that; `index` is at least 2, as the first two refer to none. */
export function referenceOf (index: number, lastWord: number): number {
  return (lastWord >>> 0) % (index - 1)
}

/** One block from the two it is made of. */
export function blockOf (seed: Uint32Array, index: number, previous: Uint32Array, referenced: Uint32Array): Uint32Array<ArrayBuffer> {
  const block = new Uint32Array(BLOCK_WORDS)
  writeBlock(block, 0, previous, 0, referenced, 0, seed, index)
  return block
}

/** Positions are of words. Unrolled by hand: this is what a challenge spends its time with. */
function writeBlock (
  m: Uint32Array, to: number, before: Uint32Array, previous: number, other: Uint32Array, referenced: number, seed: Uint32Array, index: number
): void {
  let c0 = (seed[0] as number) | 0
  let c1 = (seed[1] as number) | 0
  let c2 = (seed[2] as number) | 0
  let c3 = (seed[3] as number) | 0
  let c4 = (seed[4] as number) | 0
  let c5 = (seed[5] as number) | 0
  let c6 = (seed[6] as number) | 0
  let c7 = (seed[7] as number) | 0
  let c8 = index | 0
  let c9 = CONSTANTS[0] as number
  let c10 = CONSTANTS[1] as number
  let c11 = CONSTANTS[2] as number
  let c12 = CONSTANTS[3] as number
  let c13 = 0
  let c14 = 0
  let c15 = 0

  for (let lane = 0; lane < BLOCK_WORDS; lane += LANE_WORDS) {
    const p = previous + lane
    const r = referenced + lane
    c0 ^= (before[p] as number) ^ (other[r] as number)
    c1 ^= (before[p + 1] as number) ^ (other[r + 1] as number)
    c2 ^= (before[p + 2] as number) ^ (other[r + 2] as number)
    c3 ^= (before[p + 3] as number) ^ (other[r + 3] as number)
    c4 ^= (before[p + 4] as number) ^ (other[r + 4] as number)
    c5 ^= (before[p + 5] as number) ^ (other[r + 5] as number)
    c6 ^= (before[p + 6] as number) ^ (other[r + 6] as number)
    c7 ^= (before[p + 7] as number) ^ (other[r + 7] as number)
    c8 ^= (before[p + 8] as number) ^ (other[r + 8] as number)
    c9 ^= (before[p + 9] as number) ^ (other[r + 9] as number)
    c10 ^= (before[p + 10] as number) ^ (other[r + 10] as number)
    c11 ^= (before[p + 11] as number) ^ (other[r + 11] as number)
    c12 ^= (before[p + 12] as number) ^ (other[r + 12] as number)
    c13 ^= (before[p + 13] as number) ^ (other[r + 13] as number)
    c14 ^= (before[p + 14] as number) ^ (other[r + 14] as number)
    c15 ^= (before[p + 15] as number) ^ (other[r + 15] as number)
    let x0 = c0
    let x1 = c1
    let x2 = c2
    let x3 = c3
    let x4 = c4
    let x5 = c5
    let x6 = c6
    let x7 = c7
    let x8 = c8
    let x9 = c9
    let x10 = c10
    let x11 = c11
    let x12 = c12
    let x13 = c13
    let x14 = c14
    let x15 = c15
    for (let round = 0; round < 8; round += 2) {
      x4 ^= rotated(x0 + x12 | 0, 7)
      x8 ^= rotated(x4 + x0 | 0, 9)
      x12 ^= rotated(x8 + x4 | 0, 13)
      x0 ^= rotated(x12 + x8 | 0, 18)
      x9 ^= rotated(x5 + x1 | 0, 7)
      x13 ^= rotated(x9 + x5 | 0, 9)
      x1 ^= rotated(x13 + x9 | 0, 13)
      x5 ^= rotated(x1 + x13 | 0, 18)
      x14 ^= rotated(x10 + x6 | 0, 7)
      x2 ^= rotated(x14 + x10 | 0, 9)
      x6 ^= rotated(x2 + x14 | 0, 13)
      x10 ^= rotated(x6 + x2 | 0, 18)
      x3 ^= rotated(x15 + x11 | 0, 7)
      x7 ^= rotated(x3 + x15 | 0, 9)
      x11 ^= rotated(x7 + x3 | 0, 13)
      x15 ^= rotated(x11 + x7 | 0, 18)
      x1 ^= rotated(x0 + x3 | 0, 7)
      x2 ^= rotated(x1 + x0 | 0, 9)
      x3 ^= rotated(x2 + x1 | 0, 13)
      x0 ^= rotated(x3 + x2 | 0, 18)
      x6 ^= rotated(x5 + x4 | 0, 7)
      x7 ^= rotated(x6 + x5 | 0, 9)
      x4 ^= rotated(x7 + x6 | 0, 13)
      x5 ^= rotated(x4 + x7 | 0, 18)
      x11 ^= rotated(x10 + x9 | 0, 7)
      x8 ^= rotated(x11 + x10 | 0, 9)
      x9 ^= rotated(x8 + x11 | 0, 13)
      x10 ^= rotated(x9 + x8 | 0, 18)
      x12 ^= rotated(x15 + x14 | 0, 7)
      x13 ^= rotated(x12 + x15 | 0, 9)
      x14 ^= rotated(x13 + x12 | 0, 13)
      x15 ^= rotated(x14 + x13 | 0, 18)
    }
    const o = to + lane
    m[o] = c0 = c0 + x0 | 0
    m[o + 1] = c1 = c1 + x1 | 0
    m[o + 2] = c2 = c2 + x2 | 0
    m[o + 3] = c3 = c3 + x3 | 0
    m[o + 4] = c4 = c4 + x4 | 0
    m[o + 5] = c5 = c5 + x5 | 0
    m[o + 6] = c6 = c6 + x6 | 0
    m[o + 7] = c7 = c7 + x7 | 0
    m[o + 8] = c8 = c8 + x8 | 0
    m[o + 9] = c9 = c9 + x9 | 0
    m[o + 10] = c10 = c10 + x10 | 0
    m[o + 11] = c11 = c11 + x11 | 0
    m[o + 12] = c12 = c12 + x12 | 0
    m[o + 13] = c13 = c13 + x13 | 0
    m[o + 14] = c14 = c14 + x14 | 0
    m[o + 15] = c15 = c15 + x15 | 0
  }
}

function rotated (word: number, bits: number): number {
  return word << bits | word >>> (32 - bits)
}
