/** SIGINT and SIGTERM as an AbortSignal: the first asks for an orderly end, the second is obeyed at once. */

export class StopSignal {
  private readonly controller = new AbortController()
  private readonly onSignal = (name: NodeJS.Signals): void => {
    if (this.controller.signal.aborted) {
      process.exit(name === 'SIGINT' ? 130 : 143)
    }
    this.controller.abort(new Error(`Stopped by ${name}`))
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
