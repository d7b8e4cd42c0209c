/** A volunteer in a process of its own, as the test sees it: it can be killed as a power cut kills it. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import type { SuperNodeStatus } from '@skein/seed'
import type { Called, Conduct } from './answers.ts'

export interface VolunteerInit {
  /** Second octet of its address, which stands for its network */
  octet: number
  conduct: Conduct
  bootstrap: string[]
}

export type VolunteerCommand =
  | { type: 'start', init: VolunteerInit }
  /** So many requests, one after the other */
  | { type: 'ask', requests: number, from: number }
  /** Receipts that nobody signed, to all who are connected */
  | { type: 'forge' }
  | { type: 'view' }

export interface VolunteerView {
  state: SuperNodeStatus['state']['state']
  /** Those that its own election names */
  elected: string[]
  /** Providers in the order in which it would ask them */
  providers: string[]
  distrusted: string[]
  /** Why candidates have no seat, by peer */
  refusals: Record<string, string[]>
}

export interface VolunteerReply {
  id: number
  result?: unknown
  error?: string
}

export class VolunteerProcess {
  readonly conduct: Conduct
  id = ''
  private readonly child: ChildProcess
  private readonly waiting = new Map<number, PromiseWithResolvers<unknown>>()
  private asked = 0

  private constructor (conduct: Conduct) {
    this.conduct = conduct
    this.child = fork(new URL('volunteer-member.ts', import.meta.url), { execArgv: ['--conditions=skein-source'] })
    this.child.on('message', ({ id, result, error }: VolunteerReply) => {
      const waiter = this.waiting.get(id)
      this.waiting.delete(id)
      if (error === undefined) {
        waiter?.resolve(result)
      } else {
        waiter?.reject(new Error(error))
      }
    })
    this.child.on('exit', code => {
      this.waiting.forEach(({ reject }) => { reject(new Error(`The process of a volunteer that ${conduct} ended with ${code}`)) })
      this.waiting.clear()
    })
  }

  static async start (init: VolunteerInit): Promise<VolunteerProcess> {
    const started = new VolunteerProcess(init.conduct)
    started.id = await started.order({ type: 'start', init }) as string
    return started
  }

  async ask (requests: number, from: number): Promise<Called> {
    return await this.order({ type: 'ask', requests, from }) as Called
  }

  async forge (): Promise<number> {
    return await this.order({ type: 'forge' }) as number
  }

  async view (): Promise<VolunteerView> {
    return await this.order({ type: 'view' }) as VolunteerView
  }

  /** Ends it with SIGKILL: nobody is told. */
  async kill (): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = new Promise(resolve => { this.child.once('exit', resolve) })
      this.child.kill('SIGKILL')
      await ended
    }
  }

  private async order (command: VolunteerCommand): Promise<unknown> {
    const id = ++this.asked
    const waiter = Promise.withResolvers<unknown>()
    this.waiting.set(id, waiter)
    this.child.send({ id, command })
    return await waiter.promise
  }
}
