import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { createPeer } from '@skein/peer'
import { PROTOCOLS } from '@skein/records'
import { expect } from 'chai'
import { createSeed } from '../../src/index.ts'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Peer } from '@skein/peer'
import type { Seed, SeedInit } from '../../src/index.ts'

describe('the guard of a seed\'s connections', function () {
  this.timeout(20_000)
  let seed: Seed
  let peers: Peer[] = []
  let servers: Server[] = []

  afterEach(async () => {
    await Promise.all(peers.map(async peer => { await peer.stop() }))
    servers.forEach(server => server.close())
    await seed.stop()
    peers = []
    servers = []
  })

  async function start (init: SeedInit): Promise<Seed> {
    seed = await createSeed({ listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws', '/ip6/::1/tcp/0'], trustedNetworks: [], ...init })
    return seed
  }

  async function newPeer (): Promise<Peer> {
    const peer = await createPeer({ listen: [] })
    peers.push(peer)
    return peer
  }

  async function until (condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  const pause = async (ms: number): Promise<void> => { await new Promise(resolve => setTimeout(resolve, ms)) }

  it('keeps those who finished their handshake, over every transport and family', async () => {
    await start({ limits: { connections: { handshakeTimeoutMs: 2_500 } } })
    expect(seed.addresses).to.have.length(3)
    const connections = await Promise.all(seed.addresses.map(async address => await (await newPeer()).libp2p.dial(multiaddr(address))))
    await pause(3_500)
    expect(connections.map(({ status }) => status)).to.deep.equal(['open', 'open', 'open'])
    expect(seed.inbound).to.deep.include({ admitted: 3, refused: {}, givenUp: {} })
  })

  it('counts by address as long as a connection is open, and lets loopback alone by default', async () => {
    await start({ limits: { connections: { maxPerAddress: { tcp: 2 } } } })
    const [address] = seed.addresses as [string]
    const [, , refused] = [await newPeer(), await newPeer(), await newPeer()]
    await Promise.all(peers.slice(0, 2).map(async peer => await peer.libp2p.dial(multiaddr(address))))
    expect(await refused?.libp2p.dial(multiaddr(address)).catch((error: Error) => error)).to.be.instanceOf(Error)
    expect(seed.inbound.refused).to.deep.equal({ address: 1 })
    await peers[0]?.libp2p.hangUp(seed.peer.libp2p.peerId)
    await until(() => seed.peer.libp2p.getConnections().length === 1)
    await refused?.libp2p.dial(multiaddr(address))
    await seed.stop()

    await start({ trustedNetworks: undefined, limits: { connections: { maxPerAddress: { tcp: 2 } } } })
    await Promise.all(peers.map(async peer => await peer.libp2p.dial(multiaddr(seed.addresses[0] as string))))
    expect(seed.inbound).to.deep.include({ admitted: 3, refused: {} })
  })

  it('ends a connection whose other side is gone without a word, and keeps a silent one that answers', async () => {
    await start({ limits: { liveness: { pingAfterMs: 300, answerTimeoutMs: 500 } } })
    const target = multiaddr(seed.addresses[0] as string)
    const { port } = target.toString().match(/tcp\/(?<port>\d+)/)?.groups as { port: string }
    const pairs: Socket[] = []
    const wire = createServer(client => {
      const server = connect(Number(port), '127.0.0.1')
      client.pipe(server).pipe(client)
      pairs.push(client, server)
      for (const socket of [client, server]) {
        socket.on('error', () => {})
      }
    }).listen(0, '127.0.0.1')
    servers.push(wire)
    await once(wire, 'listening')
    const lost = await newPeer()
    await lost.libp2p.dial(multiaddr(`/ip4/127.0.0.1/tcp/${(wire.address() as AddressInfo).port}/p2p/${seed.id}`))
    const silent = await newPeer()
    await silent.libp2p.dial(target)
    await pause(500)
    expect(seed.peer.libp2p.getConnections()).to.have.length(2)

    // the wire is cut: nothing arrives, and nobody is told
    pairs.forEach(socket => { socket.unpipe(); socket.pause() })
    await until(() => seed.peer.libp2p.getConnections().length === 1)
    await pause(1_500)
    expect(seed.peer.libp2p.getConnections().map(({ remotePeer }) => remotePeer.toString())).to.deep.equal([silent.id])
    expect(seed.inbound.ended).to.deep.equal({ silent: 1 })
    pairs.forEach(socket => { socket.destroy() })
  })

  it('takes nobody new while memory is short', async () => {
    let usedBytes = 10
    await start({ limits: { readHeap: () => ({ usedBytes, limitBytes: 100 }) } })
    const address = multiaddr(seed.addresses[0] as string)
    usedBytes = 71
    await until(() => seed.isShedding)
    expect(await (await newPeer()).libp2p.dial(address).catch((error: Error) => error)).to.be.instanceOf(Error)
    expect(seed.inbound.refused).to.deep.equal({ overload: 1 })
    usedBytes = 10
    await until(() => !seed.isShedding)
    await (await newPeer()).libp2p.dial(address)
  })

  it('resets a stream on which nothing is sent, and not one that is in use', async () => {
    await start({ limits: { streams: { firstFrameTimeoutMs: 300, idleTimeoutMs: 1_500 } } })
    const peer = await newPeer()
    const unused = await peer.libp2p.dialProtocol(multiaddr(seed.addresses[0] as string), PROTOCOLS.routing)
    await until(() => unused.status !== 'open')
    expect(seed.inbound.streamsReset).to.deep.equal({ first_frame: 1 })
    await seed.peer.serve('slow', async function * () {
      for (let i = 0; i < 4; i++) {
        yield String(i)
        await pause(600)
      }
    })
    await until(() => peer.libp2p.getPeers().length > 0)
    expect(await peer.chat({ model: 'slow', messages: [] }).text()).to.equal('0123')
  })

  it('forgets peers that have gone beyond a bound, and none that is there', async () => {
    await start({ limits: { maxKnownPeers: 4 } })
    const address = multiaddr(seed.addresses[0] as string)
    const staying = await newPeer()
    await staying.libp2p.dial(address)
    for (let i = 0; i < 8; i++) {
      const peer = await newPeer()
      await peer.libp2p.dial(address)
      await until(() => seed.peer.libp2p.getConnections(peer.libp2p.peerId).length > 0)
      await peer.stop()
    }
    await until(() => seed.peer.libp2p.getConnections().length === 1)
    for (let tries = 0; tries < 500 && (await seed.peer.libp2p.peerStore.all()).length > 5; tries++) {
      await pause(10)
    }
    const known = (await seed.peer.libp2p.peerStore.all()).map(({ id }) => id.toString())
    expect(known).to.have.length.within(1, 5).and.to.include(staying.id)
    const [last] = peers.slice(-1)
    expect(known).to.include(last?.id)
  })

  it('takes requests of megabytes through its small windows', async () => {
    await start({})
    await seed.peer.serve('long', async request => String(JSON.stringify(request).length))
    const peer = await newPeer()
    await peer.libp2p.dial(multiaddr(seed.addresses[0] as string))
    const messages = [{ role: 'user' as const, content: 'x'.repeat(900_000) }]
    expect(Number(await peer.chat({ model: 'long', messages }).text())).to.be.above(900_000)
  })
})
