/** Tells whether the event loop turns: a beat every second, and whether it came much too late, and that repeatedly. */
import type { Cancel, Clock } from '@skein/core'

export const BEAT_MS = 1_000
/** A loop that was held up this long served nobody meanwhile. */
export const STALL_MS = 5_000
/** Two stalls within this time are a stalling process; one may be a clock that was set, or a machine that slept. */
export const MEMORY_MS = 60_000

export class EventLoopWatch {
  private readonly clock: Clock
  private dueMs: number
  /** When the last two stalls ended */
  private readonly stalls: number[] = []
  private cancel: Cancel = () => {}

  constructor (clock: Clock) {
    this.clock = clock
    this.dueMs = clock.nowMs() + BEAT_MS
    this.arm()
  }

  get stalling (): boolean {
    const [first] = this.stalls
    return this.stalls.length === 2 && this.clock.nowMs() - (first as number) < MEMORY_MS
  }

  stop (): void {
    this.cancel()
  }

  private arm (): void {
    this.cancel = this.clock.schedule(this.dueMs, () => {
      const nowMs = this.clock.nowMs()
      if (nowMs - this.dueMs >= STALL_MS) {
        this.stalls.push(nowMs)
        this.stalls.splice(0, this.stalls.length - 2)
      }
      this.dueMs = nowMs + BEAT_MS
      this.arm()
    })
  }
}
