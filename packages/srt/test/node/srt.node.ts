import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { concatBytes, randomBytes, SeededRandom, toHex } from '@skein/core'
import { connect, SrtListener } from '@skein/srt/node'
import { expect } from 'chai'
import type { ConnectOptions, ListenOptions, SrtSocket } from '@skein/srt/node'
import { addressField, handshakePacket, readHandshake } from '../../src/handshake-packet.ts'
import { ownFeatures } from '../../src/handshake-terms.ts'
import { featuresBody } from '../../src/handshake-extension.ts'
import { connectionSettings } from '../../src/connection-options.ts'

const cleanups: Array<() => Promise<void> | void> = []

async function listen (options: ListenOptions = {}): Promise<SrtListener> {
  const listener = await SrtListener.listen({ host: '127.0.0.1', lingerMs: 1_000, ...options })
  cleanups.push(async () => { await listener.close() })
  return listener
}

async function call (listener: SrtListener, options: Partial<ConnectOptions> = {}): Promise<SrtSocket> {
  const socket = await connect({ port: listener.address.port, lingerMs: 1_000, ...options })
  cleanups.push(() => { socket.abort() })
  return socket
}

async function pair (options: ListenOptions & Partial<ConnectOptions> = {}): Promise<[SrtSocket, SrtSocket, SrtListener]> {
  const listener = await listen(options)
  const [caller, callee] = await Promise.all([call(listener, { ...options, host: '127.0.0.1', port: listener.address.port }), listener.accept()])
  return [caller, callee, listener]
}

async function rejection (promise: Promise<unknown>): Promise<Error & { reason?: unknown, by?: unknown }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('It was not rejected')
}

async function collect (socket: SrtSocket): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const payload of socket) {
    parts.push(payload)
  }
  return concatBytes(...parts)
}

