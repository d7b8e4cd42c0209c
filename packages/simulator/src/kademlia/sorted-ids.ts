/** The ids of a network in order, in 8 bytes a node, and where each cell (all that share the first bits) begins among them. */
import { RandomStream } from '../engine/random-stream.ts'
import { KademliaStream } from './kademlia-stream.ts'

export interface SortedIds {
  readonly size: number
  readonly hi: Uint32Array
  readonly lo: Uint32Array
  /** Leading bits that the nodes of a cell share */
  readonly cellBits: number
  /** Index of the first node of each cell, and at the end the size */
  readonly start: Uint32Array
}

/** Bits by which a network is cut into cells of k/2 to k nodes, so that a node's own cell is seldom more than its buckets hold. */
export function cellBitsFor (size: number, k: number): number {
  return Math.min(30, Math.max(0, Math.ceil(Math.log2(size / k))))
}

/** `size` ids drawn evenly from the whole space. */
export function drawSortedIds (seed: number, size: number, k: number): SortedIds {
  const random = new RandomStream(seed, KademliaStream.id)
  const ids = new BigUint64Array(size)
  const words = new Uint32Array(ids.buffer)
  for (let node = 0; node < size; node++) {
    words[2 * node] = random.uint32(node, 1)
    words[2 * node + 1] = random.uint32(node, 0)
  }
  ids.sort()
  const hi = new Uint32Array(size)
  const lo = new Uint32Array(size)
  for (let node = 0; node < size; node++) {
    hi[node] = words[2 * node + 1] as number
    lo[node] = words[2 * node] as number
  }
  const cellBits = cellBitsFor(size, k)
  return { size, hi, lo, cellBits, start: cellStarts(hi, cellBits) }
}

export function cellOf (hi: number, cellBits: number): number {
  return cellBits === 0 ? 0 : hi >>> (32 - cellBits)
}

function cellStarts (hi: Uint32Array, cellBits: number): Uint32Array {
  const start = new Uint32Array(2 ** cellBits + 1)
  let cell = 0
  for (let node = 0; node < hi.length; node++) {
    const own = cellOf(hi[node] as number, cellBits)
    while (cell < own) {
      start[++cell] = node
    }
  }
  start.fill(hi.length, cell + 1)
  return start
}
