/** A peer that comes into another network in the middle of an answer, with the real `skein` command behind NATs. */
import { expect } from 'chai'
import { FaultyPair } from './faulty-pair.ts'

const AGAIN_LIMIT_MS = 15_000

describe('a change of the uplink of one of two peers', function () {
  this.timeout(60_000)
  let pair: FaultyPair | undefined

  afterEach(async () => {
    await pair?.close()
    pair = undefined
  })

  for (const who of ['caller', 'provider'] as const) {
    it(`of the ${who}, punched: the answer under way is whole, and calls are answered again`, async function () {
      pair = await FaultyPair.start(this, { caller: 'port-restricted', provider: 'port-restricted' })
      expect(pair.path).to.equal('punched')
      const { mesh } = pair
      const after = await pair.suffer(async () => { await mesh.lab.changeUplink(who) }, AGAIN_LIMIT_MS)
      expect(after.answeredMs).to.be.below(AGAIN_LIMIT_MS)
      pair.expectWhole(after.underWay)
    })
  }

  it('of the provider, which has a public address: the answer under way is whole, and calls are answered again', async function () {
    pair = await FaultyPair.start(this, { caller: 'port-restricted', provider: 'public' })
    expect(pair.path).to.equal('direct')
    const { mesh } = pair
    let movedMs = 0
    let address = ''
    const after = await pair.suffer(async () => {
      address = (await mesh.lab.changeUplink('provider')).publicAddress
      movedMs = Date.now()
    }, AGAIN_LIMIT_MS)
    expect(after.answeredMs).to.be.below(AGAIN_LIMIT_MS)
    pair.expectWhole(after.underWay)
    console.log(`      its offer named the new address after at most ${await pair.offered(address) - movedMs} ms`)
  })
})
