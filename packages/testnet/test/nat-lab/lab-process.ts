/** A program in a host of the laboratory that tells what happens to it, a line of JSON for each thing. */
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ChildProcess } from 'node:child_process'
import type { NatHost } from '../../src/nat-lab/index.ts'

export class LabProcess<Line extends object> {
  readonly lines: Line[] = []
  private readonly child: ChildProcess
  private wake: () => void = () => {}

  /** @param file beside this one */
  constructor (host: NatHost, file: string, args: readonly string[]) {
    const program = fileURLToPath(new URL(file, import.meta.url))
    this.child = host.spawn(process.execPath, ['--conditions=skein-source', program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', line => {
      this.lines.push(JSON.parse(line) as Line)
      this.wake()
    })
  }

  async line (which: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.lines.find(which)
      if (found !== undefined) {
        return found
      }
      await new Promise<void>(resolve => { this.wake = resolve })
    }
  }

  async stop (): Promise<void> {
    if (this.child.exitCode === null) {
      const ended = new Promise(resolve => this.child.once('exit', resolve))
      this.child.kill('SIGKILL')
      await ended
    }
  }
}
