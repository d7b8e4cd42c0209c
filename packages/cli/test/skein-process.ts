/** A `skein` command in a process of its own, with `--json`, for tests. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ChildProcess } from 'node:child_process'

const BIN = fileURLToPath(new URL('../src/bin/skein.ts', import.meta.url))

export interface SkeinEvent {
  event: string
  [field: string]: any
}

export class SkeinProcess {
  readonly events: SkeinEvent[] = []
  stderr = ''
  private readonly child: ChildProcess
  private readonly exited: Promise<{ code: number | null, signal: string | null }>
  private wake = Promise.withResolvers<void>()
  private ended = false

  constructor (args: string[], environment: Record<string, string> = {}) {
    this.child = spawn(process.execPath, ['--conditions=skein-source', BIN, ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment }
    })
    this.child.stderr?.on('data', data => { this.stderr += String(data) })
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', line => {
      this.events.push(JSON.parse(line) as SkeinEvent)
      this.notify()
    })
    this.exited = once(this.child, 'close').then(([code, signal]) => {
      this.ended = true
      this.notify()
      return { code, signal }
    })
  }

  /** The first event of that name, now or later. Fails when the process ends without it. */
  async event (name: string, matches: (event: SkeinEvent) => boolean = () => true): Promise<SkeinEvent> {
    for (;;) {
      const found = this.events.find(event => event.event === name && matches(event))
      if (found != null) {
        return found
      }
      if (this.ended) {
        throw new Error(`The process ended without "${name}". It said:\n${this.events.map(event => JSON.stringify(event)).join('\n')}\n${this.stderr}`)
      }
      await this.wake.promise
    }
  }

  kill (signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  async exit (): Promise<{ code: number | null, signal: string | null }> {
    return await this.exited
  }

  /** Ends it, whatever it does. */
  async dispose (): Promise<void> {
    if (!this.ended) {
      this.kill('SIGKILL')
    }
    await this.exited
  }

  private notify (): void {
    const { resolve } = this.wake
    this.wake = Promise.withResolvers<void>()
    resolve()
  }
}
