/** Numbers of a Poisson distribution from 32 random bits, by a table of its cumulative probabilities and a guide into it. */

export class PoissonTable {
  private readonly cumulative: Float64Array
  private readonly guide = new Uint8Array(256)

  /** @param limit the largest number that may come out */
  constructor (mean: number, limit: number) {
    const cumulative: number[] = []
    let probability = Math.exp(-mean)
    let sum = probability
    for (let n = 0; n < limit; n++) {
      cumulative.push(sum * 0x100000000)
      if (n > mean && 1 - sum < 2 ** -24) {
        break
      }
      probability *= mean / (n + 1)
      sum += probability
    }
    cumulative.push(0x100000000)
    this.cumulative = Float64Array.from(cumulative)
    for (let i = 0; i < 256; i++) {
      this.guide[i] = cumulative.findIndex(bound => bound > i * 0x1000000)
    }
  }

  /** Whether the number drawn from these bits is greater than `n`: cheaper than drawing it. */
  exceeds (uint32: number, n: number): boolean {
    return n < this.cumulative.length && uint32 >= (this.cumulative[n] as number)
  }

  draw (uint32: number): number {
    let n = this.guide[uint32 >>> 24] as number
    while ((this.cumulative[n] as number) <= uint32) {
      n++
    }
    return n
  }
}
