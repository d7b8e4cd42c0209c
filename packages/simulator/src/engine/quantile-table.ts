/** Draws from a distribution by a table: 32 random bits in, a length out, without a logarithm or a power. */

const BITS = 14
const CELLS = 1 << BITS
const CELL_BITS = 32 - BITS
/** The last cell, where a long tail rises steeply, has a table of its own. */
const TAIL_BITS = 10
const TAIL_CELLS = 1 << TAIL_BITS
const TAIL_CELL_BITS = CELL_BITS - TAIL_BITS

export class QuantileTable {
  private readonly body = new Float64Array(CELLS + 1)
  private readonly tail = new Float64Array(TAIL_CELLS + 1)

  /** @param quantile the length that a share u is at most; asked for u up to 1 − 2^−33 */
  constructor (quantile: (u: number) => number) {
    for (let i = 0; i <= CELLS; i++) {
      this.body[i] = quantile(Math.min(i / CELLS, 1 - 2 ** -33))
    }
    for (let i = 0; i <= TAIL_CELLS; i++) {
      this.tail[i] = quantile(Math.min((CELLS - 1 + i / TAIL_CELLS) / CELLS, 1 - 2 ** -33))
    }
  }

  /** The length for 32 random bits: its rank among all is the bits' rank. */
  draw (bits: number): number {
    const cell = bits >>> CELL_BITS
    if (cell < CELLS - 1) {
      const low = this.body[cell] as number
      return low + ((this.body[cell + 1] as number) - low) * ((bits & ((1 << CELL_BITS) - 1)) + 0.5) / (1 << CELL_BITS)
    }
    const tailCell = (bits >>> TAIL_CELL_BITS) & (TAIL_CELLS - 1)
    const low = this.tail[tailCell] as number
    return low + ((this.tail[tailCell + 1] as number) - low) * ((bits & ((1 << TAIL_CELL_BITS) - 1)) + 0.5) / (1 << TAIL_CELL_BITS)
  }
}
