/**
 * The control plane on both stores: how long provisioning takes alone and fifty at once, heartbeats a second, and what 10,000 live sessions cost.
 *
 * The control plane is a process of its own with its limits of rate off; this one is its nodes (over HTTP, without streams; ten sessions each) and
 * all clients.
 * `npm run bench -- fleet [--quick] [--only=sqlite|postgres]`; PostgreSQL is left out where it is not installed.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock, systemRandom } from '@skein/core/system'
import { issueKey, openStore } from '@skein/fleet/node'
import { hasPostgres, startPostgres } from '../test/postgres-server.ts'
import { nodeSpec } from '../test/records.ts'
import { NodePark } from './fleet/node-park.ts'
import type { ChildProcess } from 'node:child_process'

const quick = process.argv.includes('--quick')
const only = /^--only=(sqlite|postgres)$/.exec(process.argv.find(argument => argument.startsWith('--only')) ?? '')?.[1]
const ALONE = quick ? 30 : 200
const AT_ONCE = 50
const ROUNDS = quick ? 3 : 10
const LIVE = quick ? 1_000 : 10_000
/** Those at once are of as many users: the sessions of one user are begun one after the other, for the sake of the plan's limit. */
const PER_USER = 10
const USERS = LIVE / PER_USER
/** As relays are, of which one machine carries 8 to 11 streams. */
const STREAMS_OF_NODE = 10
const PLACES_OF_NODE = 11
const BEATERS = 64
const BEAT_MS = quick ? 2_000 : 5_000
const HEARTBEAT_MS = 30_000
const PACED_MS = quick ? 5_000 : 30_000
/** As clients do; what is measured is the control plane's own time. */
const POLL_MS = 250
const NODE_KEY = 'k'.repeat(32)
const PROVISION_TARGET_MS = 2_000

interface Session { id: string, state: string, createdMs: number, steps: Array<{ endedMs?: number }>, failure?: string }
interface Usage { cpuMicros: number, rssBytes: number }

class Bench {
  private readonly child: ChildProcess
  private readonly url: URL
  private readonly keys: string[]
  readonly park: NodePark
  private readonly agent = new Agent({ keepAlive: true, maxSockets: BEATERS })

