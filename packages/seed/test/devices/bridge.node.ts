import { createPeer, InferenceError } from '@skein/peer'
import { expect } from 'chai'
import { bridgeDevices } from '../../src/devices/bridge.ts'
import { UNLIMITED } from '../../src/devices/device-limits.ts'
import { createSeed } from '../../src/index.ts'
import { DeviceClient } from './device-client.ts'
import { listenForDevices } from './device-server.ts'
import { serveAsDevice } from './serving-device.ts'
import type { DeviceBridge } from '../../src/devices/bridge.ts'
import type { DeviceClientInit } from './device-client.ts'
import type { DeviceServer } from './device-server.ts'
import type { Pieces, ServingDevice } from './serving-device.ts'
import type { Seed } from '../../src/index.ts'
import type { Peer } from '@skein/peer'

const LISTEN = { listen: ['/ip4/127.0.0.1/tcp/0'] }
const ASK = { messages: [{ role: 'user', content: 'hi' }] }

describe('the bridge between devices and the mesh', function () {
  this.timeout(30_000)
  let seed: Seed
  let server: DeviceServer
  let bridge: DeviceBridge
  let peer: Peer
  let clients: DeviceClient[] = []

  beforeEach(async () => {
    seed = await createSeed(LISTEN)
    server = await listenForDevices({ rates: { discover: UNLIMITED } })
    peer = await createPeer({ ...LISTEN, bootstrap: seed.addresses })
    bridge = bridgeDevices({ peer: seed.peer, port: server.endpoint.port, models: async () => await seed.service.models(), modelsIntervalMs: 100 })
  })

  afterEach(async () => {
    for (const client of clients) {
      client.close()
    }
    clients = []
    await bridge.stop()
    await server.stop()
    await peer.stop()
    await seed.stop()
  })

  async function until (condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  async function device (models: string[], answer: Pieces, init: DeviceClientInit = {}): Promise<ServingDevice> {
    const serving = await serveAsDevice(server.url, { ...init, capabilities: { loadedModels: models, ...init.capabilities } }, answer)
    clients.push(serving.client)
    await until(() => models.every(model => bridge.models.includes(model)))
    return serving
  }

  async function asking (init: DeviceClientInit = {}): Promise<DeviceClient> {
    const client = await DeviceClient.register(server.url, { ...init, capabilities: { loadedModels: [] } })
    clients.push(client)
    return client
  }

  async function openSession (client: DeviceClient, sessionID: string): Promise<void> {
    client.send('relayOpen', client.route(bridge.nodeID, sessionID))
    await client.next('relayReady')
    client.say(bridge.nodeID, sessionID, 'hello', { deviceInfo: {}, protocolVersion: 1, loadedModels: [] })
    expect((await client.heard(sessionID)).kind).to.equal('helloAck')
  }

  async function failure (call: Promise<unknown>): Promise<InferenceError> {
    try {
      await call
    } catch (error) {
      expect(error).to.be.instanceOf(InferenceError)
      return error as InferenceError
    }
    throw new Error('It did not fail')
  }

  for (const form of [{}, { wrapped: true, binary: true }]) {
    it(`offers a device's model to the mesh and streams its answer, piece by piece: ${JSON.stringify(form)}`, async () => {
      let go = (): void => {}
      const gate = new Promise<void>(resolve => { go = resolve })
      const serving = await device(['llama'], async (_request, say) => {
        say('one')
        await gate
        say(' two')
      }, form)
      const pieces: string[] = []
      for await (const text of peer.chat({ model: 'llama', temperature: 0, ...ASK }).textStream()) {
        pieces.push(text)
        go() // the second piece exists only once the first has come through
      }
      expect(pieces).to.deep.equal(['one', ' two'])
      expect(serving.requests[0]).to.deep.include({ streaming: true })
      expect(serving.requests[0]?.request).to.include({ model: 'llama', temperature: 0, stream: true })
      await until(() => serving.closed.length === 1 && bridge.sessions === 0)
    })
  }

  it('tells a device to stop when the caller cancels', async () => {
    let stopped = false
    const serving = await device(['endless'], async (_request, say, isClosed) => {
      while (!isClosed()) {
        say('more')
        await new Promise(resolve => setTimeout(resolve, 5))
      }
      stopped = true
    })
    const cancel = new AbortController()
    const call = peer.chat({ model: 'endless', ...ASK }, { signal: cancel.signal })
    const error = await failure((async () => {
      for await (const _ of call.textStream()) {
        cancel.abort()
      }
    })())
    expect(error.code).to.equal('cancelled')
    await until(() => stopped)
    expect(serving.closed).to.have.length(1)
  })

  it('maps failures: a device that fails, one that leaves in mid-answer, one that is busy', async () => {
    const bad = await device(['bad'], async () => { throw Object.assign(new Error('out of memory'), { code: 'backend_failed' }) })
    expect((await failure(peer.chat({ model: 'bad', ...ASK }).text())).message).to.include('out of memory')
    expect(bad.requests).to.have.length.greaterThan(0)

    const leaving = await device(['leaving'], async (_request, say) => {
      say('half')
      await new Promise(resolve => setTimeout(resolve, 50))
      leaving.client.close()
    })
    const error = await failure(peer.chat({ model: 'leaving', ...ASK }).text())
    expect(error.code).to.equal('backend_failed')
    expect(error.deltas).to.equal(1)

    await until(() => !bridge.models.includes('leaving'))
    expect((await failure(peer.chat({ model: 'leaving', ...ASK }).text())).code).to.be.oneOf(['model_not_found', 'no_provider'])
  })

  it('uses all devices that have a model, each within its own places', async () => {
    let active = 0
    let most = 0
    const answer: Pieces = async (_request, say) => {
      most = Math.max(most, ++active)
      await until(() => most === 4)
      say('x')
      active--
    }
    const devices = await Promise.all([1, 3].map(async places =>
      await device(['shared'], answer, { capabilities: { maxConcurrentRequests: places } })))
    const backend = seed.peer
    const texts = await Promise.all(Array.from({ length: 4 }, async () => await backend.chat({ model: 'shared', ...ASK }).text()))
    expect(texts).to.deep.equal(['x', 'x', 'x', 'x'])
    expect(devices.map(({ requests }) => requests.length)).to.deep.equal([1, 3])
  })

  for (const form of [{}, { wrapped: true, binary: true }]) {
    it(`lets a device use the mesh: found by discover, streamed: ${JSON.stringify(form)}`, async () => {
      let go = (): void => {}
      const gate = new Promise<void>(resolve => { go = resolve })
      await peer.serve('mesh-model', async function * () {
        yield 'from'
        await gate
        yield ' the mesh'
      })
      const client = await asking(form)
      for (;;) { // until the seed's list of models has it
        client.send('discover', { requestingNodeID: client.nodeID, filter: { modelID: 'mesh-model' } })
        const [found] = (await client.next('discoverResponse')).peers
        if (found != null) {
          expect(found).to.deep.include({ nodeID: bridge.nodeID, publicKey: bridge.nodeID, wgPublicKey: null })
          expect(found.capabilities.loadedModels).to.deep.equal(['mesh-model'])
          break
        }
        await new Promise(resolve => setTimeout(resolve, 10))
      }

      await openSession(client, 's')
      client.say(bridge.nodeID, 's', 'heartbeat', {
        deviceID: client.nodeID, timestamp: 0, thermalLevel: 'nominal', throttleLevel: 0, loadedModels: [], isGenerating: false, queueDepth: 0
      })
      expect((await client.heard('s')).kind).to.equal('heartbeatAck')

      client.say(bridge.nodeID, 's', 'inferenceRequest', { requestID: 'r', request: { model: 'mesh-model', ...ASK }, streaming: true })
      let text = ''
      for (;;) {
        const { kind, payload } = await client.heard('s')
        expect(payload.requestID).to.equal('r')
        if (kind === 'inferenceComplete') {
          break
        }
        expect(kind).to.equal('inferenceChunk')
        expect(payload.chunk.object).to.equal('chat.completion.chunk')
        text += payload.chunk.choices[0].delta.content ?? ''
        go()
      }
      expect(text).to.equal('from the mesh')

      client.say(bridge.nodeID, 's', 'inferenceRequest', { requestID: 'r2', request: { model: 'mesh-model', ...ASK }, streaming: false })
      const { kind, payload } = await client.heard('s')
      expect(kind).to.equal('inferenceChunk')
      expect(payload.chunk.choices).to.deep.equal([{ index: 0, delta: { role: 'assistant', content: 'from the mesh' }, finish_reason: 'stop' }])
      expect((await client.heard('s')).kind).to.equal('inferenceComplete')
    })
  }

  it('answers a request that cannot be met with an inferenceError, and goes on with the session', async () => {
    const client = await asking()
    await openSession(client, 's')
    client.say(bridge.nodeID, 's', 'inferenceRequest', { requestID: 'r', request: { model: 'nobody-has-it', ...ASK }, streaming: true })
    const { kind, payload } = await client.heard('s')
    expect(kind).to.equal('inferenceError')
    expect(payload).to.include({ requestID: 'r', code: 'no_provider' })

    await peer.serve('here', async () => 'yes')
    client.say(bridge.nodeID, 's', 'inferenceRequest', { requestID: 'r2', request: { model: 'here', ...ASK }, streaming: false })
    expect((await client.heard('s')).payload.chunk.choices[0].delta.content).to.equal('yes')
  })

  it('cancels in the mesh when the device closes the session, and bounds requests of one device', async () => {
    let cancelled = 0
    await peer.serve('endless', async function * (_request: unknown, { signal }: { signal: AbortSignal }) {
      signal.addEventListener('abort', () => { cancelled++ })
      while (!signal.aborted) {
        yield 'more'
        await new Promise(resolve => setTimeout(resolve, 5))
      }
    })
    const client = await asking()
    await openSession(client, 's')
    for (const requestID of ['1', '2', '3', '4', '5']) {
      client.say(bridge.nodeID, 's', 'inferenceRequest', { requestID, request: { model: 'endless', ...ASK }, streaming: true })
    }
    for (;;) {
      const { kind, payload } = await client.heard('s')
      if (kind === 'inferenceError') {
        expect(payload).to.include({ requestID: '5', code: 'busy' })
        break
      }
    }
    while ((await client.heard('s')).kind !== 'inferenceChunk') { /* until one of them has begun */ }
    client.send('relayClose', client.route(bridge.nodeID, 's'))
    await until(() => cancelled >= 1 && bridge.sessions === 0)
  })

  it('does not send a device its own request', async () => {
    const serving = await device(['own'], async (_request, say) => { say('x') })
    const { client } = serving
    client.send('relayOpen', client.route(bridge.nodeID, 's'))
    await client.next('relayReady')
    client.say(bridge.nodeID, 's', 'inferenceRequest', { requestID: 'r', request: { model: 'own', ...ASK }, streaming: true })
    const { kind, payload } = await client.heard('s')
    expect(kind).to.equal('inferenceError')
    expect(payload.code).to.be.oneOf(['model_not_found', 'no_provider'])
    expect(serving.requests).to.deep.equal([])
  })

  it('closes sessions that are not open, that carry nonsense, and those beyond the bound', async () => {
    const client = await asking()
    client.say(bridge.nodeID, 'unknown', 'hello', { deviceInfo: {}, protocolVersion: 1, loadedModels: [] })
    expect((await client.next('relayClose')).sessionID).to.equal('unknown')
    for (const bytes of ['not json', '{"hello":1}', '\u0001noise']) {
      client.send('relayOpen', client.route(bridge.nodeID, 's'))
      await client.next('relayReady')
      client.send('relayData', { ...client.route(bridge.nodeID, 's'), data: Buffer.from(bytes).toString('base64') })
      expect((await client.next('relayClose')).sessionID).to.equal('s')
    }
    for (let i = 0; i < 5; i++) {
      client.send('relayOpen', client.route(bridge.nodeID, `s${i}`))
    }
    expect((await client.next('relayClose')).sessionID).to.equal('s4')
    client.send('offer', client.signal(bridge.nodeID, 'x'))
    expect((await client.next('error')).code).to.equal('relay_only')
  })
})
