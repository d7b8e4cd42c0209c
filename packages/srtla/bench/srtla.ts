/**
 * `npm run bench -- srtla`: what forwarding a packet costs our receiver, beside a bare forwarder on dgram, and beside an `srtla_rec` whose path is in
 * the environment variable `SRTLA_REC` (its arguments in `SRTLA_REC_ARGS`, `{port} {srt_host} {srt_port}` by default). The kinds take turns.
 */
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createSocket } from 'node:dgram'
import { fileURLToPath } from 'node:url'
import { answersAt, Traffic } from './srtla/traffic.ts'
import type { ChildProcess } from 'node:child_process'
import type { ForwarderReport } from './srtla/forwarder.ts'

type Kind = 'bare' | 'skein' | 'srtla_rec'

interface Forwarder {
  port: number
  report: () => Promise<ForwarderReport>
  stop: () => Promise<void>
}

interface Result {
  name: string
  value: number
  unit: string
  target?: number
  better: 'lower' | 'higher'
}

const ROUNDS = Number(process.env.SRTLA_BENCH_ROUNDS ?? 9)
const RATE = 10_000
const ROUND_MS = 2_000
const WARM_UP_MS = 2_000
/** Packets/s that are tried in turn, until some are lost. */
const RATES = [10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000, 80_000, 100_000]
const RATE_MS = 1_000
const RATE_ATTEMPTS = 4
const results: Result[] = []
const kinds: Kind[] = ['bare', 'skein', ...process.env.SRTLA_REC === undefined ? [] : ['srtla_rec' as const]]

const sink = fork(fileURLToPath(new URL('srtla/sink.ts', import.meta.url)))
const [{ port: sinkPort }] = await once(sink, 'message') as [{ port: number }]
try {
  for (const links of [1, 4]) {
    await measureCost(links)
  }
  for (const name of ['cpu ratio to dgram', 'cpu ratio to srtla_rec']) {
    const ratios = results.filter(result => result.name.startsWith(`${name}, `))
    if (ratios.length > 0) { // however many links there are: the greater of them
      results.push({ ...ratios[0] as Result, name, value: Math.max(...ratios.map(({ value }) => value)) })
    }
  }
  for (const kind of kinds.filter(kind => kind !== 'srtla_rec')) { // which tells no count
    await measureLimit(kind)
  }
} finally {
  sink.kill('SIGKILL')
}
console.log(JSON.stringify({ bench: 'srtla', results }))

/** µs of CPU a packet, kinds in turn, so that what else the machine does hits all alike. */
async function measureCost (links: number): Promise<void> {
  const running = await Promise.all(kinds.map(async kind => {
    const forwarder = await startForwarder(kind)
    const traffic = await Traffic.start(forwarder.port, links, kind !== 'bare')
    await traffic.send(RATE, WARM_UP_MS)
    return { kind, forwarder, traffic, costs: [] as number[] }
  }))
  for (let round = 0; round < ROUNDS; round++) {
    for (const { forwarder, traffic, costs } of running) {
      const before = await forwarder.report()
      const sent = await traffic.send(RATE, ROUND_MS)
      await new Promise(resolve => { setTimeout(resolve, 50) })
      const after = await forwarder.report()
      const packets = Number.isNaN(after.packets) ? sent : after.packets - before.packets
      costs.push((after.cpuMicroseconds - before.cpuMicroseconds) / packets)
    }
  }
  const over = `${links} link${links === 1 ? '' : 's'}`
  const bare = running[0]?.costs ?? []
  for (const { kind, costs } of running) {
    console.log(`${over}, ${kind}: ${median(costs).toFixed(2)} µs a packet (${costs.map(cost => cost.toFixed(1)).join(' ')})`)
    results.push({ name: `cpu of a packet, ${nameOf(kind)}, ${over}`, value: rounded(median(costs)), unit: 'µs', better: 'lower' })
  }
  const skein = running.find(({ kind }) => kind === 'skein')?.costs ?? []
  const ratio = (others: number[]): number => rounded(median(skein.map((cost, i) => cost / (others[i] as number))))
  results.push({ name: `cpu ratio to dgram, ${over}`, value: ratio(bare), unit: 'ratio', target: 1.15, better: 'lower' })
  const rec = running.find(({ kind }) => kind === 'srtla_rec')?.costs
  if (rec !== undefined) {
    results.push({ name: `cpu ratio to srtla_rec, ${over}`, value: ratio(rec), unit: 'ratio', better: 'lower' })
  }
  for (const { forwarder, traffic } of running) {
    await traffic.stop()
    await forwarder.stop()
  }
}

