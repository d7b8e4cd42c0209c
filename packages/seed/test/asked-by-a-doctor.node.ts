import { createPeer } from '@skein/peer'
import { systemClock } from '@skein/core/system'
import { dialBack } from '@skein/supernode/libp2p'
import { natMapping } from '@skein/supernode/node'
import { expect } from 'chai'
import { askSeed } from '../../peer/src/seed-client.ts'
import { createSeed } from '../src/index.ts'
import { stunInit } from '../src/node/stun-endpoints.ts'
import type { Peer } from '@skein/peer'
import type { VerifiedNetwork } from '@skein/records'
import type { DialBackService } from '@skein/supernode/libp2p'
import type { Seed, SeedInit } from '../src/index.ts'

/** As if each host of loopback were in a network of its own. */
function networkOf (address: string): VerifiedNetwork | undefined {
  const host = address.split('/')[2] ?? ''
  return host.startsWith('127.') ? { small: `${host}/24`, wide: `${host}/16` } : undefined
}

describe('what a seed answers to a peer that wonders whether it can be reached', function () {
  this.timeout(30_000)
  const running: Array<Seed | Peer> = []

  async function seedWith (init: SeedInit): Promise<Seed> {
    const seed = await createSeed({ listen: ['/ip4/127.50.0.1/tcp/0'], networkOf, ...init })
    running.push(seed)
    return seed
  }

  async function peerOf (seed: Seed): Promise<Peer & { libp2p: { services: { dialBack: DialBackService } } }> {
    const peer = await createPeer({
      listen: ['/ip4/127.51.0.1/tcp/0'], bootstrap: seed.addresses, services: { dialBack: dialBack({ networkOf, answers: false }) }
    })
    running.push(peer)
    return peer as never
  }

  afterEach(async () => { await Promise.all(running.splice(0).map(async one => { await one.stop() })) })

  const ask = async (peer: Peer, seed: Seed): ReturnType<typeof askSeed> =>
    await askSeed({ libp2p: peer.libp2p, clock: systemClock(), seed: seed.peer.libp2p.peerId })

  it('where it answers STUN, at the host at which it was dialled, and there it does, from a second port too', async () => {
    const seed = await seedWith({ stun: { host: '127.50.0.1', port: 0, alternatePort: 0 } })
    const { stun } = await ask(await peerOf(seed), seed)
    expect(stun).to.deep.equal([`/ip4/127.50.0.1/udp/${seed.stun?.address.port}`])
    const nat = await natMapping([{ host: '127.50.0.1', port: seed.stun?.address.port }], { rtoMs: 100, localHost: '127.51.0.1' })
    expect(nat).to.include({ mapping: 'none', filtering: 'not_port_dependent' })
    expect(seed.stun?.counters.answered_total).to.be.above(2)

    const everywhere = await seedWith({ stun: { port: 0 } })
    expect((await ask(await peerOf(everywhere), everywhere)).stun).to.deep.equal([`/ip4/127.50.0.1/udp/${everywhere.stun?.address.port}`])
  })

  it('and a peer that registers there knows its NAT by it', async () => {
    const seed = await seedWith({ stun: { host: '127.50.0.1', port: 0, alternatePort: 0, alternateHost: '127.50.0.2' } })
    const peer = await createPeer({ listen: ['/ip4/127.51.0.1/tcp/0'], bootstrap: seed.addresses })
    running.push(peer)
    while (peer.standing?.nat === undefined) {
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    expect(peer.standing.nat).to.include({ mapping: 'none', filtering: 'open' })
  })

  it('the time', async () => {
    const clock = systemClock()
    const seed = await seedWith({ clock: { nowMs: () => clock.nowMs() + 600_000, schedule: (atMs, run) => clock.schedule(atMs - 600_000, run) } })
    const { clock: seen, stun } = await ask(await peerOf(seed), seed)
    expect(seen?.aheadMs).to.be.within(590_000, 610_000)
    expect(seen?.errorMs).to.be.within(0, 10_000)
    expect(stun).to.deep.equal([])
  })

  it('whether it can be dialled, by dialling it back', async () => {
    const seed = await seedWith({})
    const peer = await peerOf(seed)
    const [own = ''] = peer.addresses.map(address => address.split('/p2p/')[0] as string)
    const [port] = own.split('/tcp/').slice(1)
    const closed = `/ip4/127.51.0.1/tcp/${Number(port) === 1 ? 2 : 1}`
    const [open, shut] = await peer.libp2p.services.dialBack.askDialBack([own, closed], { verifiers: [seed.id] })
    expect(open?.byVerifier.map(({ said }) => said)).to.deep.equal(['reached'])
    expect(shut?.byVerifier.map(({ said }) => said)).to.deep.equal(['failed'])
    expect(seed.dialBack?.counters).to.include({ answered_total: 1 })
  })

  it('dials nobody back when it does not name peers to newcomers, or is told not to', async () => {
    for (const init of [{ dialBack: false }, { roles: ['relay'] }] satisfies SeedInit[]) {
      expect((await seedWith(init)).dialBack).to.equal(undefined)
    }
  })
})

describe('the endpoints of STUN in a configuration', () => {
  const at = (host: string, port: number): { host: string, port: number } => ({ host, port })

  it('are one, or two ports of one address, or two addresses', () => {
    expect(stunInit({ stun: undefined, stunAlternate: undefined })).to.equal(false)
    expect(stunInit({ stun: at('0.0.0.0', 3478), stunAlternate: undefined })).to.deep.equal({ host: '0.0.0.0', port: 3478 })
    expect(stunInit({ stun: at('192.0.2.1', 3478), stunAlternate: at('0.0.0.0', 3479) })).to.deep.include({ alternatePort: 3479 })
    expect(stunInit({ stun: at('192.0.2.1', 3478), stunAlternate: at('192.0.2.2', 3479) }))
      .to.deep.include({ alternatePort: 3479, alternateHost: '192.0.2.2' })
  })

  it('are refused when the second is given without the address of the first', () => {
    expect(() => stunInit({ stun: undefined, stunAlternate: at('0.0.0.0', 3479) })).to.throw('--stun')
    expect(() => stunInit({ stun: at('0.0.0.0', 3478), stunAlternate: at('0.0.0.0', 3479) })).to.throw('--stun 192.0.2.1:3478')
  })
})
