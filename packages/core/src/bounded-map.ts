/** A map that never grows beyond its bound: the entry that was set or touched longest ago makes room. */
export interface BoundedMapInit<K, V> {
  /** Most entries kept */
  maxSize: number
  /** Told of each entry that had to make room */
  onEvict?: (key: K, value: V) => void
}

export class BoundedMap<K, V> {
  readonly maxSize: number
  private readonly onEvict?: (key: K, value: V) => void
  private readonly entriesByAge = new Map<K, V>()

  constructor (init: BoundedMapInit<K, V>) {
    if (!Number.isInteger(init.maxSize) || init.maxSize < 1) {
      throw new RangeError(`maxSize must be a whole number of at least 1, not ${init.maxSize}`)
    }
    this.maxSize = init.maxSize
    this.onEvict = init.onEvict
  }

  get size (): number {
    return this.entriesByAge.size
  }

  has (key: K): boolean {
    return this.entriesByAge.has(key)
  }

  get (key: K): V | undefined {
    return this.entriesByAge.get(key)
  }

  /** Like `get`, and makes the entry the youngest. */
  touch (key: K): V | undefined {
    const value = this.entriesByAge.get(key)
    if (value !== undefined) {
      this.entriesByAge.delete(key)
      this.entriesByAge.set(key, value)
    }
    return value
  }

  /** Sets the entry as the youngest. */
  set (key: K, value: V): void {
    this.entriesByAge.delete(key)
    if (this.entriesByAge.size >= this.maxSize) {
      const oldest = this.entriesByAge.entries().next().value
      if (oldest !== undefined) {
        this.entriesByAge.delete(oldest[0])
        this.onEvict?.(oldest[0], oldest[1])
      }
    }
    this.entriesByAge.set(key, value)
  }

  delete (key: K): boolean {
    return this.entriesByAge.delete(key)
  }

  clear (): void {
    this.entriesByAge.clear()
  }

  keys (): IterableIterator<K> {
    return this.entriesByAge.keys()
  }

  values (): IterableIterator<V> {
    return this.entriesByAge.values()
  }

  /** From the oldest to the youngest. */
  entries (): IterableIterator<[K, V]> {
    return this.entriesByAge.entries()
  }

  [Symbol.iterator] (): IterableIterator<[K, V]> {
    return this.entriesByAge.entries()
  }
}
