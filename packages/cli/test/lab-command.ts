/** A `skein` command in a host of the laboratory, with `--json`, for tests. */
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ChildProcess } from 'node:child_process'
import type { NatHost } from '@skein/testnet/nat-lab'
import type { SkeinEvent } from './skein-process.ts'

const BIN = fileURLToPath(new URL('../src/bin/skein.ts', import.meta.url))

export class LabCommand {
  readonly events: SkeinEvent[] = []
  readonly ended: Promise<number | null>
  private readonly child: ChildProcess
  private wake: () => void = () => {}

  constructor (host: NatHost, args: string[]) {
    this.child = host.spawn(process.execPath, ['--conditions=skein-source', BIN, ...args, '--json'], { stdio: ['ignore', 'pipe', 'ignore'] })
    const lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })
    lines.on('line', line => {
      this.events.push(JSON.parse(line) as SkeinEvent)
      this.wake()
    })
    this.ended = new Promise(resolve => this.child.once('close', code => {
      resolve(code)
      this.wake()
    }))
  }

  async event (name: string): Promise<SkeinEvent> {
    for (;;) {
      const found = this.events.find(({ event }) => event === name)
      if (found !== undefined) {
        return found
      }
      if (this.child.exitCode !== null) {
        throw new Error(`The command ended without "${name}": ${JSON.stringify(this.events)}`)
      }
      await new Promise<void>(resolve => { this.wake = resolve })
    }
  }

  async stop (): Promise<void> {
    if (this.child.exitCode === null) {
      this.child.kill('SIGKILL')
    }
    await this.ended
  }
}
