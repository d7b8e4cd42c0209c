/** A clock that nobody sets: round trips and time-outs of links are measured with it. */
import { monotonicMs, systemClock } from '@skein/core/system'
import type { Clock } from '@skein/core'

export function monotonicClock (): Clock {
  const clock = systemClock()
  return {
    nowMs: monotonicMs,
    schedule: (atMs, task) => clock.schedule(clock.nowMs() + atMs - monotonicMs(), task)
  }
}
