/** Overlays between whole peers: a model that many serve is found and called through its topic. */
import { overlayTopic } from '@skein/clusters'
import { expect } from 'chai'
import { createPeer } from '../src/index.ts'
import type { Peer, PeerInit } from '../src/index.ts'
import type { OverlayOptions } from '@skein/clusters'

const MODEL = 'popular'
const ASK = { messages: [{ role: 'user', content: 'hi' }] }
const OVERLAYS: OverlayOptions = {
  openAbove: 4,
  closeBelow: 3,
  closeAfterMs: 3_000,
  sightingLifeMs: 15_000,
  listenMs: 1_000,
  repeatMs: 8_000,
  spacingMs: 1_000,
  lookEveryMs: 500,
  messagesPerSecond: 20
}

describe('overlays of peers', function () {
  this.timeout(90_000)
  let started: Peer[] = []

  async function start (init: PeerInit = {}): Promise<Peer> {
    // members of a cluster, and electors of super-nodes, are found by lookups too
    const peer = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], overlays: OVERLAYS, clusters: false, superNodes: false, ...init })
    started.push(peer)
    return peer
  }

  afterEach(async () => {
    await Promise.all(started.map(async peer => { await peer.stop() }))
    started = []
  })

  async function eventually (what: string, check: () => boolean | Promise<boolean>): Promise<void> {
    const endsMs = Date.now() + 30_000
    while (!await check()) {
      if (Date.now() > endsMs) {
        throw new Error(`Not after 30 s: ${what}. ${JSON.stringify(started.map(peer => peer.stats().overlays))}`)
      }
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  const lookups = (peer: Peer): number => peer.stats().routing.lookups_total as number
  const offersAt = (peer: Peer): number => (peer.stats().overlays as { offers: number }).offers

  it('find and call a model of six providers without a lookup once they are in its overlay, and hear at once who is full', async () => {
    const first = await start()
    const bootstrap = first.addresses
    const providers = [first, ...await Promise.all(Array.from({ length: 5 }, async () => await start({ bootstrap })))]
    const busy = Promise.withResolvers<void>()
    const services = await Promise.all(providers.map(async (peer, i) => await peer.serve(MODEL, async function * ({ body }) {
      yield `${i}`
      if (JSON.stringify(body).includes('long')) {
        await busy.promise
      }
    }, { maxConcurrent: 1 })))
    const caller = await start({ bootstrap })
    await eventually('a lookup finds them', async () => (await Array.fromAsync(caller.findModel(MODEL, { cache: false }))).length === 6)
    for (let i = 0; i < 2; i++) {
      expect(await caller.chat({ model: MODEL, ...ASK }).text()).to.match(/^\d$/)
    }
    await eventually('the caller has all offers', async () =>
      offersAt(caller) === 6 && (await Array.fromAsync(caller.findModel(MODEL, { wanted: 6 }))).every(offer => offer.queueDepth === 0))
    expect(providers.every(peer => peer.overlays.includes(MODEL))).to.equal(true)

    const before = lookups(caller)
    const found = new Set<string>()
    for await (const offer of caller.findModel(MODEL, { wanted: 6 })) {
      found.add(offer.peer)
    }
    expect([...found].sort()).to.deep.equal(providers.map(({ id }) => id).sort())
    // each has one place, and is known to be full for a second after a call: with fewer than three to choose among it would look for others
    for (let i = 0; i < 2; i++) {
      await caller.chat({ model: MODEL, ...ASK }).text()
    }
    expect(lookups(caller), 'lookups for calls').to.equal(before)

    // a provider that is full is known to be so, though no call was turned away
    const call = caller.chat({ model: MODEL, messages: [{ role: 'user', content: 'long' }] })
    const reading = call.text()
    const { peer } = await call.route
    await eventually('the full one is known', async () => {
      const offers = await Array.fromAsync(caller.findModel(MODEL, { wanted: 6 }))
      return offers.some(offer => offer.peer === peer && offer.queueDepth >= offer.maxConcurrent)
    })
    busy.resolve()
    await reading

    await Promise.all(services.slice(0, 5).map(async service => { await service.stop() }))
    await eventually('the topic is gone', () => started.every(({ overlays, libp2p }) =>
      overlays.length === 0 && libp2p.services.pubsub?.getTopics().includes(overlayTopic(MODEL)) === false))
    expect(await caller.chat({ model: MODEL, ...ASK }).text(), 'and the last one is found').to.equal('5')
  })

  it('are not there when they are turned off, or gossip is', async () => {
    const [off, silent] = [await start({ overlays: false }), await start({ gossip: false })]
    expect(off.stats()).not.to.have.property('overlays')
    expect(silent.stats()).not.to.have.property('overlays')
    await off.serve(MODEL, async () => 'me')
    expect((await Array.fromAsync(off.findModel(MODEL))).map(({ peer }) => peer)).to.deep.equal([off.id])
  })
})
