import { systemClock } from '@skein/core/system'
import { createPeer } from '@skein/peer'
import { expect } from 'chai'
import { askSeed } from '../../peer/src/seed-client.ts'
import { createSeed } from '../src/index.ts'
import { HOP_PROTOCOL } from '../src/relay/hop-protocol.ts'
import type { Peer } from '@skein/peer'
import type { Seed, SeedRole } from '../src/index.ts'

const LISTEN = { listen: ['/ip4/127.0.0.1/tcp/0'] }

describe('the roles of a seed', function () {
  this.timeout(30_000)
  let seed: Seed
  let peers: Peer[] = []

  async function seedAs (...roles: SeedRole[]): Promise<void> {
    seed = await createSeed({ ...LISTEN, roles })
    peers = await Promise.all([1, 2].map(async () => await createPeer({ ...LISTEN, bootstrap: seed.addresses })))
  }

  async function ask (): ReturnType<typeof askSeed> {
    const [peer] = peers as [Peer]
    const capabilities = Uint8Array.from((await peer.signSelf()).envelope)
    return await askSeed({
      libp2p: peer.libp2p, clock: systemClock(), seed: seed.peer.libp2p.peerId, capabilities, wantPeers: 20, wantModels: 10, wantRelays: 8, discover: {}
    })
  }

  const relaying = (): boolean => seed.peer.libp2p.getProtocols().includes(HOP_PROTOCOL)

  afterEach(async () => {
    await Promise.all(peers.map(async peer => { await peer.stop() }))
    await seed.stop()
  })

  it('discover alone: who serves what, but nobody for newcomers, and no relaying', async () => {
    await seedAs('discover')
    await peers[1]?.serve('m', async () => 'x')
    while ((await seed.service.models()).length === 0) {
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    const { lifeMs, page, models, peers: named } = await ask()
    expect(lifeMs).to.be.above(0)
    expect(page?.peers.map(({ capabilities }) => capabilities.peer)).to.deep.equal([peers[1]?.id])
    expect([models.map(({ id }) => id), named, relaying()]).to.deep.equal([['m'], [], false])
  })

  it('bootstrap alone: peers for newcomers, and a word for who asks for more', async () => {
    await seedAs('bootstrap')
    while (seed.service.registry.size < 2) {
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    const { lifeMs, page, models, peers: named } = await ask()
    expect(lifeMs).to.be.above(0)
    expect(page?.refused).to.equal('not_here')
    expect([models, named.length, relaying()]).to.deep.equal([[], 1, false])
  })

  it('relay alone: itself as a relay, and no registration to rely on', async () => {
    await seedAs('relay')
    while ((await ask()).relays.length === 0) {
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    const { lifeMs, refused, retryAfterMs, page, models, peers: named, relays } = await ask()
    expect([lifeMs, page?.refused, models, named]).to.deep.equal([0, 'not_here', [], []])
    expect(refused).to.match(/^not_here: This seed only relays/)
    expect(retryAfterMs).to.equal(3_600_000)
    expect(relays.map(({ capabilities }) => capabilities.peer)).to.deep.equal([seed.id])
    expect(relaying()).to.equal(true)
  })

  it('are at least one', async () => {
    await seedAs('discover')
    expect(await createSeed({ ...LISTEN, roles: [] }).catch(error => error)).to.be.instanceOf(RangeError)
  })
})
