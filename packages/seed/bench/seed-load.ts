/**
 * A seed under the load of many real clients: 2,000 libp2p nodes, half of them over WebSocket, connect as fast as it goes, register, renew when the
 * seed says, and discover once in 10 s. The seed is the command `skein seed` in a process of its own, on its defaults. Next to it, in the same round
 * and under the same clients, a bare libp2p node with identify and ping holds as many connections.
 *
 * `npm run bench -- seed-load [--clients 2000] [--minutes 3] [--processes 4] [--rounds 1]`; figures are medians over the rounds.
 */
import { availableParallelism, loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { ClientFleet } from './seed-load/client-fleet.ts'
import { BareServer, SeedServer } from './seed-load/measured-server.ts'
import type { MeasuredServer } from './seed-load/measured-server.ts'
import type { Outcome, Usage } from './seed-load/load-message.ts'

/** Of the bare node and of the seed, with all connected and nothing asked. */
const IDLE_MS = 30_000
/** After a rush, for what it left behind to be collected. */
const SETTLE_MS = 5_000
/** Of the clients, connected and gone again before anything is measured. */
const WARM_UP_SHARE = 0.1
/** Memory is read so often, a second apart: the median is the figure. */
const READINGS = 5

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '2000' },
    minutes: { type: 'string', default: '3' },
    processes: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '1' }
  }
})
const clients = wholeNumber('clients', 2, 3_900)
const workMs = Number(values.minutes) * 60_000
const processes = wholeNumber('processes', 1, 16)
const rounds = wholeNumber('rounds', 1, 9)
if (!(workMs >= 10_000 && workMs <= 3_600_000)) {
  throw new Error('--minutes: expected a number from 0.2 to 60')
}

/** By name, as they are reported. */
type Figures = Record<string, number>

const UNITS: Record<string, [unit: string, better: 'lower' | 'higher']> = {
  'joins/s': ['1/s', 'higher'],
  'CPU per join': ['ms', 'lower'],
  'CPU per bare connect': ['ms', 'lower'],
  'connect p50, client': ['ms', 'lower'],
  'connect p99, client': ['ms', 'lower'],
  'register p50 while all join, client': ['ms', 'lower'],
  'register p99 while all join, client': ['ms', 'lower'],
  'register p50 while all join, seed': ['ms', 'lower'],
  'register p99 while all join, seed': ['ms', 'lower'],
  'renew p50, client': ['ms', 'lower'],
  'renew p99, client': ['ms', 'lower'],
  'discover p50, client': ['ms', 'lower'],
  'discover p99, client': ['ms', 'lower'],
  'exchange p50, seed': ['ms', 'lower'],
  'exchange p99, seed': ['ms', 'lower'],
  'exchanges/s': ['1/s', 'higher'],
  'CPU of the seed under load': ['% of a core', 'lower'],
  'CPU per exchange': ['ms', 'lower'],
  'CPU per connection idle': ['µs/s', 'lower'],
  'CPU per bare connection idle': ['µs/s', 'lower'],
  'RSS of the seed empty': ['MB', 'lower'],
  'RSS of the seed at the end': ['MB', 'lower'],
  'RSS per connection': ['KB', 'lower'],
  'RSS per bare connection': ['KB', 'lower'],
  'RSS per connection, seed to bare': ['ratio', 'lower'],
  'CPU to join, seed to bare connect': ['ratio', 'lower'],
  'CPU idle, seed to bare': ['ratio', 'lower'],
  'failures while all join': ['failures', 'lower'],
  'failures under load': ['failures', 'lower'],
  'connections lost': ['connections', 'lower']
}

async function round (index: number): Promise<Figures> {
  const fleet = await ClientFleet.start(clients, processes)
  try {
    // which of the two comes first changes from round to round
    const order = index % 2 === 0 ? [measureSeed, measureBare] : [measureBare, measureSeed]
    const figures: Figures = {}
    for (const measure of order) {
      Object.assign(figures, await measure(fleet))
    }
    figures['RSS per connection, seed to bare'] = ratio(figures, 'RSS per connection', 'RSS per bare connection')
    figures['CPU to join, seed to bare connect'] = ratio(figures, 'CPU per join', 'CPU per bare connect')
    figures['CPU idle, seed to bare'] = ratio(figures, 'CPU per connection idle', 'CPU per bare connection idle')
    return figures
  } finally {
    await fleet.stop()
  }
}

