import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { pbStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { systemClock } from '@skein/core/system'
import { createPeer, InferenceError, RelayUnavailableError } from '@skein/peer'
import { expect } from 'chai'
import { askSeed } from '../../../peer/src/seed-client.ts'
import { createSeed } from '../../src/index.ts'
import { HOP_PROTOCOL, STOP_PROTOCOL } from '../../src/relay/hop-protocol.ts'
import { HopMessage, StopMessage } from '../../src/relay/pb/circuit.ts'
import type { Stream } from '@libp2p/interface'
import type { Peer, PeerInit } from '@skein/peer'
import type { RelayLimits, RelayService, Seed, SeedInit } from '../../src/index.ts'

const LISTEN = { listen: ['/ip4/127.0.0.1/tcp/0'] }
const ASK = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
/** Cannot be dialled either: the server would come to it by itself. */
const CALLER: PeerInit = { listen: [] }
const KIB = 'x'.repeat(1024)

describe('relaying', function () {
  this.timeout(60_000)
  let running: Array<{ stop: () => Promise<void> }> = []

  async function relayWith (limits: Partial<RelayLimits> = {}, init: SeedInit = {}): Promise<Seed & { relay: RelayService }> {
    const seed = await createSeed({ ...LISTEN, roles: ['discover', 'relay', 'bootstrap'], relay: { limits }, ...init })
    running.push(seed)
    return seed as Seed & { relay: RelayService }
  }

  async function start (seed: { addresses: string[] }, init: PeerInit = {}): Promise<Peer> {
    const peer = await createPeer({ ...LISTEN, bootstrap: seed.addresses, ...init })
    running.push(peer)
    return peer
  }

  /** One that nobody can dial. */
  async function hidden (seed: { addresses: string[] }, init: PeerInit = {}): Promise<Peer> {
    const peer = await start(seed, { listen: [], ...init })
    await peer.reserveRelay()
    return peer
  }

  async function until (condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) {
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  async function failureOf (work: Promise<unknown>): Promise<any> {
    return await work.then(value => { throw new Error(`no failure but ${String(value).slice(0, 100)}`) }, error => error)
  }

  const addressOf = (peer: Peer): ReturnType<typeof multiaddr> => multiaddr(peer.relays[0]?.addresses[0] as string)

  afterEach(async () => {
    for (const node of running.reverse()) {
      await node.stop()
    }
    running = []
  })

  it('lets a peer that listens on nothing else serve a chat: all deltas, and the end', async () => {
    const seed = await relayWith()
    const server = await hidden(seed)
    expect(server.addresses).to.deep.equal(server.relays[0]?.addresses)
    await server.serve('m', async function * () {
      for (let i = 0; i < 2_000; i++) {
        yield `${i} `
      }
    })
    const client = await start(seed, CALLER)
    const call = client.chat(ASK)
    expect(await call.text()).to.equal(Array.from({ length: 2_000 }, (_, i) => `${i} `).join(''))
    expect(await call.route).to.deep.equal({ peer: server.id, path: 'relayed', attempts: 1 })
    const { bytes, connected, refused } = seed.relay.ledger.counters
    expect({ connected, refused }).to.deep.equal({ connected: 1, refused: {} })
    expect(bytes.to_source).to.be.above(10_000)
    expect(seed.relay.usage().bytes).to.equal(bytes.to_source + bytes.to_destination)
  })

  it('uses one circuit for one call after the other', async () => {
    const seed = await relayWith()
    const [server, client] = [await hidden(seed), await start(seed, CALLER)]
    await server.serve('m', async () => 'x')
    for (let i = 0; i < 5; i++) {
      expect(await client.chat(ASK).text()).to.equal('x')
    }
    await new Promise(resolve => setTimeout(resolve, 500)) // for what a call leaves to do, such as measuring the way
    expect(seed.relay.ledger.counters).to.deep.include({ connected: 1, refused: {} })
  })

  it('announces the limits of a circuit, in bytes and seconds', async () => {
    const seed = await relayWith({ circuitBytes: 1_000_000, circuitMs: 120_000 })
    const [server, client] = [await hidden(seed), await start(seed, CALLER)]
    const { limits } = await client.libp2p.dial(addressOf(server))
    expect(Number(limits?.bytes)).to.be.within(900_000, 1_000_000)
    expect(limits?.seconds).to.be.within(100, 120)
  })

  it('resets a circuit that carries too much, and the caller sees a failure, not an answer that is cut', async () => {
    const seed = await relayWith({ circuitBytes: 2 ** 20 })
    const [server, client] = [await hidden(seed), await start(seed, CALLER)]
    await server.serve('m', async function * () {
      for (let i = 0; i < 4_096; i++) {
        yield KIB
      }
    })
    let received = 0
    const error = await failureOf((async () => {
      for await (const { text } of client.chat(ASK)) {
        received += text.length
      }
    })())
    expect(error).to.be.instanceOf(InferenceError)
    expect(received).to.be.within(1, 2 ** 20)
    expect(seed.relay.ledger.counters.reset).to.deep.equal({ circuit_bytes: 1 })
    await until(() => seed.relay.ledger.circuits === 0)
  })

  it('ends a circuit when its time is over', async () => {
    const seed = await relayWith({ circuitMs: 700 })
    const [server, client] = [await hidden(seed), await start(seed, CALLER)]
    await server.serve('m', async function * () {
      yield 'a'
      await new Promise(resolve => setTimeout(resolve, 5_000))
      yield 'b'
    })
    expect(await failureOf(client.chat(ASK).text())).to.be.instanceOf(InferenceError)
    expect(seed.relay.ledger.counters.reset).to.deep.equal({ circuit_time: 1 })
  })

  it('refuses a circuit more than a peer may have, says why, and has room again when one is closed', async () => {
    const seed = await relayWith({ circuitsPerPeer: 2 })
    const servers = await Promise.all([1, 2, 3].map(async () => await hidden(seed)))
    const client = await start(seed, CALLER)
    const [first] = await Promise.all(servers.slice(0, 2).map(async server => await client.libp2p.dial(addressOf(server))))
    const third = addressOf(servers[2] as Peer)
    expect(String((await failureOf(client.libp2p.dial(third))).message)).to.contain('RESOURCE_LIMIT_EXCEEDED')
    expect(seed.relay.ledger.counters.refused).to.deep.equal({ too_many_circuits: 2 })
    await servers[2]?.serve('m', async () => 'x')
    const failure = await failureOf(client.chat(ASK).text())
    expect(failure).to.be.instanceOf(InferenceError)
    expect(failure.message).to.contain('RESOURCE_LIMIT_EXCEEDED')
    await first?.close()
    await until(() => seed.relay.ledger.circuits < 2)
    expect((await client.libp2p.dial(third)).limits).to.not.equal(undefined)
  })

  it('ends a circuit in which the quota of the month is used up, and counts it', async () => {
    const seed = await relayWith({ monthBytes: 300_000 })
    const [server, client] = [await hidden(seed), await start(seed, CALLER)]
    await server.serve('m', async function * () {
      for (let i = 0; i < 1_000; i++) {
        yield KIB
      }
    })
    expect(await relaysOf(client, seed)).to.deep.equal([seed.id])
    expect(await failureOf(client.chat(ASK).text())).to.be.instanceOf(InferenceError)
    await until(() => seed.relay.ledger.circuits === 0)
    expect(seed.relay.usage().bytes).to.be.at.most(300_000)
    expect(seed.relay.ledger.counters.reset).to.deep.equal({ month_quota: 1 })
    // a message that was too much did not pass, so that a little may be left: not enough for another answer
    expect(await failureOf(client.chat(ASK).text())).to.be.instanceOf(InferenceError)
    expect(seed.relay.usage().bytes).to.be.at.most(300_000)
  })

  it('refuses circuits and reservations when an earlier run has used the month up', async () => {
    const { relay, ...seed } = await relayWith({}, { relay: { limits: { monthBytes: 1_000 }, used: { month: new Date().toISOString().slice(0, 7), bytes: 1_000 } } })
    const peer = await start({ addresses: seed.addresses }, { listen: [] })
    expect(await relaysOf(peer, seed)).to.deep.equal([])
    const unavailable = await failureOf(peer.reserveRelay({ timeoutMs: 500 }))
    expect(unavailable).to.be.instanceOf(RelayUnavailableError)
    expect(unavailable.tried).to.deep.equal({})
    const nobody = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    const error = await failureOf(peer.libp2p.dial(multiaddr(`${seed.addresses[0]}/p2p-circuit/p2p/${nobody}`)))
    expect(error.message).to.contain('RESOURCE_LIMIT_EXCEEDED')
    expect(relay.ledger.counters.refused).to.deep.equal({ month_quota: 2 }) // asked twice
  })

  it('is asked once for a circuit to a peer that has gone, though it has three addresses', async () => {
    const seed = await relayWith({}, { listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.2/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] })
    const client = await start(seed, CALLER)
    const gone = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    const addresses = seed.addresses.map(address => multiaddr(`${address}/p2p-circuit/p2p/${gone}`))
    expect(addresses).to.have.length(3)
    expect((await failureOf(client.libp2p.dial(addresses))).message).to.contain('NO_RESERVATION')
    expect(seed.relay.ledger.counters.refused).to.deep.equal({ no_reservation: 1 })
  })

  it('makes a peer wait that asks for circuits too often, rather than refuse it', async () => {
    const seed = await relayWith()
    const [server, client] = [await hidden(seed), await start(seed, CALLER)]
    for (let i = 0; i < 22; i++) {
      await (await client.libp2p.dial(addressOf(server))).close()
    }
    expect(seed.relay.ledger.counters).to.deep.include({ connected: 22, refused: {} })
  })

  async function relaysOf (peer: Peer, seed: { peer: Peer }): Promise<string[]> {
    const { relays } = await askSeed({ libp2p: peer.libp2p, clock: systemClock(), seed: seed.peer.libp2p.peerId, wantRelays: 8 })
    return relays.map(({ capabilities }) => capabilities.peer)
  }

  it('has its reservations back after a restart', async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const first = await relayWith({}, { privateKey })
    const server = await hidden(first)
    const port = /tcp\/(\d+)/.exec(first.addresses[0] as string)?.[1]
    const lost = new Promise(resolve => { server.addEventListener('relay:lost', resolve, { once: true }) })
    await first.stop()
    await lost
    expect(server.addresses).to.deep.equal([])
    const second = await relayWith({}, { privateKey, listen: [`/ip4/127.0.0.1/tcp/${port}`] })
    await until(() => server.relays.length > 0)
    expect(second.relay.ledger.reserved).to.equal(1)
    const client = await start(second, CALLER)
    await server.serve('n', async () => 'still here')
    expect(await client.chat({ ...ASK, model: 'n' }).text()).to.equal('still here')
  })

  it('is left for another relay when it stops, and for one with room when it is full', async () => {
    const hub = await createSeed({ ...LISTEN, roles: ['discover', 'bootstrap'] })
    running.push(hub)
    const relays = [await relayWith({ maxReservations: 1 }, { bootstrap: hub.addresses }), await relayWith({ maxReservations: 1 }, { bootstrap: hub.addresses })]
    const peers = await Promise.all([start(hub, { listen: [], relay: 'listen' }), start(hub, { listen: [], relay: 'listen' })])
    await until(() => peers.every(peer => peer.relays.length === 1))
    expect(new Set(peers.map(peer => peer.relays[0]?.relay))).to.deep.equal(new Set(relays.map(({ id }) => id)))
    await peers[1]?.stop()
    const [at, other] = peers[0]?.relays[0]?.relay === relays[0]?.id ? relays : relays.toReversed()
    await until(() => other?.relay.ledger.reserved === 0)
    await at?.stop()
    await until(() => peers[0]?.relays[0]?.relay === other?.id)
  })

  it('is reached through several relays at once', async () => {
    const relays = await Promise.all([relayWith(), relayWith(), relayWith()])
    const peer = await start({ addresses: [] }, { listen: relays.map(({ addresses }) => `${addresses[0]}/p2p-circuit`) })
    expect(relays.map(({ relay }) => relay.ledger.reserved)).to.deep.equal([1, 1, 1])
    const caller = await start({ addresses: [] }, CALLER)
    for (const address of peer.addresses) {
      expect((await caller.libp2p.dial(multiaddr(address))).remotePeer.toString()).to.equal(peer.id)
    }
    expect(peer.addresses).to.have.length(3)
  })

  it('tells the registry how full it is, itself and through other seeds, and no longer that it relays when it drains', async () => {
    const hub = await createSeed({ ...LISTEN, roles: ['discover', 'bootstrap'] })
    running.push(hub)
    const relay = await relayWith({ maxReservations: 5, maxCircuits: 5 }, { bootstrap: hub.addresses, region: 'eu-west' })
    const peer = await start(relay)
    await until(async () => (await relaysOf(peer, relay)).includes(relay.id))
    await peer.libp2p.dial(hub.addresses.map(address => multiaddr(address)))
    await until(async () => (await relaysOf(peer, hub)).includes(relay.id))
    const loadAt = async (): Promise<number | undefined> => {
      const { relays } = await askSeed({ libp2p: peer.libp2p, clock: systemClock(), seed: relay.peer.libp2p.peerId, wantRelays: 1 })
      return relays[0]?.capabilities.relay?.reservations
    }
    expect(await loadAt()).to.equal(0)
    await hidden(relay)
    await until(async () => { await new Promise(resolve => setTimeout(resolve, 2_000)); return await loadAt() === 1 })
    relay.relay.close('draining')
    expect(relay.relay.load()).to.equal(undefined)
  })

  it('does not name itself among the peers for a newcomer, who knows it already', async () => {
    const seed = await relayWith()
    const peer = await start(seed)
    await until(async () => (await relaysOf(peer, seed)).includes(seed.id))
    const { peers } = await askSeed({ libp2p: peer.libp2p, clock: systemClock(), seed: seed.peer.libp2p.peerId, wantPeers: 20 })
    expect(peers.filter(address => address.includes(seed.id))).to.deep.equal([])
  })

  it('serves a stock libp2p listener', async () => {
    const seed = await relayWith()
    const server = await start(seed, { listen: [`${seed.addresses[0]}/p2p-circuit`], bootstrap: [] })
    await server.serve('m', async () => 'stock')
    const client = await start(seed, CALLER)
    expect((await client.libp2p.dial(multiaddr(server.addresses[0] as string))).limits).to.not.equal(undefined)
    expect(await client.chat(ASK).text()).to.equal('stock')
  })

  it('brings all of it to a slow reader', async () => {
    const seed = await relayWith({ circuitBytes: 64 * 2 ** 20 })
    const [server, client] = [await hidden(seed), await start(seed, CALLER)]
    const total = 24 * 2 ** 20
    let received = 0
    const done = Promise.withResolvers<void>()
    await server.libp2p.handle('/test/sink', stream => {
      stream.addEventListener('message', ({ data }) => {
        received += data.byteLength
        stream.pause()
        setTimeout(() => {
          if (received < total) {
            stream.resume()
          }
        }, 5)
      })
      stream.addEventListener('end', () => { done.resolve() })
    }, { runOnLimitedConnection: true })
    const stream = await client.libp2p.dialProtocol(addressOf(server), '/test/sink', { runOnLimitedConnection: true })
    for (let sent = 0; sent < total; sent += 65_536) {
      if (!stream.send(new Uint8Array(65_536))) {
        await stream.onDrain()
      }
    }
    await stream.close()
    await done.promise
    expect(received).to.equal(total)
    expect(seed.relay.ledger.counters.bytes.to_destination).to.be.above(total)
  })

  /** The two ends of a circuit without any protocol on it; the far one reads nothing unless it is told to. */
  async function bareCircuit (seed: Seed): Promise<[Stream, Stream]> {
    const [near, far] = await Promise.all([start(seed, { relay: 'off', listen: [] }), start(seed, { relay: 'off', listen: [] })])
    const arrived = Promise.withResolvers<Stream>()
    await far.libp2p.handle(STOP_PROTOCOL, async stream => {
      const messages = pbStream(stream).pb(StopMessage)
      await messages.read()
      await messages.write({ type: 1, status: 100 })
      arrived.resolve(messages.unwrap().unwrap())
    })
    const reserving = await far.libp2p.dialProtocol(seed.peer.libp2p.peerId, HOP_PROTOCOL)
    const reservation = pbStream(reserving).pb(HopMessage)
    await reservation.write({ type: 0 })
    expect((await reservation.read()).status).to.equal(100)
    const stream = await near.libp2p.dialProtocol(seed.peer.libp2p.peerId, HOP_PROTOCOL)
    const hop = pbStream(stream).pb(HopMessage)
    await hop.write({ type: 1, peer: { id: far.libp2p.peerId.toMultihash().bytes, addrs: [] } })
    expect((await hop.read()).status).to.equal(100)
    hop.unwrap()
    return [stream, await arrived.promise]
  }

  /** As much as it takes, and what it would not. */
  function fill (stream: Stream): void {
    for (let i = 0; i < 512 && stream.send(new Uint8Array(65_536)); i++) {
      // until it is full
    }
  }

  it('holds no more than a window or two for an end that reads nothing, and gives it up after a while', async () => {
    const seed = await relayWith({ circuitBytes: 64 * 2 ** 20 }, { relay: { limits: { circuitBytes: 64 * 2 ** 20 }, maxStallMs: 2_000 } })
    const [near, far] = await bareCircuit(seed)
    far.addEventListener('message', () => {})
    far.pause()
    let mostHeld = 0
    near.addEventListener('drain', () => { fill(near) })
    fill(near)
    await until(() => {
      mostHeld = Math.max(mostHeld, seed.relay.heldBytes)
      return seed.relay.ledger.counters.reset.stalled === 1
    })
    expect(mostHeld).to.be.within(65_536, 10 * 2 ** 20)
    expect(seed.relay.heldBytes).to.equal(0)
    await until(() => near.status === 'reset')
  })

  it('gives up those who stand still when all together hold too much', async () => {
    const seed = await relayWith({}, { relay: { maxHeldBytes: 100_000 } })
    const [near, far] = await bareCircuit(seed)
    far.addEventListener('message', () => {})
    far.pause()
    near.addEventListener('drain', () => { fill(near) })
    fill(near)
    await until(() => seed.relay.ledger.counters.reset.stalled === 1)
  })

  it('answers what it does not understand with the status for it, and lives', async () => {
    const seed = await relayWith()
    const peer = await start(seed, CALLER)
    const answerTo = async (request: Partial<HopMessage>): Promise<number | undefined> => {
      const stream = await peer.libp2p.dialProtocol(seed.peer.libp2p.peerId, HOP_PROTOCOL)
      const hop = pbStream(stream).pb(HopMessage)
      await hop.write(request)
      return (await hop.read()).status
    }
    expect(await answerTo({ type: 7 })).to.equal(401)
    expect(await answerTo({ type: 1 })).to.equal(400)
    expect(await answerTo({ type: 1, peer: { id: Uint8Array.of(1, 2, 3), addrs: [] } })).to.equal(400)
    const junk = await peer.libp2p.dialProtocol(seed.peer.libp2p.peerId, HOP_PROTOCOL)
    junk.addEventListener('message', () => {})
    junk.send(new Uint8Array(10_000).fill(255))
    await until(() => junk.status === 'reset')
    expect(await answerTo({ type: 0 })).to.equal(100)
  })

  it('lets an idle circuit go, so that another caller gets in', async () => {
    const seed = await relayWith()
    const [server, client] = [await hidden(seed), await start(seed, CALLER)]
    await server.serve('m', async () => 'x')
    await client.chat(ASK).text()
    expect(seed.relay.ledger.circuits).to.equal(1)
    await until(() => seed.relay.ledger.circuits === 0)
  })

  it('is off: nothing is dialled or reserved through relays', async () => {
    const seed = await relayWith()
    const peer = await start(seed, { relay: 'off', listen: [] })
    expect(await failureOf(peer.reserveRelay())).to.be.instanceOf(RelayUnavailableError)
  })
})
