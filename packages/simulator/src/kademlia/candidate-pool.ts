/**
 * The candidates of many lookups at once, in typed arrays: for each lookup a pool of them, found by node, and each path's in the order of their
 * distance.
 * The same moves as the lists of `@skein/routing`'s `Lookup`; what they are worth is for the rules to say.
 */
import { FAILED, FRESH } from '@skein/routing/lookup-rules'

/** Nothing, in a chain of candidates or as a place in a list. */
export const NONE = -1

export class CandidatePool {
  /** Candidates that a lookup has room for */
  readonly capacity: number
  readonly paths: number
  readonly maxCandidates: number
  readonly node: Float64Array
  readonly distance: Float64Array
  /** Of `@skein/routing`'s rules */
  readonly state: Uint8Array
  /** The path that asked it */
  readonly path: Uint8Array
  /** Answers on the way from the searcher to this candidate */
  readonly hop: Uint8Array
  readonly sentMs: Float64Array
  /**
   * Each path's candidates, closest first, from `listStart`. There is room before the first, because most that are new are among the closest: those
   * before
   * the new one move, not those behind it.
   */
  readonly order: Int16Array
  readonly listStart: Int32Array
  readonly listLength: Int16Array
  private readonly heads: Int16Array
  private readonly next: Int16Array
  private readonly free: Int16Array
  private readonly used: Int16Array
  private readonly chainBits: number

  constructor (slots: number, paths: number, maxCandidates: number, maxRequests: number) {
    this.paths = paths
    this.maxCandidates = maxCandidates
    // those on the lists, and those that were asked and are on none any more
    this.capacity = paths * (maxCandidates + 1) + maxRequests + 1
    this.chainBits = Math.ceil(Math.log2(this.capacity))
    this.node = new Float64Array(slots * this.capacity)
    this.distance = new Float64Array(slots * this.capacity)
    this.state = new Uint8Array(slots * this.capacity)
    this.path = new Uint8Array(slots * this.capacity)
    this.hop = new Uint8Array(slots * this.capacity)
    this.sentMs = new Float64Array(slots * this.capacity)
    this.next = new Int16Array(slots * this.capacity)
    this.order = new Int16Array(slots * paths * 2 * maxCandidates)
    this.listStart = new Int32Array(slots * paths)
    this.listLength = new Int16Array(slots * paths)
    this.heads = new Int16Array(slots << this.chainBits)
    this.free = new Int16Array(slots)
    this.used = new Int16Array(slots)
  }

  get byteLength (): number {
    return [this.node, this.distance, this.sentMs, this.state, this.path, this.hop, this.next, this.order, this.heads]
      .reduce((sum, { byteLength }) => sum + byteLength, 0)
  }

  clear (slot: number): void {
    const { paths } = this
    this.heads.fill(NONE, slot << this.chainBits, (slot + 1) << this.chainBits)
    for (let list = slot * paths; list < (slot + 1) * paths; list++) {
      this.listStart[list] = (list + 1) * 2 * this.maxCandidates
      this.listLength[list] = 0
    }
    this.free[slot] = NONE
    this.used[slot] = 0
  }

  /** Candidates of a lookup are below this, those that were forgotten among them. */
  end (slot: number): number {
    return this.used[slot] as number
  }

  /** The candidate of a node, `NONE` when it is not known. */
  find (slot: number, node: number): number {
    const first = slot * this.capacity
    let candidate = this.heads[this.chain(slot, node)] as number
    while (candidate !== NONE && this.node[first + candidate] !== node) {
      candidate = this.next[first + candidate] as number
    }
    return candidate
  }

  /** A new candidate, which is on no list yet. */
  add (slot: number, node: number, distance: number, hop: number): number {
    const freed = this.free[slot] as number
    const candidate = freed === NONE ? this.used[slot] as number : freed
    const at = slot * this.capacity + candidate
    const chain = this.chain(slot, node)
    if (freed === NONE) {
      this.used[slot] = candidate + 1
    } else {
      this.free[slot] = this.next[at] as number
    }
    this.next[at] = this.heads[chain] as number
    this.heads[chain] = candidate
    this.node[at] = node
    this.distance[at] = distance
    this.state[at] = FRESH
    this.hop[at] = hop
    return candidate
  }

