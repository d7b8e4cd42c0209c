import { request } from 'node:http'
import { expect } from 'chai'
import fc from 'fast-check'
import { UNLIMITED } from '../../src/devices/device-limits.ts'
import { RELAY_KINDS } from '../../src/devices/relay-message.ts'
import { capabilitiesOf, DeviceClient, newKey } from './device-client.ts'
import { listenForDevices } from './device-server.ts'
import type { DeviceClientInit } from './device-client.ts'
import type { DeviceServer } from './device-server.ts'
import type { DeviceEndpointInit } from '../../src/node/device-endpoint.ts'

const FREE = { register: UNLIMITED, discover: UNLIMITED, signal: UNLIMITED, messages: UNLIMITED, bytes: UNLIMITED, faults: UNLIMITED }

describe('the endpoint of existing devices', function () {
  this.timeout(30_000)
  let server: DeviceServer
  let clients: DeviceClient[] = []

  async function serve (init: DeviceEndpointInit = {}): Promise<void> {
    server = await listenForDevices(init)
  }
  async function open (init: DeviceClientInit = {}): Promise<DeviceClient> {
    const client = await DeviceClient.open(server.url, init)
    clients.push(client)
    return client
  }
  async function register (init: DeviceClientInit = {}): Promise<DeviceClient> {
    const client = await DeviceClient.register(server.url, init)
    clients.push(client)
    return client
  }
  async function until (condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }

  afterEach(async () => {
    for (const client of clients) {
      client.close()
    }
    clients = []
    await server.stop()
  })

  for (const form of [{}, { wrapped: true }, { binary: true }, { wrapped: true, binary: true }]) {
    it(`registers and discovers, answering in the client's own form: ${JSON.stringify(form)}`, async () => {
      await serve()
      const a = await open({ ...form, capabilities: { loadedModels: ['m'] } })
      a.send('register', { nodeID: 1 }) // refused in that form too
      expect(Object.keys(JSON.parse((await a.take('error')).raw).error)[0]).to.equal(form.wrapped === true ? '_0' : 'code')
      const b = await register()
      a.send('register', a.registration({ wgPublicKey: 'wg', displayName: 'Zoë’s Mac' }))
      const ack = await a.take('registerAck')
      expect(Object.keys(JSON.parse(ack.raw).registerAck)).to.deep.equal(form.wrapped === true ? ['_0'] : ['nodeID', 'registeredAt', 'ttlSeconds'])
      expect(ack.binary).to.equal(form.binary === true)
      expect(ack.payload.nodeID).to.equal(a.nodeID)
      expect(ack.payload.ttlSeconds).to.equal(300)
      const secondsSince2001 = (Date.now() - Date.UTC(2001, 0, 1)) / 1000
      expect(ack.payload.registeredAt).to.be.closeTo(secondsSince2001, 30)

      b.send('discover', { requestingNodeID: b.nodeID })
      const { peers } = await b.next('discoverResponse')
      expect(peers).to.have.length(1)
      expect(peers[0].lastSeen).to.be.closeTo(secondsSince2001, 30)
      expect({ ...peers[0], lastSeen: 0 }).to.deep.equal({
        nodeID: a.nodeID, publicKey: a.nodeID, wgPublicKey: 'wg', displayName: 'Zoë’s Mac', capabilities: capabilitiesOf({ loadedModels: ['m'] }),
        lastSeen: 0, natType: 'unknown', endpoints: []
      })
    })
  }

  it('lets two devices signal and relay, messages unchanged', async () => {
    await serve()
    const a = await register()
    const b = await register({ wrapped: true })
    for (const [kind, payload] of [
      ['offer', a.signal(b.nodeID, 's')],
      ['iceCandidate', { ...a.route(b.nodeID, 's'), candidate: { ip: '203.0.113.7', port: 9, type: 'serverReflexive', priority: 1 }, later: { addition: 1 } }],
      ['relayOpen', a.route(b.nodeID, 's')],
      ['relayData', { ...a.route(b.nodeID, 's'), data: Buffer.from('hello').toString('base64') }],
      ['relayClose', a.route(b.nodeID, 's')]
    ] as const) {
      a.send(kind, payload)
      expect((await b.take(kind)).raw).to.equal(JSON.stringify({ [kind]: payload }))
    }
    b.send('answer', b.signal(a.nodeID, 's'))
    expect((await a.take('answer')).raw).to.equal(JSON.stringify({ answer: { _0: b.signal(a.nodeID, 's') } }))
    b.send('relayReady', b.route(a.nodeID, 's'))
    await a.next('relayReady')

    a.send('discover', { requestingNodeID: a.nodeID })
    expect((await a.next('discoverResponse')).peers[0].natType).to.equal('portRestricted')
  })

  it('refuses impostors', async () => {
    await serve()
    const honest = await register()
    const mallory = await open()
    const cases: Array<[kind: string, payload: unknown, code: string]> = [
      ['discover', { requestingNodeID: mallory.nodeID }, 'not_registered'],
      ['offer', mallory.signal(honest.nodeID, 's'), 'not_registered'],
      ['register', mallory.registration({ nodeID: honest.nodeID, publicKey: honest.nodeID }), 'invalid_signature'],
      ['register', mallory.registration({ nodeID: honest.nodeID }), 'invalid_register'],
      ['register', mallory.registration({ publicKey: honest.nodeID }), 'invalid_register'],
      ['register', mallory.registration({ signature: '00'.repeat(64) }), 'invalid_signature'],
      ['register', mallory.registration({ nodeID: mallory.nodeID.toUpperCase() }), 'invalid_signature']
    ]
    for (const [kind, payload, code] of cases) {
      mallory.send(kind, payload)
      expect((await mallory.next('error')).code, `${kind} ${code}`).to.equal(code)
    }
    mallory.send('register', mallory.registration())
    await mallory.next('registerAck')

    const second = newKey()
    const other = await open({ key: second })
    for (const [kind, payload, code] of [
      ['register', other.registration(), 'already_registered'],
      ['discover', { requestingNodeID: honest.nodeID }, 'wrong_sender'],
      ['relayData', { ...honest.route(mallory.nodeID, 's'), data: '' }, 'wrong_sender'],
      ['offer', { ...mallory.signal(honest.nodeID, 's'), sessionID: 't' }, 'invalid_signature'],
      ['offer', honest.signal(honest.nodeID, 's'), 'wrong_sender']
    ] as const) {
      mallory.send(kind, payload)
      expect((await mallory.next('error')).code, `${kind} ${code}`).to.equal(code)
    }
    // two names of one member: what is checked must be what the receiver reads
    mallory.raw(`{"relayOpen":{"fromNodeID":"${honest.nodeID}","toNodeID":"${honest.nodeID}","sessionID":"s","fromNodeID":"${mallory.nodeID}"}}`)
    expect((await mallory.next('error')).code).to.equal('invalid_json')
    expect(honest.received).to.deep.equal([])
    expect(honest.closed).to.equal(undefined)
  })

  it('lets a device that proves its key move to another socket, and nobody else', async () => {
    await serve()
    const key = newKey()
    const before = await register({ key })
    const peer = await register()
    const after = await register({ key })
    expect((await before.whenClosed()).code).to.equal(4001)
    peer.send('relayOpen', peer.route(after.nodeID, 's'))
    await after.next('relayOpen')
    expect(server.endpoint.stats().devices).to.equal(2)
  })

  it('tells the sender when the receiver is gone, also one that has just left', async () => {
    await serve()
    const a = await register()
    const b = await register()
    a.send('relayData', { ...a.route('ab'.repeat(32), 's'), data: '' })
    expect(await a.next('error')).to.include({ code: 'peer_not_found', kind: 'relayData', sessionID: 's', toNodeID: 'ab'.repeat(32) })
    b.close()
    await until(() => server.endpoint.stats().devices === 1)
    a.send('offer', a.signal(b.nodeID, 's'))
    expect((await a.next('error')).code).to.equal('peer_not_found')
  })

  it('loses nothing silently when the receiver does not read: each message arrives or is refused', async () => {
    await serve({ maxQueueBytes: 256 * 1024, rates: FREE })
    const a = await register()
    const b = await register()
    b.socket.pause()
    const COUNT = 10_000
    const data = Buffer.alloc(4_096).toString('base64')
    for (let i = 0; i < COUNT; i++) {
      a.send('relayData', { ...a.route(b.nodeID, String(i)), data })
    }
    a.send('relayOpen', a.route('cd'.repeat(32), 'last'))
    await a.next('error', ({ sessionID }) => sessionID === 'last')
    const refused = a.received.filter(({ kind, payload }) => kind === 'error' && payload.code === 'queue_full')
    b.socket.resume()
    await until(() => b.received.length + refused.length >= COUNT)
    expect(refused).to.have.length.greaterThan(1_000)
    expect([...b.received, ...refused].map(({ payload }) => Number(payload.sessionID)).sort((x, y) => x - y))
      .to.deep.equal(Array.from({ length: COUNT }, (_, i) => i))
  })

  it('does not read from a client that does not read its answers, and owes it nothing in the end', async () => {
    await serve({ maxQueueBytes: 64 * 1024, rates: FREE })
    const a = await register()
    a.socket.pause()
    const COUNT = 60_000
    const frame = JSON.stringify({ relayOpen: a.route('ab'.repeat(32), 's') })
    for (let i = 0; i < COUNT; i++) {
      a.raw(frame)
    }
    const refused = (): number => server.endpoint.stats().refused.peer_not_found ?? 0
    for (let before = -1; before !== refused();) { // until it stands still
      before = refused()
      await new Promise(resolve => setTimeout(resolve, 300))
    }
    expect(refused()).to.be.within(1, COUNT - 1)
    a.socket.resume()
    await until(() => a.received.length === COUNT)
  })

  it('closes a socket whose frame is larger than any message may be, and no other', async () => {
    await serve({ maxMessageBytes: 64 * 1024 })
    const [a, b] = [await register(), await register()]
    a.raw('x'.repeat(64 * 1024 + 1))
    expect((await a.whenClosed()).code).to.equal(1009)
    await until(() => server.endpoint.stats().devices === 1)
    b.send('discover', { requestingNodeID: b.nodeID })
    expect((await b.next('discoverResponse')).peers).to.deep.equal([])
  })

  it('sends joins and leaves only to those who asked', async () => {
    await serve()
    const quiet = await register()
    const curious = await register({ query: '&events=1' })
    const newcomer = await register()
    expect(await curious.next('peerJoined')).to.deep.equal({ nodeID: newcomer.nodeID, displayName: 'a device' })
    newcomer.close()
    expect(await curious.next('peerLeft')).to.deep.equal({ nodeID: newcomer.nodeID, displayName: 'a device' })
    expect(quiet.received).to.deep.equal([])
  })

  it('limits discovers: three, then one in 10 s, also over a new socket', async () => {
    await serve()
    const key = newKey()
    for (const code of [undefined, undefined, undefined, 'rate_limited']) {
      const client = await register({ key })
      client.send('discover', { requestingNodeID: client.nodeID })
      const answer = await client.next(code == null ? 'discoverResponse' : 'error')
      expect(answer.code).to.equal(code)
      if (code != null) {
        expect(answer.retryAfterSeconds).to.be.within(1, 10)
      }
    }
  })

  it('bounds sockets of one address, and closes those that never register', async () => {
    await serve({ maxSocketsPerAddress: 2, registerTimeoutMs: 50 })
    const idle = await open()
    await open()
    expect(await DeviceClient.open(server.url).then(() => 'taken', () => 'refused')).to.equal('refused')
    expect((await idle.whenClosed()).code).to.equal(4002)
    expect(server.endpoint.stats().turnedAway).to.include({ address: 1 })
  })

  it('answers each malformed frame with an error and goes on with the socket', async () => {
    await serve()
    const a = await register()
    const frames: Array<[frame: string | Uint8Array, code: string]> = [
      ['', 'invalid_json'], ['{', 'invalid_json'], ['\ufeff{}', 'invalid_json'], [new Uint8Array([0x7b, 0xff, 0x7d]), 'invalid_json'],
      ['['.repeat(17) + ']'.repeat(17), 'invalid_json'], ['['.repeat(100_000), 'invalid_json'],
      ['null', 'invalid_message'], ['[]', 'invalid_message'], ['"register"', 'invalid_message'], ['{}', 'invalid_message'],
      ['{"register":{},"discover":{}}', 'invalid_message'], ['{"__proto__":{}}', 'unsupported_message'], ['{"toString":{}}', 'unsupported_message'],
      ['{"register":null}', 'invalid_register'], ['{"register":{"_0":null}}', 'invalid_register'], ['{"dance":{}}', 'unsupported_message'],
      ['{"registerAck":{"nodeID":"' + a.nodeID + '","registeredAt":0,"ttlSeconds":1}}', 'unsupported_message'],
      [JSON.stringify({ offer: { ...a.signal(a.nodeID, 's'), more: 'x'.repeat(40_000) } }), 'message_too_large']
    ]
    for (const [frame, code] of frames) {
      a.raw(frame)
      expect((await a.next('error')).code, String(frame).slice(0, 40)).to.equal(code)
    }
    a.send('discover', { requestingNodeID: a.nodeID })
    await a.next('discoverResponse')
  })

  it('survives every kind with every wrong type of payload (fuzz)', async () => {
    await serve({ rates: FREE })
    const a = await register()
    const valid: Record<string, unknown> = {
      register: a.registration(), discover: { requestingNodeID: a.nodeID, filter: { modelID: 'm', minRAMGB: 1, minTier: 4 } },
      offer: a.signal(a.nodeID, 's'), answer: a.signal(a.nodeID, 's'), relayData: { ...a.route(a.nodeID, 's'), data: '' },
      iceCandidate: { ...a.route(a.nodeID, 's'), candidate: { ip: '::1', port: 1, type: 'host', priority: 1 } }
    }
    const payload = fc.oneof(
      fc.jsonValue({ maxDepth: 5 }),
      // a valid one with one of its values replaced, at any depth
      fc.tuple(fc.constantFrom(...Object.keys(valid)), fc.nat(), fc.jsonValue({ maxDepth: 2 }))
    )
    await fc.assert(fc.asyncProperty(fc.constantFrom(...Object.keys(RELAY_KINDS), 'unknown'), fc.boolean(), payload, async (kind, wrapped, made) => {
      let [name, body] = [kind, made as unknown]
      if (Array.isArray(made) && made.length === 3 && typeof made[0] === 'string' && made[0] in valid) {
        name = made[0]
        body = structuredClone(valid[name])
        const places: Array<[object: any, key: string]> = []
        const collect = (object: any): void => {
          for (const key of Object.keys(object)) {
            places.push([object, key])
            if (typeof object[key] === 'object' && object[key] !== null) {
              collect(object[key])
            }
          }
        }
        collect(body)
        const [object, key] = places[Number(made[1]) % places.length]!
        object[key] = made[2]
      }
      a.raw(JSON.stringify({ [name]: wrapped ? { _0: body } : body }))
      // the socket works: this one is answered too, after it
      a.raw('{"relayOpen":{"fromNodeID":"' + a.nodeID + '","toNodeID":"' + '0'.repeat(64) + '","sessionID":"probe"}}')
      await a.next('error', ({ sessionID, code }) => sessionID === 'probe' && code === 'peer_not_found')
      // and so was that one, with an error unless it happened to be valid (or a message to itself)
      expect(a.received.length, JSON.stringify({ [name]: body })).to.equal(1)
      a.received.length = 0
    }), { numRuns: 2_000 })
  })

  it('closes with 1001 when it stops, and refuses newcomers', async () => {
    await serve()
    const a = await register()
    const stopped = server.endpoint.stop()
    expect((await a.whenClosed()).code).to.equal(1001)
    await stopped
    const status = await new Promise(resolve => {
      const asked = request(server.url.replace('ws:', 'http:'), {
        headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' }
      }, response => { resolve(response.statusCode) })
      asked.end()
    })
    expect(status).to.equal(503)
  })
})
