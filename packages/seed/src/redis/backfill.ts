/** Tells Redis what this seed knows, after it was away or has lost something: all of it once, in small batches with pauses. */
import type { Machine } from '@skein/core'

export interface BackfillInit {
  /** Registrations in a batch @default 64 */
  batch?: number
  /** From the beginning of one batch to the next, ms @default 40 */
  intervalMs?: number
  /** Until all is told once more after single ones were missed, ms @default 5_000 */
  missedDelayMs?: number
}

/** Push up to `count` from a place on, and tell `onPushed`. */
export interface BackfillEffect {
  type: 'push'
  from: number
  count: number
}

export class Backfill implements Machine<BackfillEffect> {
  private readonly batch: number
  private readonly intervalMs: number
  private readonly missedDelayMs: number
  private readonly effects: BackfillEffect[] = []
  private up = false
  /** Where the next batch begins; `undefined` when none of this pass is left */
  private from?: number
  private pushing = false
  private startedMs = 0
  private dueMs?: number
  /** Another pass from the beginning is wanted */
  private again = false

  constructor (init: BackfillInit = {}) {
    this.batch = init.batch ?? 64
    this.intervalMs = init.intervalMs ?? 40
    this.missedDelayMs = init.missedDelayMs ?? 5_000
  }

  /** Whether there is something left to tell. */
  get busy (): boolean {
    return this.from !== undefined || this.again
  }

  onUp (nowMs: number): void {
    this.up = true
    this.begin(nowMs)
  }

  onDown (): void {
    this.up = false
    this.dueMs = undefined
  }

  /** Redis has lost what it knew. */
  onEmpty (nowMs: number): void {
    this.begin(nowMs)
  }

  /** A registration did not reach Redis though it is up. */
  onMissed (nowMs: number): void {
    if (!this.again) {
      this.again = true
      if (this.up && this.from === undefined && !this.pushing) {
        this.dueMs = nowMs + this.missedDelayMs
      }
    }
  }

  /** `next` is where to go on; `undefined` when there is nothing behind. A batch of which something failed is not told again: `onMissed` is. */
  onPushed (next: number | undefined, nowMs: number): void {
    const beganAnew = this.from === undefined
    this.pushing = false
    if (!beganAnew) {
      this.from = next
    }
    if (this.up && this.from !== undefined) {
      this.dueMs = Math.max(nowMs, this.startedMs + this.intervalMs)
    } else if (this.up && this.again) {
      this.dueMs = beganAnew ? nowMs : nowMs + this.missedDelayMs
    }
  }

  onTimeout (nowMs: number): void {
    if (this.dueMs === undefined || nowMs < this.dueMs || this.pushing) {
      return
    }
    this.dueMs = undefined
    if (this.from === undefined) {
      this.from = 0
      this.again = false
    }
    this.pushing = true
    this.startedMs = nowMs
    this.effects.push({ type: 'push', from: this.from, count: this.batch })
  }

  poll (): BackfillEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.pushing ? undefined : this.dueMs
  }

  private begin (nowMs: number): void {
    this.from = undefined
    this.again = true
    if (this.up && !this.pushing) {
      this.dueMs = nowMs
    }
  }
}
