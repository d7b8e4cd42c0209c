/**
 * Routing tables of honest nodes, as `ImplicitTable` has them, into which an attacker's Sybils have come like any other node, each as likely as an
 * honest one; and what the Sybils answer instead of the truth.
 */
import { RandomStream } from '../engine/random-stream.ts'
import { below } from '../kademlia/bucket-draw.ts'
import { distance } from '../kademlia/contact-list.ts'
import { ImplicitTable } from '../kademlia/implicit-table.ts'
import { firstDifference } from '../kademlia/kad-table.ts'
import { cellOf } from '../kademlia/sorted-ids.ts'
import type { ContactList } from '../kademlia/contact-list.ts'
import type { KadTable } from '../kademlia/kad-table.ts'
import type { SortedIds } from '../kademlia/sorted-ids.ts'

/** What a Sybil names as closer: other Sybils, or ids that it made up, at which nobody answers. */
export type SybilAnswer = 'collude' | 'forge'

export interface SybilIds {
  readonly hi: Uint32Array
  readonly lo: Uint32Array
}

/** Draws of one bucket. */
const DRAWS = 4096

export class SybilTable implements KadTable {
  /** Honest nodes: 0 to `honest - 1`; Sybils follow, then ids that were made up */
  readonly honest: number
  readonly k: number
  readonly buckets: number
  private readonly ids: SortedIds
  private readonly base: ImplicitTable
  private readonly random: RandomStream
  private sybils: SybilIds = { hi: new Uint32Array(0), lo: new Uint32Array(0) }
  private answer: SybilAnswer = 'collude'
  private forged = 0
  /** Members of a bucket, from which k are drawn */
  private members: number[] = []

  /** @param stream number of the random stream that decides which Sybils are in a bucket */
  constructor (ids: SortedIds, seed: number, k: number, stream: number) {
    this.ids = ids
    this.honest = ids.size
    this.k = k
    this.base = new ImplicitTable(ids, seed, k)
    this.buckets = this.base.buckets
    this.random = new RandomStream(seed, stream)
  }

  get size (): number {
    return this.honest + this.sybils.hi.length
  }

  /** The attacker of the lookups that follow. */
  setSybils (sybils: SybilIds, answer: SybilAnswer): void {
    this.sybils = sybils
    this.answer = answer
    this.forged = 0
  }

  isHonest (node: number): boolean {
    return node < this.honest
  }

  /** Whether anybody answers at this id. */
  isThere (node: number): boolean {
    return node < this.size
  }

  idHi (node: number): number {
    return (node < this.honest ? this.ids.hi[node] : this.sybils.hi[node - this.honest]) as number
  }

  idLo (node: number): number {
    return (node < this.honest ? this.ids.lo[node] : this.sybils.lo[node - this.honest]) as number
  }

  /** An honest node. */
  nodeAt (draw: number): number {
    return below(draw, this.honest)
  }

  pushBucket (node: number, bucket: number, targetHi: number, targetLo: number, out: ContactList): void {
    if (node >= this.honest) {
      if (bucket === this.buckets - 1) {
        this.pushLies(targetHi, targetLo, out)
      }
    } else if (bucket === this.buckets - 1) {
      this.pushCell(node, targetHi, targetLo, out)
    } else {
      const from = out.size
      this.base.pushBucket(node, bucket, targetHi, targetLo, out)
      this.members.length = 0
      this.collectSybils(node, bucket)
      if (this.members.length > 0) {
        this.mixIn(node, bucket, from, targetHi, targetLo, out)
      }
    }
  }

