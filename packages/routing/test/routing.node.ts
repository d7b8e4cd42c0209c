/** Model routing between real libp2p nodes over TCP on loopback, with kad-dht beside it. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { signOffer, PROTOCOLS } from '@skein/records'
import { expect } from 'chai'
import { modelKey } from '../src/model-key.ts'
import { PeerAddresses, RoutingMessage } from '../src/pb/routing.ts'
import { encodeFrame, FrameReader } from '../src/libp2p/frame.ts'
import { NotAnnouncedError } from '../src/libp2p/index.ts'
import { createNetwork, createRoutingNode, stopAll } from './libp2p-network.ts'
import { eventually } from '../../core/test/eventually.ts'
import type { FindModelOptions, FoundOffer, LookupStep } from '../src/libp2p/index.ts'
import type { RoutingNode } from './libp2p-network.ts'
import type { PrivateKey, Stream } from '@libp2p/interface'
import type { Offer } from '@skein/records'

async function findAll (node: RoutingNode, model: string, options: FindModelOptions = {}): Promise<FoundOffer[]> {
  const offers: FoundOffer[] = []
  for await (const offer of node.services.routing.findModel(model, options)) {
    offers.push(offer)
  }
  return offers
}

function peersOf (offers: FoundOffer[]): string[] {
  return [...new Set(offers.map(({ offer }) => offer.peer))].sort()
}

/** Asks over a stream of its own, as a program would that is not ours. */
async function ask (from: RoutingNode, to: RoutingNode, body: Uint8Array): Promise<RoutingMessage> {
  const stream = await from.dialProtocol(to.getMultiaddrs(), PROTOCOLS.routing)
  const reader = new FrameReader()
  stream.send(body)
  for await (const chunk of stream) {
    for (const frame of reader.read(chunk.subarray())) {
      const message = RoutingMessage.decode(frame)
      // the other end may ask on the same stream
      if (message.find === undefined && message.store === undefined) {
        await stream.close()
        return message
      }
    }
  }
  throw new Error('The stream ended without an answer')
}

async function offerBy (privateKey: PrivateKey, fields: Partial<Offer> = {}): Promise<Uint8Array<ArrayBuffer>> {
  const nowMs = Date.now()
  const { envelope } = await signOffer({
    peer: peerIdFromPrivateKey(privateKey).toString(),
    model: 'lie',
    tasks: ['chat'],
    effectiveContext: 1,
    tokensPerSecond: 1,
    queueDepth: 0,
    maxConcurrent: 1,
    priceMicros: 0,
    region: '',
    tier: 2,
    deterministic: false,
    addresses: [],
    seq: 1,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + 60_000,
    withdrawn: false,
    ...fields
  }, privateKey)
  return Uint8Array.from(envelope)
}

