/** SIGINT and SIGTERM as an AbortSignal: the first asks for an orderly end, the second is obeyed at once. */

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
  private readonly onSignal = (name: NodeJS.Signals): void => {
    if (this.controller.signal.aborted) {
      process.exit(statusOf(name))
    }
    this.controller.abort(new StoppedError(name))
  }

  constructor () {
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
