/** When lives end: slots in lists by the second of their end, turned as time goes on. */

const BUCKETS = 512
const BUCKET_MS = 1000
const NONE = 0xffffffff

/** Slots whose end lies further ahead than the wheel reaches are looked at again when their turn comes. */
export class ExpiryWheel {
  private readonly expiresAtMs: Float64Array
  private readonly heads = new Uint32Array(BUCKETS).fill(NONE)
  private readonly next: Uint32Array
  private readonly previous: Uint32Array
  /** The earliest second that may still hold something */
  private second: number | undefined

  constructor (maxSlots: number, expiresAtMs: Float64Array) {
    this.expiresAtMs = expiresAtMs
    this.next = new Uint32Array(maxSlots)
    this.previous = new Uint32Array(maxSlots)
  }

  add (slot: number, nowMs: number): void {
    this.second ??= Math.floor(nowMs / BUCKET_MS)
    const bucket = this.bucketFor(slot)
    const head = this.heads[bucket] as number
    this.next[slot] = head
    // a first one says whose first it is
    this.previous[slot] = NONE - 1 - bucket
    if (head !== NONE) {
      this.previous[head] = slot
    }
    this.heads[bucket] = slot
  }

  remove (slot: number): void {
    const next = this.next[slot] as number
    const previous = this.previous[slot] as number
    if (previous >= NONE - BUCKETS) {
      this.heads[NONE - 1 - previous] = next
    } else {
      this.next[previous] = next
    }
    if (next !== NONE) {
      this.previous[next] = previous
    }
  }

  /** Tells of slots whose end has come, looking at no more than `budget`; `onExpired` has to remove them. Says whether all were looked at. */
  turn (nowMs: number, budget: number, onExpired: (slot: number) => void): boolean {
    if (this.second === undefined) {
      return true
    }
    const last = Math.floor(nowMs / BUCKET_MS)
    this.second = Math.max(this.second, last - BUCKETS + 1)
    for (; this.second <= last; this.second++) {
      let slot = this.heads[this.second % BUCKETS] as number
      while (slot !== NONE) {
        if (budget-- <= 0) {
          return false
        }
        const next = this.next[slot] as number
        if ((this.expiresAtMs[slot] as number) <= nowMs) {
          onExpired(slot)
        } else if (this.second < last) {
          this.remove(slot)
          this.add(slot, nowMs)
        }
        slot = next
      }
      if (this.second === last) {
        return true
      }
    }
    return true
  }

  private bucketFor (slot: number): number {
    const from = this.second as number
    const end = Math.floor((this.expiresAtMs[slot] as number) / BUCKET_MS)
    return Math.max(from, Math.min(end, from + BUCKETS - 1)) % BUCKETS
  }
}
