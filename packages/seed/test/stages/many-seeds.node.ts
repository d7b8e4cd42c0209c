import { createPeer } from '@skein/peer'
import { expect } from 'chai'
import { createSeed } from '../../src/index.ts'
import { inventedPeers } from './invented-peers.ts'
import type { Peer } from '@skein/peer'
import type { Seed } from '../../src/index.ts'

const LISTEN = { listen: ['/ip4/127.0.0.1/tcp/0'] }

describe('a newcomer with several seeds', function () {
  this.timeout(60_000)
  const seeds: Seed[] = []
  const peers: Peer[] = []

  afterEach(async () => {
    await Promise.all(peers.splice(0).map(async peer => { await peer.stop() }))
    await Promise.all(seeds.splice(0).map(async seed => { await seed.stop() }))
  })

  it('joins though one is dead and one lies, and finds what is served', async () => {
    const honest = await createSeed(LISTEN)
    const liar = await createSeed(LISTEN)
    const dead = await createSeed(LISTEN)
    seeds.push(honest, liar)
    const deadAddresses = dead.addresses
    await dead.stop()
    const invented = await inventedPeers(20)
    liar.service.registry.sample = async () => invented

    for (let i = 0; i < 6; i++) {
      peers.push(await createPeer({ ...LISTEN, bootstrap: honest.addresses }))
    }
    await peers[0]?.serve('m', async () => 'true')
    const newcomer = await createPeer({ ...LISTEN, bootstrap: [...deadAddresses, ...liar.addresses, ...honest.addresses] })
    peers.push(newcomer)
    expect(await newcomer.chat({ model: 'm', messages: [{ role: 'user', content: 'hi' }] }).text()).to.equal('true')
    const others = new Set(peers.map(peer => peer.id))
    while (newcomer.libp2p.getPeers().filter(peer => others.has(peer.toString())).length < 4) {
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    // it is registered with both that live
    while (honest.service.registry.size < 7 || liar.service.registry.size < 1) {
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  })
})
