import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { pbStream } from '@libp2p/utils'
import { systemClock, systemRandom } from '@skein/core/system'
import { createPeer } from '@skein/peer'
import { PROTOCOLS, SeedRequest, SeedResponse, signCapabilities } from '@skein/records'
import { expect } from 'chai'
import { askSeed } from '../../peer/src/seed-client.ts'
import { createSeed, MemoryRegistry } from '../src/index.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { Peer } from '@skein/peer'
import type { Seed } from '../src/index.ts'

const LISTEN = { listen: ['/ip4/127.0.0.1/tcp/0'] }

describe('a seed', function () {
  this.timeout(30_000)
  let seed: Seed
  let peers: Peer[] = []

  beforeEach(async () => { seed = await createSeed(LISTEN) })
  afterEach(async () => {
    await Promise.all(peers.map(async peer => { await peer.stop() }))
    peers = []
    await seed.stop()
  })

  async function start (bootstrap = seed.addresses): Promise<Peer> {
    const peer = await createPeer({ ...LISTEN, bootstrap })
    peers.push(peer)
    return peer
  }

  async function until (condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) {
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  /** A peer that has signed its own request, whatever it says. */
  async function ask (peer: Peer, request: Partial<SeedRequest>): Promise<SeedResponse> {
    const stream = await peer.libp2p.dialProtocol(seed.peer.libp2p.peerId, PROTOCOLS.seed)
    const messages = pbStream(stream)
    await messages.write(request as SeedRequest, SeedRequest)
    const response = await messages.read(SeedResponse)
    await stream.close()
    return response
  }

  async function signedBy (privateKey: PrivateKey, changes: { seq?: number, lifeMs?: number } = {}): Promise<Uint8Array<ArrayBuffer>> {
    const nowMs = Date.now()
    const { envelope } = await signCapabilities({
      peer: peerIdFromPrivateKey(privateKey).toString(), chipFamily: '', chipName: '', ramBytes: 0, vramBytes: 0,
      memoryBandwidthGBPerSecond: 0, tier: 2, gpuBackend: '', platform: 'linux', region: '', onMainsPower: true, loadedModels: [], swappableModels: [],
      maxConcurrent: 1, queueDepth: 0, effectiveContext: 0, priceMicros: 0, tasks: [], addresses: [], seq: changes.seq ?? 1, issuedAtMs: nowMs, expiresAtMs: nowMs + (changes.lifeMs ?? 300_000)
    }, privateKey)
    return Uint8Array.from(envelope)
  }

  it('brings newcomers together: each finds what any other serves', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, async () => await start()))
    await all[2]?.serve('m', async () => 'found')
    for (const peer of all) {
      expect(await peer.chat({ model: 'm', messages: [{ role: 'user', content: 'hi' }] }).text()).to.equal('found')
    }
    await until(() => seed.service.registry.size === 8)
    // the last to come were told of the first
    await until(() => all.every(peer => peer.libp2p.getPeers().length >= 3))
  })

  it('knows the models of its peers soon after they are served, and tells them', async () => {
    const server = await start()
    await server.serve('m', async () => 'x')
    await until(async () => (await seed.service.models()).length > 0)
    const asking = await start()
    expect((await asking.models()).map(({ id, providers }) => ({ id, providers }))).to.deep.equal([{ id: 'm', providers: 1 }])
  })

  it('goes on without the seed once peers have met', async () => {
    const [a, b] = await Promise.all([start(), start()]) as [Peer, Peer]
    // connected, and each knows that the other routes: the seed and one more
    await until(() => [a, b].every(({ libp2p: { services: { routing } } }) => routing.gauges().contacts >= 2))
    await seed.stop()
    await a.serve('m', async () => 'without it')
    expect(await b.chat({ model: 'm', messages: [] }).text()).to.equal('without it')
  })

  it('exchanges records, and keeps no connections of its own choice', async () => {
    const [a, b] = await Promise.all([start(), start()]) as [Peer, Peer]
    const { outbound, libp2p } = seed.peer
    await until(() => outbound?.tables.get(a.id) !== undefined && outbound.tables.get(b.id) !== undefined)
    await until(() => (a.libp2p.services.pex?.counters.asks_total ?? 0) > 0 && (libp2p.services.pex?.view.size ?? 0) > 0)
    const direction = (peer: Peer): string[] => libp2p.getConnections(peer.libp2p.peerId).map(connection => connection.direction)
    expect([direction(a), direction(b)]).to.deep.equal([['inbound'], ['inbound']])
    expect([outbound?.reserved, outbound?.counters.dials_total, outbound?.counters.feelers_total]).to.deep.equal([[], 0, 0])
    // in nobody's view, it is not dialled for exchange by those that it let go
    expect([libp2p.services.pex?.counters.asks_total, a.libp2p.services.pex?.view.get(seed.id)]).to.deep.equal([0, undefined])
    expect(libp2p.services.pex?.counters.answers_total).to.be.above(0)
    // those who come know it for what it is, and leave their places to others
    await until(() => a.outbound?.tables.get(seed.id)?.seed === true)
    expect(a.outbound?.reserved).to.include(seed.id) // its user gave it
  })

  it('refuses, with the reason, a registration that another signed, that is replayed or that is junk', async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const peer = await createPeer({ ...LISTEN, bootstrap: [], privateKey })
    peers.push(peer)
    await peer.libp2p.dial(seed.peer.libp2p.getMultiaddrs())
    const stranger = await generateKeyPair('Ed25519')
    const future = Date.now() + 10_000_000

    const good = await ask(peer, { capabilities: await signedBy(privateKey, { seq: future }) })
    expect(good).to.include({ refused: '' })
    expect(good.lifeMs).to.be.within(1, 300_000)
    const cases: Array<[string, Partial<SeedRequest>, string]> = [
      ['replayed', { capabilities: await signedBy(privateKey, { seq: future }) }, 'replayed'],
      ['signed by a stranger', { capabilities: await signedBy(stranger) }, 'wrong_signer'],
      ['a life too long', { capabilities: await signedBy(privateKey, { seq: future + 1, lifeMs: 300_001 }) }, 'life_too_long'],
      ['junk', { capabilities: new Uint8Array(50) }, 'malformed']
    ]
    for (const [name, request, reason] of cases) {
      const response = await ask(peer, request)
      expect(response.refused, name).to.equal(reason)
      expect(response.message.length, name).to.be.above(0)
    }
    // the peer's own registration, with its clock's seq, is one more replay after the one from the future
    expect(seed.service.counters.refused).to.include({ wrong_signer: 1, life_too_long: 1, malformed: 1 })
    expect(seed.service.counters.refused.replayed).to.be.within(1, 2)
  })

  it('tells the registry of the round trip to a peer, from its second registration on', async () => {
    const kept = new MemoryRegistry({ random: systemRandom() })
    const told: Array<number | undefined> = []
    const register = kept.register.bind(kept)
    kept.register = async (capabilities, envelope, nowMs, options) => {
      told.push(options?.rttMs)
      return await register(capabilities, envelope, nowMs, options)
    }
    const other = await createSeed({ ...LISTEN, registry: kept })
    try {
      const peer = await start(other.addresses)
      await until(() => told.length > 0)
      for (let i = 0; told.at(-1) === undefined; i++) {
        const before = told.length
        await peer.serve(`model${i}`, async () => 'hello')
        await until(() => told.length > before)
      }
      expect(told[0]).to.equal(undefined)
      expect(told.at(-1)).to.be.within(0, 5_000)
    } finally {
      await Promise.all(peers.splice(0).map(async peer => { await peer.stop() }))
      await other.stop()
    }
  })

  it('answers discover by pages, and says when it is too early', async () => {
    const servers = await Promise.all(Array.from({ length: 3 }, async () => await start()))
    await Promise.all(servers.map(async server => { await server.serve('m', async () => 'x') }))
    const asking = await start()
    await until(async () => (await seed.service.models())[0]?.providers === 3)

    const names: string[] = []
    let cursor: Uint8Array<ArrayBuffer> | undefined
    for (let i = 0; i < 3; i++) {
      const { page } = await askSeed({ libp2p: asking.libp2p, clock: systemClock(), seed: seed.peer.libp2p.peerId, discover: { model: 'm', limit: 1, cursor } })
      expect(page?.refused).to.equal(undefined)
      names.push(...(page?.peers ?? []).map(({ capabilities }) => capabilities.peer))
      cursor = page?.cursor
    }
    expect(names).to.have.members(servers.map(({ id }) => id))
    const { page } = await askSeed({ libp2p: asking.libp2p, clock: systemClock(), seed: seed.peer.libp2p.peerId, discover: { model: 'm' } })
    expect(page?.refused).to.equal('too_early')
    expect(page?.retryAfterMs).to.be.within(1, 10_000)
    expect(seed.service.counters.refused.discover_too_early).to.equal(1)
  })

  it('tells one that asks too often to wait', async () => {
    const peer = await start()
    let response = await ask(peer, {})
    for (let i = 0; i < 30 && response.refused === ''; i++) {
      response = await ask(peer, {})
    }
    expect(response.refused).to.equal('too_early')
    expect(response.retryAfterMs).to.be.within(1, 5_000)
  })
})
