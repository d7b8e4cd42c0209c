/**
 * `npm run bench -- transport [ROUNDS] [SECONDS]`: what a stream of libp2p (Noise, yamux) carries over `srtla()`, beside TCP and WebRTC on one clean
 * link, and over three impaired links beside TCP on the best of them alone, with each congestion control that this kernel has of CUBIC and BBR. All
 * in turns; medians over the rounds, ratios within a round. Impaired links need root, Linux, /dev/net/tun and `socat`; they are left out elsewhere.
 */
import { createInterface } from 'node:readline'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { UNEQUAL_LINKS } from '../../srtla/test/link-model.ts'
import { CleanLink } from './transport/clean-link.ts'
import { ImpairedLinks, whyNoLinks } from './transport/impaired-links.ts'
import type { ChildProcess } from 'node:child_process'
import type { Call, Counted } from './transport/member.ts'

interface Result {
  name: string
  value: number
  unit: string
  target?: number
  better: 'lower' | 'higher'
}

type Start = (script: string, args: string[]) => ChildProcess

interface Turn {
  name: string
  kind: Call['kind']
  /** Source addresses of `srtla` */
  links: string[]
  /** Of TCP in this machine's kernel */
  congestion?: string
}

const ROUNDS = Number(process.argv[2] ?? 3)
const SECONDS = Number(process.argv[3] ?? 20)
const CLEAN_SECONDS = Math.min(SECONDS, 5)
const MEMBER = fileURLToPath(new URL('transport/member.ts', import.meta.url))
const CONGESTION_CONTROLS = ['cubic', 'bbr']
const SEED = 1
const TARGET = 1.5
const results: Result[] = []

/** A process that answers with lines of JSON. */
class Member {
  private readonly child: ChildProcess
  private readonly lines: AsyncIterator<string>

  constructor (child: ChildProcess) {
    this.child = child
    this.lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  }

  async line (): Promise<any> {
    const { value, done } = await this.lines.next()
    if (done === true) {
      throw new Error('A process of the benchmark ended before it answered')
    }
    return JSON.parse(value as string)
  }

  tell (line: object): void {
    this.child.stdin?.write(`${JSON.stringify(line)}\n`)
  }

  stop (): void {
    this.child.kill('SIGKILL')
  }
}

interface Place {
  far: Start
  near: Start
  farAddress: string
  seconds: number
  prepare: (turn: Turn) => Promise<void>
}

await measureClean()
const reason = whyNoLinks()
if (reason === undefined) {
  await measureImpaired()
} else {
  console.log(`Impaired links are left out: ${reason}`)
}
console.log(JSON.stringify({ bench: 'transport', results }))

async function measureClean (): Promise<void> {
  const link = await CleanLink.open(3)
  try {
    const [source = ''] = link.sources
    const turns: Turn[] = [
      { name: 'tcp', kind: 'tcp', links: [] },
      { name: 'webrtc', kind: 'webrtc', links: [] },
      { name: 'srtla', kind: 'srtla', links: [source] },
      { name: 'srtla over three addresses', kind: 'srtla', links: link.sources }
    ]
    const place = { far: link.startFar, near: link.startNear, farAddress: link.farAddress, seconds: CLEAN_SECONDS, prepare: async () => {} }
    const rounds = await measure(place, turns)
    for (const { name } of turns) {
      report({ name: `clean link, ${name}`, value: median(rounds.get(name) ?? []) / 1e6, unit: 'MB/s', better: 'higher' })
    }
    for (const other of ['tcp', 'webrtc']) {
      report({ name: `clean link, srtla to ${other}`, value: ratio(rounds, 'srtla', other), unit: 'ratio', better: 'higher' })
    }
    const bonded = 'srtla over three addresses'
    report({ name: `clean link, ${bonded} to tcp`, value: ratio(rounds, bonded, 'tcp'), unit: 'ratio', better: 'higher' })
  } finally {
    await link.close()
  }
}

async function measureImpaired (): Promise<void> {
  const links = await ImpairedLinks.open(UNEQUAL_LINKS, SEED)
  try {
    const [best = ''] = links.sources
    const available = readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'utf8').trim().split(' ')
    const controls = CONGESTION_CONTROLS.filter(name => available.includes(name))
    const turns: Turn[] = [
      { name: 'srtla on three links', kind: 'srtla', links: links.sources },
      { name: 'srtla on the best link', kind: 'srtla', links: [best] },
      ...controls.map(congestion => ({ name: `tcp (${congestion}) on the best link`, kind: 'tcp' as const, links: [], congestion }))
    ]
    const rounds = await measure({
      far: links.startFar,
      near: links.startNear,
      farAddress: links.farAddress,
      seconds: SECONDS,
      prepare: async ({ congestion }) => {
        if (congestion !== undefined) {
          await links.setCongestionControl(congestion)
        }
      }
    }, turns)
    for (const { name } of turns) {
      report({ name: `impaired, ${name}`, value: median(rounds.get(name) ?? []) * 8 / 1e6, unit: 'Mbit/s', better: 'higher' })
    }
    const sum = UNEQUAL_LINKS.reduce((bits, { bitsPerSecond = 0 }) => bits + bitsPerSecond, 0)
    const share = median(rounds.get('srtla on three links') ?? []) * 8 / sum
    report({ name: "impaired, srtla on three links, bytes of the stream to the links' sum", value: share, unit: 'ratio', better: 'higher' })
    for (const congestion of controls) {
      const name = `tcp (${congestion}) on the best link`
      const value = ratio(rounds, 'srtla on three links', name)
      report({ name: `impaired, srtla on three links to ${name}`, value, unit: 'ratio', target: TARGET, better: 'higher' })
    }
  } finally {
    await links.close()
  }
}

/** Bytes/s of each round, by name of the turn. */
async function measure ({ far, near, farAddress, seconds, prepare }: Place, turns: Turn[]): Promise<Map<string, number[]>> {
  const [server, caller] = [new Member(far(MEMBER, ['server', farAddress])), new Member(near(MEMBER, ['caller']))]
  const rounds = new Map<string, number[]>(turns.map(({ name }) => [name, []]))
  try {
    const addresses = await server.line() as { tcp: string, srtla: string }
    await caller.line()
    for (let round = 0; round < ROUNDS; round++) {
      for (const turn of turns) {
        await prepare(turn)
        const { kind, links, name } = turn
        caller.tell({ kind, links, address: kind === 'srtla' ? addresses.srtla : addresses.tcp, durationMs: seconds * 1_000 } satisfies Call)
        const { counted } = await server.line() as { counted: Counted }
        await caller.line()
        const bytesPerSecond = counted.bytes * 1_000 / counted.tookMs
        rounds.get(name)?.push(bytesPerSecond)
        console.log(`round ${round + 1}, ${name}: ${(bytesPerSecond / 1e6).toFixed(3)} MB/s`)
      }
    }
    return rounds
  } finally {
    server.stop()
    caller.stop()
  }
}

/** Of the ratios of the rounds: the two of a round saw the same machine. */
function ratio (rounds: Map<string, number[]>, name: string, other: string): number {
  const others = rounds.get(other) ?? []
  return median((rounds.get(name) ?? []).map((value, at) => value / (others[at] as number)))
}

function median (values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
}

function report (result: Result): void {
  results.push(result)
  console.log(`${result.name}: ${result.value.toFixed(2)} ${result.unit}`)
}
