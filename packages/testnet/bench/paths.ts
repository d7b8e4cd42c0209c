/**
 * `npm run bench -- paths [ROUNDS] [MEGABYTES]`: time to the first token, and MB/s of bytes over a stream and of an answer, on a direct, a bonded
 * (SRT over one link), a punched (TCP, WebRTC) and a relayed path, beside raw TCP between the same hosts, all in one run and in turns. Caller and
 * providers are behind real NATs of the laboratory (root and Linux); elsewhere all is on loopback, and what punches is left out. Caller, provider
 * and relay share the machine.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { NatLab, NatLabUnavailableError } from '../src/nat-lab/index.ts'
import type { ChildProcess } from 'node:child_process'
import type { NatKind } from '../src/nat-lab/index.ts'

interface Result {
  name: string
  value: number
  unit: string
  better: 'lower' | 'higher'
}

interface Round {
  path: string
  firstMs: number
  /** Of bytes over a stream */
  mbPerSecond: number
  /** Of the text of an answer, with the work that it takes at both ends; not there for raw TCP */
  answerMbPerSecond?: number
}

type Figure = 'firstMs' | 'mbPerSecond' | 'answerMbPerSecond'

type Spawn = (args: string[]) => ChildProcess

const ROUNDS = Number(process.argv[2] ?? 7)
const MEGABYTES = Number(process.argv[3] ?? 16)
const MEMBER = fileURLToPath(new URL('paths/member.ts', import.meta.url))
const PATHS = ['raw', 'direct', 'bonded', 'punched', 'webrtc', 'relayed'] as const
type Path = typeof PATHS[number]
/** What the mesh calls the path that is measured under that name. */
const CALLED: Partial<Record<Path, string>> = { webrtc: 'punched' }
/** Need NATs, as there is nothing to punch through without. */
const PUNCHED: readonly Path[] = ['punched', 'webrtc']

/** A process that answers with lines of JSON. */
class Member {
  private readonly child: ChildProcess
  private readonly lines: AsyncIterator<string>

  constructor (start: Spawn, ...args: string[]) {
    this.child = start(args)
    this.lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
    members.push(this)
  }

  async line (): Promise<any> {
    const { value, done } = await this.lines.next()
    if (done === true) {
      throw new Error('A process of the benchmark ended before it answered')
    }
    return JSON.parse(value as string)
  }

  async go (): Promise<Round> {
    this.child.stdin?.write('go\n')
    return (await this.line()).round as Round
  }

  stop (): void {
    this.child.kill('SIGKILL')
  }
}

const members: Member[] = []
const results: Result[] = []
const lab = await openLab()
try {
  await measure()
} finally {
  members.forEach(member => { member.stop() })
  await lab?.close()
}
console.log(JSON.stringify({ bench: 'paths', results }))

async function openLab (): Promise<NatLab | undefined> {
  try {
    return await NatLab.open()
  } catch (error) {
    if (!(error instanceof NatLabUnavailableError)) {
      throw error
    }
    console.log(`without NATs, on loopback; punching is left out: ${error.message}`)
    return undefined
  }
}

async function hostOf (name: string, kind: NatKind): Promise<{ start: Spawn, address: string }> {
  const command = ['--conditions=skein-source', MEMBER]
  if (lab === undefined) {
    return { address: '127.0.0.1', start: args => spawn(process.execPath, [...command, ...args], { stdio: ['pipe', 'pipe', 'inherit'] }) }
  }
  const host = await lab.addHost(name, kind)
  return { address: host.address, start: args => host.spawn(process.execPath, [...command, ...args], { stdio: ['pipe', 'pipe', 'inherit'] }) }
}

