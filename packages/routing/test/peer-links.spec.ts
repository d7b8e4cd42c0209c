/** When a peer is dialled, what is shared, what rests: the links under a manual clock, with a network that does as the test says. */
import { ManualClock } from '@skein/core'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'chai'
import { newCounters } from '../src/libp2p/counters.ts'
import { RoutingProtocolError } from '../src/libp2p/frame.ts'
import { KnownPeer } from '../src/libp2p/peer-directory.ts'
import { PeerLinks, RoutingRequestError } from '../src/libp2p/peer-links.ts'
import type { PeerLinksInit } from '../src/libp2p/peer-links.ts'
import type { RoutingStream } from '../src/libp2p/routing-stream.ts'
import type { RoutingMessage } from '../src/pb/routing.ts'

interface FakeStream {
  peer: KnownPeer
  isInbound: boolean
  usedMs: number
  sent: number[]
  ended: boolean
}

/** Lets promises that are settled run. */
async function settle (): Promise<void> {
  for (let i = 0; i < 20; i++) {
    await Promise.resolve()
  }
}

async function peers (count: number): Promise<KnownPeer[]> {
  return await Promise.all(Array.from({ length: count }, async () => {
    const peerId = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    return new KnownPeer(peerId.toMultihash().bytes, peerId)
  }))
}

class Network {
  readonly clock = new ManualClock(1000)
  readonly dials: Array<{ peer: string } & PromiseWithResolvers<unknown>> = []
  readonly streams: FakeStream[] = []
  readonly connected = new Set<string>()
  readonly links: PeerLinks

  constructor (init: Partial<PeerLinksInit> = {}) {
    const connectionTo = (peer: string) => ({ status: 'open', remoteAddr: '/ip4/192.0.2.1/tcp/4001', newStream: async () => ({ peer, abort: () => {} }) })
    this.links = new PeerLinks({
      clock: this.clock,
      counters: newCounters(),
      connectionManager: {
        getConnections: (peer: unknown) => this.connected.has(String(peer)) ? [connectionTo(String(peer))] : [],
        openConnection: async (peer: unknown) => {
          const dial = { peer: String(peer), ...Promise.withResolvers<unknown>() }
          this.dials.push(dial)
          await dial.promise
          return connectionTo(String(peer))
        }
      } as unknown as PeerLinksInit['connectionManager'],
      requestTimeoutMs: 4000,
      openTimeoutMs: 4000,
      idleMs: 60_000,
      dialStaggerMs: 25,
      maxUnderWay: 2,
      maxWaiting: 3,
      maxLinks: 10,
      wrap: (_stream, _connection, peer) => this.stream(peer, false),
      onUnsupported: () => {},
      ...init
    })
  }

  stream (peer: KnownPeer, isInbound: boolean): RoutingStream {
    const fake: FakeStream = { peer, isInbound, usedMs: this.clock.nowMs(), sent: [], ended: false }
    const end = (): void => {
      if (!fake.ended) {
        fake.ended = true
        this.links.onEnd(fake as unknown as RoutingStream, undefined)
      }
    }
    this.streams.push(Object.assign(fake, { send: (id: number) => fake.sent.push(id) > 0, close: end, abort: end }))
    return fake as unknown as RoutingStream
  }

  /** Outcomes of requests, in the order in which they came. */
  readonly outcomes: string[] = []

  ask (peer: KnownPeer, isWanted?: () => boolean): void {
    this.links.request(peer, new Uint8Array(), answer => {
      this.outcomes.push(answer instanceof RoutingRequestError ? answer.reason : 'answered')
    }, isWanted)
  }

  answer (stream: FakeStream, id: number, retryAfterMs = 0): void {
    this.links.onAnswer(stream as unknown as RoutingStream, { id, retryAfterMs } as RoutingMessage)
  }
}

