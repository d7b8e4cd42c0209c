/**
 * Devices in the key space, at 1/16 of 4 bytes each: how many are in a cell is drawn and kept as the number of its first device; where in the cell
 * each stands
 * is a hash. A node is its cell times `PLACES` and its place within it, so that a device's number is found with one look.
 */
import { HashedCells, PLACES } from './hashed-cells.ts'

const PLACE_BITS = Math.log2(PLACES)

/** Nodes are numbers below 2^31 here. */
export function cellOfNode (node: number): number {
  return node >>> PLACE_BITS
}

export function placeOfNode (node: number): number {
  return node & (PLACES - 1)
}

export class DeviceCells {
  readonly cells: HashedCells
  /** The number of each cell's first device, and at the end how many there are */
  readonly start: Uint32Array

  /** @param devices expected; there are as many but for about the square root */
  constructor (seed: number, devices: number, cellSize: number) {
    this.cells = new HashedCells(seed, devices, cellSize)
    const count = 2 ** this.cells.cellBits
    if (count * PLACES > 2 ** 31) {
      throw new RangeError(`${devices} devices are too many to be kept: use tables that are not stored`)
    }
    this.start = new Uint32Array(count + 1)
    for (let cell = 0; cell < count; cell++) {
      this.start[cell + 1] = (this.start[cell] as number) + this.cells.countOf(cell)
    }
  }

  get count (): number {
    return this.start[this.start.length - 1] as number
  }

  countIn (cell: number): number {
    return (this.start[cell + 1] as number) - (this.start[cell] as number)
  }

  deviceOf (node: number): number {
    return (this.start[cellOfNode(node)] as number) + placeOfNode(node)
  }

  nodeOf (device: number): number {
    const { start } = this
    let low = 0
    let high = start.length - 1
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if ((start[middle] as number) <= device) {
        low = middle
      } else {
        high = middle
      }
    }
    return low * PLACES + device - (start[low] as number)
  }
}