async function measureSeed (fleet: ClientFleet): Promise<Figures> {
  const seed = await SeedServer.start()
  try {
    const none = await seed.exchanges()
    const { joined, seconds, empty, full, cpuSeconds } = await joinAll(fleet, seed, true)
    tell(`all joined the seed in ${seconds.toFixed(1)} s`, joined)
    const registered = await seed.exchanges()
    const before = await seed.usage()
    const work = await fleet.obey({ order: 'work', forMs: workMs })
    const after = await seed.usage()
    tell(`${work.discoverMs.length} discovers and ${work.registerMs.length} renewals in ${workMs / 1_000} s`, work)
    const worked = await seed.exchanges()
    const idle = await measureIdle(seed)
    const connected = await seed.connections()
    const atEnd = await settledRss(seed)
    await fleet.obey({ order: 'leave' })
    const exchanges = worked.count - registered.count
    const cpuOfWork = after.cpuSeconds - before.cpuSeconds
    return {
      'joins/s': joined.connected / seconds,
      'CPU per join': cpuSeconds / joined.connected * 1e3,
      'connect p50, client': percentile(joined.connectMs, 50),
      'connect p99, client': percentile(joined.connectMs, 99),
      'register p50 while all join, client': percentile(joined.registerMs, 50),
      'register p99 while all join, client': percentile(joined.registerMs, 99),
      'register p50 while all join, seed': registered.percentileMs(50, none),
      'register p99 while all join, seed': registered.percentileMs(99, none),
      ...work.registerMs.length === 0
        ? {}
        : { 'renew p50, client': percentile(work.registerMs, 50), 'renew p99, client': percentile(work.registerMs, 99) },
      'discover p50, client': percentile(work.discoverMs, 50),
      'discover p99, client': percentile(work.discoverMs, 99),
      'exchange p50, seed': worked.percentileMs(50, registered),
      'exchange p99, seed': worked.percentileMs(99, registered),
      'exchanges/s': exchanges / (workMs / 1_000),
      'CPU of the seed under load': cpuOfWork / (workMs / 1_000) * 100,
      'CPU per exchange': (cpuOfWork - idle * workMs / 1_000) / exchanges * 1e3,
      'CPU per connection idle': idle / connected * 1e6,
      'RSS of the seed empty': empty / 1e6,
      'RSS of the seed at the end': atEnd / 1e6,
      'RSS per connection': (full - empty) / joined.connected / 1e3,
      'failures while all join': failuresOf(joined),
      'failures under load': failuresOf(work),
      'connections lost': clients - connected
    }
  } finally {
    await seed.stop()
  }
}

async function measureBare (fleet: ClientFleet): Promise<Figures> {
  const bare = await BareServer.start()
  try {
    const { joined, seconds, empty, full, cpuSeconds } = await joinAll(fleet, bare, false)
    tell(`all connected to the bare node in ${seconds.toFixed(1)} s`, joined)
    const idle = await measureIdle(bare)
    await fleet.obey({ order: 'leave' })
    return {
      'CPU per bare connect': cpuSeconds / joined.connected * 1e3,
      'CPU per bare connection idle': idle / joined.connected * 1e6,
      'RSS per bare connection': (full - empty) / joined.connected / 1e3
    }
  } finally {
    await bare.stop()
  }
}

interface Rush { joined: Outcome, seconds: number, empty: number, full: number, cpuSeconds: number }

async function joinAll (fleet: ClientFleet, server: MeasuredServer, register: boolean): Promise<Rush> {
  // what a process holds of its own start is collected, and its code compiled, with the first who come: they are not what is measured
  await fleet.obey({ order: 'join', tcp: server.tcp, ws: server.ws, register: false, share: WARM_UP_SHARE })
  await fleet.obey({ order: 'leave' })
  await pause(SETTLE_MS)
  const empty = await settledRss(server)
  const before = await server.usage()
  const startMs = performance.now()
  const joined = await fleet.obey({ order: 'join', tcp: server.tcp, ws: server.ws, register, share: 1 })
  const seconds = (performance.now() - startMs) / 1_000
  const after = await server.usage()
  if (joined.connected === 0) {
    throw new Error(`Nobody could connect: ${JSON.stringify(joined.failures)}`)
  }
  await pause(SETTLE_MS)
  return { joined, seconds, empty, full: await settledRss(server), cpuSeconds: after.cpuSeconds - before.cpuSeconds }
}

/** Seconds of CPU a second. */
async function measureIdle (server: MeasuredServer): Promise<number> {
  await pause(SETTLE_MS)
  const before: Usage = await server.usage()
  const startMs = performance.now()
  await pause(IDLE_MS)
  const after: Usage = await server.usage()
  return (after.cpuSeconds - before.cpuSeconds) / ((performance.now() - startMs) / 1_000)
}

async function settledRss (server: MeasuredServer): Promise<number> {
  const readings: number[] = []
  for (let i = 0; i < READINGS; i++) {
    readings.push((await server.usage()).rssBytes)
    await pause(1_000)
  }
  return percentile(readings, 50)
}

function percentile (values: number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.ceil(percent / 100 * sorted.length) - 1] ?? Number.NaN
}

function ratio (figures: Figures, above: string, below: string): number {
  return (figures[above] ?? Number.NaN) / (figures[below] ?? Number.NaN)
}

function failuresOf ({ failures }: Outcome): number {
  return Object.values(failures).reduce((sum, count) => sum + count, 0)
}

function tell (what: string, { connected, failures }: Outcome): void {
  const reasons = Object.entries(failures).map(([reason, count]) => `${count} × ${reason}`)
  console.log(`${what}; ${connected} connected${reasons.length === 0 ? '' : `; ${reasons.join(', ')}`}`)
}

function wholeNumber (name: 'clients' | 'processes' | 'rounds', min: number, max: number): number {
  const number = Number(values[name])
  if (!Number.isInteger(number) || number < min || number > max) {
    throw new Error(`--${name}: expected a whole number from ${min} to ${max}`)
  }
  return number
}

// on a machine that is busy with other things the clients outrun the seed, and the figures are those of a queue
console.log(`load average ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores before the start`)
const measured: Figures[] = []
for (let i = 0; i < rounds; i++) {
  measured.push(await round(i))
}
const results = Object.entries(UNITS).flatMap(([name, [unit, better]]) => {
  const found = measured.map(figures => figures[name]).filter(value => value !== undefined && Number.isFinite(value))
  return found.length === 0 ? [] : [{ name, value: Number(percentile(found as number[], 50).toPrecision(4)), unit, better }]
})
for (const { name, value, unit } of results) {
  console.log(`${name.padEnd(36)} ${String(value).padStart(9)} ${unit}`)
}
console.log(JSON.stringify({ bench: 'seed-load', clients, minutes: workMs / 60_000, results }))
