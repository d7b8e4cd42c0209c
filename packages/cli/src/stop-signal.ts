/** SIGINT and SIGTERM as an AbortSignal: the first asks for an orderly end, the second is obeyed at once. */
import { systemClock } from '@skein/core/system'
import type { Clock } from '@skein/core'

/**
 * What comes this soon after the first is the same one once more, not impatience: Ctrl-C under `npx` reaches a command from the terminal and from
 * npm, and `timeout` sends its signal to the command and to its process group. People take longer.
 */
const SAME_SIGNAL_MS = 250

/** The reason of the signal. A command that was to do something, and did not finish it, throws it on. */
export class StoppedError extends Error {
  static override name = 'StoppedError'
  override readonly name = 'StoppedError'
  readonly signal: NodeJS.Signals

  constructor (signal: NodeJS.Signals, message = `Stopped by ${signal}`) {
    super(message)
    this.signal = signal
  }

  /** As a shell has it: 128 and the number of the signal. */
  get exitStatus (): number {
    return statusOf(this.signal)
  }
}

export class StopSignal {
  private readonly controller = new AbortController()
  private readonly clock: Clock
  private firstMs: number | undefined
  private readonly onSignal = (name: NodeJS.Signals): void => {
    const nowMs = this.clock.nowMs()
    if (this.firstMs === undefined) {
      this.firstMs = nowMs
      this.controller.abort(new StoppedError(name))
    } else if (nowMs - this.firstMs >= SAME_SIGNAL_MS) {
      process.exit(statusOf(name))
    }
  }

  constructor (clock: Clock = systemClock()) {
    this.clock = clock
    process.on('SIGINT', this.onSignal)
    process.on('SIGTERM', this.onSignal)
  }

  get signal (): AbortSignal {
    return this.controller.signal
  }

  close (): void {
    process.off('SIGINT', this.onSignal)
    process.off('SIGTERM', this.onSignal)
  }
}

function statusOf (name: NodeJS.Signals): number {
  return name === 'SIGINT' ? 130 : 143
}
