/** An answer that is cut off, in each of the ways in which a network does it, is an error and never a short answer. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { AnswerWriter, handlerBackend, InferenceError } from '../src/index.ts'
import { inference } from '../src/libp2p/index.ts'
import { collect, createNode, until } from './node-pair.ts'
import type { InferenceNode } from './node-pair.ts'
import type { InferenceRequest } from '../src/index.ts'

const PROTOCOL = '/skein/inference/1.0.0'
const request: InferenceRequest = { task: 'chat', model: 'm', body: { messages: [] } }

describe('an answer that is cut off', () => {
  let client: InferenceNode
  let server: InferenceNode

  beforeEach(async () => {
    [client, server] = await Promise.all([createNode(), createNode()])
  })

  afterEach(async () => {
    await Promise.all([client.stop(), server.stop()])
  })

  /** Two deltas, END or not, and then what the case says. */
  const answerWith = async (end: boolean, after: (stream: Awaited<ReturnType<typeof server.dialProtocol>>) => void): Promise<void> => {
    await server.unhandle(PROTOCOL)
    await server.handle(PROTOCOL, stream => {
      stream.addEventListener('message', () => {
        const writer = new AnswerWriter()
        const frames = [...writer.write({ type: 'delta', text: 'one ' }), ...writer.write({ type: 'delta', text: 'two' }), ...end ? writer.end() : []]
        frames.forEach(frame => stream.send(frame))
        setTimeout(() => { after(stream) }, 20)
      }, { once: true })
    })
  }
  const call = () => client.services.inference.call(server.getMultiaddrs(), request)

  it('is none when END comes (so that the cases below can fail)', async () => {
    await answerWith(true, stream => { void stream.close() })
    const { text, error } = await collect(call())
    expect(error).to.equal(undefined)
    expect(text).to.equal('one two')
  })

  const cuts: Array<[string, Parameters<typeof answerWith>[1]]> = [
    ['the server closes the stream politely', stream => { void stream.close() }],
    ['the server resets the stream', stream => { stream.abort(new Error('no')) }],
    ['the server closes the connection', () => { server.getConnections().forEach(connection => { void connection.close() }) }],
    ['the server aborts the connection', () => { server.getConnections().forEach(connection => { connection.abort(new Error('no')) }) }],
    ['the caller’s side loses the connection', () => { client.getConnections().forEach(connection => { connection.abort(new Error('no')) }) }]
  ]
  for (const [name, cut] of cuts) {
    it(`is an error when ${name}`, async () => {
      await answerWith(false, cut)
      const { text, error } = await collect(call())
      expect(text).to.equal('one two')
      expect(error).to.be.instanceOf(InferenceError).and.include({
        code: 'stream_truncated', retryable: true, deltas: 2, peer: server.peerId.toString()
      })
    })
  }

  it('is an error when the serving process is killed', async () => {
    const child = spawn(process.execPath, ['--conditions=skein-source', fileURLToPath(new URL('serving-process.ts', import.meta.url))], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    try {
      const [line] = await once(child.stdout, 'data') as [Buffer]
      const answer = client.services.inference.call(multiaddr(line.toString().trim()), request)
      const iterator = answer[Symbol.asyncIterator]()
      expect((await iterator.next()).value).to.deep.equal({ type: 'delta', text: 'one ' })
      expect((await iterator.next()).value).to.deep.equal({ type: 'delta', text: 'two ' })
      child.kill('SIGKILL')
      const error = await iterator.next().catch((error: unknown) => error)
      expect(error).to.be.instanceOf(InferenceError).and.include({ code: 'stream_truncated', deltas: 2 })
    } finally {
      child.kill('SIGKILL')
    }
  }).timeout(20_000)

  it('stops the backend when the caller’s connection is lost', async () => {
    let stopped = false
    server.services.inference.addBackend(handlerBackend('m', async function * (_request, { signal }) {
      signal.addEventListener('abort', () => { stopped = true })
      yield 'one'
      await new Promise(() => {})
    }))
    await call()[Symbol.asyncIterator]().next()
    client.getConnections().forEach(connection => { connection.abort(new Error('no')) })
    await until(() => stopped && server.services.inference.active === 0)
  })
})

describe('an answer through a relay', () => {
  const RELAY_LIMIT_BYTES = 64n * 1024n
  const ANSWER_BYTES = 1024 * 1024

  interface Relayed {
    relay: { stop: () => void | Promise<void> }
    server: InferenceNode
    client: InferenceNode
    /** Of the server, through the relay */
    address: string
  }

  async function createRelayed (limited: boolean): Promise<Relayed> {
    const common = { connectionEncrypters: [noise()], streamMuxers: [yamux()], connectionMonitor: { enabled: false } }
    const relay = await createLibp2p({
      ...common,
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      services: {
        identify: identify(),
        relay: circuitRelayServer({
          reservations: limited ? { defaultDataLimit: RELAY_LIMIT_BYTES } : { applyDefaultLimit: false }
        })
      }
    })
    const relayAddress = String(relay.getMultiaddrs()[0])
    const server = await createLibp2p({
      ...common,
      addresses: { listen: [`${relayAddress}/p2p-circuit`] },
      transports: [tcp(), circuitRelayTransport()],
      services: { identify: identify(), inference: inference() }
    })
    const client = await createLibp2p({
      ...common,
      transports: [tcp(), circuitRelayTransport()],
      services: { identify: identify(), inference: inference() }
    })
    await until(() => server.getMultiaddrs().length > 0)
    server.services.inference.addBackend(handlerBackend('m', async function * () {
      for (let sent = 0; sent < ANSWER_BYTES; sent += 1024) {
        yield 'x'.repeat(1024)
        await new Promise(resolve => { setImmediate(resolve) })
      }
    }))
    const address = `${relayAddress}/p2p-circuit/p2p/${server.peerId.toString()}`
    return { relay, server: server as InferenceNode, client: client as InferenceNode, address }
  }

  it('is an error when the relay’s limit cuts it', async () => {
    const { relay, server, client, address } = await createRelayed(true)
    const answer = client.services.inference.call(multiaddr(address), request)
    const { text, error } = await collect(answer)
    expect(error).to.be.instanceOf(InferenceError).and.include({ code: 'stream_truncated', retryable: true, peer: server.peerId.toString() })
    expect(text.length).to.be.within(1, Number(RELAY_LIMIT_BYTES))
    expect((error as InferenceError).deltas).to.equal(text.length / 1024)
    expect(answer.connection?.limits).to.not.equal(undefined)
    await Promise.all([client.stop(), server.stop(), relay.stop()])
  }).timeout(20_000)

  it('is whole when the relay sets no limit', async () => {
    const { relay, server, client, address } = await createRelayed(false)
    const { text, error } = await collect(client.services.inference.call(multiaddr(address), request))
    expect(error).to.equal(undefined)
    expect(text.length).to.equal(ANSWER_BYTES)
    await Promise.all([client.stop(), server.stop(), relay.stop()])
  }).timeout(20_000)
})