describe('model routing on libp2p', function () {
  this.timeout(60_000)

  describe('in a network of 12', () => {
    let nodes: RoutingNode[]

    before(async () => { nodes = await createNetwork(12) })
    after(async () => { await stopAll(nodes) })

    it('every node finds every model that another announced, each once', async () => {
      const announced = await Promise.all(nodes.map((node, i) => node.services.routing.announce({ model: `model-${i % 4}`, region: 'eu-west', tokensPerSecond: i })))
      expect(announced.every(({ stored }) => stored > 0)).to.equal(true)
      for (const [i, node] of nodes.entries()) {
        for (const model of [0, 1, 2, 3]) {
          const expected = nodes.filter((_, j) => j % 4 === model && j !== i).map(other => other.peerId.toString()).sort()
          await eventually(async () => peersOf(await findAll(node, `model-${model}`, { cache: false })).join() === expected.join())
          const found = await findAll(node, `model-${model}`)
          expect(found.map(({ offer }) => offer.peer).sort()).to.deep.equal(expected)
        }
      }
    })

    it('finds by region, and falls back on the whole world', async () => {
      expect(peersOf(await findAll(nodes[0] as RoutingNode, 'model-1', { cache: false, region: 'eu-west' }))).to.have.length(3)
      expect(peersOf(await findAll(nodes[0] as RoutingNode, 'model-1', { cache: false, region: 'ap-south', nearRegions: ['us-west'] }))).to.have.length(3)
    })

    it('tells each step to whoever wants to see them, and is the same lookup', async () => {
      const node = nodes[0] as RoutingNode
      const steps: LookupStep[] = []
      const found = await findAll(node, 'model-1', { cache: false, onStep: step => { steps.push(step) } })
      expect(peersOf(found)).to.have.length(3)
      const of = (type: LookupStep['type']): LookupStep[] => steps.filter(step => step.type === type)
      expect(of('asked').length).to.be.above(0)
      expect(of('answered').length + of('failed').length).to.equal(of('asked').length)
      expect(steps.at(-1)).to.include({ type: 'ended', complete: true })
      const ids = nodes.map(({ peerId }) => peerId.toString())
      for (const step of steps) {
        if (step.type !== 'ended') {
          expect(ids).to.include(step.peer)
          expect(step.sharedBits).to.be.within(0, 256)
        }
        if (step.type === 'answered') {
          expect(step.tookMs).to.be.at.least(0)
        }
      }
      expect(of('answered').reduce((sum, step) => sum + (step.type === 'answered' ? step.offers : 0), 0)).to.be.at.least(3)
    })

    it('gives offers that can be dialled', async () => {
      const [found] = await findAll(nodes[0] as RoutingNode, 'model-3', { cache: false })
      const provider = nodes.find(node => node.peerId.toString() === found?.offer.peer)
      expect(found?.offer.addresses).to.deep.equal(provider?.getMultiaddrs().map(address => address.toString()))
    })

    it('ends the walk when enough is found, and when the loop is left', async () => {
      const { routing } = (nodes[5] as RoutingNode).services
      expect(await findAll(nodes[5] as RoutingNode, 'model-0', { cache: false, wanted: 1 })).to.have.length.at.least(1)
      const before = routing.counters.requests_total
      for await (const _ of routing.findModel('model-2', { cache: false })) {
        break
      }
      expect(routing.counters.requests_total - before).to.be.below(11)
    })

    it('answers again from what it remembers, without asking anybody', async () => {
      const { routing } = (nodes[6] as RoutingNode).services
      await findAll(nodes[6] as RoutingNode, 'model-1')
      const before = routing.counters.requests_total
      const again = await findAll(nodes[6] as RoutingNode, 'model-1')
      expect(again).to.have.length(3)
      expect(routing.counters.requests_total).to.equal(before)
    })

    it('refreshes behind the back of a caller who was content with what was remembered', async () => {
      const searcher = await createRoutingNode({ cache: { freshMs: 0 } })
      try {
        await searcher.dial((nodes[0] as RoutingNode).getMultiaddrs())
        await findAll(searcher, 'model-2')
        const before = searcher.services.routing.counters.requests_total
        for await (const { source } of searcher.services.routing.findModel('model-2')) {
          expect(source).not.to.equal('network')
          break
        }
        await eventually(async () => searcher.services.routing.counters.requests_total > before)
      } finally {
        await searcher.stop()
      }
    })

    it('needs one stream for two peers, whoever asks', async () => {
      const [a, b] = [await createRoutingNode(), await createRoutingNode()]
      try {
        await a.dial(b.getMultiaddrs())
        await a.services.routing.announce({ model: 'from-a' })
        await b.services.routing.announce({ model: 'from-b' })
        await eventually(async () => (await findAll(b, 'from-a', { cache: false })).length === 1 && (await findAll(a, 'from-b', { cache: false })).length === 1)
        expect(a.services.routing.counters.streams_opened_total + b.services.routing.counters.streams_opened_total).to.equal(1)
      } finally {
        await stopAll([a, b])
      }
    })

    it('finds nothing where there is nothing, and says so', async () => {
      expect(await findAll(nodes[2] as RoutingNode, 'nobody-serves-this')).to.deep.equal([])
    })

    it('is stopped by a signal', async () => {
      const controller = new AbortController()
      const search = findAll(nodes[2] as RoutingNode, 'never-served', { signal: controller.signal })
      controller.abort(new Error('enough'))
      expect(await search.catch((error: Error) => error.message)).to.equal('enough')
    })

    it('tells the closest peers', async () => {
      const closest = await (nodes[7] as RoutingNode).services.routing.closestPeers(modelKey('model-0'))
      expect(closest.map(String).sort()).to.deep.equal(nodes.filter((_, i) => i !== 7).map(node => node.peerId.toString()).sort())
    })

    it('passes an urgent change on at once', async () => {
      const provider = nodes[3] as RoutingNode
      provider.services.routing.update('model-3', { queueDepth: 1, maxConcurrent: 1 })
      await eventually(async () => (await findAll(nodes[9] as RoutingNode, 'model-3', { cache: false }))
        .some(({ offer }) => offer.peer === provider.peerId.toString() && offer.queueDepth === 1))
    })

    it('withdraws', async () => {
      const provider = nodes[1] as RoutingNode
      // at all others, under both keys; peers of earlier tests that have left cannot be told
      const { stored } = await provider.services.routing.withdraw('model-1')
      expect(stored).to.equal(22)
      const found = await findAll(nodes[8] as RoutingNode, 'model-1', { cache: false })
      expect(peersOf(found)).not.to.include(provider.peerId.toString())
      expect(() => { provider.services.routing.update('model-1', {}) }).to.throw(NotAnnouncedError)
    })

    it('lets a newcomer with one connection find and serve before kad-dht has looked around', async () => {
      const newcomer = await createRoutingNode({}, { initialQuerySelfInterval: 600_000 })
      const dial = newcomer.dial((nodes[4] as RoutingNode).getMultiaddrs())
      try {
        const [found] = await findAll(newcomer, 'model-2', { wanted: 1 })
        expect(found?.offer.model).to.equal('model-2')
        expect((await newcomer.services.routing.announce({ model: 'brand-new' })).stored).to.be.at.least(10)
        await dial
        expect(peersOf(await findAll(nodes[10] as RoutingNode, 'brand-new', { cache: false }))).to.deep.equal([newcomer.peerId.toString()])
      } finally {
        await newcomer.stop()
      }
      expect(await findAll(nodes[10] as RoutingNode, 'brand-new', { cache: false })).to.deep.equal([])
    })

    it('refuses an offer that another than its signer stores, and forged, expired and misplaced ones', async () => {
      const holder = nodes[0] as RoutingNode
      const privateKey = await generateKeyPair('Ed25519')
      const stranger = await createRoutingNode({ clientMode: true }, {}, privateKey)
      try {
        const own = await offerBy(privateKey)
        const forged = Uint8Array.from(own)
        forged[forged.length - 1] = (forged.at(-1) as number) ^ 1
        const key = modelKey('lie')
        const { stored } = await ask(stranger, holder, encodeFrame(RoutingMessage.encode({
          id: 7,
          store: {
            entries: [
              { envelope: await offerBy(await generateKeyPair('Ed25519')), keys: [key] },
              { envelope: forged, keys: [key] },
              { envelope: await offerBy(privateKey, { issuedAtMs: 1000, expiresAtMs: 61_000 }), keys: [key] },
              { envelope: own, keys: [modelKey('another'), key] },
              { envelope: new Uint8Array(9000), keys: [key] },
              { envelope: own, keys: [key] }
            ]
          }
        })))
        // not the signer, bad signature, expired, wrong key and stored, oversize, unchanged
        expect([...stored?.results ?? []]).to.deep.equal([15, 10, 3, 4, 0, 8, 1])
        expect(holder.services.routing.counters.stores_refused_total).to.include({ not_signer: 1, signature: 1, expired: 1, wrong_key: 1, oversize: 1 })
      } finally {
        await stranger.stop()
      }
    })

    for (const [name, bytes] of [
      ['a frame that is too long', new Uint8Array([0xff, 0xff, 0x7f])],
      ['garbage', encodeFrame(new Uint8Array(100).fill(0xff))],
      ['a key of a wrong length', encodeFrame(RoutingMessage.encode({ id: 1, find: { key: new Uint8Array(3), limit: 1 } as never }))],
      ['an answer to nothing', encodeFrame(RoutingMessage.encode({ id: 9, found: { offers: [], closer: [] } }))]
    ] as const) {
      it(`resets a stream with ${name}, and goes on serving`, async () => {
        const holder = nodes[0] as RoutingNode
        const before = holder.services.routing.counters.protocol_errors_total
        const stranger = await createRoutingNode({ clientMode: true })
        try {
          const outcome = await ask(stranger, holder, bytes).catch((error: Error) => error)
          expect(outcome).to.be.instanceOf(Error)
          expect(holder.services.routing.counters.protocol_errors_total).to.equal(before + 1)
          expect(await findAll(stranger, 'model-0', { cache: false })).not.to.have.length(0)
        } finally {
          await stranger.stop()
        }
      })
    }

    it('refuses for load what one peer asks too often', async () => {
      const holder = await createRoutingNode({ requestsPerSecond: 1, requestBurst: 2 })
      const stranger = await createRoutingNode({ clientMode: true })
      try {
        const request = encodeFrame(RoutingMessage.encode({ id: 1, find: { key: modelKey('x'), limit: 1, closer: 1 } as never }))
        expect((await ask(stranger, holder, request)).found).not.to.equal(undefined)
        expect((await ask(stranger, holder, request)).found).not.to.equal(undefined)
        const refused = await ask(stranger, holder, request)
        expect([refused.found, refused.retryAfterMs]).to.deep.equal([undefined, 500])
      } finally {
        await stopAll([holder, stranger])
      }
    })
  })

  it('a peer that dies without a word is gone within the life of its offer', async () => {
    const nodes = await createNetwork(5, { offerLifeMs: 1500, cache: false })
    try {
      const victim = nodes[2] as RoutingNode
      await victim.services.routing.announce({ model: 'mortal' })
      expect(peersOf(await findAll(nodes[4] as RoutingNode, 'mortal'))).to.deep.equal([victim.peerId.toString()])
      // renewed at half its life, it outlives one life
      const start = Date.now()
      await eventually(async () => Date.now() - start > 2000)
      expect(peersOf(await findAll(nodes[4] as RoutingNode, 'mortal'))).to.deep.equal([victim.peerId.toString()])

      // what is left of a killed process: no withdrawal, no goodbye
      victim.services.routing.beforeStop = async () => {}
      await victim.stop()
      const killedMs = Date.now()
      const [stale] = await findAll(nodes[4] as RoutingNode, 'mortal')
      expect(stale?.offer.expiresAtMs ?? 0).to.be.at.most(killedMs + 1500)
      await eventually(async () => Date.now() > killedMs + 1500)
      expect(await findAll(nodes[4] as RoutingNode, 'mortal')).to.deep.equal([])
    } finally {
      await stopAll(nodes)
    }
  })

  it('three lying nodes of twelve do no harm', async () => {
    const nodes = await createNetwork(9)
    const liars = await Promise.all([1, 2, 3].map(async () => await createRoutingNode()))
    try {
      for (const liar of liars) {
        await liar.services.routing.stop()
        await liar.handle(PROTOCOLS.routing, lie(await generateKeyPair('Ed25519')), { maxInboundStreams: 64, force: true })
        await Promise.all(nodes.map(node => liar.dial(node.getMultiaddrs())))
      }
      const [provider, searcher] = [nodes[3] as RoutingNode, nodes[7] as RoutingNode]
      const { stored } = await provider.services.routing.announce({ model: 'lie' })
      expect(stored).to.be.at.least(8)
      for (let i = 0; i < 3; i++) {
        const found = await findAll(searcher, 'lie', { cache: false })
        expect(peersOf(found)).to.deep.equal([provider.peerId.toString()])
      }
      // after the first answer they are not asked any more
      const rejected = { ...searcher.services.routing.counters.offers_rejected_total }
      expect(rejected.signature).to.be.at.most(3)
      await findAll(searcher, 'lie', { cache: false })
      expect(searcher.services.routing.counters.offers_rejected_total).to.deep.equal(rejected)
      expect(Object.keys(searcher.services.routing.counters.offers_rejected_total)).to.include.members(['signature', 'expired'])
    } finally {
      await stopAll([...nodes, ...liars])
    }
  })

  it('works alone: announces to nobody, finds nothing, stops', async () => {
    const node = await createRoutingNode()
    expect(await node.services.routing.announce({ model: 'lonely' })).to.deep.equal({ stored: 0, failed: 0 })
    expect(await findAll(node, 'lonely')).to.deep.equal([])
    await node.stop()
  })

  it('a node that turns client is asked no more and still asks, and may turn back', async () => {
    const [server, asker] = [await createRoutingNode(), await createRoutingNode()]
    try {
      await asker.dial(server.getMultiaddrs())
      await eventually(async () => (await asker.services.routing.closestPeers(modelKey('m'))).length === 1)
      await server.services.routing.setClientMode(true)
      expect(server.getProtocols()).to.not.include(PROTOCOLS.routing)
      await eventually(async () => (await asker.services.routing.closestPeers(modelKey('m'))).length === 0)
      expect((await server.services.routing.closestPeers(modelKey('m'))).map(String)).to.deep.equal([asker.peerId.toString()])
      await server.services.routing.setClientMode(false)
      expect(server.getProtocols()).to.include(PROTOCOLS.routing)
      await asker.hangUp(server.peerId)
      await asker.dial(server.getMultiaddrs())
      await eventually(async () => (await findAll(asker, 'none')).length === 0 && server.services.routing.counters.requests_answered_total > 0)
    } finally {
      await stopAll([server, asker])
    }
  })

  it('announces to those who come later', async () => {
    const early = await createRoutingNode()
    await early.services.routing.announce({ model: 'early' })
    const late = await createRoutingNode()
    try {
      await late.dial(early.getMultiaddrs())
      await eventually(async () => late.services.routing.holds('early'))
    } finally {
      await stopAll([early, late])
    }
  })
})

