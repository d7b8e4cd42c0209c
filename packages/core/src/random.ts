/** Randomness as an argument. */

export interface Random {
  /** A whole number, 0 to 2^32 − 1, all equally likely */
  nextUint32 (): number
}

/** 0 ≤ x < 1, with 53 random bits. */
export function randomFloat (random: Random): number {
  return ((random.nextUint32() >>> 5) * 0x4000000 + (random.nextUint32() >>> 6)) / 0x20000000000000
}

/** A whole number 0 ≤ x < `bound`, all equally likely (Lemire's rejection method would save a division; clarity wins here). */
export function randomBelow (random: Random, bound: number): number {
  const limit = Math.floor(0x100000000 / bound) * bound
  for (;;) {
    const value = random.nextUint32()
    if (value < limit) {
      return value % bound
    }
  }
}

export function randomBytes (random: Random, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i += 4) {
    const value = random.nextUint32()
    for (let j = 0; j < 4 && i + j < length; j++) {
      bytes[i + j] = value >>> (8 * j)
    }
  }
  return bytes
}

/** Shuffles in place (Fisher–Yates) and returns the array. */
export function shuffle<T> (random: Random, items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = randomBelow(random, i + 1)
    const swap = items[i] as T
    items[i] = items[j] as T
    items[j] = swap
  }
  return items
}

/**
 * A repeatable generator: sfc32 (Chris Doty-Humphrey, PractRand), seeded through splitmix32. Not for secrets.
 */
export class SeededRandom implements Random {
  private a: number
  private b: number
  private c: number
  private counter = 1

  constructor (seed: number) {
    let state = seed >>> 0
    const next = (): number => {
      state = (state + 0x9e3779b9) >>> 0
      let z = state
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
      return (z ^ (z >>> 15)) >>> 0
    }
    this.a = next()
    this.b = next()
    this.c = next()
    for (let i = 0; i < 12; i++) {
      this.nextUint32()
    }
  }

  nextUint32 (): number {
    const sum = (this.a + this.b + this.counter) >>> 0
    this.counter = (this.counter + 1) >>> 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum | 0
    return sum
  }
}
