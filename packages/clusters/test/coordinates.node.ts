/** Coordinates between real nodes on loopback. */
import { createServer, connect as connectSocket } from 'node:net'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { PROTOCOLS } from '@skein/records'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { encodeGreeting, zoneAnchors } from '../src/index.ts'
import { GreetingStream } from '../src/libp2p/greeting-stream.ts'
import { coordinates } from '../src/libp2p/index.ts'
import { eventually } from '../../core/test/eventually.ts'
import type { AddressInfo } from 'node:net'
import type { Greeting } from '../src/index.ts'
import type { CoordinatesInit, CoordinatesService } from '../src/libp2p/index.ts'
import type { Identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

type Services = { identify: Identify, coordinates: CoordinatesService }
type Node = Libp2p<Services>

const nodes: Libp2p[] = []
const cleanups: Array<() => Promise<void>> = []

const COMMON = {
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false },
  connectionManager: { inboundConnectionThreshold: 1000, reconnectRetries: 0 }
}

/** A node that is in a hurry, unless told otherwise: a greeting every 20 ms, each neighbour every 50 ms. It answers in half of that. */
async function createNode (init: Partial<CoordinatesInit> = {}): Promise<Node> {
  const node = await createLibp2p<Services>({
    ...COMMON,
    services: {
      identify: identify(),
      coordinates: coordinates({ region: 'lab', settlingMs: 20, steadyMs: 20, minGreetMs: 50, coordinate: { minSampleMs: 50 }, ...init })
    }
  })
  nodes.push(node)
  return node
}

/** One that does not speak the protocol. */
async function createPlainNode (): Promise<Libp2p> {
  const node = await createLibp2p({ ...COMMON, services: { identify: identify() } })
  nodes.push(node)
  return node
}

const nameOf = (node: Libp2p): string => node.peerId.toString()

