/** Super-nodes for tests: processes that relay, each in a network of its own behind a link that can be frozen, with leases that they sign themselves. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { FrozenLink } from './frozen-link.ts'
import type { ChildProcess } from 'node:child_process'

export type SuperNodeOrder =
  | { type: 'sign', lifeMs: number, withdrawn: boolean }
  | { type: 'answer', leases: string[] }

export type SuperNodeReport =
  | { type: 'started', id: string, port: number }
  | { type: 'signed', lease: string }

export interface ElectedRelaysInit {
  /** Second octets of the loopback networks in which they are, one relay each */
  octets: number[]
  /** A multiaddr of a seed */
  bootstrap: string
  region: string
}

const PROGRAM = fileURLToPath(new URL('super-node-process.ts', import.meta.url))
const LEASE_MS = 600_000

export class ElectedRelay {
  readonly id: string
  readonly host: string
  readonly link: FrozenLink
  private readonly child: ChildProcess

  private constructor (child: ChildProcess, id: string, host: string, link: FrozenLink) {
    this.child = child
    this.id = id
    this.host = host
    this.link = link
  }

  static async start (octet: number, { bootstrap, region }: ElectedRelaysInit): Promise<ElectedRelay> {
    const host = `127.${octet}.0.1`
    const target = { host: `127.${octet}.0.2`, port: 0 }
    const link = await FrozenLink.open(host, target)
    const child = fork(PROGRAM, [target.host, `/ip4/${host}/tcp/${link.port}`, bootstrap, region], { execArgv: ['--conditions=skein-source'] })
    const started = await next(child, 'started')
    target.port = started.port
    return new ElectedRelay(child, started.id, host, link)
  }

  async sign (lease: { lifeMs?: number, withdrawn?: boolean } = {}): Promise<string> {
    const signed = next(this.child, 'signed')
    this.order({ type: 'sign', lifeMs: lease.lifeMs ?? LEASE_MS, withdrawn: lease.withdrawn ?? false })
    return (await signed).lease
  }

  answer (leases: string[]): void {
    this.order({ type: 'answer', leases })
  }

  kill (): void {
    this.child.kill('SIGKILL')
  }

  async stop (): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = new Promise(resolve => { this.child.once('exit', resolve) })
      this.kill()
      await gone
    }
    await this.link.close()
  }

  private order (order: SuperNodeOrder): void {
    if (this.child.connected) {
      this.child.send(order)
    }
  }
}

/** Starts them, and has each name all of them. */
export async function electedRelays (init: ElectedRelaysInit): Promise<ElectedRelay[]> {
  const relays = await Promise.all(init.octets.map(async octet => await ElectedRelay.start(octet, init)))
  await elect(relays, relays)
  return relays
}

/** `electors` name the holders of new leases from now on. */
export async function elect (electors: ElectedRelay[], holders: ElectedRelay[], lease: { lifeMs?: number } = {}): Promise<void> {
  const leases = await Promise.all(holders.map(async relay => await relay.sign(lease)))
  electors.forEach(relay => { relay.answer(leases) })
}

async function next<T extends SuperNodeReport['type']> (child: ChildProcess, type: T): Promise<Extract<SuperNodeReport, { type: T }>> {
  return await new Promise((resolve, reject) => {
    const onMessage = (message: SuperNodeReport): void => {
      if (message.type === type) {
        child.off('message', onMessage)
        resolve(message as Extract<SuperNodeReport, { type: T }>)
      }
    }
    child.on('message', onMessage)
    child.once('exit', code => { reject(new Error(`The relay ended with ${code}`)) })
  })
}
