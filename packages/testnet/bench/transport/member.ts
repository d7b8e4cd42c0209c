/**
 * A process of the benchmark of transports: `server HOST` listens over TCP and SRTLA, and counts what streams bring; `caller` makes a node, a
 * connection and a stream for each line that it reads, and sends until the stream ends.
 */
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { srtla } from '@skein/srtla/libp2p'
import { webRtc } from '@skein/webrtc'
import { createLibp2p } from 'libp2p'
import { createInterface } from 'node:readline'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { WebRtcService } from '@skein/webrtc'

export interface Call {
  kind: 'tcp' | 'webrtc' | 'srtla'
  address: string
  /** Source addresses of `srtla` */
  links: string[]
  durationMs: number
}

export interface Counted {
  bytes: number
  tookMs: number
  /** Of the process that receives, µs */
  cpuMicroseconds: number
}

const SINK = '/bench/sink/1.0.0'
const PIECE = new Uint8Array(65_536)

function tell (line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

async function node (listen: string[], links: string[] = []): Promise<Libp2p<{ webrtc: WebRtcService }>> {
  return await createLibp2p({
    addresses: { listen },
    transports: [tcp(), srtla({ links })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify(), webrtc: webRtc()() }
  }) as unknown as Libp2p<{ webrtc: WebRtcService }>
}

function durationOf (message: Uint8Array): number {
  return new DataView(message.buffer, message.byteOffset).getFloat64(0)
}

/** From the first byte on, for as long as the first message says. */
async function count (stream: Stream): Promise<Counted> {
  let first: { atMs: number, durationMs: number, cpu: NodeJS.CpuUsage } | undefined
  let bytes = 0
  for await (const data of stream) {
    first ??= { atMs: performance.now(), durationMs: durationOf(data.subarray()), cpu: process.cpuUsage() }
    bytes += data.byteLength
    if (performance.now() - first.atMs >= first.durationMs) {
      break
    }
  }
  const { user = 0, system = 0 } = process.cpuUsage(first?.cpu)
  const counted = { bytes, tookMs: performance.now() - (first?.atMs ?? 0), cpuMicroseconds: user + system }
  stream.abort(new Error('It was measured for long enough'))
  return counted
}

async function call ({ kind, address, links, durationMs }: Call): Promise<void> {
  const caller = await node([], links)
  try {
    let connection: Connection = await caller.dial(multiaddr(address))
    if (kind === 'webrtc') {
      connection = await caller.services.webrtc.connect(connection, AbortSignal.timeout(10_000))
    }
    const stream = await connection.newStream(SINK)
    const duration = new Uint8Array(8)
    new DataView(duration.buffer).setFloat64(0, durationMs)
    stream.send(duration)
    // the other side ends what is measured by ending the stream
    while (stream.status === 'open') {
      if (!stream.send(PIECE)) {
        await roomOrEnd(stream)
      }
    }
  } finally {
    await caller.stop()
  }
}

/** `onDrain()` of a stream waits the first time alone, and resolves at once after that. */
async function roomOrEnd (stream: Stream): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const go = (): void => { resolve() }
  stream.addEventListener('drain', go)
  stream.addEventListener('close', go)
  await promise
  stream.removeEventListener('drain', go)
  stream.removeEventListener('close', go)
}

const [role = '', host = ''] = process.argv.slice(2)
if (role === 'server') {
  const server = await node([`/ip4/${host}/tcp/0`, `/ip4/${host}/udp/0/srtla`])
  await server.handle(SINK, async stream => { tell({ counted: await count(stream) }) })
  const addresses = server.getMultiaddrs().map(address => address.toString())
  tell({ tcp: addresses.find(address => address.includes('/tcp/')), srtla: addresses.find(address => address.includes('/srtla/')) })
} else {
  tell({ ready: true })
  for await (const line of createInterface({ input: process.stdin })) {
    await call(JSON.parse(line) as Call)
    tell({ done: true })
  }
}
