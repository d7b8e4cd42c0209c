/**
 * The nodes of a network that is not stored: the key space is cut into cells, and how many nodes a cell has and where they stand are hashes of the
 * seed.
 * The counts are Poisson and independent, so the nodes are scattered as evenly drawn ids are. Within a cell 32 bits tell nodes apart.
 */
import { RandomStream } from '../engine/random-stream.ts'
import { distance } from './contact-list.ts'
import { KademliaStream } from './kademlia-stream.ts'
import { PoissonTable } from './poisson-table.ts'
import { cellBitsFor } from './sorted-ids.ts'
import type { ContactList } from './contact-list.ts'

/** A node is its cell times this, and its place within it. */
export const PLACES = 64

/** Cells that are remembered: a lookup comes back again and again to those around its target. A power of two. */
const REMEMBERED = 256

export class HashedCells {
  /** Leading bits that the nodes of a cell share */
  readonly cellBits: number
  /** All but one of a thousand nodes have a place below this */
  readonly usualPlaces: number
  /** Ids of remembered cells, at what `load` gives plus the place */
  readonly hi = new Uint32Array(REMEMBERED * PLACES)
  readonly lo = new Uint32Array(REMEMBERED * PLACES)
  private readonly tags = new Float64Array(REMEMBERED).fill(-1)
  private readonly poisson: PoissonTable
  private readonly counts: RandomStream
  private readonly ids: RandomStream

  constructor (seed: number, size: number, k: number) {
    this.cellBits = cellBitsFor(size, k)
    const mean = size / 2 ** this.cellBits
    this.poisson = new PoissonTable(mean, PLACES - 1)
    this.usualPlaces = Math.min(PLACES, Math.ceil(mean + 3 * Math.sqrt(mean)))
    this.counts = new RandomStream(seed, KademliaStream.cellCount)
    this.ids = new RandomStream(seed, KademliaStream.id)
  }

  countOf (cell: number): number {
    return this.poisson.draw(this.counts.int32(cell, 0) >>> 0)
  }

  /** Whether a cell has a node at this place. */
  has (cell: number, place: number): boolean {
    return this.poisson.exceeds(this.counts.int32(cell, 0) >>> 0, place)
  }

  /** The cell, and of the 32 bits drawn for a place as many as there is room for; the others begin the lower half. */
  hiOf (cell: number, place: number): number {
    const bits = this.ids.uint32(cell, place)
    return this.cellBits === 0 ? bits : ((cell << (32 - this.cellBits)) | (bits >>> this.cellBits)) >>> 0
  }

  loOf (cell: number, place: number): number {
    return this.cellBits === 0 ? 0 : (this.ids.uint32(cell, place) << (32 - this.cellBits)) >>> 0
  }

  /** Adds a node to `out`, with its distance to the target: both halves of its id from one draw. */
  pushTo (out: ContactList, cell: number, place: number, targetHi: number, targetLo: number): void {
    const { cellBits } = this
    const bits = this.ids.int32(cell, place)
    const hi = cellBits === 0 ? bits : (cell << (32 - cellBits)) | (bits >>> cellBits)
    const lo = cellBits === 0 ? 0 : bits << (32 - cellBits)
    out.push(cell * PLACES + place, distance(hi, lo, targetHi, targetLo))
  }

  /** Computes the ids of a whole cell, unless they are remembered, and says where they begin in `hi` and `lo`. */
  load (cell: number): number {
    const row = cell & (REMEMBERED - 1)
    const first = row * PLACES
    if (this.tags[row] !== cell) {
      this.tags[row] = cell
      for (let place = 0, count = this.countOf(cell); place < count; place++) {
        this.hi[first + place] = this.hiOf(cell, place)
        this.lo[first + place] = this.loOf(cell, place)
      }
    }
    return first
  }
}
