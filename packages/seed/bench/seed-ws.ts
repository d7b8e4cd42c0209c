/**
 * The relay of existing devices (`/ws`) at 100, 1,000 and 5,000 registered sockets: discover, what is sent while all join, memory, relayed data.
 *
 * The server is a process of its own and its limits of rate are off; this process is all of its clients, made to cost little.
 * Bytes are those of messages, without the frames around them. `npm run bench -- seed-ws [--quick]`.
 */
import { fork } from 'node:child_process'
import { sign } from 'node:crypto'
import { once } from 'node:events'
import { capabilitiesOf, newKey } from '../test/devices/device-client.ts'
import { frameOf, LeanSocket } from './seed-ws/lean-socket.ts'
import type { ChildProcess } from 'node:child_process'

const quick = process.argv.includes('--quick')
const SIZES = quick ? [100, 1_000] : [100, 1_000, 5_000]
const CLIENTS = 8
const LOAD_MS = quick ? 1_000 : 3_000
const LATENCY_SAMPLES = quick ? 300 : 1_000
/** A multiple of what is in flight. */
const RELAY_MESSAGES = quick ? 32_000 : 128_000
const RELAY_BYTES = 4_096
const IN_FLIGHT = 64
/** Opened and registered at once. */
const JOINING = 50

interface Original { discoverKB: number, p50Ms: number, p99Ms: number, perSecond: number, cpuMs: number, joinMB: number, rssMB: number }

/**
 * The original server under the same measures, for comparison. Measured elsewhere and not by this program: Bun 1.3, one process, a client in Node,
 * capabilities of 337 bytes. Where a range was measured, its better end.
 */
const ORIGINAL: Record<number, Original> = {
  100: { discoverKB: 70, p50Ms: 0.65, p99Ms: 3.0, perSecond: 4_400, cpuMs: 0.35, joinMB: 0.65, rssMB: 43 },
  1_000: { discoverKB: 696, p50Ms: 4.1, p99Ms: 11, perSecond: 365, cpuMs: 3.4, joinMB: 63, rssMB: 48 },
  5_000: { discoverKB: 3_500, p50Ms: 17.9, p99Ms: 35, perSecond: 54, cpuMs: 12.8, joinMB: 1_576, rssMB: 58 }
}
const ORIGINAL_RELAY = { perSecond: 49_000, cpuMicros: 14 }
const WANTED_SPEEDUP = 50
const WANTED_RELAY_CPU_MICROS = 20

interface Usage { cpuMicros: number, rssBytes: number }
interface Figures { discoverBytes: number, p50Ms: number, p99Ms: number, perSecond: number, cpuMicros: number, joinBytes: number, rssBytes: number }

class Relay {
  readonly url: string
  private readonly child: ChildProcess

  private constructor (child: ChildProcess, url: string) {
    this.child = child
    this.url = url
  }