/** A way to a node that takes so long each way, and counts the bytes. */
async function slowWay (node: Libp2p, oneWayMs: number): Promise<{ address: Multiaddr, bytes: { up: number, down: number } }> {
  const target = Number(/tcp\/(\d+)/.exec(String(node.getMultiaddrs()[0]))?.[1])
  const bytes = { up: 0, down: 0 }
  const server = createServer(client => {
    const upstream = connectSocket(target, '127.0.0.1')
    for (const [from, to, way] of [[client, upstream, 'up'], [upstream, client, 'down']] as const) {
      from.setNoDelay()
      from.on('data', data => {
        bytes[way] += data.length
        setTimeout(() => { to.write(data) }, oneWayMs)
      })
      from.on('error', () => {})
      from.on('close', () => { to.destroy() })
    }
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  cleanups.push(async () => { server.close() })
  return { address: multiaddr(`/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}/p2p/${nameOf(node)}`), bytes }
}

/** Greets as a program would that is not ours. */
async function openStream (from: Libp2p, to: Libp2p): Promise<GreetingStream> {
  const connection = await from.dial(to.getMultiaddrs())
  return new GreetingStream(await connection.newStream(PROTOCOLS.coordinates), connection)
}

const GREETING: Greeting = { coordinate: { position: [0, 0, 0], heightMs: 1, error: 1 }, region: 'lab', zone: 'all', depth: 4 }

describe('coordinates between real nodes', function () {
  this.timeout(60_000)

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(async node => { await node.stop() }))
    await Promise.all(cleanups.splice(0).map(async cleanup => { await cleanup() }))
  })

  it('eight nodes measure their round trips and stand near each other, in one zone', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, async () => await createNode()))
    for (const [i, node] of all.entries()) {
      await Promise.all(all.slice(i + 1).map(async other => { await node.dial(other.getMultiaddrs()) }))
    }
    await eventually(() => all.every(node => node.services.coordinates.counters.samples_total.moved >= 64))
    for (const node of all) {
      const service = node.services.coordinates
      service.setAnchors(zoneAnchors(all.map((other, i) => ({ name: `zone${i}`, coordinate: other.services.coordinates.coordinate }))))
      expect(service.neighbours).to.equal(7)
      expect(service.zone).to.equal('all')
      expect(service.claims('lab', 'all')).to.deep.equal(Array.from({ length: 7 }, () => 0))
      for (const other of all.filter(other => other !== node)) {
        expect(service.roundTripMs(nameOf(other)), 'measured').to.be.within(0.01, 1000)
        expect(service.predictRoundTripMs(other.services.coordinates.coordinate), 'predicted').to.be.within(0.01, 1000)
      }
      expect(service.counters.offences_total.malformed).to.equal(0)
    }
  })

  it('a node 100 ms away is measured to be so, and is told what there is to know', async () => {
    const [near, far] = [await createNode(), await createNode()]
    far.services.coordinates.setCluster({ depth: 3, coordinator: nameOf(near) })
    const { address } = await slowWay(far, 50)
    await near.dial(address)
    await eventually(() => near.services.coordinates.roundTripMs(nameOf(far)) !== undefined && far.services.coordinates.roundTripMs(nameOf(near)) !== undefined)
    expect(near.services.coordinates.roundTripMs(nameOf(far))).to.be.within(99, 1000)
    expect(far.services.coordinates.roundTripMs(nameOf(near))).to.be.within(99, 1000)
    expect(near.services.coordinates.claims('lab', 'all')).to.deep.equal([3])
  })

  it('costs 62 bytes beside the greeting, each way, on a stream that is kept', async () => {
    const [asker, asked] = [await createPlainNode(), await createNode({ settlingMs: 1e9, steadyMs: 1e9 })]
    const { address, bytes } = await slowWay(asked, 0)
    await asker.dial(address)
    const stream = new GreetingStream(await asker.getConnections()[0]!.newStream(PROTOCOLS.coordinates), asker.getConnections()[0]!)
    const signal = AbortSignal.timeout(20_000)
    const greeting: Greeting = { ...GREETING, coordinate: { position: [12.34, -5.6, 30], heightMs: 4.5, error: 0.123 }, coordinator: nameOf(asked) }
    const used: number[] = []
    for (let i = 0; i < 4; i++) {
      const before = bytes.up
      await stream.write(greeting, 7, { signal })
      await stream.read({ signal })
      await new Promise(resolve => setTimeout(resolve, 300)) // what goes back for it has come, and it is answered again
      used.push(bytes.up - before)
    }
    // the first has what identify and negotiation still had to say
    expect(Math.max(...used.slice(1))).to.be.within(encodeGreeting(greeting, 7).length, encodeGreeting(greeting, 7).length + 62)
    stream.close()
  })

  it('greets over the stream that it has, and lets go of it when the peer leaves', async () => {
    const [first, second] = [await createNode(), await createNode({ settlingMs: 1e9, steadyMs: 1e9 })]
    await first.dial(second.getMultiaddrs())
    await eventually(() => first.services.coordinates.counters.greetings_answered_total >= 3)
    const streams = first.getConnections(second.peerId)[0]!.streams.filter(({ protocol }) => protocol === PROTOCOLS.coordinates)
    expect(streams.filter(({ direction }) => direction === 'outbound')).to.have.length(1)
    await second.stop()
    await eventually(() => first.services.coordinates.neighbours === 0 && first.services.coordinates.streams === 0)
    expect(first.services.coordinates.claims('lab', 'all')).to.deep.equal([])
  })

  it('leaves alone who does not speak the protocol', async () => {
    const node = await createNode()
    const [other, third] = [await createPlainNode(), await createNode()]
    await node.dial(other.getMultiaddrs())
    await node.dial(third.getMultiaddrs())
    await eventually(() => node.services.coordinates.roundTripMs(nameOf(third)) !== undefined)
    expect(node.services.coordinates.neighbours).to.equal(1)
    expect(node.services.coordinates.counters.greetings_failed_total).to.equal(0)
  })

  it('can be stopped and started again, and greets those that stayed connected', async () => {
    const [first, second] = [await createNode(), await createNode()]
    await first.dial(second.getMultiaddrs())
    const service = first.services.coordinates
    await eventually(() => service.counters.greetings_answered_total > 0)
    await service.stop()
    await service.stop()
    expect([service.isStarted(), service.neighbours, service.streams]).to.deep.equal([false, 0, 0])
    const before = service.counters.greetings_sent_total
    await new Promise(resolve => setTimeout(resolve, 200))
    expect(service.counters.greetings_sent_total).to.equal(before)
    await service.start()
    await service.start()
    const answered = service.counters.greetings_answered_total
    await eventually(() => service.counters.greetings_answered_total > answered)
  })

  it('resets who greets too often, too long or with nonsense, and blames it for the latter two', async () => {
    const [node, hasty, liar] = [await createNode({ minGreetMs: 60_000 }), await createPlainNode(), await createPlainNode()]
    const offences: string[] = []
    node.services.coordinates.addEventListener('peer:offended', ({ detail }) => { offences.push(`${detail.peer} ${detail.reason}`) })
    const signal = AbortSignal.timeout(20_000)

    const stream = await openStream(hasty, node)
    await stream.write(GREETING, 1, { signal })
    expect(await stream.read({ signal })).to.have.property('nonce', 1)
    await stream.write(GREETING, 2, { signal })
    expect(await stream.read({ signal }).then(() => 'answered', () => 'reset')).to.equal('reset')
    expect(node.services.coordinates.counters.greetings_refused_total).to.equal(1)

    for (const zone of ['not/a/zone', 'z'.repeat(600)]) {
      const lying = await openStream(liar, node)
      await lying.write({ ...GREETING, zone }, 1, { signal })
      expect(await lying.read({ signal }).then(() => 'answered', () => 'reset')).to.equal('reset')
    }
    await eventually(() => offences.length === 2)
    expect(offences).to.deep.equal([`${nameOf(liar)} malformed`, `${nameOf(liar)} malformed`])
  })

  it('does not take an answer that was sent before the greeting had come', async () => {
    const liar = await createPlainNode()
    await liar.handle(PROTOCOLS.coordinates, (stream, connection) => {
      void new GreetingStream(stream, connection).write(GREETING, 12345, {})
    })
    const node = await createNode()
    const offended = new Promise<string>(resolve => {
      node.services.coordinates.addEventListener('peer:offended', ({ detail }) => { resolve(detail.peer) })
    })
    await node.dial(liar.getMultiaddrs())
    expect(await offended).to.equal(nameOf(liar))
    expect(node.services.coordinates.roundTripMs(nameOf(liar))).to.equal(undefined)
    expect(node.services.coordinates.claims('lab', 'all')).to.deep.equal([])
  })
})
