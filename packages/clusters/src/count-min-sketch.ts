/**
 * How much there is of each of very many things, in little room and never too low: the count–min sketch (G. Cormode and S. Muthukrishnan,
 * "An Improved Data Stream Summary: The Count-Min Sketch and its Applications", Journal of Algorithms 55, 2005). Two of them add up cell by cell,
 * and one of twice the width folds onto the other (S. Matusevych, A. Smola and A. Ahmed, "Hokusai: Sketching Streams in Real Time", UAI 2012).
 */

export const SKETCH_ROWS = 4
export const MIN_SKETCH_WIDTH = 16
export const MAX_SKETCH_WIDTH = 1024

const MAX_COUNT = 0xffffffff

export class CountMinSketch {
  /** Cells of a row, a power of two. With a width of w an estimate is above e / w of all by 1 in e^4 = 55 */
  readonly width: number
  /** Row by row */
  readonly cells: Uint32Array

  constructor (width: number, cells: Uint32Array = new Uint32Array(SKETCH_ROWS * width)) {
    if (!isSketchWidth(width) || cells.length !== SKETCH_ROWS * width) {
      throw new RangeError(`A sketch is ${MIN_SKETCH_WIDTH} to ${MAX_SKETCH_WIDTH} cells wide, a power of two, and has ${SKETCH_ROWS} rows`)
    }
    this.width = width
    this.cells = cells
  }

  /** Adds to a thing, of which `high` and `low` are 64 bits of a hash. */
  add (high: number, low: number, count: number): void {
    for (let row = 0; row < SKETCH_ROWS; row++) {
      const cell = this.cellOf(high, low, row)
      this.cells[cell] = Math.min(MAX_COUNT, (this.cells[cell] as number) + count)
    }
  }

  /** At least what was added to it. */
  estimate (high: number, low: number): number {
    let least = MAX_COUNT
    for (let row = 0; row < SKETCH_ROWS; row++) {
      least = Math.min(least, this.cells[this.cellOf(high, low, row)] as number)
    }
    return least
  }

  /** Both together, as wide as the narrower. */
  plus (other: CountMinSketch): CountMinSketch {
    return this.combine(other, (a, b) => Math.min(MAX_COUNT, a + b))
  }

  /** The greater of each cell, as wide as the narrower: not below either for anything. */
  max (other: CountMinSketch): CountMinSketch {
    return this.combine(other, Math.max)
  }

  /** The same in less room: half the width puts two cells into one. */
  fold (width: number): CountMinSketch {
    const folded = new CountMinSketch(width)
    for (let row = 0; row < SKETCH_ROWS; row++) {
      for (let i = 0; i < this.width; i++) {
        const cell = row * width + (i & (width - 1))
        folded.cells[cell] = Math.min(MAX_COUNT, (folded.cells[cell] as number) + (this.cells[row * this.width + i] as number))
      }
    }
    return folded
  }

  private combine (other: CountMinSketch, of: (a: number, b: number) => number): CountMinSketch {
    const width = Math.min(this.width, other.width)
    const [a, b] = [this.fold(width), other.fold(width)]
    return new CountMinSketch(width, a.cells.map((cell, i) => of(cell, b.cells[i] as number)))
  }

  /** Rows by double hashing (A. Kirsch and M. Mitzenmacher, "Less Hashing, Same Performance", ESA 2006); the low bits, so that sketches fold. */
  private cellOf (high: number, low: number, row: number): number {
    return row * this.width + (((low + Math.imul(row, high | 1)) >>> 0) & (this.width - 1))
  }
}

export function isSketchWidth (width: number): boolean {
  return width >= MIN_SKETCH_WIDTH && width <= MAX_SKETCH_WIDTH && Number.isInteger(Math.log2(width))
}
