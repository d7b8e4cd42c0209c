/**
 * `npm run bench -- seed-relay`: bytes through one circuit against a direct connection between the same two peers, and what they cost the relay, a
 * process of its own; beside it the relay of `@libp2p/circuit-relay-v2` without limits. All in one run, in turns, on loopback: sender, receiver and
 * relay share the machine.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { multiaddr } from '@multiformats/multiaddr'
import { createPeer } from '@skein/peer'
import type { ChildProcess } from 'node:child_process'
import type { Peer } from '@skein/peer'
import type { Answer, Question } from './seed-relay/child.ts'

interface Result {
  name: string
  value: number
  unit: string
  better: 'lower' | 'higher'
}

interface Round {
  mbPerSecond: number
  senderCpuMs: number
  receiverCpuMs: number
  relayCpuMs: number
}

const ROUNDS = Number(process.argv[2] ?? 5)
const MEGABYTES = 64
const child = fileURLToPath(new URL('seed-relay/child.ts', import.meta.url))
const children: ChildProcess[] = []
const peers: Peer[] = []

const relay = await started('relay')
const stock = await started('stock')
const receiver = await started('receiver', relay.addresses[0] as string, stock.addresses[0] as string)
const addressBy = (relayId?: string): string =>
  receiver.addresses.find(address => relayId === undefined ? !address.includes('/p2p-circuit') : address.includes(relayId)) as string
const PATHS = [
  ['direct', addressBy(), undefined],
  ['relayed', addressBy(relay.id), relay.process],
  ['relayed by libp2p\'s server', addressBy(stock.id), stock.process]
] as const

const rounds = new Map<string, Round[]>(PATHS.map(([name]) => [name, []]))
for (let i = 0; i <= ROUNDS; i++) {
  for (const [name, address, through] of PATHS) {
    const round = await transfer(address, through)
    if (i > 0) { // the first warms up
      rounds.get(name)?.push(round)
    }
  }
}

const results: Result[] = []
const medianOf = (path: string, figure: keyof Round): number => median((rounds.get(path) as Round[]).map(round => round[figure]))
for (const [name, , through] of PATHS) {
  report({ name: `${name}, MB/s`, value: medianOf(name, 'mbPerSecond'), unit: 'MB/s', better: 'higher' })
  const ends = medianOf(name, 'senderCpuMs') + medianOf(name, 'receiverCpuMs')
  report({ name: `${name}, CPU of both ends`, value: ends, unit: 'ms/MB', better: 'lower' })
  if (through !== undefined) {
    report({ name: `${name}, CPU of the relay`, value: medianOf(name, 'relayCpuMs'), unit: 'ms/MB', better: 'lower' })
  }
}
const share = medianOf('relayed', 'mbPerSecond') / medianOf('direct', 'mbPerSecond')
report({ name: 'relayed of direct', value: 100 * share, unit: '%', better: 'higher' })
console.log(JSON.stringify({ bench: 'seed-relay', results }))
await Promise.all(peers.map(async peer => { await peer.stop() }))
children.forEach(one => { one.kill() })

async function transfer (address: string, through: ChildProcess | undefined): Promise<Round> {
  const sender = await createPeer({ listen: [] })
  peers.push(sender)
  const connection = await sender.libp2p.dial(multiaddr(address))
  const stream = await connection.newStream('/bench/sink', { runOnLimitedConnection: true })
  const done = once(stream as unknown as EventTarget, 'message')
  const cpuMs = async (): Promise<number[]> => [ownCpuMs(), await cpuMsOf(receiver.process), through === undefined ? 0 : await cpuMsOf(through)]
  const before = await cpuMs()
  const startMs = performance.now()
  const chunk = new Uint8Array(65_536).fill(7)
  for (let sent = 0; sent < MEGABYTES * 1e6; sent += chunk.length) {
    if (!stream.send(chunk)) {
      await stream.onDrain()
    }
  }
  await stream.close()
  await done
  const seconds = (performance.now() - startMs) / 1000
  const [senderCpuMs = 0, receiverCpuMs = 0, relayCpuMs = 0] = (await cpuMs()).map((ms, i) => (ms - (before[i] ?? 0)) / MEGABYTES)
  await sender.stop()
  peers.pop()
  return { mbPerSecond: MEGABYTES / seconds, senderCpuMs, receiverCpuMs, relayCpuMs }
}

async function started (...args: string[]): Promise<{ process: ChildProcess, id: string, addresses: string[] }> {
  const process = fork(child, args, { execArgv: ['--conditions=skein-source'] })
  children.push(process)
  const { id = '', addresses = [] } = await next(process)
  return { process, id, addresses }
}

async function cpuMsOf (process: ChildProcess): Promise<number> {
  const answer = next(process)
  process.send({ type: 'cpu' } satisfies Question)
  return (await answer).cpuMs ?? 0
}

async function next (process: ChildProcess): Promise<Answer> {
  const [answer] = await once(process, 'message') as [Answer]
  return answer
}

function ownCpuMs (): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function median (values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

function report (result: Result): void {
  const rounded = { ...result, value: Number(result.value.toPrecision(3)) }
  results.push(rounded)
  console.log(`${rounded.name}: ${rounded.value} ${rounded.unit}`)
}
