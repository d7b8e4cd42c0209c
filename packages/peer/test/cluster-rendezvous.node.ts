import { expect } from 'chai'
import { createPeer } from '../src/index.ts'
import { ClusterRendezvous } from '../src/cluster-rendezvous.ts'
import type { Peer } from '../src/index.ts'

describe('Members of a cluster', function () {
  this.timeout(30_000)
  const peers: Peer[] = []

  before(async () => {
    for (let i = 0; i < 6; i++) {
      peers.push(await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: peers[0]?.addresses.slice(0, 1) ?? [] }))
    }
  })
  after(async () => { await Promise.all(peers.map(async peer => { await peer.stop() })) })

  const rendezvous = (index: number): ClusterRendezvous => {
    const { libp2p } = peers[index] as Peer
    return new ClusterRendezvous(libp2p.services.routing, libp2p.logger.forComponent('test'))
  }
  const found = async (index: number, scope: string): Promise<string[]> => {
    const members: string[] = []
    for await (const { peer, addresses } of rendezvous(index).seek(scope, AbortSignal.timeout(10_000))) {
      expect(addresses.join()).to.include('/ip4/127.0.0.1/tcp/')
      members.push(peer)
    }
    return members
  }

  it('are found by their scope, as long as they advertise it, and by no other', async () => {
    const [two, three] = [new AbortController(), new AbortController()]
    await rendezvous(2).advertise('eu-west/all/', two.signal)
    await rendezvous(3).advertise('eu-west/all/', three.signal)
    const both = [peers[2], peers[3]].map(peer => peer?.id)
    await until(async () => (await found(4, 'eu-west/all/')).length === 2)
    expect(await found(5, 'eu-west/all/')).to.have.members(both)
    expect(await found(5, 'eu-west/all/0')).to.eql([])
    two.abort()
    await until(async () => (await found(4, 'eu-west/all/')).join() === peers[3]?.id)
    three.abort()
  })

  it('are no models', async () => {
    const peer = peers[0] as Peer
    const service = await peer.serve('/skein/cluster/1/eu-west/all/', async function * () { yield 'no' })
    expect(service.models).to.eql([])
    await service.stop()
  })
})

async function until (condition: () => Promise<boolean>): Promise<void> {
  while (!await condition()) {
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}