  static async start (location: string): Promise<Bench> {
    const store = await openStore(location)
    const park = await NodePark.open(LIVE / STREAMS_OF_NODE, PLACES_OF_NODE)
    for (const id of park.nodes.keys()) {
      await store.putNode(nodeSpec(id, { capacity: PLACES_OF_NODE, manageUrl: park.urlOf(id), manageKey: NODE_KEY }))
    }
    const keys: string[] = []
    for (let user = 0; user < USERS; user++) {
      await store.putUser({ id: `u${user}`, maxActive: PER_USER })
      keys.push((await issueKey(store, systemRandom(), { scopes: ['sessions'], userId: `u${user}` }, systemClock().nowMs())).key)
    }
    await store.close()
    const child = fork(new URL('fleet/control-process.ts', import.meta.url), [location], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const [{ url }] = await once(child, 'message') as [{ url: string }]
    return new Bench(child, new URL(url), keys, park)
  }

  private constructor (child: ChildProcess, url: URL, keys: string[], park: NodePark) {
    this.child = child
    this.url = url
    this.keys = keys
    this.park = park
  }

  async ask<T> (user: number, method: string, path: string, body?: unknown): Promise<T> {
    return await new Promise((resolve, reject) => {
      const sent = request(new URL(path, this.url), {
        method,
        agent: this.agent,
        headers: { authorization: `Bearer ${this.keys[user]}`, ...body === undefined ? {} : { 'content-type': 'application/json' } }
      }, response => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('end', () => {
          if ((response.statusCode as number) < 300) {
            resolve((text === '' ? undefined : JSON.parse(text)) as T)
          } else {
            reject(new Error(`${method} ${path}: ${text}`))
          }
        })
      })
      sent.on('error', reject)
      sent.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  /** How long it took from the request to ready, as the control plane has it, ms. */
  async provision (at: number): Promise<{ id: string, tookMs: number }> {
    const user = at % USERS
    let session = await this.ask<Session>(user, 'POST', '/v1/sessions', { slot: Math.floor(at / USERS) })
    while (session.state === 'provisioning') {
      await pause(POLL_MS)
      session = await this.ask<Session>(user, 'GET', `/v1/sessions/${session.id}`)
    }
    if (session.state !== 'active') {
      throw new Error(`Session ${session.id} is ${session.state}: ${session.failure}`)
    }
    return { id: session.id, tookMs: (session.steps.at(-1)?.endedMs as number) - session.createdMs }
  }

  async release (at: number, id: string): Promise<void> {
    const user = at % USERS
    await this.ask(user, 'DELETE', `/v1/sessions/${id}`)
    while ((await this.ask<Session>(user, 'GET', `/v1/sessions/${id}`)).state !== 'ended') {
      await pause(20)
    }
  }

  async usage (): Promise<Usage> {
    const answer = once(this.child, 'message')
    this.child.send('usage')
    return (await answer)[0] as Usage
  }

  async stop (): Promise<void> {
    this.agent.destroy()
    const ended = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await ended
    await this.park.close()
  }
}

const results: Array<{ name: string, value: number, unit: string, target?: number, better: 'lower' | 'higher' }> = []

async function measure (store: string, location: string): Promise<void> {
  const bench = await Bench.start(location)
  console.log(`${store.padEnd(10)}  load of the machine: ${loadavg().map(load => load.toFixed(1)).join(', ')}`)
  const tell = (what: string, value: number, unit: string, better: 'lower' | 'higher', target?: number): void => {
    const rounded = Number(value.toPrecision(4))
    console.log(`${store.padEnd(10)}  ${what.padEnd(40)}  ${rounded} ${unit}`)
    results.push({ name: `${what}, ${store}`, value: rounded, unit, target, better })
  }
  try {
    const alone: number[] = []
    for (let round = 0; round < ALONE; round++) {
      const { id, tookMs } = await bench.provision(0)
      alone.push(tookMs)
      await bench.release(0, id)
    }
    tell('provision p50, alone', percentile(alone, 50), 'ms', 'lower', PROVISION_TARGET_MS)
    tell('provision p99, alone', percentile(alone, 99), 'ms', 'lower', PROVISION_TARGET_MS)

    const crowd: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const done = await Promise.all(Array.from({ length: AT_ONCE }, async (_, at) => await bench.provision(at)))
      crowd.push(...done.map(({ tookMs }) => tookMs))
      await Promise.all(done.map(async ({ id }, at) => { await bench.release(at, id) }))
    }
    tell(`provision p50, ${AT_ONCE} at once`, percentile(crowd, 50), 'ms', 'lower', PROVISION_TARGET_MS)
    tell(`provision p99, ${AT_ONCE} at once`, percentile(crowd, 99), 'ms', 'lower', PROVISION_TARGET_MS)

    const ids: string[] = []
    const startMs = performance.now()
    for (let at = 0; at < LIVE; at += AT_ONCE) {
      const done = await Promise.all(Array.from({ length: AT_ONCE }, async (_, inner) => await bench.provision(at + inner)))
      ids.push(...done.map(({ id }) => id))
    }
    tell('provisions/s, 50 at a time', LIVE / (performance.now() - startMs) * 1_000, '1/s', 'higher')

    let beats = 0
    const untilMs = performance.now() + BEAT_MS
    await Promise.all(Array.from({ length: BEATERS }, async (_, first) => {
      for (let at = first; performance.now() < untilMs; at = (at + BEATERS) % LIVE) {
        await bench.ask(at % USERS, 'POST', `/v1/sessions/${ids[at]}/heartbeat`)
        beats++
      }
    }))
    tell('heartbeats/s', beats / BEAT_MS * 1_000, '1/s', 'higher', LIVE / HEARTBEAT_MS * 1_000)

    // as many as all sessions send in that time
    const before = await bench.usage()
    const pollsBefore = bench.park.polls
    const fromMs = performance.now()
    const total = Math.floor(LIVE * PACED_MS / HEARTBEAT_MS)
    await Promise.all(Array.from({ length: total }, async (_, at) => {
      await pause(at / total * PACED_MS)
      await bench.ask(at % USERS, 'POST', `/v1/sessions/${ids[at]}/heartbeat`)
    }))
    const seconds = (performance.now() - fromMs) / 1_000
    const after = await bench.usage()
    const rounds = (bench.park.polls - pollsBefore) / bench.park.nodes.size
    tell(`from one poll of ${bench.park.nodes.size} nodes to the next`, seconds / rounds, 's', 'lower')
    tell(`CPU with ${LIVE} live sessions`, (after.cpuMicros - before.cpuMicros) / 1e4 / seconds, '% of a core', 'lower')
    tell(`RSS with ${LIVE} live sessions`, after.rssBytes / 1e6, 'MB', 'lower')
  } finally {
    await bench.stop()
  }
}

function percentile (values: number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.ceil(percent / 100 * sorted.length) - 1] ?? Number.NaN
}

if (only !== 'postgres') {
  const folder = await mkdtemp(join(tmpdir(), 'skein-bench-'))
  try {
    await measure('SQLite', join(folder, 'fleet.db'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
if (hasPostgres() && only !== 'sqlite') {
  const server = await startPostgres({ durable: true })
  try {
    await measure('PostgreSQL', server.url)
  } finally {
    await server.stop()
  }
}
console.log(JSON.stringify({ bench: 'fleet', results }))