/** The highest rate of which nothing is lost; other programs may cost a try some packets, so there are several. */
async function measureLimit (kind: Kind): Promise<void> {
  const forwarder = await startForwarder(kind)
  const traffic = await Traffic.start(forwarder.port, 4, kind !== 'bare')
  await traffic.send(RATE, WARM_UP_MS)
  let best = 0
  for (const rate of RATES) {
    for (let attempts = 0; attempts < RATE_ATTEMPTS && best < rate; attempts++) {
      const before = await forwarder.report()
      const sent = await traffic.send(rate, RATE_MS)
      await new Promise(resolve => { setTimeout(resolve, 200) })
      const forwarded = (await forwarder.report()).packets - before.packets
      if (sent >= 0.98 * rate * RATE_MS / 1_000 && forwarded >= sent) {
        best = rate
      } else {
        console.log(`4 links, ${kind}: at ${rate}/s ${sent} were sent and ${forwarded} forwarded`)
      }
    }
    if (best < rate) {
      break
    }
  }
  results.push({ name: `packets/s at no loss, ${nameOf(kind)}, 4 links`, value: best, unit: '1/s', better: 'higher' })
  await traffic.stop()
  await forwarder.stop()
}

async function startForwarder (kind: Kind): Promise<Forwarder> {
  if (kind === 'srtla_rec') {
    return await startRec()
  }
  const child = fork(fileURLToPath(new URL('srtla/forwarder.ts', import.meta.url)), [kind, String(sinkPort)])
  const [{ port }] = await once(child, 'message') as [{ port: number }]
  return {
    port,
    report: async () => {
      const answer = once(child, 'message')
      child.send('report')
      return (await answer)[0] as ForwarderReport
    },
    stop: async () => { await end(child) }
  }
}

/** It tells no count: what was sent is taken for it. */
async function startRec (): Promise<Forwarder> {
  const port = await freePort()
  const args = (process.env.SRTLA_REC_ARGS ?? '{port} {srt_host} {srt_port}').split(' ')
    .map(arg => arg.replace('{port}', String(port)).replace('{srt_host}', '127.0.0.1').replace('{srt_port}', String(sinkPort)))
  const child = spawn(process.env.SRTLA_REC as string, args, { stdio: 'ignore' })
  await answersAt(port)
  return {
    port,
    report: async () => {
      // ns on a processor, of each thread
      const threads = readdirSync(`/proc/${child.pid}/task`)
      const nanoseconds = threads.map(thread => Number(readFileSync(`/proc/${child.pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]))
      return { packets: NaN, cpuMicroseconds: nanoseconds.reduce((sum, ns) => sum + ns, 0) / 1_000 }
    },
    stop: async () => { await end(child) }
  }
}

async function end (child: ChildProcess): Promise<void> {
  const closed = once(child, 'exit')
  child.kill('SIGKILL')
  await closed
}

async function freePort (): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => { socket.bind(0, '127.0.0.1', resolve) })
  const { port } = socket.address()
  await new Promise<void>(resolve => { socket.close(resolve) })
  return port
}

function nameOf (kind: Kind): string {
  return kind === 'bare' ? 'dgram' : kind
}

function median (values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? NaN
}

function rounded (value: number): number {
  return Number(value.toPrecision(3))
}
