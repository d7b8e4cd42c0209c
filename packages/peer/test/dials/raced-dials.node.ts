/** Dials between real nodes, of peers some of whose addresses nobody answers at. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import { createPeer } from '../../src/index.ts'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Peer } from '../../src/index.ts'

/** What libp2p's own dial queue gives one address, ms; the addresses here are silent for ever. */
const ONE_BY_ONE_MS = 6_000

describe('dials of peers with several addresses', function () {
  this.timeout(30_000)
  let peers: Peer[]
  let silent: Server
  let sockets: Socket[]
  let silentAddress: string

  beforeEach(async () => {
    peers = await Promise.all([1, 2].map(async () => await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], relay: 'dial' })))
    sockets = []
    silent = createServer(socket => {
      socket.on('error', () => {})
      socket.resume()
      sockets.push(socket)
    }).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    silentAddress = `/ip4/127.0.0.1/tcp/${(silent.address() as AddressInfo).port}`
  })

  afterEach(async () => {
    await Promise.all(peers.map(async peer => { await peer.stop() }))
    sockets.forEach(socket => { socket.destroy() })
    silent.close()
  })

  const [caller, target] = [0, 1].map(i => () => peers[i] as Peer) as [() => Peer, () => Peer]

  it('need not wait for an address that takes connections and says nothing', async () => {
    const startMs = performance.now()
    const connection = await caller().libp2p.dial([multiaddr(`${silentAddress}/p2p/${target().id}`), multiaddr(target().addresses[0] as string)])
    expect(performance.now() - startMs).to.be.below(ONE_BY_ONE_MS)
    expect(connection.remotePeer.toString()).to.equal(target().id)
    expect(sockets).to.have.length(1)
    await Promise.all(sockets.map(async socket => socket.destroyed ? undefined : await once(socket, 'close')))
    expect(caller().libp2p.getConnections()).to.have.length(1)
  })

  it('take in an address that another dial of the same peer brings', async () => {
    const startMs = performance.now()
    const first = caller().libp2p.dial(multiaddr(`${silentAddress}/p2p/${target().id}`))
    const second = caller().libp2p.dial(multiaddr(target().addresses[0] as string))
    expect((await first).id).to.equal((await second).id)
    expect(performance.now() - startMs).to.be.below(ONE_BY_ONE_MS)
  })

  it('tell what came of each address when none works', async () => {
    const error = await caller().libp2p.dial([1, 2].map(port => multiaddr(`/ip4/127.0.0.1/tcp/${port}/p2p/${target().id}`)))
      .then(() => undefined, (error: AggregateError) => error)
    expect(error?.errors.map(({ message }: Error) => /ECONNREFUSED/.exec(message)?.[0])).to.deep.equal(['ECONNREFUSED', 'ECONNREFUSED'])
  })

  it('end when the caller has had enough', async () => {
    const limit = new AbortController()
    const dial = caller().libp2p.dial(multiaddr(`${silentAddress}/p2p/${target().id}`), { signal: limit.signal }).then(() => 'connected', () => 'ended')
    await once(silent, 'connection')
    limit.abort(new Error('enough'))
    expect(await dial).to.equal('ended')
    await Promise.all(sockets.map(async socket => socket.destroyed ? undefined : await once(socket, 'close')))
  })
})