async function measure (): Promise<void> {
  const [relay, open] = [await hostOf('relay', 'public'), await hostOf('open', 'public')]
  const [home, caller] = [await hostOf('home', 'port-restricted'), await hostOf('caller', 'port-restricted')]
  // TCP gets through neither of these two, WebRTC does
  const [udpHome, udpCaller] = [await hostOf('udp-home', 'restricted'), await hostOf('udp-caller', 'symmetric-random')]
  const { address: seed } = await new Member(relay.start, 'seed', relay.address).line() as { address: string }
  const { port } = await new Member(open.start, 'raw-server', open.address, String(MEGABYTES)).line() as { port: number }
  const callers = new Map<Path, Member>()
  callers.set('raw', new Member(caller.start, 'raw-caller', open.address, String(port), String(MEGABYTES)))
  await callers.get('raw')?.line()

  const paths = PATHS.filter(path => path !== 'raw' && (!PUNCHED.includes(path) || lab !== undefined))
  for (const path of paths) {
    const at = path === 'direct' || path === 'bonded' ? open : path === 'webrtc' ? udpHome : home
    const from = path === 'webrtc' ? udpCaller : caller
    const how = path === 'direct' ? 'open' : path
    const { id } = await new Member(at.start, 'provider', at.address, seed, `answer-${path}`, String(MEGABYTES), how).line() as { id: string }
    const member = new Member(from.start, 'caller', seed, `answer-${path}`, path, id)
    const { cold } = await member.line() as { cold: Round }
    report({ name: `${path}, first token of the first request, lookup and dial included`, value: cold.firstMs, unit: 'ms', better: 'lower' })
    if (PUNCHED.includes(path)) {
      const { punchedMs } = await member.line() as { punchedMs?: number }
      if (punchedMs === undefined) {
        throw new Error('The hole was not punched')
      }
    }
    callers.set(path, member)
  }

  const rounds = new Map<Path, Round[]>([...callers.keys()].map(path => [path, []]))
  for (let i = 0; i <= ROUNDS; i++) {
    for (const [path, member] of callers) {
      const round = await member.go()
      if (round.path !== (CALLED[path] ?? path)) {
        throw new Error(`An answer that was to come ${path} came ${round.path}`)
      }
      if (i > 0) { // the first warms up
        rounds.get(path)?.push(round)
      }
    }
  }
  for (const path of rounds.keys()) {
    report({ name: `${path}, time to the first token`, value: medianOf(rounds, path, 'firstMs'), unit: 'ms', better: 'lower' })
    report({ name: `${path}, MB/s`, value: medianOf(rounds, path, 'mbPerSecond'), unit: 'MB/s', better: 'higher' })
    if (path !== 'raw') {
      report({ name: `${path}, MB/s of an answer`, value: medianOf(rounds, path, 'answerMbPerSecond'), unit: 'MB/s', better: 'higher' })
    }
  }
  for (const path of paths) {
    report({ name: `${path} to raw TCP, MB/s`, value: ratioOf(rounds, path, 'raw', 'mbPerSecond'), unit: 'ratio', better: 'higher' })
    if (path !== 'direct') {
      const toDirect = (figure: Figure): number => ratioOf(rounds, path, 'direct', figure)
      report({ name: `${path} to direct, MB/s`, value: toDirect('mbPerSecond'), unit: 'ratio', better: 'higher' })
      report({ name: `${path} to direct, MB/s of an answer`, value: toDirect('answerMbPerSecond'), unit: 'ratio', better: 'higher' })
      report({ name: `${path} to direct, time to the first token`, value: toDirect('firstMs'), unit: 'ratio', better: 'lower' })
    }
  }
}

function medianOf (rounds: Map<Path, Round[]>, path: Path, figure: Figure): number {
  return median((rounds.get(path) ?? []).map(round => round[figure] ?? 0))
}

/** Of the ratios of the rounds: the two of a round saw the same machine. */
function ratioOf (rounds: Map<Path, Round[]>, path: Path, other: Path, figure: Figure): number {
  const others = rounds.get(other) ?? []
  return median((rounds.get(path) ?? []).map((round, i) => (round[figure] ?? 0) / ((others[i] as Round)[figure] ?? 0)))
}

function median (values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

function report (result: Result): void {
  results.push(result)
  console.log(`${result.name}: ${result.value.toFixed(2)} ${result.unit}`)
}
