import { sleep } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { NoCoordinatorError } from '@skein/peer'
import { expect } from 'chai'
import { createTestnet } from '../src/index.ts'
import type { Peer } from '@skein/peer'
import type { Testnet } from '../src/index.ts'

const clock = systemClock()

describe('Peers of two regions', function () {
  this.timeout(180_000)
  let net: Testnet

  before(async () => {
    net = await createTestnet({ peers: 12, peer: index => ({ region: index < 7 ? 'eu-west' : 'us-east', hardware: { tier: 2 } }) })
  })
  after(async () => { await net.stop() })

  const inRegion = (region: string): Peer[] => net.peers.filter(peer => peer.cluster?.scope.startsWith(region))

  it('are a cluster each, with one coordinator that all name', async () => {
    await eventually(() => {
      expect(inRegion('eu-west').map(({ cluster }) => cluster?.members)).to.eql(Array.from({ length: 7 }, () => 7))
      expect(inRegion('us-east').map(({ cluster }) => cluster?.members)).to.eql(Array.from({ length: 5 }, () => 5))
      for (const region of ['eu-west', 'us-east']) {
        const [one, ...others] = [...new Set(inRegion(region).map(({ cluster }) => cluster?.coordinator))]
        expect(one).to.be.a('string')
        expect(others).to.eql([])
      }
    }, 60_000)
  })

  it('know where there is capacity, in the other region too', async () => {
    await net.peers[2]?.serve('m', async () => 'x', { maxConcurrent: 3 })
    await net.peers[9]?.serve('m', async () => 'x', { maxConcurrent: 2 })
    for (const peer of net.peers) {
      await eventually(async () => {
        const found = await peer.whereIs('m')
        expect(found.map(({ region, providers, free }) => ({ region, providers, free })))
          .to.eql([{ region: 'eu-west', providers: 1, free: 3 }, { region: 'us-east', providers: 1, free: 2 }])
      }, 90_000)
    }
    expect(await net.peers[0]?.whereIs('nobody-serves-it')).to.eql([])
  })

  it('can keep out of it', async () => {
    const loner = await net.addPeer({ region: 'eu-west', clusters: false })
    expect(loner.cluster).to.equal(undefined)
    expect(await loner.whereIs('m').catch(error => error)).to.be.instanceOf(NoCoordinatorError)
  })
})

/** Until the expectations hold; the last failure when they never do. */
async function eventually (expectations: () => void | Promise<void>, withinMs: number): Promise<void> {
  const endMs = clock.nowMs() + withinMs
  for (;;) {
    try {
      await expectations()
      return
    } catch (error) {
      if (clock.nowMs() > endMs) {
        throw error
      }
      await sleep(clock, 250)
    }
  }
}
