/** A clock that nobody sets: the wall clock is no good for round trips, and has no parts of milliseconds. Its zero is any. */
import { monotonicMs, systemClock } from '@skein/core/system'
import type { Cancel, Clock } from '@skein/core'

class MonotonicClock implements Clock {
  private readonly system = systemClock()

  nowMs (): number {
    return monotonicMs()
  }

  schedule (atMs: number, task: () => void): Cancel {
    return this.system.schedule(this.system.nowMs() + atMs - monotonicMs(), task)
  }
}

const clock = new MonotonicClock()

export function monotonicClock (): Clock {
  return clock
}