describe('peer links', () => {
  it('dials two peers at once, and a further one after a pause or when one is done', async () => {
    const network = new Network()
    for (const peer of await peers(5)) {
      network.ask(peer)
    }
    await settle()
    expect(network.dials).to.have.length(2)
    network.clock.advance(24)
    await settle()
    expect(network.dials).to.have.length(2)
    network.clock.advance(1)
    await settle()
    expect(network.dials).to.have.length(3)
    network.dials[0]?.resolve(undefined)
    network.dials[1]?.resolve(undefined)
    await settle()
    expect(network.dials).to.have.length(4)
    network.clock.advance(25)
    await settle()
    expect(network.dials).to.have.length(5)
    expect(network.streams).to.have.length(2)
  })

  it('does not dial for what nobody waits for any more', async () => {
    const network = new Network()
    let wanted = true
    for (const peer of await peers(5)) {
      network.ask(peer, () => wanted)
    }
    wanted = false
    network.clock.advance(1000)
    await settle()
    expect(network.dials).to.have.length(2)
    expect(network.outcomes).to.deep.equal(['closed', 'closed', 'closed'])
    expect(network.links.size).to.equal(2)
  })

  it('shares one stream, bounds what is under way and what waits, and tells each answer to who asked', async () => {
    const network = new Network()
    const [peer] = await peers(1) as [KnownPeer]
    network.connected.add(peer.peerId.toString())
    for (let i = 0; i < 4; i++) {
      network.ask(peer)
    }
    expect(network.outcomes).to.deep.equal(['busy'])
    await settle()
    const [stream] = network.streams as [FakeStream]
    expect([network.dials.length, network.streams.length, stream.sent]).to.deep.equal([0, 1, [1, 2]])
    network.answer(stream, 2)
    expect(stream.sent).to.deep.equal([1, 2, 3])
    network.answer(stream, 1, 500)
    network.answer(stream, 3)
    expect(network.outcomes).to.deep.equal(['busy', 'answered', 'refused_for_load', 'answered'])
    expect(() => { network.answer(stream, 3) }).to.throw(RoutingProtocolError)
  })

  it('uses the stream that the other side opened, also while it dials', async () => {
    const network = new Network()
    const [a, b] = await peers(2) as [KnownPeer, KnownPeer]
    network.links.adopt(network.stream(a, true))
    network.ask(a)
    expect([network.dials.length, network.streams[0]?.sent]).to.deep.equal([0, [1]])
    network.ask(b)
    network.links.adopt(network.stream(b, true))
    expect(network.streams[1]?.sent).to.deep.equal([1])
  })

  it('asks once more when an idle stream was closed under a request, and not twice', async () => {
    const network = new Network()
    const [peer] = await peers(1) as [KnownPeer]
    network.connected.add(peer.peerId.toString())
    network.ask(peer)
    await settle()
    for (const stream of [0, 1]) {
      (network.streams[stream] as unknown as { abort: () => void }).abort()
      await settle()
    }
    expect(network.streams.map(({ sent }) => sent.length)).to.deep.equal([1, 1])
    expect(network.outcomes).to.deep.equal(['closed'])
  })

  it('lets a peer rest that could not be reached, for longer each time, until it shows itself', async () => {
    const network = new Network()
    const [peer] = await peers(1) as [KnownPeer]
    const fail = async (): Promise<void> => {
      network.ask(peer)
      await settle()
      network.dials.at(-1)?.reject(new Error('no'))
      await settle()
    }
    await fail()
    network.ask(peer)
    expect(network.outcomes).to.deep.equal(['unreachable', 'resting'])
    network.clock.advance(5000)
    await fail()
    network.clock.advance(9999)
    expect(network.links.isResting(peer.peer)).to.equal(true)
    network.links.wake(peer.peer)
    await fail()
    expect(network.outcomes.at(-1)).to.equal('unreachable')
  })

  it('does not ask a liar, even one that is connected', async () => {
    const network = new Network()
    const [peer] = await peers(1) as [KnownPeer]
    network.connected.add(peer.peerId.toString())
    network.links.distrust(peer)
    network.links.wake(peer.peer)
    network.links.wakeAll()
    network.ask(peer)
    expect(network.outcomes).to.deep.equal(['resting'])
    network.clock.advance(60_000)
    network.ask(peer)
    await settle()
    expect(network.streams).to.have.length(1)
  })

  it('fails what is not answered in time, closes what is idle, and only what it opened', async () => {
    const network = new Network()
    const [a, b, c] = await peers(3) as [KnownPeer, KnownPeer, KnownPeer]
    network.connected.add(a.peerId.toString()).add(b.peerId.toString())
    network.ask(a)
    network.ask(b)
    network.links.adopt(network.stream(c, true))
    await settle()
    const stream = (peer: KnownPeer): FakeStream => network.streams.find(other => other.peer === peer) as FakeStream
    network.answer(stream(b), 1)
    network.clock.advance(4000)
    network.links.sweep(network.clock.nowMs())
    expect(network.outcomes).to.deep.equal(['answered', 'timeout'])
    network.clock.advance(60_000)
    network.links.sweep(network.clock.nowMs())
    expect([a, b, c].map(peer => stream(peer).ended)).to.deep.equal([true, true, false])
  })

  it('fails everything when it stops, and begins nothing more', async () => {
    const network = new Network()
    for (const peer of await peers(4)) {
      network.ask(peer)
    }
    await settle()
    network.links.stop()
    expect(network.outcomes).to.deep.equal(['closed', 'closed', 'closed', 'closed'])
    network.ask((await peers(1))[0] as KnownPeer)
    network.clock.advance(10_000)
    expect([network.outcomes.length, network.dials.length]).to.deep.equal([5, 2])
  })
})
