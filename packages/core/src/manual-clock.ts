/** A clock that stands still until it is told to move: for tests, and for small simulations. */
import type { Cancel, Clock } from './clock.ts'

interface Task {
  atMs: number
  order: number
  run: () => void
}

export class ManualClock implements Clock {
  private now: number
  private order = 0
  private readonly tasks: Task[] = []

  constructor (startMs = 0) {
    this.now = startMs
  }

  nowMs (): number {
    return this.now
  }

  schedule (atMs: number, run: () => void): Cancel {
    const task = { atMs, order: this.order++, run }
    this.tasks.push(task)
    return () => {
      const index = this.tasks.indexOf(task)
      if (index >= 0) {
        this.tasks.splice(index, 1)
      }
    }
  }

  /** Moves `ms` ahead, running what is due on the way, in order of time and then of scheduling. */
  advance (ms: number): void {
    const untilMs = this.now + ms
    for (;;) {
      let due: Task | undefined
      for (const task of this.tasks) {
        if (task.atMs <= untilMs && (due == null || task.atMs < due.atMs || (task.atMs === due.atMs && task.order < due.order))) {
          due = task
        }
      }
      if (due == null) {
        break
      }
      this.tasks.splice(this.tasks.indexOf(due), 1)
      this.now = Math.max(this.now, due.atMs)
      due.run()
    }
    this.now = untilMs
  }
}
