/** A seed in a process of its own, and attackers in others, for tests. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ChildProcess } from 'node:child_process'
import type { InboundCounters } from '../../src/admission/inbound-guard.ts'
import type { SeedCounters } from '../../src/index.ts'
import type { AttackReport, AttackTarget } from './attacker-process.ts'

export interface SeedFiguresMessage {
  /** What is in use */
  heapBytes: number
  rssBytes: number
  /** Since it was asked last */
  peakBytes: number
  counters: SeedCounters
  inbound: InboundCounters
  registrations: number
  connections: number
}

/** A registration that comes to the seed's handler without a connection. */
export interface UnsocketedRegistration {
  peer: string
  /** Where its connection would have come from */
  address: string
  /** base64 */
  envelope: string
}

export class AttackedSeed {
  /** Multiaddr texts, TCP first */
  readonly addresses: string[]
  readonly http: string
  private readonly process: ChildProcess

  private constructor (process: ChildProcess, addresses: string[], http: string) {
    this.process = process
    this.addresses = addresses
    this.http = http
  }

  static async start (): Promise<AttackedSeed> {
    const child = forkHere('./seed-process.ts')
    const [{ addresses, http }] = await once(child, 'message') as [{ addresses: string[], http: string }]
    return new AttackedSeed(child, addresses, http)
  }

  get target (): AttackTarget {
    const port = (address: string | undefined): number => Number(/\/tcp\/(\d+)/.exec(address ?? '')?.[1])
    return {
      address: this.addresses.find(address => !address.includes('/ws')) as string,
      tcpPort: port(this.addresses.find(address => !address.includes('/ws'))),
      wsPort: port(this.addresses.find(address => address.includes('/ws'))),
      httpPort: Number(new URL(this.http).port)
    }
  }

  async figures (): Promise<SeedFiguresMessage> {
    this.process.send('figures')
    const [figures] = await once(this.process, 'message') as [SeedFiguresMessage]
    return figures
  }

  /** The reason of each refusal, `''` for those that are registered. */
  async register (registrations: UnsocketedRegistration[]): Promise<string[]> {
    this.process.send(registrations)
    const [refused] = await once(this.process, 'message') as [string[]]
    return refused
  }

  /** What a counter of `/metrics` has with these labels; 0 when it is not there. */
  async metric (name: string, labels: string): Promise<number> {
    const text = await (await fetch(`${this.http}/metrics`)).text()
    return Number(new RegExp(`^${name}\\{${labels}\\} (\\S+)$`, 'm').exec(text)?.[1] ?? 0)
  }

  /** Whether it has not died of the attack. */
  get isAlive (): boolean {
    return this.process.exitCode === null && this.process.signalCode === null
  }

  async stop (): Promise<void> {
    if (this.isAlive) {
      this.process.send('stop')
      await once(this.process, 'exit')
    }
  }
}

export interface Attack {
  /** The attack is in full swing */
  raging: Promise<unknown>
  report: Promise<AttackReport>
}

/** Starts an attack from a process of its own, which ends with its report. */
export function attack (name: string, target: AttackTarget): Attack {
  const child = forkHere('./attacker-process.ts', [name, JSON.stringify(target)])
  const report = new Promise<AttackReport>((resolve, reject) => {
    child.on('message', (message: AttackReport | 'raging') => { if (message !== 'raging') { resolve(message) } })
    child.on('exit', code => { reject(new Error(`The attacker of ${name} ended with ${code} and no report`)) })
  })
  const raging = new Promise<void>((resolve, reject) => {
    child.on('message', message => { if (message === 'raging') { resolve() } })
    report.then(() => { resolve() }, reject)
  })
  report.catch(() => {}) // whoever waits for it is told
  return { raging, report }
}

function forkHere (file: string, args: string[] = []): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    execArgv: ['--conditions=skein-source', '--expose-gc', '--max-old-space-size=512'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc']
  })
}
