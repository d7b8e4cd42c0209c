/** Peers that use super-nodes, and what happens when these die: real relays in processes and networks of their own. */
import { multiaddr } from '@multiformats/multiaddr'
import { createPeer } from '@skein/peer'
import { createSeed } from '@skein/seed'
import { expect } from 'chai'
import { loopbackHost, loopbackNetworks } from '../../src/index.ts'
import { elect, electedRelays } from './elected-relay.ts'
import type { Peer, PeerInit, SuperNodeOptions } from '@skein/peer'
import type { Seed, SeedRole } from '@skein/seed'
import type { ElectedRelay } from './elected-relay.ts'

const ASK = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
const REGION = 'eu-west'
const networkOf = loopbackNetworks()
/** A test does not wait as long for the first question as a peer does that has all day. */
const POLL = { firstMs: 100, minPauseMs: 300 }

describe('super-nodes of a peer', function () {
  this.timeout(120_000)
  let seed: Seed
  let relays: ElectedRelay[] = []
  let peers: Peer[] = []

  async function start (octet: number, init: PeerInit & { superNodes?: false | SuperNodeOptions } = {}): Promise<Peer> {
    const { transports } = loopbackHost(`127.${octet}.0.1`)
    const superNodes = init.superNodes === false ? false : { poll: POLL, ...init.superNodes }
    // how soon a relay carries is what is measured, not how long a better path is waited for
    const reachability = { patienceMs: 0 }
    const peer = await createPeer({ listen: [], transports, networkOf, region: REGION, bootstrap: seed.addresses, reachability, ...init, superNodes })
    peers.push(peer)
    return peer
  }

  async function until (what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<number> {
    const startedMs = performance.now()
    while (!await condition()) {
      if (performance.now() - startedMs > timeoutMs) {
        throw new Error(`Not within ${timeoutMs} ms: ${what}; ${JSON.stringify(peers[0]?.superNodes)} ${JSON.stringify(peers[0]?.relays)}`)
      }
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    return performance.now() - startedMs
  }

  const reserved = (peer: Peer): string[] => peer.superNodes.filter(used => used.reserved).map(used => used.peer)
  const relayOf = (id: string | undefined): ElectedRelay => relays.find(relay => relay.id === id) as ElectedRelay
  const moved = async (peer: Peer): Promise<{ from: string | undefined, to: string, afterMs: number }> =>
    await new Promise(resolve => { peer.addEventListener('super-node:moved', ({ detail }) => { resolve(detail) }, { once: true }) })

  /** Asks until there is an answer; how long that took. */
  async function answered (caller: Peer): Promise<number> {
    const startedMs = performance.now()
    for (;;) {
      const text = await caller.chat(ASK, { timeoutMs: 10_000 }).text().catch(() => '')
      if (text === 'whole') {
        return performance.now() - startedMs
      }
    }
  }

  async function begin (octets = [11, 12, 13], roles: SeedRole[] = ['bootstrap', 'discover']): Promise<void> {
    seed = await createSeed({ ...loopbackHost('127.10.0.1'), networkOf, roles })
    relays = await electedRelays({ octets, bootstrap: seed.addresses[0] as string, region: REGION })
  }

  afterEach(async () => {
    await Promise.all(peers.map(async peer => { await peer.stop() }))
    await Promise.all(relays.map(async relay => { await relay.stop() }))
    await seed.stop()
    peers = []
  })

  it('are three in different systems, which take the place of the relays that seeds name', async () => {
    await begin(undefined, ['bootstrap', 'discover', 'relay'])
    const server = await start(30, { relay: 'listen' })
    await until('three are reserved', () => reserved(server).length === 3)
    const { superNodes } = server
    expect(new Set(superNodes.flatMap(({ why }) => why.systems)).size).to.equal(3)
    expect(superNodes.map(({ primary }) => primary)).to.deep.equal([true, false, false])
    expect(superNodes[0]).to.deep.include({ roles: ['hub', 'relay', 'stun', 'ingest'], stun: [`/ip4/${relayOf(superNodes[0]?.peer).host.replace(/1$/, '2')}/udp/3478`] })
    expect(superNodes[0]?.why).to.deep.include({ named: 3, of: 3, load: 0 })
    expect(server.relays.map(({ relay }) => relay)).to.include.members(relays.map(({ id }) => id))
    await until('the seed is not used any more', () => !server.relays.some(({ relay }) => relay === seed.id), 45_000)
  })

  it('are connected and not reserved at by a peer that can be dialled', async () => {
    await begin()
    const peer = await start(30, { listen: ['/ip4/127.30.0.1/tcp/0'] })
    await until('three are used', () => peer.superNodes.length === 3)
    expect(reserved(peer)).to.deep.equal([])
    // what it does not use by itself it may ask for
    const ingests = peer.superNodesWith('ingest')
    expect(ingests.map(({ peer: id }) => id)).to.have.members(relays.map(({ id }) => id))
    const { host } = relayOf(ingests[0]?.peer)
    expect(ingests[0]?.addresses, 'where it is dialled').to.have.length(1).and.to.satisfy(([address]: string[]) => address?.startsWith(`/ip4/${host}/tcp/`))
    expect(peer.relays).to.deep.equal([])
    await peer.reserveRelay()
    await until('all are reserved', () => reserved(peer).length === 3)
  })

  for (const [how, end] of [['killed', (relay: ElectedRelay) => { relay.kill() }], ['cut off without a word', (relay: ElectedRelay) => { relay.link.freeze() }]] as const) {
    it(`when the first is ${how}: the peer is reached through another within a second`, async () => {
      await begin()
      const server = await start(30, { relay: 'listen' })
      await server.serve('m', async () => 'whole')
      await until('three are reserved', () => reserved(server).length === 3)
      const [fresh, called] = [await start(31, { superNodes: false }), await start(32, { superNodes: false })]
      await until('offers name two relays', async () => {
        const offers = await Array.fromAsync(fresh.findModel('m', { cache: false }))
        return offers.some(({ addresses }) => relays.every(({ id }) => addresses.some(address => address.includes(id))))
      })
      const first = relayOf(server.superNodes[0]?.peer)
      await called.libp2p.dial(multiaddr(server.relays.find(({ relay }) => relay === first.id)?.addresses[0] as string))
      await answered(called)
      // it knows the relay that is about to die, and no other way
      await fresh.libp2p.dial(multiaddr(`/ip4/${first.host}/tcp/${first.link.port}/p2p/${first.id}`))
      const next = moved(server)
      const diedMs = performance.now()
      end(first)
      const times = await Promise.all([
        answered(fresh), answered(called), next.then(({ afterMs }) => `${Math.round(performance.now() - diedMs)} (gap ${Math.round(afterMs)})`),
        until('no address of the dead one is told', () => !server.addresses.some(address => address.includes(first.id)))
      ])
      console.log(`        ${how}: fresh caller ${Math.round(times[0])} ms, caller with a circuit ${Math.round(times[1])} ms, moved after ${times[2]} ms, address gone ${Math.round(times[3])} ms`)
      expect(times[0], 'a caller that was not connected').to.be.below(1_000)
      expect(times[1], 'a caller whose circuit died').to.be.below(5_000)
      expect(server.superNodes[0]?.peer).not.to.equal(first.id)
    })

    it(`when the only one is ${how}: the peer is reached through another within five seconds`, async () => {
      await begin()
      const server = await start(30, { relay: 'listen', superNodes: { target: 1 } })
      await server.serve('m', async () => 'whole')
      await until('one is reserved', () => reserved(server).length === 1)
      const first = relayOf(server.superNodes[0]?.peer)
      const next = moved(server)
      const diedMs = performance.now()
      end(first)
      const { from, to, afterMs } = await next
      const movedMs = performance.now() - diedMs
      const caller = await start(31, { superNodes: false })
      await until('it is dialled through the other', async () => {
        const address = server.relays.find(({ relay }) => relay === to)?.addresses[0]
        return address !== undefined && await caller.libp2p.dial(multiaddr(address)).then(() => true, () => false)
      })
      const reachedMs = performance.now() - diedMs
      console.log(`        ${how}: moved after ${Math.round(movedMs)} ms (gap ${Math.round(afterMs)}), reached after ${Math.round(reachedMs)} ms`)
      expect(from).to.equal(first.id)
      expect(reachedMs).to.be.below(5_000)
    })
  }

  it('are left for the relays of seeds when all of them die', async () => {
    await begin(undefined, ['bootstrap', 'discover', 'relay'])
    const server = await start(30, { relay: 'listen' })
    await server.serve('m', async () => 'whole')
    await until('three are reserved', () => reserved(server).length === 3)
    await until('the seed is not used any more', () => !server.relays.some(({ relay }) => relay === seed.id), 45_000)
    relays.forEach(relay => { relay.kill() })
    const ms = await until('the seed relays', () => server.relays.map(({ relay }) => relay).join() === seed.id)
    console.log(`        all killed: the relay of the seed is used after ${Math.round(ms)} ms`)
    expect(ms).to.be.below(5_000)
    await answered(await start(31, { superNodes: false }))
  })

  it('are never two in one system', async () => {
    await begin([11, 11, 12])
    const server = await start(30, { relay: 'listen' })
    await until('two are reserved', () => reserved(server).length === 2)
    await new Promise(resolve => setTimeout(resolve, 3_000))
    expect(new Set(server.superNodes.flatMap(({ why }) => why.systems)).size).to.equal(2)
    expect(server.superNodes).to.have.length(2)
  })

  it('are left before the end of a lease that was given back, and what goes through another meanwhile ends whole', async () => {
    await begin()
    const server = await start(30, { relay: 'listen', superNodes: { target: 2, poll: { ...POLL, refreshMs: 1_000 } } })
    await server.serve('m', async function * () {
      for (let i = 0; i < 60; i++) {
        yield `${i} `
        await new Promise(resolve => setTimeout(resolve, 50))
      }
    })
    await until('two are reserved', () => reserved(server).length === 2)
    const [leaving, staying] = server.superNodes.map(({ peer }) => relayOf(peer)) as [ElectedRelay, ElectedRelay]
    const caller = await start(31, { superNodes: false })
    await caller.libp2p.dial(multiaddr(server.relays.find(({ relay }) => relay === staying.id)?.addresses[0] as string))
    const text = caller.chat(ASK, { timeoutMs: 60_000, firstDeltaTimeoutMs: 10_000 }).text()
    const next = moved(server)
    const withdrawn = await leaving.sign({ withdrawn: true })
    const renewed = await Promise.all(relays.filter(relay => relay !== leaving).map(async relay => await relay.sign()))
    relays.forEach(relay => { relay.answer([withdrawn, ...renewed]) })
    const { from, afterMs } = await next
    expect({ from, afterMs }).to.deep.equal({ from: leaving.id, afterMs: 0 })
    expect(await text).to.equal(Array.from({ length: 60 }, (_, i) => `${i} `).join(''))
  })

  it('are those that most electors name, and not those of one that lies', async () => {
    await begin()
    await elect(relays, relays.slice(0, 2))
    relays[2]?.answer([await (relays[2] as ElectedRelay).sign()])
    const server = await start(30, { relay: 'listen' })
    await until('two are reserved', () => reserved(server).length === 2)
    await new Promise(resolve => setTimeout(resolve, 1_000))
    expect(reserved(server).sort()).to.deep.equal(relays.slice(0, 2).map(({ id }) => id).sort())
  })
})
