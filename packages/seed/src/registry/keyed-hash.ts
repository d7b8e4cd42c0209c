/** HalfSipHash-2-4 with 64 bits of output (https://github.com/veorq/SipHash) over text: nobody outside can choose names that collide. */
import type { Random } from '@skein/core'

export class KeyedHash {
  /** The last hash, two halves: read them before the next call */
  hi = 0
  lo = 0
  private readonly key0: number
  private readonly key1: number

  constructor (random: Random) {
    this.key0 = random.nextUint32()
    this.key1 = random.nextUint32()
  }

  /** Sets `hi` and `lo`. `domain` keeps hashes for different uses apart. */
  text (value: string, domain = 0): this {
    let v0 = this.key0
    let v1 = this.key1 ^ 0xee
    let v2 = 0x6c796765 ^ this.key0
    let v3 = 0x74656462 ^ this.key1
    // two UTF-16 units a word, then a word that says how many there were
    const words = (value.length + 1) >>> 1
    for (let i = 0; i <= words; i++) {
      const word = i === words
        ? (value.length << 8) ^ domain
        : value.charCodeAt(2 * i) | ((2 * i + 1 < value.length ? value.charCodeAt(2 * i + 1) : 0) << 16)
      v3 ^= word
      for (let round = 0; round < 2; round++) {
        v0 = (v0 + v1) | 0; v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0; v0 = (v0 << 16) | (v0 >>> 16)
        v2 = (v2 + v3) | 0; v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
        v0 = (v0 + v3) | 0; v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
        v2 = (v2 + v1) | 0; v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2; v2 = (v2 << 16) | (v2 >>> 16)
      }
      v0 ^= word
    }
    v2 ^= 0xee
    for (let round = 0; round < 8; round++) {
      if (round === 4) {
        this.lo = (v1 ^ v3) >>> 0
        v1 ^= 0xdd
      }
      v0 = (v0 + v1) | 0; v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0; v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0; v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0; v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0; v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2; v2 = (v2 << 16) | (v2 >>> 16)
    }
    this.hi = (v1 ^ v3) >>> 0
    return this
  }
}

/** Spreads a number over 32 bits (the finisher of MurmurHash3): for turns and tie-breaks, where nothing has to be secret. */
export function mix32 (value: number): number {
  let z = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
  return (z ^ (z >>> 16)) >>> 0
}
