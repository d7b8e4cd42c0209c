/**
 * Routing tables of devices that come and go, of which nothing is stored: a bucket holds what a hash draws from those that were online when its
 * node refreshed
 * it last, or joined. What has gone since is still in it, until the next refresh; what has come is not.
 */
import { RandomStream } from '../engine/random-stream.ts'
import { below } from './bucket-draw.ts'
import { cellOfNode, placeOfNode } from './device-cells.ts'
import { PLACES } from './hashed-cells.ts'
import { KademliaStream } from './kademlia-stream.ts'
import type { ContactList } from './contact-list.ts'
import type { DeviceCells } from './device-cells.ts'
import type { KadTable } from './kad-table.ts'
import type { Presence } from './presence.ts'

export interface ChurnTableInit {
  seed: number
  k: number
  devices: DeviceCells
  presence: Presence
  /** How long after a refresh the next is, ticks of the presence */
  refreshTicks: number
  /** Share of the devices that others cannot reach */
  natShare: number
  /**
   * What becomes of them. `client`: they ask and answer nobody, and are in no table, as in libp2p's client mode. `listed`: they are in the tables,
   * and
   * requests to them come to nothing.
   */
  natted: 'client' | 'listed'
}

const DRAWS = 4096
/** Cells of which all nodes are looked at; among more of them a cell is drawn, and then a node of it. */
const SCANNED_CELLS = 2

export class ChurnTable implements KadTable {
  readonly size: number
  readonly k: number
  readonly buckets: number
  /** Now, a tick of the presence */
  tick = 0
  private readonly devices: DeviceCells
  private readonly presence: Presence
  private readonly refreshTicks: number
  private readonly natBelow: number
  private readonly listsNatted: boolean
  private readonly entries: RandomStream
  private readonly phases: RandomStream
  private readonly nats: RandomStream
  private readonly scanned: Float64Array
  private readonly seen: Float64Array
  private lastNode = -1
  private lastTick = -1
  private lastLearnt = -1

  constructor (init: ChurnTableInit) {
    this.devices = init.devices
    this.presence = init.presence
    this.size = init.devices.count
    this.k = init.k
    this.buckets = init.devices.cells.cellBits + 1
    this.refreshTicks = init.refreshTicks
    this.natBelow = init.natShare * 0x100000000
    this.listsNatted = init.natted === 'listed'
    this.entries = new RandomStream(init.seed, KademliaStream.bucket)
    this.phases = new RandomStream(init.seed, KademliaStream.refresh)
    this.nats = new RandomStream(init.seed, KademliaStream.silent)
    this.scanned = new Float64Array(SCANNED_CELLS * PLACES)
    this.seen = new Float64Array(init.k)
  }

  idHi (node: number): number {
    return this.devices.cells.hiOf(cellOfNode(node), placeOfNode(node))
  }

  idLo (node: number): number {
    return this.devices.cells.loOf(cellOfNode(node), placeOfNode(node))
  }

  nodeAt (draw: number): number {
    return this.devices.nodeOf(below(draw, this.size))
  }

  /** Whether others cannot reach it. */
  isNatted (device: number): boolean {
    return this.natBelow > 0 && this.nats.uint32(device, 0) < this.natBelow
  }

  /** Whether a request to a node is answered now. */
  answers (node: number): boolean {
    const device = this.devices.deviceOf(node)
    return this.presence.isOnline(device) && !this.isNatted(device)
  }

  /** How long before its first refresh a device is at the start, 0 to `refreshTicks - 1`. */
  phaseOf (device: number): number {
    return below(this.phases.uint32(device, 0), this.refreshTicks)
  }

  /** When a device, which is online, learnt what it knows: a tick. */
  learntAt (device: number): number {
    const phase = this.phaseOf(device)
    const refreshed = Math.floor((this.tick - phase) / this.refreshTicks) * this.refreshTicks + phase
    return Math.max(refreshed, this.presence.changedAt(device))
  }

