/** Names that peers keep for each other: real peers on loopback, and the command that looks a name up. */
import { createPeer } from '@skein/peer'
import { MeshNamePublisher, MeshNameResolver, NameAmbiguousError, NameExpiredError, NameNotFoundError, NameUnheldError } from '@skein/fleet'
import { createSeed } from '@skein/seed'
import { expect } from 'chai'
import { SkeinProcess } from './skein-process.ts'
import type { Peer, PeerInit } from '@skein/peer'
import type { Seed } from '@skein/seed'

const LISTEN = ['/ip4/127.0.0.1/tcp/0']

async function until<T> (what: string, limitMs: number, find: () => Promise<T | undefined>): Promise<T> {
  const startMs = performance.now()
  for (;;) {
    const found = await find()
    if (found !== undefined) {
      return found
    }
    if (performance.now() - startMs > limitMs) {
      throw new Error(`It did not come to pass in ${limitMs} ms that ${what}`)
    }
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}

describe('names that peers keep', function () {
  this.timeout(180_000)
  let seed: Seed
  const peers: Peer[] = []

  async function peer (init: PeerInit = {}): Promise<Peer> {
    const started = await createPeer({ listen: LISTEN, bootstrap: seed.addresses, ...init })
    peers.push(started)
    return started
  }

  const publisherOf = ({ libp2p }: Peer): MeshNamePublisher => new MeshNamePublisher({ routing: libp2p.services.routing })
  const resolverOf = ({ libp2p }: Peer): MeshNameResolver => new MeshNameResolver({ routing: libp2p.services.routing })
  const failure = async (promise: Promise<unknown>): Promise<unknown> => await promise.then(() => 'none', (error: unknown) => error)

  before(async () => {
    seed = await createSeed({ listen: LISTEN })
    for (let i = 0; i < 5; i++) {
      await peer()
    }
  })

  after(async () => {
    await Promise.all(peers.map(async one => { await one.stop() }))
    await seed.stop()
  })

  it('are found by anybody, and follow where their owner points them', async () => {
    const [ann, bob] = [peers[0] as Peer, peers[1] as Peer]
    const names = publisherOf(ann)
    await names.publish('k7mx2p9a', '192.0.2.7')
    expect(await resolverOf(bob).resolve('k7mx2p9a')).to.include({ owner: ann.id, host: '192.0.2.7' })
    await names.publish('k7mx2p9a', 'relay.example.org')
    expect(await resolverOf(bob).resolve(`k7mx2p9a.${ann.id}`)).to.include({ owner: ann.id, host: 'relay.example.org' })
    await names.withdraw('k7mx2p9a')
    expect(await failure(resolverOf(bob).resolve('k7mx2p9a'))).to.be.instanceOf(NameNotFoundError)
    await names.withdraw('k7mx2p9a')
  })

  it('are ambiguous when another peer says them too, and the owner\'s all the same', async () => {
    const [ann, eve, bob] = [peers[0] as Peer, peers[2] as Peer, peers[3] as Peer]
    await publisherOf(ann).publish('ambi0001', '192.0.2.7')
    await publisherOf(eve).publish('ambi0001', '198.51.100.66')
    const error = await failure(resolverOf(bob).resolve('ambi0001'))
    expect(error).to.be.instanceOf(NameAmbiguousError)
    expect((error as NameAmbiguousError).records.map(({ owner }) => owner)).to.have.members([ann.id, eve.id])
    expect(await resolverOf(bob).resolve(`ambi0001.${ann.id}`)).to.include({ host: '192.0.2.7' })
  })

  it('are not believed where a record says no host', async () => {
    const [eve, bob] = [peers[2] as Peer, peers[3] as Peer]
    await eve.libp2p.services.routing.announce({ model: '/skein/name/1/hostile1', region: '', addresses: [`/ip4/192.0.2.7/tcp/1/p2p/${eve.id}`] })
    const error = await failure(resolverOf(bob).resolve('hostile1'))
    expect(error).to.be.instanceOf(NameNotFoundError).and.include({ refused: 1 })
  })

  it('are gone when their owner is cut off, which one that knew them is told', async () => {
    const bob = resolverOf(peers[3] as Peer)
    const ann = await peer({ routing: { offerLifeMs: 3_000, withdrawTimeoutMs: 0 } })
    await publisherOf(ann).publish('short001', '192.0.2.7')
    expect(await bob.resolve('short001')).to.include({ host: '192.0.2.7' })
    // renewed for as long as it is there
    await new Promise(resolve => setTimeout(resolve, 4_000))
    expect(await bob.resolve('short001')).to.include({ host: '192.0.2.7' })
    await Promise.all(ann.libp2p.getConnections().map(async connection => { connection.abort(new Error('cut')) }))
    await ann.stop()
    const error = await until('it is gone', 60_000, async () => {
      const problem = await failure(bob.resolve('short001'))
      return problem instanceof Error ? problem : undefined
    })
    expect(error).to.be.instanceOf(NameExpiredError)
  })

  it('cannot be published by who knows nobody', async () => {
    const alone = await createPeer({ listen: LISTEN, bootstrap: [], routing: { joinTimeoutMs: 100 } })
    peers.push(alone)
    expect(await failure(publisherOf(alone).publish('k7mx2p9a', '192.0.2.7'))).to.be.instanceOf(NameUnheldError)
  })

  it('are told by skein resolve, as what cannot be told is', async () => {
    const ann = peers[0] as Peer
    await publisherOf(ann).publish('command1', '192.0.2.9')
    const ran = async (...args: string[]): Promise<SkeinProcess> => {
      const child = new SkeinProcess(['resolve', ...args, '--seed', seed.addresses[0] as string])
      await child.exit()
      return child
    }
    const found = await ran('command1')
    expect(found.events.find(({ event }) => event === 'resolved')).to.include({ name: 'command1', owner: ann.id, host: '192.0.2.9' })
    const missing = await ran('missing1', '--timeout', '10')
    expect(await missing.exit()).to.include({ code: 1 })
    expect(JSON.stringify(missing.events) + missing.stderr).to.include('missing1 points nowhere')
    const wrong = await ran('No Name')
    expect(JSON.stringify(wrong.events) + wrong.stderr).to.include('is no name of the mesh')
  })
})