  static async start (): Promise<Relay> {
    const child = fork(new URL('./seed-ws/relay-process.ts', import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const [{ url }] = await once(child, 'message') as [{ url: string }]
    return new Relay(child, url)
  }

  async usage (): Promise<Usage> {
    const answer = once(this.child, 'message')
    this.child.send('usage')
    return (await answer)[0] as Usage
  }

  async stop (): Promise<void> {
    this.child.kill('SIGKILL')
    await once(this.child, 'exit')
  }
}

/** A registered device: its frames are made once, its answers are counted and not parsed. */
interface Lean { socket: LeanSocket, nodeID: string, discover: Buffer }

async function join (url: string, count: number): Promise<{ devices: Lean[], bytes: number }> {
  const devices: Lean[] = []
  let bytes = 0
  for (let from = 0; from < count; from += JOINING) {
    devices.push(...await Promise.all(Array.from({ length: Math.min(JOINING, count - from) }, async () => {
      const { device, ackBytes } = await joinOne(url)
      device.socket.onMessage = size => { bytes += size }
      bytes += ackBytes
      return device
    })))
  }
  return { devices, bytes }
}

async function joinOne (url: string): Promise<{ device: Lean, ackBytes: number }> {
  const { publicKey: nodeID, privateKey } = newKey()
  const register = {
    nodeID,
    publicKey: nodeID,
    displayName: 'a device',
    capabilities: capabilitiesOf(),
    signature: sign(null, Buffer.from(nodeID), privateKey).toString('hex')
  }
  const socket = await LeanSocket.open(`${url}?node=${nodeID}`)
  const ackBytes = await ask(socket, frameOf(JSON.stringify({ register })))
  return { device: { socket, nodeID, discover: frameOf(JSON.stringify({ discover: { requestingNodeID: nodeID } })) }, ackBytes }
}

/** Resolves with the size of the answer. */
async function ask (socket: LeanSocket, frame: Buffer): Promise<number> {
  return await new Promise(resolve => {
    socket.onMessage = resolve
    socket.send(frame)
  })
}

async function measure (size: number): Promise<Figures> {
  const relay = await Relay.start()
  try {
    const { devices, bytes: joinBytes } = await join(relay.url, size)
    const { rssBytes } = await relay.usage()
    const asking = devices.slice(0, CLIENTS)
    const first = asking[0] as Lean
    const discoverBytes = await discover(first)

    const latencies: number[] = []
    for (let i = 0; i < LATENCY_SAMPLES; i++) {
      const startMs = performance.now()
      await discover(first)
      latencies.push(performance.now() - startMs)
    }
    await load(asking, LOAD_MS / 4) // warm
    const before = await relay.usage()
    const startMs = performance.now()
    const count = await load(asking, LOAD_MS)
    const seconds = (performance.now() - startMs) / 1_000
    const after = await relay.usage()
    for (const { socket } of devices) {
      socket.close()
    }
    return {
      discoverBytes,
      p50Ms: percentile(latencies, 50),
      p99Ms: percentile(latencies, 99),
      perSecond: count / seconds,
      cpuMicros: (after.cpuMicros - before.cpuMicros) / count,
      joinBytes,
      rssBytes
    }
  } finally {
    await relay.stop()
  }
}

async function discover (device: Lean): Promise<number> {
  return await ask(device.socket, device.discover)
}

/** Each client asks again as soon as it has its answer. */
async function load (clients: Lean[], forMs: number): Promise<number> {
  const endMs = performance.now() + forMs
  const counts = await Promise.all(clients.map(async client => {
    let count = 0
    while (performance.now() < endMs) {
      await discover(client)
      count++
    }
    return count
  }))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** One device sends to another, so many messages under way. */
async function measureRelay (): Promise<{ perSecond: number, cpuMicros: number }> {
  const relay = await Relay.start()
  try {
    const [from, to] = (await join(relay.url, 2)).devices as [Lean, Lean]
    const frame = frameOf(JSON.stringify({
      relayData: { fromNodeID: from.nodeID, toNodeID: to.nodeID, sessionID: 's', data: Buffer.alloc(RELAY_BYTES, 7).toString('base64') }
    }))
    const half = Buffer.concat(Array.from({ length: IN_FLIGHT / 2 }, () => frame))
    const pass = async (count: number): Promise<void> => {
      let sent = IN_FLIGHT
      let received = 0
      from.socket.onMessage = (_, refusal) => { throw new Error(`refused: ${refusal?.toString()}`) }
      await new Promise<void>(resolve => {
        to.socket.onMessage = () => {
          received++
          if (received === count) {
            resolve()
          } else if (sent < count && sent - received === IN_FLIGHT / 2) {
            sent += IN_FLIGHT / 2
            from.socket.send(half)
          }
        }
        from.socket.send(Buffer.concat([half, half]))
      })
    }
    await pass(RELAY_MESSAGES / 4)
    const before = await relay.usage()
    const startMs = performance.now()
    await pass(RELAY_MESSAGES)
    const seconds = (performance.now() - startMs) / 1_000
    const after = await relay.usage()
    from.socket.close()
    to.socket.close()
    return { perSecond: RELAY_MESSAGES / seconds, cpuMicros: (after.cpuMicros - before.cpuMicros) / RELAY_MESSAGES }
  } finally {
    await relay.stop()
  }
}

function percentile (values: number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.ceil(percent / 100 * sorted.length) - 1] ?? Number.NaN
}

const results: Array<{ name: string, value: number, unit: string, target?: number, better: 'lower' | 'higher' }> = []
const round = (value: number): number => Number(value.toPrecision(4))
const megabytes = (bytes: number): number => bytes / 1e6

console.log('sockets  answer        p50 / p99          discovers/s      CPU a discover   sent while joining   RSS    (the original in brackets)')
for (const size of SIZES) {
  const figures = await measure(size)
  const original = ORIGINAL[size]!
  console.log([
    String(size).padEnd(7),
    `${(figures.discoverBytes / 1e3).toFixed(1)} KB (${original.discoverKB})`,
    `${figures.p50Ms.toFixed(2)} / ${figures.p99Ms.toFixed(2)} ms (${original.p50Ms} / ${original.p99Ms})`,
    `${Math.round(figures.perSecond)} (${original.perSecond})`,
    `${figures.cpuMicros.toFixed(0)} µs (${original.cpuMs * 1_000})`,
    `${megabytes(figures.joinBytes).toFixed(2)} MB (${original.joinMB})`,
    `${megabytes(figures.rssBytes).toFixed(0)} MB (${original.rssMB})`
  ].join('  '))
  results.push(
    { name: `discover answer at ${size}`, value: figures.discoverBytes, unit: 'bytes', target: 12_288, better: 'lower' },
    { name: `discover p50 at ${size}`, value: round(figures.p50Ms), unit: 'ms', target: original.p50Ms, better: 'lower' },
    { name: `discover p99 at ${size}`, value: round(figures.p99Ms), unit: 'ms', target: original.p99Ms, better: 'lower' },
    {
      name: `discovers/s at ${size}`,
      value: Math.round(figures.perSecond),
      unit: '1/s',
      target: size === 1_000 ? WANTED_SPEEDUP * original.perSecond : original.perSecond,
      better: 'higher'
    },
    { name: `CPU per discover at ${size}`, value: round(figures.cpuMicros), unit: 'µs', target: original.cpuMs * 1_000, better: 'lower' },
    { name: `sent while all join at ${size}`, value: round(megabytes(figures.joinBytes)), unit: 'MB', target: original.joinMB, better: 'lower' },
    { name: `RSS idle at ${size}`, value: round(megabytes(figures.rssBytes)), unit: 'MB', better: 'lower' }
  )
}
const relayed = await measureRelay()
console.log(`relayData of ${RELAY_BYTES} bytes: ${Math.round(relayed.perSecond)}/s (${ORIGINAL_RELAY.perSecond}), ` +
  `${relayed.cpuMicros.toFixed(1)} µs of CPU a message (${ORIGINAL_RELAY.cpuMicros})`)
results.push(
  { name: 'relayData/s', value: Math.round(relayed.perSecond), unit: '1/s', target: ORIGINAL_RELAY.perSecond, better: 'higher' },
  { name: 'CPU per relayData', value: round(relayed.cpuMicros), unit: 'µs', target: WANTED_RELAY_CPU_MICROS, better: 'lower' }
)
console.log(JSON.stringify({ bench: 'seed-ws', results }))
