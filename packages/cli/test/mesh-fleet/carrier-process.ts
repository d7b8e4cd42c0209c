/** A super-node that carries streams, in a process of its own, as a test sees it: it can be killed as a power cut kills it. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import type { SuperNodeStatus } from '@skein/seed'

export interface CarrierInit {
  /** Second octet of its address, which stands for its network */
  octet: number
  bootstrap: string[]
  capacity: number
  leaseMs: number
}

export type CarrierCommand = { type: 'start', init: CarrierInit } | { type: 'drain' } | { type: 'view' }

export interface CarrierView {
  state: SuperNodeStatus['state']['state']
  /** Those that its own election names */
  elected: string[]
  /** Those that it lets in */
  streams: Array<{ sessionId: string, streamToken: string }>
  /** Of media, in and out */
  carriedBytes: number
}

export interface CarrierReply {
  id: number
  result?: unknown
  error?: string
}

export class CarrierProcess {
  id = ''
  readonly host: string
  isKilled = false
  private readonly child: ChildProcess
  private readonly waiting = new Map<number, PromiseWithResolvers<unknown>>()
  private asked = 0

  private constructor (host: string) {
    this.host = host
    this.child = fork(new URL('carrier-member.ts', import.meta.url), { execArgv: ['--conditions=skein-source'] })
    this.child.on('message', ({ id, result, error }: CarrierReply) => {
      const waiter = this.waiting.get(id)
      this.waiting.delete(id)
      if (error === undefined) {
        waiter?.resolve(result)
      } else {
        waiter?.reject(new Error(error))
      }
    })
    this.child.on('exit', code => {
      this.waiting.forEach(({ reject }) => { reject(new Error(`The process at ${host} ended with ${code}`)) })
      this.waiting.clear()
    })
  }

  static async start (init: CarrierInit): Promise<CarrierProcess> {
    const started = new CarrierProcess(`127.${init.octet}.0.1`)
    started.id = await started.order({ type: 'start', init }) as string
    return started
  }

  async view (): Promise<CarrierView> {
    return await this.order({ type: 'view' }) as CarrierView
  }

  async drain (): Promise<void> {
    await this.order({ type: 'drain' })
  }

  /** Ends it with SIGKILL: nobody is told. */
  async kill (): Promise<void> {
    this.isKilled = true
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = new Promise(resolve => { this.child.once('exit', resolve) })
      this.child.kill('SIGKILL')
      await ended
    }
  }

  private async order (command: CarrierCommand): Promise<unknown> {
    const id = ++this.asked
    const waiter = Promise.withResolvers<unknown>()
    this.waiting.set(id, waiter)
    this.child.send({ id, command })
    return await waiter.promise
  }
}