  /** Forgets a candidate that is on no list. */
  remove (slot: number, candidate: number): void {
    const first = slot * this.capacity
    const chain = this.chain(slot, this.node[first + candidate] as number)
    const following = this.next[first + candidate] as number
    if (this.heads[chain] === candidate) {
      this.heads[chain] = following
    } else {
      let before = this.heads[chain] as number
      while (this.next[first + before] !== candidate) {
        before = this.next[first + before] as number
      }
      this.next[first + before] = following
    }
    this.next[first + candidate] = this.free[slot] as number
    this.free[slot] = candidate
  }

  /**
   * Puts a candidate in its place on a path and says where; `NONE` when it is too far away to be remembered or is there already. It is searched
   * from place
   * `from` on: those of one answer come closest first, so that each is a little behind the one before.
   */
  insert (slot: number, path: number, candidate: number, from: number): number {
    const { distance, order, maxCandidates } = this
    const list = slot * this.paths + path
    const first = slot * this.capacity
    const own = distance[first + candidate] as number
    const start = this.listStart[list] as number
    let length = this.listLength[list] as number
    let low = from
    while (low < length && (distance[first + (order[start + low] as number)] as number) < own) {
      low++
    }
    if (low >= maxCandidates || (low < length && order[start + low] === candidate)) {
      return NONE
    }
    if (length === maxCandidates) {
      this.drop(slot, list, order[start + --length] as number)
    }
    this.listLength[list] = length + 1
    const moved = start > list * 2 * maxCandidates ? start : this.moveBack(list, start, length)
    this.listStart[list] = moved - 1
    for (let i = moved - 1, place = moved - 1 + low; i < place; i++) {
      order[i] = order[i + 1] as number
    }
    order[moved - 1 + low] = candidate
    return low
  }

  /** A failed candidate leaves the paths, and stays known so that it is not asked again. */
  fail (slot: number, candidate: number): void {
    this.state[slot * this.capacity + candidate] = FAILED
    for (let list = slot * this.paths; list < (slot + 1) * this.paths; list++) {
      const place = this.placeOn(list, candidate)
      if (place !== NONE) {
        const start = this.listStart[list] as number
        this.order.copyWithin(start + 1, start, start + place)
        this.listStart[list] = start + 1
        this.listLength[list] = (this.listLength[list] as number) - 1
      }
    }
  }

  /** Forgets who is farthest on a full list, unless it was asked or is on another. */
  private drop (slot: number, list: number, candidate: number): void {
    this.listLength[list] = (this.listLength[list] as number) - 1
    if (this.state[slot * this.capacity + candidate] === FRESH && !this.isListed(slot, candidate)) {
      this.remove(slot, candidate)
    }
  }

  /** Makes room before the first of a list. */
  private moveBack (list: number, start: number, length: number): number {
    const moved = (list + 1) * 2 * this.maxCandidates - length
    this.order.copyWithin(moved, start, start + length)
    return moved
  }

  private isListed (slot: number, candidate: number): boolean {
    for (let list = slot * this.paths; list < (slot + 1) * this.paths; list++) {
      if (this.placeOn(list, candidate) !== NONE) {
        return true
      }
    }
    return false
  }

  private placeOn (list: number, candidate: number): number {
    const start = this.listStart[list] as number
    for (let i = 0, length = this.listLength[list] as number; i < length; i++) {
      if (this.order[start + i] === candidate) {
        return i
      }
    }
    return NONE
  }

  private chain (slot: number, node: number): number {
    return (slot << this.chainBits) + (Math.imul(node | 0, 0x9e3779b1) >>> (32 - this.chainBits))
  }
}
