import { expect } from 'chai'
import { createTestnet } from '../src/index.ts'

describe('a testnet', function () {
  this.timeout(60_000)

  it('of 20 peers is a mesh: what one serves, any other finds and calls', async () => {
    const progress: number[] = []
    const net = await createTestnet({ peers: 20, onProgress: ({ started }) => progress.push(started) })
    try {
      expect(net.peers).to.have.length(20)
      expect(progress.at(-1)).to.equal(21)
      await net.peers[7]?.serve('m', async () => 'from 7')
      for (const index of [0, 6, 13, 19]) {
        const call = net.peers[index]?.chat({ model: 'm', messages: [] })
        expect(await call?.text()).to.equal('from 7')
        expect((await call?.route)?.peer).to.equal(net.peers[7]?.id)
      }
      const late = await net.addPeer({ region: 'eu-west' })
      expect(await late.chat({ model: 'm', messages: [] }).text()).to.equal('from 7')
    } finally {
      await net.stop()
    }
  })

  it('needs no seed', async () => {
    const net = await createTestnet({ peers: 3, seeds: 0, peer: index => ({ region: index === 0 ? 'eu-west' : 'us-east' }) })
    try {
      await net.peers[2]?.serve('m', async () => 'x')
      expect(await net.peers[1]?.chat({ model: 'm', messages: [] }).text()).to.equal('x')
    } finally {
      await net.stop()
    }
  })

  for (const [name, init] of [['a fraction of peers', { peers: 1.5 }], ['a negative number', { seeds: -1 }], ['too many', { peers: 1_000 }]] as const) {
    it(`refuses ${name}`, async () => {
      expect(await createTestnet(init).catch(error => error)).to.be.instanceOf(RangeError)
    })
  }

  it('stops what is up when its signal fires', async () => {
    const controller = new AbortController()
    const error = await createTestnet({
      peers: 10, concurrency: 1, signal: controller.signal, onProgress: ({ started }) => { if (started === 3) { controller.abort(new Error('enough')) } }
    }).catch(error => error)
    expect(error.message).to.equal('enough')
  })
})
