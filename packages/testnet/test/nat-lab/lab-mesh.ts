/**
 * The mesh in a laboratory, as processes: a seed of `skein seed` that relays, on a public host with a STUN server; peers of `skein peer` that serve the
 * built-in model; and callers. One process after the other is started, so that a small machine shows more than its own load.
 */
import { fileURLToPath } from 'node:url'
import { HostProcess } from './host-process.ts'
import type { ReachFindings } from '@skein/reachability'
import type { CallerOptions } from './caller-node.ts'
import type { NatHost, NatLab } from '../../src/nat-lab/index.ts'

const SKEIN = fileURLToPath(new URL('../../../cli/src/bin/skein.ts', import.meta.url))
const PROBE = fileURLToPath(new URL('nat-probe.ts', import.meta.url))
const CALLER = fileURLToPath(new URL('caller-node.ts', import.meta.url))
const MODEL = 'skein-smoke-1'
/** Where the seed listens: a port of its own, and those that are allowed where the web alone is. */
const SEED_LISTEN = ['/ip4/0.0.0.0/tcp/7310', '/ip6/::/tcp/7310', '/ip4/0.0.0.0/tcp/443', '/ip4/0.0.0.0/tcp/80/ws']
const LISTEN = ['/ip4/0.0.0.0/tcp/0', '/ip6/::/tcp/0']
/** How long after the first connection a better path is waited for, ms. */
const PATH_LIMIT_MS = 4_000

/** A line of `skein --json`. */
interface SkeinLine {
  event?: string
  id?: string
  relay?: string
  addresses?: string[]
  address?: string
  verdict?: string
  why?: string
  problems?: Array<{ code: string, what: string, advice: string }>
  findings?: Pick<ReachFindings, 'portMapping'>
}

export interface CallerLine {
  atMs: number
  id?: number
  event?: string
  peer?: string
  from?: string
  to?: string
  provider?: string
  addresses?: string[]
  firstMs?: number
  tookMs?: number
  pieces?: number
  chars?: number
  sha256?: string
  path?: string
  attempts?: number
  error?: string
  bytes?: Record<string, number>
  tried?: Record<string, number>
  worked?: Record<string, number>
  connections?: Array<{ to: string, address: string, requests: number }>
  deltas?: number
}

export interface Relay {
  id: string
  host: string
  addresses: string[]
  process: HostProcess<SkeinLine>
}

export interface Provider {
  id: string
  process: HostProcess<SkeinLine>
}

export class Caller {
  readonly process: HostProcess<CallerLine>
  private asked = 0

  constructor (process: HostProcess<CallerLine>) {
    this.process = process
  }

  async ask (...command: string[]): Promise<CallerLine> {
    const id = this.asked++
    this.process.write({ id, ask: command })
    return await this.process.line(line => line.id === id)
  }

  /** The changes of the path to a peer, the first one from no connection. */
  changesTo (peer: string): CallerLine[] {
    return this.process.lines.filter(line => line.event === 'path' && line.peer === peer)
  }
}

/** What became of a first call and of one after a better path was sought. */
export interface PairResult {
  /** How the provider is reached in the end */
  path: string
  /** From the first connection to that path, ms */
  pathMs: number
  /** From the first call to the first piece of its answer, ms, and by which path */
  firstTokenMs?: number
  firstPath?: string
  /** The same of the second call */
  nextTokenMs?: number
  nextPath?: string
  /** Answers that came whole, of two */
  answered: number
  bytes: Record<string, number>
  errors: string[]
}

export class LabMesh {
  readonly lab: NatLab
  readonly relays: Relay[] = []
  private readonly providers: Provider[] = []
  private readonly running: Array<{ stop: () => Promise<void> }> = []
  private stun: string[] = []

  constructor (lab: NatLab) {
    this.lab = lab
  }

  /** A STUN server with two addresses on a host of its own. */
  async startStun (): Promise<void> {
    const host = await this.lab.addHost('stun', 'public', { addresses: 2 })
    const process = this.kept(new HostProcess<{ id: number }>(host, PROBE, []))
    process.write({ id: 0, ask: ['serve', ...host.publicAddresses] })
    await process.line(({ id }) => id === 0)
    this.stun = [`/ip4/${host.publicAddress}/udp/3478`]
  }