  /** Puts Sybils among, or in the places of, the honest contacts of a bucket, which begin at `from`. */
  private mixIn (node: number, bucket: number, from: number, targetHi: number, targetLo: number, out: ContactList): void {
    const sybils = this.members.length
    const honest = this.honestIn(node, bucket)
    const places = Math.min(this.k, honest + sybils)
    let taken = 0
    for (let i = 0; i < places; i++) {
      if (below(this.random.uint32(node, bucket * DRAWS + i), honest + sybils - i) < sybils - taken) {
        taken++
      }
    }
    for (let size = out.size - from; size > places - taken; size--) {
      const drop = from + below(this.random.uint32(node, bucket * DRAWS + 1024 + size), size)
      out.size--
      out.nodes[drop] = out.nodes[out.size] as number
      out.distances[drop] = out.distances[out.size] as number
    }
    this.pushDrawn(node, bucket, taken, targetHi, targetLo, out)
  }

  /** The node's own cell, which several buckets of its table hold: each by itself, at most k. */
  private pushCell (node: number, targetHi: number, targetLo: number, out: ContactList): void {
    const { cellBits, hi, start } = this.ids
    const cell = cellOf(hi[node] as number, cellBits)
    const first = start[cell] as number
    const end = start[cell + 1] as number
    for (let bits = cellBits, left = this.sybilsFrom(node, cellBits) + end - first - 1; bits < 64 && left > 0; bits++) {
      this.members.length = 0
      for (let other = first; other < end; other++) {
        if (other !== node && this.sharedBits(node, other) === bits) {
          this.members.push(other)
        }
      }
      this.collectSybils(node, bits)
      left -= this.members.length
      this.pushDrawn(node, bits, Math.min(this.k, this.members.length), targetHi, targetLo, out)
    }
  }

  /** Pushes `count` of the members, drawn without return. */
  private pushDrawn (node: number, bucket: number, count: number, targetHi: number, targetLo: number, out: ContactList): void {
    const { members } = this
    for (let i = 0; i < count; i++) {
      const j = i + below(this.random.uint32(node, bucket * DRAWS + 2048 + i), members.length - i)
      const other = members[j] as number
      members[j] = members[i] as number
      out.push(other, distance(this.idHi(other), this.idLo(other), targetHi, targetLo))
    }
  }

  private collectSybils (node: number, bits: number): void {
    for (let other = this.honest; other < this.size; other++) {
      if (this.sharedBits(node, other) === bits) {
        this.members.push(other)
      }
    }
  }

  private sybilsFrom (node: number, bits: number): number {
    let count = 0
    for (let other = this.honest; other < this.size; other++) {
      count += this.sharedBits(node, other) >= bits ? 1 : 0
    }
    return count
  }

  private sharedBits (node: number, other: number): number {
    return firstDifference(this.idHi(node) ^ this.idHi(other), this.idLo(node) ^ this.idLo(other))
  }

  /** Honest nodes that belong in a bucket. */
  private honestIn (node: number, bucket: number): number {
    const { cellBits, hi, start } = this.ids
    const level = cellBits - 1 - bucket
    const first = ((cellOf(hi[node] as number, cellBits) >>> level) ^ 1) * 2 ** level
    return (start[first + 2 ** level] as number) - (start[first] as number)
  }

  private pushLies (targetHi: number, targetLo: number, out: ContactList): void {
    if (this.answer === 'forge') {
      for (let i = 0; i < this.k; i++) {
        const lie = this.forged++
        // nearer than any node: a thousandth of the distance that the nearest is expected to have
        out.push(this.size + lie, this.random.float(this.size + lie, 0) * 2 ** 53 / this.honest / 1000)
      }
      return
    }
    const from = out.size
    for (let other = this.honest; other < this.size; other++) {
      const own = distance(this.idHi(other), this.idLo(other), targetHi, targetLo)
      let place = out.size - from < this.k ? out.size++ : out.size - 1
      if (place === from + this.k - 1 && out.size - from === this.k && (out.distances[place] as number) <= own && other - this.honest >= this.k) {
        continue
      }
      for (; place > from && (out.distances[place - 1] as number) > own; place--) {
        out.distances[place] = out.distances[place - 1] as number
        out.nodes[place] = out.nodes[place - 1] as number
      }
      out.distances[place] = own
      out.nodes[place] = other
    }
  }
}
