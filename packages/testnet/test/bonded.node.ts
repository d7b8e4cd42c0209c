/** Peers that reach each other over bonded UDP where TCP does not lead to them. */
import { createPeer } from '@skein/peer'
import { smokeBackend } from '@skein/smoke-model'
import { srtla } from '@skein/srtla/libp2p'
import { expect } from 'chai'
import type { Peer, PeerInit } from '@skein/peer'

const LINKS = ['127.0.0.2', '127.0.0.3', '127.0.0.4']

describe('a peer that is reached over bonded UDP', function () {
  this.timeout(60_000)
  const peers: Peer[] = []

  afterEach(async () => { await Promise.all(peers.splice(0).map(async peer => { await peer.stop() })) })

  async function started (init: PeerInit): Promise<Peer> {
    const peer = await createPeer(init)
    peers.push(peer)
    return peer
  }

  it('answers calls, over three links, and the path is called bonded', async () => {
    const provider = await started({ listen: ['/ip4/127.0.0.1/udp/0/srtla'], transports: those => [...those, srtla()] })
    await provider.serve(await smokeBackend())
    const caller = await started({ listen: [], transports: those => [...those, srtla({ links: LINKS })], bootstrap: provider.addresses })
    const chat = caller.chat({ model: 'skein-smoke-1', messages: [{ role: 'user', content: 'Call me' }], max_tokens: 20 })
    expect(await chat.text()).to.have.length.above(20)
    expect((await chat.route).path).to.equal('bonded')
    expect(caller.paths.find(({ peer }) => peer === provider.id)?.path).to.equal('bonded')
  })

  it('is reached directly where that works, by one that could do both', async () => {
    const provider = await started({ listen: ['/ip4/127.0.0.1/udp/0/srtla', '/ip4/127.0.0.1/tcp/0'], transports: those => [...those, srtla()] })
    const caller = await started({ listen: [], transports: those => [...those, srtla()], bootstrap: provider.addresses })
    expect(caller.paths.find(({ peer }) => peer === provider.id)?.path).to.equal('direct')
  })

  it('does not keep those out who cannot dial it', async () => {
    const provider = await started({ listen: ['/ip4/127.0.0.1/udp/0/srtla', '/ip4/127.0.0.1/tcp/0'], transports: those => [...those, srtla()] })
    const caller = await started({ listen: [], bootstrap: provider.addresses })
    expect(caller.paths.find(({ peer }) => peer === provider.id)?.path).to.equal('direct')
  })
})