  pushBucket (node: number, bucket: number, targetHi: number, targetLo: number, out: ContactList): void {
    const cell = cellOfNode(node)
    const { cellBits } = this.devices.cells
    const learnt = this.learntBy(node)
    if (bucket === cellBits) {
      // what is nearest is all known, in order that the nearest can be found at all
      const size = this.scan(cell, 1, learnt)
      for (let i = 0; i < size; i++) {
        if (this.scanned[i] !== node) {
          this.pushNode(this.scanned[i] as number, targetHi, targetLo, out)
        }
      }
      return
    }
    const level = cellBits - 1 - bucket
    const first = ((cell >>> level) ^ 1) << level
    if (1 << level <= SCANNED_CELLS) {
      this.pushOfFew(node, bucket, first, 1 << level, learnt, targetHi, targetLo, out)
    } else {
      this.pushOfMany(node, bucket, first, level, learnt, targetHi, targetLo, out)
    }
  }

  /** A node is asked for several of its buckets at once. */
  private learntBy (node: number): number {
    if (node !== this.lastNode || this.tick !== this.lastTick) {
      this.lastNode = node
      this.lastTick = this.tick
      this.lastLearnt = this.learntAt(this.devices.deviceOf(node))
    }
    return this.lastLearnt
  }

  private isListed (device: number, tick: number): boolean {
    return this.presence.wasOnline(device, tick) && (this.listsNatted || !this.isNatted(device))
  }

  pushNode (node: number, targetHi: number, targetLo: number, out: ContactList): void {
    this.devices.cells.pushTo(out, cellOfNode(node), placeOfNode(node), targetHi, targetLo)
  }

  /** All nodes of some cells that were online, into `scanned`; returns how many. */
  private scan (first: number, cells: number, tick: number): number {
    const { start } = this.devices
    let size = 0
    for (let cell = first; cell < first + cells; cell++) {
      const from = start[cell] as number
      for (let device = from, end = start[cell + 1] as number; device < end; device++) {
        if (this.isListed(device, tick)) {
          this.scanned[size++] = cell * PLACES + device - from
        }
      }
    }
    return size
  }

  /** The first `k` steps of a Fisher–Yates shuffle of all that were online. */
  private pushOfFew (
    node: number, bucket: number, first: number, cells: number, tick: number, targetHi: number, targetLo: number, out: ContactList
  ): void {
    const { scanned } = this
    const size = this.scan(first, cells, tick)
    for (let i = 0; i < size && i < this.k; i++) {
      const j = size <= this.k ? i : i + below(this.entries.uint32(node, bucket * DRAWS + i), size - i)
      const drawn = scanned[j] as number
      scanned[j] = scanned[i] as number
      this.pushNode(drawn, targetHi, targetLo, out)
    }
  }

  /** Draws cells, and a node in each, until k that were online are found: all cells are equally likely, and in a cell all nodes. */
  private pushOfMany (
    node: number, bucket: number, first: number, level: number, tick: number, targetHi: number, targetLo: number, out: ContactList
  ): void {
    const { devices, entries, k, seen } = this
    const most = 16 * k
    for (let draw = 0, found = 0; found < k && draw < most; draw++) {
      const bits = entries.int32(node, bucket * DRAWS + draw)
      const cell = first + (bits >>> (32 - level))
      const from = devices.start[cell] as number
      const end = devices.start[cell + 1] as number
      // 16 bits of what the cell leaves over, mixed, decide on the place
      const place = ((Math.imul(bits, 0x9e3779b1) >>> 16) * (end - from)) >>> 16
      if (from + place < end && this.isListed(from + place, tick)) {
        const other = cell * PLACES + place
        let known = false
        for (let i = 0; i < found && !known; i++) {
          known = seen[i] === other
        }
        if (!known) {
          seen[found++] = other
          this.pushNode(other, targetHi, targetLo, out)
        }
      }
    }
  }
}
