/** Time as an argument: what a clock is, how real clocks are tamed, and the waits that are built on one. */

/** Takes back what was scheduled; harmless when it has run already. */
export type Cancel = () => void

export interface Clock {
  /**
   * Milliseconds since the Unix epoch, whole or not. Never goes backwards, so that a life measured with it ends once; follows
   * the machine's wall clock otherwise.
   */
  nowMs (): number
  /** Runs `task` once, at `atMs` or as soon after it as can be. Tasks of the same time run in the order of scheduling */
  schedule (atMs: number, task: () => void): Cancel
}

/** What a steady clock remembers of its last reading. */
export interface SteadyReading {
  monotonicMs: number
  nowMs: number
}

/**
 * The rule of a clock that follows the wall clock and never goes back. A wall clock that was set forward (or a machine that
 * slept) is followed at once: lives end early, which is safe. One that was set back is approached at half speed.
 */
export function steadyNow (last: SteadyReading, wallMs: number, monotonicMs: number): SteadyReading {
  const elapsedMs = Math.max(0, monotonicMs - last.monotonicMs)
  const expectedMs = last.nowMs + elapsedMs
  const nowMs = wallMs >= expectedMs ? wallMs : Math.max(wallMs, last.nowMs + elapsedMs / 2)
  return { monotonicMs: Math.max(monotonicMs, last.monotonicMs), nowMs }
}

/** Resolves after `delayMs`; rejects with the signal's reason when it fires first. */
export async function sleep (clock: Clock, delayMs: number, options: { signal?: AbortSignal } = {}): Promise<void> {
  const { signal } = options
  signal?.throwIfAborted()

  await new Promise<void>((resolve, reject) => {
    const cancel = clock.schedule(clock.nowMs() + delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    const onAbort = (): void => {
      cancel()
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** A wait ran longer than it was given. */
export class DeadlineError extends Error {
  static override name = 'DeadlineError'
  override readonly name = 'DeadlineError'

  constructor (message = 'The deadline passed') {
    super(message)
  }
}

export interface Deadline {
  signal: AbortSignal
  /** Frees the timer and the listeners; the signal never fires by itself afterwards */
  clear: () => void
  /** Sets the deadline anew, `delayMs` from now; `undefined` takes it away */
  set: (delayMs: number | undefined) => void
}

/** A signal that fires when any of `signals` does or, with a `DeadlineError`, after `delayMs` (`undefined`: never by itself). */
export function deadline (clock: Clock, delayMs: number | undefined, signals: Array<AbortSignal | undefined> = []): Deadline {
  const controller = new AbortController()
  const listeners: Array<() => void> = []
  let cancel: Cancel | undefined

  const clear = (): void => {
    cancel?.()
    cancel = undefined
    for (const remove of listeners) {
      remove()
    }
    listeners.length = 0
  }
  const abort = (reason: unknown): void => {
    clear()
    controller.abort(reason)
  }
  const set = (ms: number | undefined): void => {
    cancel?.()
    cancel = undefined
    if (ms != null && !controller.signal.aborted) {
      cancel = clock.schedule(clock.nowMs() + ms, () => { abort(new DeadlineError(`The deadline of ${ms} ms passed`)) })
    }
  }

  for (const signal of signals) {
    if (signal == null) {
      continue
    }
    if (signal.aborted) {
      abort(signal.reason)
      break
    }
    const onAbort = (): void => { abort(signal.reason) }
    signal.addEventListener('abort', onAbort, { once: true })
    listeners.push(() => { signal.removeEventListener('abort', onAbort) })
  }
  set(delayMs)

  return { signal: controller.signal, clear, set }
}