describe('SRT over UDP', () => {
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) {
      await cleanup()
    }
  })

  it('carries payloads both ways in live mode, each as it was sent', async () => {
    const [caller, callee] = await pair({ streamId: 'live/héllo' })
    expect(callee.streamId).equal('live/héllo')
    expect(caller.latencyMs).deep.equal({ receive: 120, send: 120 })
    for (let number = 0; number < 20; number++) {
      await caller.write(new Uint8Array(100 + number).fill(number))
      await callee.write(new Uint8Array(200 + number).fill(number))
    }
    for (let number = 0; number < 20; number++) {
      expect((await callee.read())?.length).equal(100 + number)
      expect((await caller.read())?.length).equal(200 + number)
    }
    expect(callee.statistics()).includes({ pktRecvTotal: 20, pktSentTotal: 20, pktRcvDropTotal: 0, msRcvTsbPdDelay: 120 })
  })

  for (const passphrase of [undefined, 'correct horse battery']) {
    it(`carries a stream of 20 MB${passphrase === undefined ? '' : ', encrypted'}, and ends it`, async () => {
      const [caller, callee] = await pair({ mode: 'stream', passphrase, keyBytes: 32, lingerMs: 30_000 })
      const bytes = randomBytes(new SeededRandom(41), 20_000_000)
      const collected = collect(callee)
      await caller.write(bytes)
      await caller.close()
      expect(Buffer.compare(await collected, bytes)).equal(0)
      await callee.closed
      expect([caller.error, callee.error]).deep.equal([undefined, undefined])
    }).timeout(60_000)
  }

  it('is a stream of Node, too', async () => {
    const [caller, callee] = await pair({ mode: 'stream', lingerMs: 10_000 })
    const bytes = randomBytes(new SeededRandom(42), 1_000_000)
    const parts: Uint8Array[] = []
    const reading = (async () => {
      for await (const part of callee.duplex()) {
        parts.push(part as Uint8Array)
      }
    })()
    await pipeline(Readable.from([bytes]), caller.duplex())
    await reading
    expect(Buffer.compare(concatBytes(...parts), bytes)).equal(0)
  })

  it('holds the writer up while nobody reads', async () => {
    const [caller, callee] = await pair({ mode: 'stream', sendBufferPackets: 64, receiveBufferPackets: 64 })
    let written = 0
    const writing = (async () => {
      for (; written < 400; written++) {
        await caller.write(new Uint8Array(1_456))
      }
    })()
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(written).within(64, 132)
    let read = 0
    while (read < 400) {
      await callee.read()
      read++
    }
    await writing
  })

  it('lets the application refuse by stream id, before there is a connection', async () => {
    const asked: string[] = []
    const listener = await listen({
      onRequest: async ({ streamId }) => {
        asked.push(streamId)
        return streamId === 'play/1' ? { type: 'accept' } : { type: 'reject', reason: streamId === 'gone' ? 2_404 : 'not-found' }
      }
    })
    expect(await rejection(call(listener, { streamId: 'play/2' }))).includes({ name: 'SrtRejectedError', reason: 'not-found', by: 'peer' })
    expect(await rejection(call(listener, { streamId: 'gone' }))).includes({ reason: 2_404 })
    await call(listener, { streamId: 'play/1' })
    expect((await listener.accept()).streamId).equal('play/1')
    expect(asked).deep.equal(['play/2', 'gone', 'play/1'])
    expect(listener.connections).deep.equal({ open: 1, halfOpen: 1 })
  })

  it('gives each stream its own passphrase', async () => {
    const listener = await listen({ onRequest: ({ streamId }) => ({ type: 'accept', options: { passphrase: `secret of ${streamId}` } }) })
    await call(listener, { streamId: 'one', passphrase: 'secret of one' })
    expect(await rejection(call(listener, { streamId: 'two', passphrase: 'secret of one' }))).includes({ reason: 'bad-secret' })
  })

  const refusals: Array<[string, ListenOptions, Partial<ConnectOptions>, string]> = [
    ['another passphrase', { passphrase: 'correct horse' }, { passphrase: 'wrong horse!' }, 'bad-secret'],
    ['no passphrase', { passphrase: 'correct horse' }, {}, 'unsecure'],
    ['a passphrase that the listener does not have', {}, { passphrase: 'correct horse' }, 'unsecure'],
    ['stream mode where live mode is', {}, { mode: 'stream' }, 'message-api'],
    ['live mode where stream mode is', { mode: 'stream' }, {}, 'message-api'],
    ['one too many', { maxConnections: 0 }, {}, 'resource'],
    ['one while too many are half open', { maxHalfOpen: 0 }, {}, 'backlog'],
    ['one that nobody would take', { maxBacklog: 0 }, {}, 'backlog'],
    ['one whose decision fails', { onRequest: () => { throw new Error('database') } }, {}, 'server-error']
  ]
  for (const [name, listenOptions, callOptions, reason] of refusals) {
    it(`refuses ${name}: ${reason}`, async () => {
      const listener = await listen(listenOptions)
      expect(await rejection(call(listener, callOptions))).includes({ name: 'SrtRejectedError', reason })
      expect(listener.connections).deep.equal({ open: 0, halfOpen: 0 })
    })
  }

  it('gives up calling when nobody answers, or when told to', async () => {
    const silent = createSocket('udp4')
    silent.bind(0, '127.0.0.1')
    await once(silent, 'listening')
    cleanups.push(() => { silent.close() })
    const { port } = silent.address()
    expect(await rejection(connect({ port, connectTimeoutMs: 400 }))).includes({ name: 'SrtConnectTimeoutError' })
    const reason = new Error('changed my mind')
    const controller = new AbortController()
    const calling = rejection(connect({ port, signal: controller.signal }))
    controller.abort(reason)
    expect(await calling).equal(reason)
  })

  it('ends waits when told to, and nothing else', async () => {
    const [caller, callee, listener] = await pair()
    const reason = new Error('enough')
    expect(await rejection(callee.read({ signal: AbortSignal.abort(reason) }))).equal(reason)
    expect(await rejection(listener.accept({ signal: AbortSignal.abort(reason) }))).equal(reason)
    await caller.write(Uint8Array.of(1))
    expect([...await callee.read() ?? []]).deep.equal([1])
  })

  it('tells the other side that it closes, and takes no more', async () => {
    const [caller, callee, listener] = await pair()
    await caller.close()
    expect(await callee.read()).equal(undefined)
    expect(await rejection(caller.write(Uint8Array.of(1)))).includes({ name: 'SrtClosedError' })
    await callee.closed
    expect(listener.connections).deep.equal({ open: 0, halfOpen: 0 })
  })

  it('goes on through a flood of noise and of callers that never finish, and keeps nothing of them', async () => {
    const listener = await listen({ maxHalfOpen: 8, maxRequestsPerSecond: 1_000, peerIdleTimeoutMs: 1_000 })
    const { port } = listener.address
    const attacker = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
    attacker.bind(0, '127.0.0.1')
    await once(attacker, 'listening')
    cleanups.push(() => { attacker.close() })
    const answers = new Map<number, number>()
    const settings = connectionSettings({})
    attacker.on('message', packet => {
      const answer = readHandshake(packet)
      answers.set(answer?.type ?? -1, (answers.get(answer?.type ?? -1) ?? 0) + 1)
      if (answer?.type === 1) {
        const features = ownFeatures(settings, { receiveMs: 120, sendMs: 0 }, 'caller')
        const conclusion = { ...answer, extensionField: 1, type: 0xffffffff, extensions: [{ type: 1, body: featuresBody(features) }] }
        attacker.send(handshakePacket(conclusion, { timestamp: 0, destination: 0 }), port, '127.0.0.1')
      }
    })
    const random = new SeededRandom(43)
    for (let count = 0; count < 5_000; count++) {
      attacker.send(randomBytes(random, count % 200), port, '127.0.0.1')
      if (count % 50 === 0) {
        const induction = {
          version: 4, encryption: 0, extensionField: 2, initialSequence: 1, mss: 1500, flowWindowPackets: 8192, type: 1, socketId: 1_000 + count, cookie: 0,
          peerAddress: addressField('127.0.0.1'), extensions: []
        }
        attacker.send(handshakePacket(induction, { timestamp: 0, destination: 0 }), port, '127.0.0.1')
        await new Promise(resolve => setImmediate(resolve))
      }
      expect(listener.connections.halfOpen).most(8)
    }
    await new Promise(resolve => setTimeout(resolve, 200))
    expect(answers.get(1), 'cookies').greaterThan(50)
    expect(answers.get(1_005), 'refused with "backlog"').greaterThan(50)
    expect(answers.get(0xffffffff), 'let in').equal(8)
    for (let waited = 0; waited < 50 && listener.connections.open > 0; waited++) {
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    expect(listener.connections).deep.equal({ open: 0, halfOpen: 0 })
    const socket = await call(listener)
    await socket.write(Uint8Array.of(7))
    expect(toHex(await (await listener.accept()).read() ?? new Uint8Array(0))).equal('07')
  }).timeout(30_000)

  it('serves many callers at one port', async () => {
    const listener = await listen({ mode: 'stream' })
    const served = (async () => {
      for (let count = 0; count < 20; count++) {
        const socket = await listener.accept()
        void collect(socket).then(async bytes => { expect(bytes.length).equal(100_000) })
      }
    })()
    const callers = await Promise.all(Array.from({ length: 20 }, async () => await call(listener, { mode: 'stream', lingerMs: 10_000 })))
    await Promise.all(callers.map(async socket => {
      await socket.write(new Uint8Array(100_000))
      await socket.close()
      expect(socket.error).equal(undefined)
    }))
    await served
  })

  it('works over IPv6', async () => {
    const listener = await listen({ host: '::1' })
    const socket = await connect({ host: '::1', port: listener.address.port })
    await socket.write(Uint8Array.of(6))
    expect([...await (await listener.accept()).read() ?? []]).deep.equal([6])
    await socket.close()
  })
})
