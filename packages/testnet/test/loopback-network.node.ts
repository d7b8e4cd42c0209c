import { createPeer } from '@skein/peer'
import { expect } from 'chai'
import { createTestnet, loopbackHost, loopbackNetworks } from '../src/index.ts'

describe('loopback networks', function () {
  this.timeout(60_000)

  it('tell /24, /16 and system of a loopback address, and nothing of others or of circuits', () => {
    const networkOf = loopbackNetworks()
    expect(networkOf('/ip4/127.11.2.1/tcp/4001')).to.deep.equal({ small: '127.11.2.0/24', wide: '127.11.0.0/16', system: 64_523 })
    expect(loopbackNetworks({ systemOf: () => undefined })('/ip4/127.11.2.1')).to.deep.equal({ small: '127.11.2.0/24', wide: '127.11.0.0/16' })
    for (const address of ['/ip4/192.0.2.1/tcp/1', '/ip6/::1/tcp/1', '/ip4/127.1.0.1/tcp/1/p2p/12D3/p2p-circuit', '/dns4/localhost/tcp/1']) {
      expect(networkOf(address), address).to.equal(undefined)
    }
  })

  it('are what nodes of a testnet see each other in, whoever dialled', async () => {
    const net = await createTestnet({ peers: 4, networks: true })
    try {
      const [a, b] = [net.peers[0], net.peers[1]]
      const added = await net.addPeer()
      expect([net.seeds[0]?.peer, ...net.peers, added].map(peer => peer?.addresses[0]?.split('/')[2]))
        .to.deep.equal(['127.1.0.1', '127.2.0.1', '127.3.0.1', '127.4.0.1', '127.5.0.1', '127.6.0.1'])
      const inbound = new Promise<string>(resolve => {
        b?.libp2p.addEventListener('connection:open', ({ detail }) => {
          if (detail.remotePeer.toString() === added.id) {
            resolve(detail.remoteAddr.toString())
          }
        })
        b?.libp2p.getConnections().filter(({ remotePeer }) => remotePeer.toString() === added.id).forEach(({ remoteAddr }) => { resolve(remoteAddr.toString()) })
      })
      await added.libp2p.dial(b?.libp2p.getMultiaddrs() ?? [])
      expect((await inbound).split('/')[2]).to.equal('127.6.0.1')
      expect(b?.trust.networkOf(added.id)).to.deep.equal({ small: '127.6.0.0/24', wide: '127.6.0.0/16', system: 64_518 })
      expect(net.seeds[0]?.peer.trust.networkOf(a?.id ?? '')).to.deep.include({ wide: '127.2.0.0/16' })
    } finally {
      await net.stop()
    }
  })

  it('are shared by those that are put into one', async () => {
    const net = await createTestnet({ peers: 2, networks: { hostOf: index => `127.7.0.${index + 1}`, systemOf: () => 7 } })
    try {
      const [a, b] = net.peers.map(peer => net.seeds[0]?.peer.trust.networkOf(peer.id))
      expect(a).to.deep.equal({ small: '127.7.0.0/24', wide: '127.7.0.0/16', system: 7 })
      expect(b).to.deep.equal(a)
    } finally {
      await net.stop()
    }
  })

  it('are to be had for a peer that is started by itself', async () => {
    const peer = await createPeer(loopbackHost('127.200.3.4'))
    try {
      expect(peer.addresses[0]).to.match(/^\/ip4\/127\.200\.3\.4\/tcp\/\d+\/p2p\//)
    } finally {
      await peer.stop()
    }
  })

  it('are 255 at most, unless it is said who shares one', async () => {
    const error = await createTestnet({ peers: 300, networks: true }).catch(error => error)
    expect(error).to.be.instanceOf(RangeError)
    expect(error.message).to.include('hostOf')
  })
})
