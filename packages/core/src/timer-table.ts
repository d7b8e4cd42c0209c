/** Deadlines by key: a binary heap with lazy deletion, for machines that wait for several things at once. */

interface Entry<K> {
  atMs: number
  key: K
  order: number
}

export class TimerTable<K> {
  private readonly deadlines = new Map<K, Entry<K>>()
  private heap: Array<Entry<K>> = []
  private order = 0

  get size (): number {
    return this.deadlines.size
  }

  /** Sets the deadline of `key`, in place of the one it had. */
  set (key: K, atMs: number): void {
    const entry = { atMs, key, order: this.order++ }
    this.deadlines.set(key, entry)
    // stale entries are dropped when they come up, or all at once when they outnumber the live ones
    if (this.heap.length > 64 && this.heap.length > 2 * this.deadlines.size) {
      this.heap = [...this.deadlines.values()].sort(compare)
    } else {
      push(this.heap, entry)
    }
  }

  delete (key: K): void {
    this.deadlines.delete(key)
  }

  deadlineOf (key: K): number | undefined {
    return this.deadlines.get(key)?.atMs
  }

  /** The earliest deadline. */
  nextMs (): number | undefined {
    this.dropStale()
    return this.heap[0]?.atMs
  }

  /** Takes out the earliest key whose deadline is at or before `nowMs`; ties in the order they were set. */
  popDue (nowMs: number): K | undefined {
    this.dropStale()
    const first = this.heap[0]
    if (first === undefined || first.atMs > nowMs) {
      return undefined
    }
    pop(this.heap)
    this.deadlines.delete(first.key)
    return first.key
  }

  private dropStale (): void {
    for (;;) {
      const first = this.heap[0]
      if (first === undefined || this.deadlines.get(first.key) === first) {
        return
      }
      pop(this.heap)
    }
  }
}

function compare (a: Entry<unknown>, b: Entry<unknown>): number {
  return a.atMs - b.atMs || a.order - b.order
}

function push<K> (heap: Array<Entry<K>>, entry: Entry<K>): void {
  let i = heap.length
  heap.push(entry)
  while (i > 0) {
    const parent = (i - 1) >> 1
    if (compare(heap[parent] as Entry<K>, entry) <= 0) {
      break
    }
    heap[i] = heap[parent] as Entry<K>
    i = parent
  }
  heap[i] = entry
}

function pop<K> (heap: Array<Entry<K>>): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) {
    return
  }
  let i = 0
  for (;;) {
    let child = 2 * i + 1
    if (child >= heap.length) {
      break
    }
    if (child + 1 < heap.length && compare(heap[child + 1] as Entry<K>, heap[child] as Entry<K>) < 0) {
      child++
    }
    if (compare(last, heap[child] as Entry<K>) <= 0) {
      break
    }
    heap[i] = heap[child] as Entry<K>
    i = child
  }
  heap[i] = last
}
