/** What a command prints: lines for a person, or with `--json` one object a line for a program. */

export class Output {
  readonly json: boolean

  constructor (json: boolean) {
    this.json = json
  }

  /** Something happened; `line` is how a person is told, left out when it is of no interest to one. */
  event (event: string, fields: Record<string, unknown>, line?: string): void {
    if (this.json) {
      process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`)
    } else if (line != null) {
      process.stdout.write(`${line}\n`)
    }
  }

  /** A piece of a longer text. */
  piece (event: string, text: string): void {
    process.stdout.write(this.json ? `${JSON.stringify({ event, text })}\n` : text)
  }

  failure (error: unknown): void {
    const { name, message, code } = error as { name?: string, message?: string, code?: string }
    if (this.json) {
      process.stdout.write(`${JSON.stringify({ event: 'error', name, code, message })}\n`)
    }
    process.stderr.write(`skein: ${message ?? String(error)}\n`)
    if (process.env.DEBUG != null && error instanceof Error) {
      process.stderr.write(`${error.stack}\n`)
    }
  }
}
