import { once } from 'node:events'
import { createServer } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { createPeer, InferenceError, openaiBackend, skeinServices } from '../src/index.ts'
import type { AddressInfo } from 'node:net'
import type { Peer, PeerInit } from '../src/index.ts'
import type { InferenceEvent } from '@skein/inference'

const ASK = { messages: [{ role: 'user', content: 'hi' }] }

describe('peers', function () {
  this.timeout(30_000)
  let started: Peer[] = []

  async function start (init: PeerInit = {}): Promise<Peer> {
    const peer = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], ...init })
    started.push(peer)
    return peer
  }

  /** One that serves, one that asks. */
  async function pair (init: PeerInit = {}): Promise<[Peer, Peer]> {
    const server = await start(init)
    return [server, await start({ bootstrap: server.addresses })]
  }

  afterEach(async () => {
    await Promise.all(started.map(async peer => { await peer.stop() }))
    started = []
  })

  async function failure (work: Promise<unknown>): Promise<InferenceError> {
    const error = await work.then(value => { throw new Error(`no failure but ${JSON.stringify(value)}`) }, error => error)
    expect(error, String(error)).to.be.instanceOf(InferenceError)
    return error
  }

  it('answer each other, in pieces, as text, as a completion, and name the route', async () => {
    const [server, client] = await pair()
    await server.serve('m', async function * () { yield 'one '; yield 'two' })
    const pieces: string[] = []
    for await (const { text } of client.chat({ model: 'm', ...ASK })) {
      pieces.push(text)
    }
    expect(pieces).to.deep.equal(['one ', 'two'])
    const call = client.chat({ model: 'm', ...ASK })
    expect(await call.text()).to.equal('one two')
    expect(await call.route).to.deep.equal({ peer: server.id, path: 'direct', attempts: 1 })
    expect(await Array.fromAsync(client.chat({ model: 'm', ...ASK }).textStream())).to.deep.equal(['one ', 'two'])
    expect(await client.chat({ model: 'm', ...ASK }).completion()).to.deep.include({ object: 'chat.completion', model: 'm' })
  })

  it('answer themselves without the network', async () => {
    const peer = await start()
    await peer.serve('m', async () => 'me')
    const call = peer.chat({ model: 'm', ...ASK })
    expect(await call.text()).to.equal('me')
    expect((await call.route).path).to.equal('local')
    expect((await Array.fromAsync(peer.findModel('m'))).map(offer => offer.peer)).to.deep.equal([peer.id])
  })

  it('find and serve at once, before kad-dht has queried itself', async () => {
    const [server, client] = await pair()
    await client.serve('from the newcomer', async () => 'new')
    expect(await server.chat({ model: 'from the newcomer', ...ASK }).text()).to.equal('new')
  })

  it('find and call without a DHT of their own, as in a browser', async () => {
    const first = await start()
    const others = await Promise.all(Array.from({ length: 6 }, async () => await start({ bootstrap: first.addresses })))
    await others[4]?.serve('m', async () => 'far')
    const guest = await start({ listen: [], bootstrap: others[0]?.addresses ?? [], pex: false, gossip: false, services: { dht: () => ({}) } })
    expect(guest.libp2p.getPeers()).to.have.length(1)
    expect(await guest.chat({ model: 'm', ...ASK }).text()).to.equal('far')
  })

  it('say that nobody offers a model', async () => {
    const [, client] = await pair()
    expect((await failure(client.chat({ model: 'none', ...ASK }).text())).code).to.equal('no_provider')
  })

  it('find an offer no more once it is withdrawn', async () => {
    const [server, client] = await pair()
    const service = await server.serve('m', async () => 'x')
    expect(await client.chat({ model: 'm', ...ASK }).text()).to.equal('x')
    await service.stop()
    expect(await Array.fromAsync(client.findModel('m', { cache: false }))).to.deep.equal([])
    expect(['no_provider', 'model_not_found']).to.include((await failure(client.chat({ model: 'm', ...ASK }).text())).code)
  })

  it('cancel on the far side when the caller aborts or leaves the loop', async () => {
    const [server, client] = await pair()
    const stops: string[] = []
    let stopped = Promise.withResolvers<void>()
    await server.serve('m', async function * (_, { signal }) {
      yield 'first'
      await new Promise<void>(resolve => { signal.addEventListener('abort', () => { resolve() }, { once: true }) })
      stops.push('stopped')
      stopped.resolve()
    })
    for await (const _ of client.chat({ model: 'm', ...ASK })) {
      break
    }
    await stopped.promise
    stopped = Promise.withResolvers<void>()
    const controller = new AbortController()
    const error = await failure((async () => {
      for await (const _ of client.chat({ model: 'm', ...ASK }, { signal: controller.signal })) {
        controller.abort()
      }
    })())
    await stopped.promise
    expect(error.code).to.equal('cancelled')
    expect(stops).to.have.length(2)
  })

  it('move on from a provider that fails, is silent or is busy, and tell of each attempt', async () => {
    const client = await start()
    const bootstrap = client.addresses
    const [broken, silent, busy, good] = await Promise.all([start({ bootstrap }), start({ bootstrap }), start({ bootstrap }), start({ bootstrap })])
    const fast = { tokensPerSecond: 1_000 }
    await broken.serve('m', async () => { throw new Error('out of memory') }, fast)
    await silent.serve('m', async function * (_, { signal }) {
      await new Promise<void>(resolve => { signal.addEventListener('abort', () => { resolve() }, { once: true }) })
    }, fast)
    await busy.serve('m', async function * () { throw new InferenceError('busy', 'no place', { retryAfterMs: 500 }) }, fast)
    await good.serve('m', async () => 'good', { tokensPerSecond: 1 })
    const attempts: string[] = []
    client.addEventListener('call:attempt', ({ detail }) => { attempts.push(`${detail.error?.code ?? 'delivered'}`) })
    const call = client.chat({ model: 'm', ...ASK }, { firstDeltaTimeoutMs: 500 })
    expect(await call.text()).to.equal('good')
    expect((await call.route).attempts).to.equal(4)
    expect(attempts).to.have.members(['backend_failed', 'first_delta_timeout', 'busy', 'delivered'])
  })

  it('resume a deterministic answer on another peer, unless told not to', async () => {
    const client = await start()
    const bootstrap = client.addresses
    const [dying, good] = await Promise.all([start({ bootstrap }), start({ bootstrap })])
    await dying.serve('m', async function * () { yield 'a'; yield 'b'; throw new InferenceError('backend_failed', 'gone') }, { deterministic: true, tokensPerSecond: 1_000 })
    await good.serve('m', async function * () { yield 'ab'; yield 'cd' }, { deterministic: true, tokensPerSecond: 1 })
    const error = await failure(client.chat({ model: 'm', ...ASK }, { resume: false }).text())
    expect(error).to.include({ code: 'backend_failed', deltas: 2, peer: dying.id })
    // the failed one rests now, so the next call starts at the good one: rest is per model, so serve it under another name
    await dying.serve('m2', async function * () { yield 'a'; yield 'b'; throw new InferenceError('backend_failed', 'gone') }, { deterministic: true, tokensPerSecond: 1_000 })
    await good.serve('m2', async function * () { yield 'ab'; yield 'cd' }, { deterministic: true, tokensPerSecond: 1 })
    const call = client.chat({ model: 'm2', ...ASK })
    expect(await call.text()).to.equal('abcd')
  })

  it('say BUSY above their concurrency, with a time to come back, and queue nothing', async () => {
    const [server, client] = await pair()
    const release = Promise.withResolvers<void>()
    await server.serve('m', async function * () { yield 'x'; await release.promise }, { maxConcurrent: 1 })
    const first = client.chat({ model: 'm', ...ASK })[Symbol.asyncIterator]()
    await first.next()
    const error = await failure(client.chat({ model: 'm', ...ASK }).text())
    expect(error.code).to.equal('busy')
    expect(error.retryAfterMs).to.be.above(0)
    release.resolve()
    expect((await first.next()).done).to.equal(true)
  })

  it('refuse a new request while they drain, and let the old one end', async () => {
    const [server, client] = await pair()
    const release = Promise.withResolvers<void>()
    await server.serve('m', async function * () { yield 'begun '; await release.promise; yield 'ended' })
    const call = client.chat({ model: 'm', ...ASK })[Symbol.asyncIterator]()
    const pieces = [(await call.next()).value?.text]
    const stopped = server.stop({ drainMs: 10_000 })
    await failure(client.chat({ model: 'm', ...ASK }).text())
    release.resolve()
    pieces.push((await call.next()).value?.text)
    expect(pieces).to.deep.equal(['begun ', 'ended'])
    expect((await call.next()).done).to.equal(true)
    await stopped
  })

  it('serve what an OpenAI-compatible server has, and its embeddings', async () => {
    const upstream = createServer((request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(request.url === '/v1/models'
        ? { object: 'list', data: [{ id: 'embedder' }] }
        : { object: 'list', data: [{ object: 'embedding', index: 0, embedding: [0.5, -0.25] }], model: 'embedder', usage: { prompt_tokens: 1, total_tokens: 1 } }))
    })
    upstream.listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    try {
      const [server, client] = await pair()
      const service = await server.serve(openaiBackend(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1`))
      expect(service.models).to.deep.equal(['embedder'])
      const { data } = await client.embed({ model: 'embedder', input: 'hi' }) as { data: Array<{ embedding: number[] }> }
      expect(data[0]?.embedding).to.deep.equal([0.5, -0.25])
    } finally {
      upstream.close()
    }
  })

  it('keep their id and who they met over a restart, and then need no bootstrap', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'skein-peer-'))
    try {
      const friend = await start()
      await friend.serve('m', async () => 'still here')
      const first = await start({ dataDir: folder, bootstrap: friend.addresses })
      const { id } = first
      await first.stop()
      const second = await start({ dataDir: folder })
      expect(second.id).to.equal(id)
      expect(await second.chat({ model: 'm', ...ASK }).text()).to.equal('still here')
    } finally {
      await Promise.all(started.map(async peer => { await peer.stop() }))
      await rm(folder, { recursive: true })
    }
  })

  it('exchange nothing, remember nobody and choose nobody when they are told not to', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'skein-peer-'))
    try {
      const friend = await start()
      const first = await start({ dataDir: folder, bootstrap: friend.addresses, pex: false })
      expect([first.outbound, first.libp2p.services.pex]).to.deep.equal([undefined, undefined])
      expect(first.libp2p.getPeers().map(String)).to.deep.equal([friend.id])
      await first.stop()
      const second = await start({ dataDir: folder })
      expect([second.outbound?.tables.size, second.stats().connections]).to.deep.equal([0, 0])
    } finally {
      await Promise.all(started.map(async peer => { await peer.stop() }))
      await rm(folder, { recursive: true })
    }
  })

  it('go on dialling a bootstrap that is not there yet', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'skein-peer-'))
    try {
      const early = await start({ dataDir: folder })
      const [address = ''] = early.addresses
      await early.stop()
      const waiting = await start({ bootstrap: [address], joinTimeoutMs: 100 })
      expect(waiting.stats().connections).to.equal(0)
      const connected = once(waiting, 'peer:connected')
      const late = await start({ dataDir: folder, listen: [address.replace(/\/p2p\/.*/, '')] })
      const [{ detail }] = await connected
      expect(detail.peer).to.equal(late.id)
    } finally {
      await Promise.all(started.map(async peer => { await peer.stop() }))
      await rm(folder, { recursive: true })
    }
  })

  it('start no further when the signal fires', async () => {
    const error = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: ['/ip4/127.0.0.1/tcp/1'], signal: AbortSignal.timeout(50) }).catch(error => error)
    expect(error.name).to.equal('TimeoutError')
  })

  it('take part in gossip, unless they are told not to', async () => {
    const [server, client] = await pair()
    const silent = await start({ gossip: false, bootstrap: server.addresses })
    expect([server, client, silent].map(({ libp2p }) => libp2p.services.pubsub !== undefined)).to.deep.equal([true, true, false])
    const { pubsub } = client.libp2p.services
    expect(pubsub?.getPeers().map(peer => peer.toString())).to.deep.equal([server.id])
  })

  it('are plain libp2p services too', async () => {
    const server = await start()
    await server.serve('m', async () => 'for any node')
    const node = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      services: skeinServices()
    })
    try {
      await node.dial(multiaddr(server.addresses[0] as string))
      for await (const { offer } of node.services.routing.findModel('m')) {
        const events: InferenceEvent[] = []
        for await (const event of node.services.inference.call(server.libp2p.peerId, { task: 'chat', model: offer.model, body: ASK })) {
          events.push(event)
        }
        expect(events.map(event => event.type === 'delta' ? event.text : '').join('')).to.equal('for any node')
        return
      }
      expect.fail('no offer was found')
    } finally {
      await node.stop()
    }
  })
})
