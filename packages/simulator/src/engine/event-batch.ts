/** The events of one tick, in the order that depends on nothing but what they are: by their first words, compared as unsigned numbers. */

export class EventBatch {
  readonly words: number
  /** The records, one after another; in order of `order` */
  records: Int32Array
  /** Where each record begins, in the order of the events */
  order: Int32Array
  size = 0
  private spare: Int32Array
  private readonly keyWords: number

  /** @param keyWords how many words, from the first, decide the order; events that agree in all of them keep the order in which they were added */
  constructor (words: number, keyWords: number) {
    this.words = words
    this.keyWords = keyWords
    this.records = new Int32Array(64 * words)
    this.order = new Int32Array(64)
    this.spare = new Int32Array(64)
  }

  /** Where the next record goes in `records`. Call `added` when it is there. */
  room (): number {
    const at = this.size * this.words
    if (at === this.records.length) {
      this.records = grown(this.records)
      this.order = grown(this.order)
      this.spare = new Int32Array(this.order.length)
    }
    return at
  }

  added (): void {
    this.order[this.size] = this.size * this.words
    this.size++
  }

  clear (): void {
    this.size = 0
  }

  sort (): void {
    const { size } = this
    if (size < 2) {
      return
    }
    if (size <= 24) {
      this.insertionSort(0, size)
      return
    }
    // runs of 16, then merged bottom up
    for (let from = 0; from < size; from += 16) {
      this.insertionSort(from, Math.min(size, from + 16))
    }
    for (let width = 16; width < size; width *= 2) {
      for (let from = 0; from < size; from += 2 * width) {
        this.merge(from, Math.min(size, from + width), Math.min(size, from + 2 * width))
      }
      const swap = this.order
      this.order = this.spare
      this.spare = swap
    }
  }

  private insertionSort (from: number, to: number): void {
    const { order } = this
    for (let i = from + 1; i < to; i++) {
      const at = order[i] as number
      let j = i - 1
      while (j >= from && this.compare(order[j] as number, at) > 0) {
        order[j + 1] = order[j] as number
        j--
      }
      order[j + 1] = at
    }
  }

  private merge (from: number, middle: number, to: number): void {
    const { order, spare } = this
    let a = from
    let b = middle
    for (let i = from; i < to; i++) {
      if (a < middle && (b >= to || this.compare(order[a] as number, order[b] as number) <= 0)) {
        spare[i] = order[a++] as number
      } else {
        spare[i] = order[b++] as number
      }
    }
  }

  private compare (a: number, b: number): number {
    const { records, keyWords } = this
    for (let i = 0; i < keyWords; i++) {
      const difference = ((records[a + i] as number) >>> 0) - ((records[b + i] as number) >>> 0)
      if (difference !== 0) {
        return difference
      }
    }
    return 0
  }
}

function grown (array: Int32Array): Int32Array {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}
