/** All clients of the load, in a few processes. */
import { fork } from 'node:child_process'
import { setPriority } from 'node:os'
import { once } from 'node:events'
import { emptyOutcome } from './load-message.ts'
import type { ChildProcess } from 'node:child_process'
import type { ClientsOrder, Outcome } from './load-message.ts'

export class ClientFleet {
  private readonly children: ChildProcess[]

  private constructor (children: ChildProcess[]) {
    this.children = children
  }

  static async start (clients: number, processes: number): Promise<ClientFleet> {
    const children = await Promise.all(Array.from({ length: processes }, async (_, i) => {
      const share = Math.floor((clients + i) / processes)
      const child = fork(new URL('./clients-process.ts', import.meta.url), [String(share)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      if (child.pid !== undefined) {
        setPriority(child.pid, 10) // they stand for machines of their own: what they compute must not keep the server from its core
      }
      await once(child, 'message')
      return child
    }))
    return new ClientFleet(children)
  }

  /** What came of it in all processes together. */
  async obey (order: ClientsOrder): Promise<Outcome> {
    const outcomes = await Promise.all(this.children.map(async child => {
      const answer = once(child, 'message')
      child.send(order)
      return (await answer)[0] as Outcome
    }))
    return outcomes.reduce(merge, emptyOutcome())
  }

  async stop (): Promise<void> {
    await Promise.all(this.children.filter(child => child.exitCode === null && child.signalCode === null).map(async child => {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }))
  }
}

function merge (some: Outcome, others: Outcome): Outcome {
  const failures = { ...some.failures }
  for (const [reason, count] of Object.entries(others.failures)) {
    failures[reason] = (failures[reason] ?? 0) + count
  }
  return {
    connectMs: some.connectMs.concat(others.connectMs),
    registerMs: some.registerMs.concat(others.registerMs),
    discoverMs: some.discoverMs.concat(others.discoverMs),
    failures,
    connected: some.connected + others.connected
  }
}
