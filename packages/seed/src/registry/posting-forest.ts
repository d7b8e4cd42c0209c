/** Ordered lists of slots outside the JavaScript heap: one treap a list, all in one pool of nodes, ordered by the slots' hashes. */

/** Deeper than a treap of 2^32 nodes with random keys gets. */
const MAX_DEPTH = 512

/**
 * A list is named by its root, 0 when it is empty. The key of a slot is `(hi, lo)` of its hash, its priority is `lo`: hashes are keyed, so
 * nobody outside can make a tree deep.
 */
export class PostingForest {
  private readonly hi: Uint32Array
  private readonly lo: Uint32Array
  /** Left and right child of a node; node 0 stands for "none", and its left child for the root at work */
  private readonly children: Uint32Array
  private readonly slots: Uint32Array
  private readonly maxNodes: number
  private highest = 0
  private firstFree = 0
  private used = 0
  private readonly path = new Uint32Array(MAX_DEPTH)
  private depth = 0

  constructor (maxNodes: number, hi: Uint32Array, lo: Uint32Array) {
    this.maxNodes = maxNodes
    this.hi = hi
    this.lo = lo
    this.children = new Uint32Array(2 * (maxNodes + 1))
    this.slots = new Uint32Array(maxNodes + 1)
  }

  get free (): number {
    return this.maxNodes - this.used
  }

  /** Returns the new root. There has to be a free node, and `slot` must not be in the list. */
  insert (root: number, slot: number): number {
    const { children, lo } = this
    const node = this.takeNode(slot)
    const priority = lo[slot] as number
    children[0] = root
    let link = 0
    let at = root
    while (at !== 0 && (lo[this.slots[at] as number] as number) >= priority) {
      link = 2 * at + (this.isLess(slot, this.slots[at] as number) ? 0 : 1)
      at = children[link] as number
    }
    children[link] = node
    // what is below is split around the new node
    let left = 2 * node
    let right = 2 * node + 1
    while (at !== 0) {
      if (this.isLess(this.slots[at] as number, slot)) {
        children[left] = at
        left = 2 * at + 1
        at = children[left] as number
      } else {
        children[right] = at
        right = 2 * at
        at = children[right] as number
      }
    }
    children[left] = 0
    children[right] = 0
    return children[0] as number
  }

  /** Returns the new root; the slot has to be in the list. */
  delete (root: number, slot: number): number {
    const { children, lo, slots } = this
    children[0] = root
    let link = 0
    let at = root
    while (at !== 0 && slots[at] !== slot) {
      link = 2 * at + (this.isLess(slot, slots[at] as number) ? 0 : 1)
      at = children[link] as number
    }
    if (at === 0) {
      return root
    }
    let left = children[2 * at] as number
    let right = children[2 * at + 1] as number
    while (left !== 0 && right !== 0) {
      if ((lo[slots[left] as number] as number) >= (lo[slots[right] as number] as number)) {
        children[link] = left
        link = 2 * left + 1
        left = children[link] as number
      } else {
        children[link] = right
        link = 2 * right
        right = children[link] as number
      }
    }
    children[link] = left === 0 ? right : left
    children[2 * at] = this.firstFree
    this.firstFree = at
    this.used--
    return children[0] as number
  }

  /** Goes to the first slot whose key is above `(hi, lo)`, or at it with `inclusive`; no change may come between this and the last `next()`. */
  seek (root: number, hi: number, lo: number, inclusive: boolean): void {
    this.depth = 0
    for (let at = root; at !== 0;) {
      const slot = this.slots[at] as number
      const nodeHi = this.hi[slot] as number
      const nodeLo = this.lo[slot] as number
      const isAfter = nodeHi > hi || (nodeHi === hi && (nodeLo > lo || (inclusive && nodeLo === lo)))
      if (isAfter) {
        this.path[this.depth++] = at
      }
      at = this.children[2 * at + (isAfter ? 0 : 1)] as number
    }
  }

  /** The next slot in order, `undefined` at the end. */
  next (): number | undefined {
    if (this.depth === 0) {
      return undefined
    }
    const node = this.path[--this.depth] as number
    for (let at = this.children[2 * node + 1] as number; at !== 0; at = this.children[2 * at] as number) {
      this.path[this.depth++] = at
    }
    return this.slots[node] as number
  }

  private isLess (a: number, b: number): boolean {
    const aHi = this.hi[a] as number
    const bHi = this.hi[b] as number
    if (aHi !== bHi) {
      return aHi < bHi
    }
    const aLo = this.lo[a] as number
    const bLo = this.lo[b] as number
    return aLo !== bLo ? aLo < bLo : a < b
  }

  private takeNode (slot: number): number {
    let node = this.firstFree
    if (node === 0) {
      node = ++this.highest
    } else {
      this.firstFree = this.children[2 * node] as number
    }
    this.slots[node] = slot
    this.used++
    return node
  }
}
