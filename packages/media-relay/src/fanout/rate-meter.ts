/** The rate of a stream over the last two seconds: short enough to show an outage, long enough not to jump with each frame. */

const SLOT_MS = 250
const SLOTS = 8

export class RateMeter {
  private readonly slots = new Float64Array(SLOTS)
  private readonly startMs: number
  /** Number of the slot that is counted into */
  private current: number

  constructor (nowMs: number) {
    this.startMs = nowMs
    this.current = Math.floor(nowMs / SLOT_MS)
  }

  add (bytes: number, nowMs: number): void {
    this.turn(nowMs)
    this.slots[this.current % SLOTS] = (this.slots[this.current % SLOTS] as number) + bytes
  }

  /** kbit/s, whole. */
  kbitPerSecond (nowMs: number): number {
    this.turn(nowMs)
    const windowMs = (SLOTS - 1) * SLOT_MS + nowMs % SLOT_MS
    const sinceMs = Math.max(SLOT_MS, Math.min(windowMs, nowMs - this.startMs))
    return Math.round(this.slots.reduce((sum, bytes) => sum + bytes, 0) * 8 / sinceMs)
  }

  private turn (nowMs: number): void {
    const now = Math.max(this.current, Math.floor(nowMs / SLOT_MS))
    for (let slot = Math.max(this.current + 1, now - SLOTS + 1); slot <= now; slot++) {
      this.slots[slot % SLOTS] = 0
    }
    this.current = now
  }
}
