/** A process of the bench: started with its options, asked for its CPU time, stopped. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** What a process says once it can be used. */
export interface Ready {
  url?: string
  addresses?: string[]
}

const START_TIMEOUT_MS = 30_000

export class BenchProcess {
  readonly ready: Ready
  private readonly child: ChildProcess

  private constructor (child: ChildProcess, ready: Ready) {
    this.child = child
    this.ready = ready
  }

  /** @param name - of a script beside this one */
  static async start (name: string, options: object): Promise<BenchProcess> {
    const child = fork(new URL(`${name}.ts`, import.meta.url), [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const failed = once(child, 'exit').then(([code]) => { throw new Error(`${name} ended with status ${code} before it was ready`) })
    const ready = await Promise.race([once(child, 'message', { signal: AbortSignal.timeout(START_TIMEOUT_MS) }), failed])
    failed.catch(() => {})
    return new BenchProcess(child, ready[0] as Ready)
  }

  /** User and system time since the process began, µs. */
  async cpuMicros (): Promise<number> {
    const answer = once(this.child, 'message')
    this.child.send('cpu')
    return (await answer)[0] as number
  }

  async stop (): Promise<void> {
    if (this.child.exitCode == null && this.child.signalCode == null) {
      this.child.kill('SIGKILL')
      await once(this.child, 'exit')
    }
  }
}

/** In such a process: its options. */
export function benchOptions<Options> (): Options {
  return JSON.parse(process.argv[2] as string) as Options
}

/** In such a process: says that it can be used, and answers from now on. */
export function benchReady (ready: Ready): void {
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.(user + system)
  })
  process.on('disconnect', () => { process.exit() })
  process.send?.(ready)
}
