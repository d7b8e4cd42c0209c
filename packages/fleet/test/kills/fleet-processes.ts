/** A fleet of processes that can be killed one by one, and started again at the same ports. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@skein/core/system'
import { HttpNodeAgent } from '@skein/fleet'
import { nodeSpec } from '../records.ts'
import type { ChildProcess } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import type { FleetStore } from '@skein/fleet'

export const NODE_KEY = 'k'.repeat(32)

const running = new Set<ChildProcess>()
// a test that does not come to its end must not leave processes behind
process.once('exit', () => {
  for (const child of running) {
    child.kill('SIGKILL')
  }
})

export class Program {
  /** Lines that it has written */
  readonly lines: string[] = []
  private readonly file: string
  private readonly args: string[]
  private child: ChildProcess | undefined

  constructor (file: string, args: string[]) {
    this.file = fileURLToPath(new URL(file, import.meta.url))
    this.args = args
  }

  get isRunning (): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null
  }

  /** @param more - arguments of this run alone */
  launch (...more: string[]): void {
    this.lines.length = 0
    this.child = spawn(process.execPath, ['--conditions=skein-source', this.file, ...this.args, ...more], { stdio: ['ignore', 'pipe', 'inherit'] })
    const child = this.child
    running.add(child)
    child.once('exit', () => { running.delete(child) })
    createInterface(this.child.stdout as NonNullable<ChildProcess['stdout']>).on('line', line => { this.lines.push(line) })
  }

  /** Launches, and resolves with its first line. */
  async start (...more: string[]): Promise<string> {
    this.launch(...more)
    await until(() => this.lines.length > 0 || !this.isRunning)
    if (!this.isRunning) {
      throw new Error(`${this.file} ended by itself`)
    }
    return this.lines[0] as string
  }

  async kill (): Promise<void> {
    this.child?.kill('SIGKILL')
    await this.ended()
  }

  async ended (): Promise<NodeJS.Signals | null> {
    if (this.isRunning) {
      await once(this.child as ChildProcess, 'exit')
    }
    return this.child?.signalCode ?? null
  }
}

export interface NodeProgram {
  id: string
  program: Program
  agent: HttpNodeAgent
}

/** A node process that the fleet knows; started. */
export async function startNode (store: FleetStore, id: string, capacity: number): Promise<NodeProgram> {
  const port = await freePort()
  const program = new Program('node-process.ts', [id, String(capacity), String(port), NODE_KEY])
  const url = await program.start()
  await store.putNode(nodeSpec(id, { capacity, manageUrl: url, manageKey: NODE_KEY }))
  return { id, program, agent: new HttpNodeAgent({ url, key: NODE_KEY, clock: systemClock() }) }
}

export async function until (condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) {
    await pause(20)
  }
}

export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Sessions that are not over, places that are taken, and streams that nodes carry: what a leak would show in. */
export async function whatIsLeft (store: FleetStore, nodes: NodeProgram[]): Promise<{ sessions: number, places: number, streams: number }> {
  const sessions = await store.sessions({ states: ['provisioning', 'active', 'releasing'], limit: 1_000 })
  const places = (await store.nodes()).map(({ used }) => used)
  const streams = await Promise.all(nodes.map(async ({ agent }) => (await agent.statistics()).streams.length))
  return { sessions: sessions.length, places: sum(places), streams: sum(streams) }
}

function sum (numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
