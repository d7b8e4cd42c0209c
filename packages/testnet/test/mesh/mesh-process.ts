/** A process with peers in it, as a test sees it: so that peers can be killed as a power cut kills them. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

export type MeshCommand =
  /** One peer for each model, which it serves; `bootstrap` is what each is given */
  | { type: 'start', models: string[], bootstrap: string[][] }
  | { type: 'find', models: string[], timeoutMs: number }
  | { type: 'links' }

export interface MeshReply {
  id: number
  result?: unknown
  error?: string
}

export interface StartedPeer {
  id: string
  addresses: string[]
}

export interface PeerLinks {
  id: string
  connected: string[]
  /** Peers in its view of peer exchange */
  view: string[]
}

export class MeshProcess {
  private readonly child: ChildProcess
  private readonly waiting = new Map<number, PromiseWithResolvers<unknown>>()
  private asked = 0

  constructor () {
    this.child = fork(new URL('mesh-member.ts', import.meta.url), { execArgv: ['--conditions=skein-source'] })
    this.child.on('message', ({ id, result, error }: MeshReply) => {
      const waiter = this.waiting.get(id)
      this.waiting.delete(id)
      if (error === undefined) {
        waiter?.resolve(result)
      } else {
        waiter?.reject(new Error(error))
      }
    })
    this.child.on('exit', code => {
      this.waiting.forEach(({ reject }) => { reject(new Error(`The process of the peers ended with ${code}`)) })
      this.waiting.clear()
    })
  }

  async start (models: string[], bootstrap: string[][]): Promise<StartedPeer[]> {
    return await this.ask({ type: 'start', models, bootstrap }) as StartedPeer[]
  }

  /** By peer, the models that it does not find within `timeoutMs` each. */
  async find (models: string[], timeoutMs: number): Promise<string[][]> {
    return await this.ask({ type: 'find', models, timeoutMs }) as string[][]
  }

  async links (): Promise<PeerLinks[]> {
    return await this.ask({ type: 'links' }) as PeerLinks[]
  }

  /** Ends it with SIGKILL: nobody is told. */
  async kill (): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = new Promise(resolve => { this.child.once('exit', resolve) })
      this.child.kill('SIGKILL')
      await ended
    }
  }

  private async ask (command: MeshCommand): Promise<unknown> {
    const id = ++this.asked
    const waiter = Promise.withResolvers<unknown>()
    this.waiting.set(id, waiter)
    this.child.send({ id, command })
    return await waiter.promise
  }
}
