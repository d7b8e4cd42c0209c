/** A process in a host of the laboratory that prints a line of JSON for each thing that happens, and what it has told so far. */
import { createInterface } from 'node:readline'
import type { ChildProcess } from 'node:child_process'
import type { NatHost } from '../../src/nat-lab/index.ts'

export class HostProcess<Line extends object> {
  readonly lines: Line[] = []
  private readonly child: ChildProcess
  private readonly waiting = new Set<() => void>()
  private complaint = ''

  /** A program of TypeScript, by its path. */
  constructor (host: Pick<NatHost, 'spawn'>, program: string, args: string[], environment: Record<string, string> = {}) {
    this.child = host.spawn(process.execPath, ['--conditions=skein-source', program, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...environment }
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => { this.complaint = (this.complaint + text).slice(-4_000) })
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', line => {
      if (line.startsWith('{')) {
        this.lines.push(JSON.parse(line) as Line)
        this.wake()
      }
    })
    this.child.once('exit', () => { this.wake() })
  }

  /** The first line that fits, whether it has come or is to come. @throws when the process ends without */
  async line (which: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.lines.find(which)
      if (found !== undefined) {
        return found
      }
      if (this.hasEnded) {
        throw new Error(`A process in the laboratory ended before it told what was waited for: ${this.complaint}`)
      }
      await new Promise<void>(resolve => { this.waiting.add(resolve) })
    }
  }

  /** A line to its standard input. */
  write (line: object): void {
    this.child.stdin?.write(`${JSON.stringify(line)}\n`)
  }

  async stop (signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    if (!this.hasEnded) {
      const ended = new Promise(resolve => this.child.once('exit', resolve))
      this.child.kill(signal)
      await ended
    }
  }

  private get hasEnded (): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  private wake (): void {
    const waiting = [...this.waiting]
    this.waiting.clear()
    waiting.forEach(resolve => { resolve() })
  }
}
