/** A simulated clock for worlds of closures: runs tasks in the order of their times, then of scheduling. */
import { TimerTable } from '@skein/core'
import type { Cancel, Clock } from '@skein/core'

export class HeapClock implements Clock {
  private readonly tasks = new TimerTable<() => void>()
  private now = 0

  nowMs (): number {
    return this.now
  }

  schedule (atMs: number, task: () => void): Cancel {
    const own = (): void => { task() }
    this.tasks.set(own, Math.max(this.now, atMs))
    return () => { this.tasks.delete(own) }
  }

  advance (ms: number): void {
    const untilMs = this.now + ms
    for (let next = this.tasks.nextMs(); next !== undefined && next <= untilMs; next = this.tasks.nextMs()) {
      this.now = next
      this.tasks.popDue(next)?.()
    }
    this.now = untilMs
  }
}
