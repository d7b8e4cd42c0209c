/**
 * Routing tables of a network of which nothing is stored: nodes and whom they know are hashes of the seed. The number of nodes is that asked for
 * but for
 * about its square root. 1 B nodes or 10 B take the memory of none.
 */
import { RandomStream } from '../engine/random-stream.ts'
import { BucketDraw, below } from './bucket-draw.ts'
import { distance } from './contact-list.ts'
import { HashedCells, PLACES } from './hashed-cells.ts'
import { KademliaStream } from './kademlia-stream.ts'
import type { BucketRule } from './bucket-draw.ts'
import type { ContactList } from './contact-list.ts'
import type { KadTable } from './kad-table.ts'

/** Cells that are counted to draw from all their nodes; among more of them a cell is drawn, and then a node of it. */
const COUNTED_CELLS = 8
const DRAWS = 1024
const SPARING_CELLS = 2 ** 24

export class StorageFreeTable implements KadTable {
  readonly size: number
  readonly k: number
  readonly buckets: number
  private readonly cells: HashedCells
  private readonly entries: RandomStream
  private readonly clusters: RandomStream
  private readonly few: BucketDraw
  private readonly clustered: number
  private readonly seen: Float64Array
  private readonly counts = new Int32Array(COUNTED_CELLS)

  constructor (seed: number, size: number, k: number, rule: BucketRule = {}) {
    this.size = size
    this.k = k
    this.cells = new HashedCells(seed, size, k)
    this.buckets = this.cells.cellBits + 1
    this.entries = new RandomStream(seed, KademliaStream.bucket)
    this.clusters = new RandomStream(seed, KademliaStream.cluster)
    this.few = new BucketDraw(seed, k, rule)
    this.clustered = Math.min(k, rule.clustered ?? 0)
    this.seen = new Float64Array(k)
  }

  idHi (node: number): number {
    return this.cells.hiOf(Math.floor(node / PLACES), node % PLACES)
  }

  idLo (node: number): number {
    return this.cells.loOf(Math.floor(node / PLACES), node % PLACES)
  }

  nodeAt (draw: number): number {
    const cells = 2 ** this.cells.cellBits
    for (let cell = below(draw, cells); ; cell = cell + 1 === cells ? 0 : cell + 1) {
      const count = this.cells.countOf(cell)
      if (count > 0) {
        return cell * PLACES + draw % count
      }
    }
  }

  pushBucket (node: number, bucket: number, targetHi: number, targetLo: number, out: ContactList): void {
    const cell = Math.floor(node / PLACES)
    const { cellBits } = this.cells
    if (bucket === cellBits) {
      this.pushCell(cell, node % PLACES, targetHi, targetLo, out)
      return
    }
    const cells = 2 ** (cellBits - 1 - bucket)
    const first = (Math.floor(cell / cells) ^ 1) * cells
    if (cells <= COUNTED_CELLS) {
      this.pushOfFew(node, bucket, first, cells, targetHi, targetLo, out)
    } else {
      this.pushOfMany(node, bucket, first, cells, targetHi, targetLo, out)
    }
  }

  /** All of a cell but one: it is hardly ever more than the buckets hold. */
  private pushCell (cell: number, but: number, targetHi: number, targetLo: number, out: ContactList): void {
    const count = this.cells.countOf(cell)
    const at = this.cells.load(cell)
    for (let place = 0; place < count; place++) {
      if (place !== but) {
        out.push(cell * PLACES + place, distance(this.cells.hi[at + place] as number, this.cells.lo[at + place] as number, targetHi, targetLo))
      }
    }
  }

  private pushOfFew (node: number, bucket: number, first: number, cells: number, targetHi: number, targetLo: number, out: ContactList): void {
    const { counts, few } = this
    let n = 0
    for (let i = 0; i < cells; i++) {
      n += counts[i] = this.cells.countOf(first + i)
    }
    const drawn = few.draw(node, bucket, n)
    for (let i = 0; i < drawn; i++) {
      let place = few.drawn[i] as number
      let cell = 0
      while (place >= (counts[cell] as number)) {
        place -= counts[cell++] as number
      }
      const at = this.cells.load(first + cell) + place
      out.push((first + cell) * PLACES + place, distance(this.cells.hi[at] as number, this.cells.lo[at] as number, targetHi, targetLo))
    }
  }

  /** Draws places in cells until k nodes are found: each node is as likely as any other. */
  private pushOfMany (node: number, bucket: number, first: number, cells: number, targetHi: number, targetLo: number, out: ContactList): void {
    const { entries, k } = this
    let found = 0
    if (this.clustered > 0) {
      found = this.pushCluster(first + below(this.clusters.uint32(node, bucket), cells - 4), targetHi, targetLo, out)
    }
    for (let draw = 0; found < k && draw < DRAWS; draw++) {
      const bits = entries.int32(node, bucket * DRAWS + draw) >>> 0
      const cell = first + below(bits, cells)
      // the bits that the cell leaves over decide on the place; where they are few, others do
      const left = cells <= SPARING_CELLS ? Math.imul(bits, 0x9e3779b1) >>> 0 : entries.uint32(node, 0x100000 + bucket * DRAWS + draw)
      const place = below(left, this.cells.usualPlaces)
      const other = cell * PLACES + place
      if (this.cells.has(cell, place) && !this.hasSeen(found, other)) {
        this.seen[found++] = other
        this.cells.pushTo(out, cell, place, targetHi, targetLo)
      }
    }
  }

  /** Neighbours of one another, from one cell on. */
  private pushCluster (from: number, targetHi: number, targetLo: number, out: ContactList): number {
    let found = 0
    for (let cell = from; found < this.clustered; cell++) {
      const count = this.cells.countOf(cell)
      for (let place = 0; place < count && found < this.clustered; place++) {
        const other = cell * PLACES + place
        this.seen[found++] = other
        this.cells.pushTo(out, cell, place, targetHi, targetLo)
      }
    }
    return found
  }

  private hasSeen (size: number, node: number): boolean {
    for (let i = 0; i < size; i++) {
      if (this.seen[i] === node) {
        return true
      }
    }
    return false
  }
}