  /** `skein seed` on a public host; with a folder it is the same one when it is started again. */
  async startRelay (name: string, dataDir?: string): Promise<Relay> {
    const host = this.lab.hosts.find(host => host.name === name) ?? await this.lab.addHost(name, 'public')
    const process = this.skein(host, ['seed', ...dataDir === undefined ? ['--ephemeral'] : ['--data', dataDir], ...SEED_LISTEN.flatMap(address => ['--listen', address]), ...this.seedOptions()])
    const { id = '', addresses = [] } = await process.line(({ event }) => event === 'listening')
    this.relays.splice(0, this.relays.length, ...this.relays.filter(other => other.id !== id))
    const relay = { id, host: name, addresses: addresses.filter(address => !address.includes('127.0.0.1') && !address.includes('/::1/')), process }
    this.relays.push(relay)
    return relay
  }

  /** `skein peer --serve smoke` behind a NAT, when others reach it through so many relays. */
  async startProvider (host: NatHost, { relays = 1, pace, args = [] }: { relays?: number, pace?: number, args?: string[] } = {}): Promise<Provider> {
    const process = this.skein(host, [
      'peer', '--ephemeral', '--serve', 'smoke', ...LISTEN.flatMap(address => ['--listen', address]), ...this.seedOptions(),
      ...this.stun.flatMap(address => ['--stun', address]), ...pace === undefined ? [] : ['--pace', String(pace)], ...args
    ])
    const { id = '' } = await process.line(({ event }) => event === 'listening')
    await process.line(({ event }) => event === 'ready')
    await process.line(() => process.lines.filter(({ event }) => event === 'relay-reserved').length >= relays)
    const provider = { id, process }
    this.providers.push(provider)
    return provider
  }

  /** What `skein doctor --listen /ip4/0.0.0.0/tcp/7311` finds in a host. */
  async examine (host: NatHost): Promise<SkeinLine> {
    const process = this.skein(host, ['doctor', '--listen', '/ip4/0.0.0.0/tcp/7311', ...this.seedOptions(), ...this.stun.flatMap(address => ['--stun', address])])
    return await process.line(({ event }) => event === 'diagnosis')
  }

  async stopProviders (): Promise<void> {
    await Promise.all(this.providers.splice(0).map(async ({ process }) => { await this.stop(process) }))
  }

  async startCaller (host: NatHost): Promise<Caller> {
    const options: CallerOptions = { seeds: this.seeds, stun: this.stun, listen: LISTEN, model: MODEL }
    const process = this.kept(new HostProcess<CallerLine>(host, CALLER, [JSON.stringify(options)]))
    await process.line(({ event }) => event === 'joined')
    return new Caller(process)
  }

  /** A caller that calls, lets a better path be found, and calls again. */
  async pair (host: NatHost, provider: Provider, tokens: number): Promise<PairResult> {
    const caller = await this.startCaller(host)
    try {
      await caller.ask('find')
      const first = await caller.ask('call', String(tokens))
      await this.settled(caller, provider)
      const next = await caller.ask('call', String(tokens))
      const changes = caller.changesTo(provider.id)
      const { bytes = {} } = await caller.ask('state')
      const last = changes.at(-1)
      return {
        path: last?.to ?? 'none',
        pathMs: last === undefined ? 0 : last.atMs - (changes[0] as CallerLine).atMs,
        firstTokenMs: first.firstMs,
        firstPath: first.path,
        nextTokenMs: next.firstMs,
        nextPath: next.path,
        answered: [first, next].filter(({ error, pieces = 0 }) => error === undefined && pieces > 0).length,
        bytes,
        errors: [first, next].flatMap(({ error }) => error === undefined ? [] : [error])
      }
    } finally {
      await this.stop(caller.process)
    }
  }

  async stop (process: { stop: () => Promise<void> }): Promise<void> {
    this.running.splice(this.running.indexOf(process), 1)
    await process.stop()
  }

  async close (): Promise<void> {
    await Promise.all(this.running.splice(0).map(async process => { await process.stop() }))
    await this.lab.close()
  }

  private get seeds (): string[] {
    return this.relays.flatMap(({ addresses }) => addresses)
  }

  private seedOptions (): string[] {
    return this.seeds.flatMap(address => ['--seed', address])
  }

  private async settled (caller: Caller, provider: Provider): Promise<void> {
    const isDirect = (): boolean => ['direct', 'punched'].includes(caller.changesTo(provider.id).at(-1)?.to ?? '')
    const [first] = caller.changesTo(provider.id)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>(resolve => {
      timer = setTimeout(resolve, Math.max(0, PATH_LIMIT_MS - (Date.now() - (first?.atMs ?? Date.now()))))
    })
    await Promise.race([caller.process.line(isDirect), late])
    clearTimeout(timer)
  }

  private skein (host: NatHost, args: string[]): HostProcess<SkeinLine> {
    return this.kept(new HostProcess<SkeinLine>(host, SKEIN, [...args, '--json']))
  }

  private kept<P extends { stop: () => Promise<void> }> (process: P): P {
    this.running.push(process)
    return process
  }
}
