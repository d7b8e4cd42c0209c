/**
 * `npm run bench -- receipts`: what the receipt of a request costs, CPU of each side and bytes on the wire: two libp2p nodes in threads of their own,
 * over TCP on loopback through a proxy that counts. See README.md beside.
 */
import { createServer, connect } from 'node:net'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { countersignReceipt, openReceipt, signReceipt } from '@skein/records'
import { disagreement, ServedDeliveries } from '@skein/reputation'
import { receipts } from '@skein/reputation/libp2p'
import { createLibp2p } from 'libp2p'
import type { AddressInfo } from 'node:net'
import type { PrivateKey } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import type { InferenceReceipt, Receipt } from '@skein/records'
import type { ReceiptService } from '@skein/reputation/libp2p'

const WARM_UP = 500
const COUNT = 3_000
const AT_ONCE = 8

function facts (provider: string, consumer: string, serial: number): InferenceReceipt {
  const issuedAtMs = Date.now()
  return {
    kind: 'inference', requestId: serial.toString(16).padStart(32, '0'), provider, consumer, outcome: 'complete', path: 'direct',
    model: 'llama3.2:3b', tokensIn: 42, tokensOut: 256, firstTokenMs: 180, durationMs: 6_300, bytes: 5_120, issuedAtMs,
    expiresAtMs: issuedAtMs + 86_400_000
  }
}

async function createNode (privateKey: PrivateKey, agree?: (receipt: Receipt) => 'agree' | 'refuse'): Promise<Libp2p<{ receipts: ReceiptService }>> {
  return await createLibp2p({
    privateKey,
    addresses: { listen: agree === undefined ? [] : ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify(), receipts: receipts({ agree, ratePerSecond: 1e6, burst: 1e6 }) }
  })
}

/** CPU of this thread, µs. */
function threadCpu (): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

/** The provider, in a thread of its own: measures what it is asked for, then tells the CPU that it took. */
async function provide (port: NonNullable<typeof parentPort>): Promise<void> {
  const privateKey = await generateKeyPair('Ed25519')
  const self = peerIdFromPrivateKey(privateKey).toString()
  const served = new ServedDeliveries({ maxPerPeer: WARM_UP + COUNT })
  const node = await createNode(privateKey, offered => {
    const mine = served.measured(offered, Date.now())
    return mine !== undefined && disagreement(mine, offered) === undefined ? 'agree' : 'refuse'
  })
  port.on('message', (message: { consumer?: string }) => {
    if (message.consumer !== undefined) {
      for (let serial = 0; serial < WARM_UP + COUNT; serial++) {
        served.add(facts(self, message.consumer, serial), Date.now())
      }
    }
    port.postMessage({ cpu: threadCpu() })
  })
  port.postMessage({ address: String(node.getMultiaddrs()[0]), id: self })
}

/** Passes on what comes, and counts it. */
async function proxyTo (port: number): Promise<{ port: number, bytes: () => number, close: () => void }> {
  let bytes = 0
  const server = createServer(near => {
    const far = connect(port, '127.0.0.1')
    for (const [from, to] of [[near, far], [far, near]] as const) {
      from.setNoDelay(true)
      from.on('data', data => { bytes += data.length })
      from.pipe(to)
      from.on('error', () => { to.destroy() })
    }
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  return { port: (server.address() as AddressInfo).port, bytes: () => bytes, close: () => { server.close() } }
}

async function each (from: number, count: number, task: (serial: number) => Promise<void>): Promise<void> {
  let next = from
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < from + count) {
      await task(next++)
    }
  }))
}

async function signatures (): Promise<{ sign: number, verify: number, countersign: number }> {
  const [provider, consumer] = [await generateKeyPair('Ed25519'), await generateKeyPair('Ed25519')]
  const [a, b] = [peerIdFromPrivateKey(provider).toString(), peerIdFromPrivateKey(consumer).toString()]
  const cost = async (task: (serial: number) => Promise<unknown>): Promise<number> => {
    await each(0, WARM_UP, async serial => { await task(serial) })
    const before = threadCpu()
    for (let serial = 0; serial < COUNT; serial++) {
      await task(serial)
    }
    return (threadCpu() - before) / COUNT
  }
  const signed = await signReceipt(facts(a, b, 0), consumer)
  return {
    sign: await cost(async serial => await signReceipt(facts(a, b, serial), consumer)),
    verify: await cost(async () => await openReceipt(signed.envelope, Date.now())),
    countersign: await cost(async () => await countersignReceipt(signed, provider))
  }
}

async function measure (): Promise<void> {
  const worker = new Worker(new URL(import.meta.url))
  const answer = async <T> (): Promise<T> => await new Promise(resolve => { worker.once('message', resolve) })
  const { address, id } = await answer<{ address: string, id: string }>()
  const proxy = await proxyTo(Number(/\/tcp\/(\d+)/.exec(address)?.[1]))
  const node = await createNode(await generateKeyPair('Ed25519'))
  const self = node.peerId.toString()
  const cpuOfProvider = async (message: { consumer?: string } = {}): Promise<number> => {
    const told = answer<{ cpu: number }>()
    worker.postMessage(message, [])
    return (await told).cpu
  }
  await cpuOfProvider({ consumer: self })
  await node.dial(multiaddr(`/ip4/127.0.0.1/tcp/${proxy.port}/p2p/${id}`))
  const offer = async (serial: number): Promise<void> => {
    const { refusal } = await node.services.receipts.offerReceipt(id, facts(id, self, serial))
    if (refusal !== undefined) {
      throw new Error(`Receipt ${serial} was refused: ${refusal}`)
    }
  }
  await each(0, WARM_UP, offer)
  const before = { mine: threadCpu(), theirs: await cpuOfProvider(), bytes: proxy.bytes(), ms: performance.now() }
  await each(WARM_UP, COUNT, offer)
  const [mine, theirs, bytes] = [threadCpu() - before.mine, await cpuOfProvider() - before.theirs, proxy.bytes() - before.bytes]
  const perSecond = COUNT / (performance.now() - before.ms) * 1000
  await node.stop()
  await worker.terminate()
  proxy.close()

  const { sign, verify, countersign } = await signatures()
  const results = [
    { name: 'receipt, consumer', value: Math.round(mine / COUNT), unit: 'µs CPU', better: 'lower' },
    { name: 'receipt, provider', value: Math.round(theirs / COUNT), unit: 'µs CPU', better: 'lower' },
    { name: 'receipt, both ways on the wire', value: Math.round(bytes / COUNT), unit: 'bytes', better: 'lower' },
    { name: 'signing a receipt', value: Math.round(sign), unit: 'µs CPU', better: 'lower' },
    { name: 'checking a receipt', value: Math.round(verify), unit: 'µs CPU', better: 'lower' },
    { name: 'countersigning a receipt', value: Math.round(countersign), unit: 'µs CPU', better: 'lower' },
    { name: 'receipts of one pair', value: Math.round(perSecond), unit: '/s', better: 'higher' }
  ]
  for (const { name, value, unit } of results) {
    console.log(`${name}: ${value} ${unit}`)
  }
  console.log(JSON.stringify({ bench: 'receipts', results }))
}

if (isMainThread) {
  await measure()
} else if (parentPort !== null) {
  await provide(parentPort)
}
