import { pbStream } from '@libp2p/utils'
import { createPeer } from '@skein/peer'
import { PROTOCOLS, SeedRequest, SeedResponse } from '@skein/records'
import { expect } from 'chai'
import { createSeed, STAGES } from '../../src/index.ts'
import type { Peer } from '@skein/peer'
import type { Seed, SeedInit, Stage, StageChange } from '../../src/index.ts'

const LISTEN = { listen: ['/ip4/127.0.0.1/tcp/0'] }
const PEERS = 6

describe('the stages of a seed', function () {
  this.timeout(60_000)
  let seed: Seed
  let peers: Peer[] = []

  afterEach(async () => {
    await Promise.all(peers.map(async peer => { await peer.stop() }))
    peers = []
    await seed.stop()
  })

  async function startSeed (init: SeedInit): Promise<void> {
    // the pace of the test, not of the network: newcomers are let go sooner
    seed = await createSeed({ ...LISTEN, stages: { letGo: { settleMs: 100, joinMs: 1_000, strangerMs: 1_000 } }, ...init })
  }

  async function start (): Promise<Peer> {
    const peer = await createPeer({ ...LISTEN, bootstrap: seed.addresses })
    peers.push(peer)
    return peer
  }

  async function until (condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  const connectedToSeed = (peer: Peer): boolean => peer.libp2p.getConnections(seed.peer.libp2p.peerId).length > 0

  /** What an application does, the same at every stage: start a peer, call a model. */
  async function newcomer (): Promise<[Peer, string]> {
    const peer = await createPeer({ ...LISTEN, bootstrap: seed.addresses })
    peers.push(peer)
    return [peer, await peer.chat({ model: 'm', messages: [{ role: 'user', content: 'hi' }] }).text()]
  }

  /** Why the seed does not look for providers on behalf of a peer, if it does not. */
  async function discoverRefusal (peer: Peer): Promise<string | undefined> {
    const stream = await peer.libp2p.dialProtocol(seed.peer.libp2p.peerId, PROTOCOLS.seed)
    const messages = pbStream(stream)
    await messages.write({ capabilities: new Uint8Array(), wantPeers: 0, wantModels: 0, connections: 0, discover: { model: 'm' } }, SeedRequest)
    const { page } = await messages.read(SeedResponse)
    await stream.close()
    return page?.refused
  }

  for (const stage of STAGES) {
    it(`a newcomer joins, finds a model and calls it at stage ${stage}`, async () => {
      await startSeed({ stage })
      expect(seed.stage).to.equal(stage)
      for (let i = 0; i < PEERS; i++) {
        await start()
      }
      await peers[1]?.serve('m', async () => `at ${stage}`)
      const [peer, text] = await newcomer()
      expect(text).to.equal(`at ${stage}`)
      expect(await discoverRefusal(peer)).to.equal(stage === 'bootstrap' ? 'not_here' : '')
      await until(() => peer.libp2p.getPeers().length >= PEERS - 1)
      if (stage === 'bootstrap') {
        await until(() => !connectedToSeed(peer))
      } else {
        expect(connectedToSeed(peer)).to.equal(true)
      }
      expect(seed.service.registry.size).to.equal(PEERS + 1)
      // what the peer has seen itself it knows also where the list of models is no longer the seed's affair
      expect((await peer.models()).some(({ id }) => id === 'm')).to.equal(true)
    })
  }

  it('one that was let go works on and leaves the seed in peace, and comes back when it is short of company', async () => {
    await startSeed({ stage: 'bootstrap' })
    for (let i = 0; i < PEERS; i++) {
      await start()
    }
    await peers[1]?.serve('m', async () => 'still here')
    const [peer] = await newcomer()
    await until(() => peers.every(other => !connectedToSeed(other)))
    let opened = 0
    seed.peer.libp2p.addEventListener('connection:open', event => { opened += event.detail.remotePeer.toString() === peer.id ? 1 : 0 })
    const { requests } = seed.service.counters
    const whole = Date.now() + 4_000
    for (let i = 0; i < 20 || Date.now() < whole; i++) {
      expect(await peer.chat({ model: 'm', messages: [] }).text()).to.equal('still here')
      await Array.fromAsync(peer.findModel(`another ${i}`, { cache: false }))
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    expect(opened, 'connections to the seed').to.equal(0)
    expect(seed.service.counters.requests, 'requests').to.equal(requests)

    // all others go: the seed is who knows more
    await Promise.all(peers.filter(other => other !== peer).map(async other => { await other.stop() }))
    await until(() => opened > 0)
    await until(() => seed.service.counters.requests > requests)
  }).timeout(150_000) // one that was let go several times goes back after 90 s at most

  it('follows the size of the network unless it is pinned, and tells of it', async () => {
    const changes: StageChange[] = []
    await startSeed({ stage: 'split', onStage: change => { changes.push(change) } })
    await start()
    seed.pinStage('bootstrap')
    expect(seed.stage).to.equal('bootstrap')
    await until(() => peers.every(peer => !connectedToSeed(peer)))
    seed.pinStage('hub')
    const stage: Stage = seed.stage
    expect(stage).to.equal('hub')
    expect(changes.map(({ from, to }) => [from, to])).to.deep.equal([['split', 'bootstrap'], ['bootstrap', 'hub']])
    const [peer] = [await start()]
    expect(connectedToSeed(peer)).to.equal(true)
  })
})

describe('the size of a network of real nodes', function () {
  this.timeout(120_000)

  it('is estimated within a factor of 2, and leaves the seed at the stage for it', async () => {
    const seed = await createSeed({ ...LISTEN, stages: { estimator: { firstProbeMs: 2_000, firstPauseMs: 20, k: 20 } } })
    const peers: Peer[] = []
    try {
      for (let i = 0; i < 25; i += 5) {
        peers.push(...await Promise.all(Array.from({ length: 5 }, async () => await createPeer({ ...LISTEN, bootstrap: seed.addresses }))))
      }
      // by ids alone; registrations would tell the size by themselves
      while (seed.networkSize?.from !== 'density' || seed.networkSize.nodes < 13) {
        await new Promise(resolve => setTimeout(resolve, 50))
      }
      expect(seed.networkSize.nodes / 26).to.be.within(0.5, 2)
      expect(seed.stage).to.equal('hub')
    } finally {
      await Promise.all(peers.map(async peer => { await peer.stop() }))
      await seed.stop()
    }
  })
})
