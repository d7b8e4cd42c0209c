/**
 * A process of the benchmark of paths: `seed HOST`, which relays and answers STUN; `provider HOST SEED MODEL MEGABYTES how`, `how` being `open`,
 * `bonded`, `punched`, `webrtc` or `relayed`; `caller SEED MODEL path PROVIDER`; `raw-server HOST MEGABYTES`; `raw-caller HOST PORT MEGABYTES`.
 * Callers make a request for each line that they read.
 */
import { createServer, connect } from 'node:net'
import { createInterface } from 'node:readline'
import { createPeer } from '@skein/peer'
import { createSeed } from '@skein/seed'
import { srtla } from '@skein/srtla/libp2p'
import { webRtc } from '@skein/webrtc'
import type { AddressInfo } from 'node:net'
import type { Connection, Stream } from '@libp2p/interface'
import type { Peer, PeerInit } from '@skein/peer'

interface Round {
  path: string
  firstMs: number
  mbPerSecond: number
  answerMbPerSecond?: number
}

const [role = '', ...args] = process.argv.slice(2)
const PIECE = 'x'.repeat(32_768)
const NO_LIMIT = 2 ** 40
const PUNCH_MS = 15_000
/** Bytes without the work of an answer: what the path itself carries. */
const BYTES = '/bench/bytes/1.0.0'

function tell (line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

const roles: Record<string, () => Promise<void>> = {
  seed: async () => {
    const limits = { circuitBytes: NO_LIMIT, circuitMs: 3_600_000, circuitsPerPeer: 16, peerDayBytes: NO_LIMIT, monthBytes: NO_LIMIT }
    const listen = [`/ip4/${args[0]}/tcp/0`]
    const seed = await createSeed({ listen, roles: ['discover', 'signal', 'relay', 'bootstrap'], stun: { port: 3478 }, relay: { limits } })
    tell({ address: seed.addresses[0] })
  },

  provider: async () => {
    const [host = '', seed = '', model = '', megabytes = '', how = ''] = args
    const peer = await createPeer({
      bootstrap: [seed],
      listen: how === 'open' ? [`/ip4/${host}/tcp/0`] : how === 'bonded' ? [`/ip4/${host}/udp/0/srtla`] : [],
      client: false,
      relay: isPublic(how) ? 'dial' : 'listen',
      ...waysOf(how, seed)
    })
    if (!isPublic(how)) {
      await peer.reserveRelay()
    }
    await peer.serve(model, async function * () {
      for (let left = Number(megabytes) * 1e6; left > 0; left -= PIECE.length) {
        yield PIECE.slice(0, left)
      }
    })
    await peer.libp2p.handle(BYTES, stream => { void sendAll(stream, Number(megabytes) * 1e6) }, { runOnLimitedConnection: true })
    tell({ id: peer.id })
  },

  caller: async () => {
    const [seed = '', model = '', path = '', provider = ''] = args
    const peer = await createPeer({ bootstrap: [seed], listen: [], client: true, ...waysOf(path, seed) })
    tell({ cold: await transfer(peer, model, provider) })
    if (path === 'punched' || path === 'webrtc') {
      tell({ punchedMs: await untilPunched(peer, provider) })
    }
    for await (const _ of createInterface({ input: process.stdin })) {
      tell({ round: await transfer(peer, model, provider) })
    }
  },

  'raw-server': async () => {
    const megabytes = Number(args[1])
    const piece = Buffer.alloc(PIECE.length, 'x')
    const server = createServer({ noDelay: true }, socket => {
      socket.on('error', () => {})
      socket.on('data', () => {
        let left = megabytes * 1e6
        const push = (): void => {
          while (left > 0) {
            const next = piece.subarray(0, Math.min(left, piece.length))
            left -= next.length
            if (!socket.write(next)) {
              socket.once('drain', push)
              return
            }
          }
        }
        push()
      })
    })
    await new Promise<void>(resolve => server.listen(0, args[0], resolve))
    tell({ port: (server.address() as AddressInfo).port, bytes: megabytes * 1e6 })
  },

  'raw-caller': async () => {
    const socket = connect({ host: args[0], port: Number(args[1]), noDelay: true })
    await new Promise<void>(resolve => socket.once('connect', resolve))
    const wanted = Number(args[2]) * 1e6
    tell({ connected: true })
    for await (const _ of createInterface({ input: process.stdin })) {
      const startMs = performance.now()
      let firstMs: number | undefined
      let bytes = 0
      await new Promise<void>(resolve => {
        const onData = (data: Buffer): void => {
          firstMs ??= performance.now() - startMs
          bytes += data.length
          if (bytes >= wanted) {
            socket.off('data', onData)
            resolve()
          }
        }
        socket.on('data', onData)
        socket.write('go')
      })
      tell({ round: { path: 'raw', firstMs, mbPerSecond: bytes / 1e3 / (performance.now() - startMs) } })
    }
  }
}

function isPublic (how: string): boolean {
  return how === 'open' || how === 'bonded'
}

function waysOf (how: string, seed: string): Pick<PeerInit, 'reachability' | 'transports'> {
  const [, , host] = seed.split('/')
  switch (how) {
    case 'relayed': return { reachability: false }
    case 'webrtc': return { reachability: { webrtc: webRtc(), stun: [`/ip4/${host}/udp/3478`] } }
    case 'bonded': return { transports: those => [...those, srtla()] }
    default: return {}
  }
}

async function sendAll (stream: Stream, bytes: number): Promise<void> {
  await new Promise<void>(resolve => stream.addEventListener('message', () => { resolve() }, { once: true }))
  const piece = new Uint8Array(PIECE.length)
  for (let left = bytes; left > 0; left -= piece.length) {
    if (!stream.send(piece.subarray(0, left))) {
      await new Promise<void>(resolve => stream.addEventListener('drain', () => { resolve() }, { once: true }))
    }
  }
  await stream.close()
}

/** Over the connection that requests take. */
async function streamed ({ libp2p }: Peer, provider: string): Promise<number> {
  const connection = libp2p.services.reachability?.connectionTo(provider) ??
    libp2p.getConnections().find(({ remotePeer }) => remotePeer.toString() === provider)
  const stream = await (connection as Connection).newStream(BYTES, { runOnLimitedConnection: true })
  const startMs = performance.now()
  let bytes = 0
  stream.send(new Uint8Array(1))
  for await (const data of stream) {
    bytes += data.byteLength
  }
  const tookMs = performance.now() - startMs
  await stream.close()
  return bytes / 1e3 / tookMs
}

async function transfer (peer: Peer, model: string, provider: string): Promise<Round> {
  const startMs = performance.now()
  const call = peer.chat({ model, messages: [{ role: 'user', content: 'go' }] }, { firstDeltaTimeoutMs: 30_000 })
  let firstMs: number | undefined
  let bytes = 0
  for await (const text of call.textStream()) {
    firstMs ??= performance.now() - startMs
    bytes += text.length
  }
  const tookMs = performance.now() - startMs
  const { path } = await call.route
  return { path, firstMs: firstMs ?? tookMs, answerMbPerSecond: bytes / 1e3 / tookMs, mbPerSecond: await streamed(peer, provider) }
}

/** How long it took from here, ms; `undefined` when it did not happen. */
async function untilPunched (peer: Peer, provider: string): Promise<number | undefined> {
  const startMs = performance.now()
  while (performance.now() - startMs < PUNCH_MS) {
    if (peer.paths.some(one => one.peer === provider && one.path === 'punched')) {
      return performance.now() - startMs
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return undefined
}

await roles[role]?.()
