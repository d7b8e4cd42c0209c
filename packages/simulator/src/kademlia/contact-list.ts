/** What a table answers: nodes and their distance to a target, closest first, in arrays that are used again for the next answer. */

/** Of the distance that two ids have, the upper 53 bits: what a number holds. Nodes nearer to each other than that are taken for one. */
export function distance (hi: number, lo: number, targetHi: number, targetLo: number): number {
  return ((hi ^ targetHi) >>> 0) * 0x200000 + ((lo ^ targetLo) >>> 11)
}

export class ContactList {
  readonly nodes: Float64Array
  readonly distances: Float64Array
  size = 0

  /** @param capacity most contacts held; more are dropped as they come */
  constructor (capacity: number) {
    this.nodes = new Float64Array(capacity)
    this.distances = new Float64Array(capacity)
  }

  clear (): void {
    this.size = 0
  }

  push (node: number, distance: number): void {
    if (this.size < this.nodes.length) {
      this.nodes[this.size] = node
      this.distances[this.size++] = distance
    }
  }

  /** Sorts what was pushed since the list had `from` contacts, closest first. Insertion: there are few of them. */
  sortFrom (from: number): void {
    const { distances, nodes } = this
    for (let i = from + 1; i < this.size; i++) {
      const distance = distances[i] as number
      const node = nodes[i] as number
      let j = i - 1
      while (j >= from && (distances[j] as number) > distance) {
        distances[j + 1] = distances[j] as number
        nodes[j + 1] = nodes[j] as number
        j--
      }
      distances[j + 1] = distance
      nodes[j + 1] = node
    }
  }

  truncate (size: number): void {
    this.size = Math.min(this.size, size)
  }
}
