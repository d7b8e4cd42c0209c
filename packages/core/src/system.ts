/** The real world: the only place of the house that reads the machine's clocks, sets its timers and draws its entropy. */
import { steadyNow } from './clock.ts'
import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

/** The longest delay a timer of the platform takes, ms. */
const MAX_TIMER_MS = 0x7fffffff

class SystemClock implements Clock {
  private last = { monotonicMs: performance.now(), nowMs: Date.now() }

  nowMs (): number {
    this.last = steadyNow(this.last, Date.now(), performance.now())
    return this.last.nowMs
  }

  schedule (atMs: number, task: () => void): () => void {
    let timer: ReturnType<typeof setTimeout>
    const arm = (): void => {
      const delayMs = Math.max(0, atMs - this.nowMs())
      timer = delayMs > MAX_TIMER_MS
        ? setTimeout(arm, MAX_TIMER_MS)
        : setTimeout(task, delayMs)
    }
    arm()
    return () => { clearTimeout(timer) }
  }
}

class SystemRandom implements Random {
  private readonly pool = new Uint32Array(64)
  private used = this.pool.length

  nextUint32 (): number {
    if (this.used === this.pool.length) {
      globalThis.crypto.getRandomValues(this.pool)
      this.used = 0
    }
    return this.pool[this.used++] as number
  }
}

const clock = new SystemClock()
const random = new SystemRandom()

/** The clock of this machine, made steady (see `steadyNow`). */
export function systemClock (): Clock {
  return clock
}

/** Time that nobody sets, ms and parts of them, from any zero: for round trips, which a step of the wall clock would falsify. */
export function monotonicMs (): number {
  return performance.now()
}

/** The platform's cryptographic randomness. */
export function systemRandom (): Random {
  return random
}