/** A handler that answers every request with a mix of lies: forged, expired and oversize offers, and peers that do not exist. */
function lie (privateKey: PrivateKey): (stream: Stream) => Promise<void> {
  return async stream => {
    const reader = new FrameReader()
    const good = await offerBy(privateKey)
    const forged = Uint8Array.from(good)
    forged[forged.length - 1] = (forged.at(-1) as number) ^ 1
    const expired = await offerBy(privateKey, { issuedAtMs: 1000, expiresAtMs: 61_000 })
    const offers = [forged, expired, new Uint8Array(20_000), new Uint8Array([1, 2, 3])]
    const other = await generateKeyPair('Ed25519')
    const closer = [
      new Uint8Array([9, 9, 9]),
      PeerAddresses.encode({ id: new Uint8Array(60), addresses: [] }),
      PeerAddresses.encode({ id: Uint8Array.from(peerIdFromPrivateKey(other).toMultihash().bytes), addresses: [new Uint8Array([4, 127, 0, 0, 1, 6, 0, 1]), new Uint8Array([255])] })
    ]
    try {
      for await (const chunk of stream) {
        for (const frame of reader.read(chunk.subarray())) {
          const { id, store } = RoutingMessage.decode(frame)
          stream.send(encodeFrame(RoutingMessage.encode(store === undefined ? { id, found: { offers, closer } } : { id, stored: { results: new Uint8Array([99]) } })))
        }
      }
    } catch {
      // reset by the other side
    }
  }
}
