/** What becomes of answers when a NAT on the way forgets, or packets are lost, with the real `skein` command behind NATs. */
import { expect } from 'chai'
import { FaultyPair } from './faulty-pair.ts'

const RESUME_LIMIT_MS = 15_000

describe('faults on the way between two peers behind NATs', function () {
  this.timeout(60_000)
  let pair: FaultyPair | undefined

  afterEach(async () => {
    await pair?.close()
    pair = undefined
  })

  for (const kind of ['symmetric-random', 'port-restricted'] as const) {
    it(`a ${kind} NAT that forgets its mappings: the answer under way is whole, and calls are answered again within 15 s`, async function () {
      pair = await FaultyPair.start(this, { caller: kind, provider: kind })
      const { mesh } = pair
      const after = await pair.suffer(async () => { await mesh.lab.rebootNat('caller') }, RESUME_LIMIT_MS)
      expect(after.answeredMs).to.be.below(RESUME_LIMIT_MS)
      pair.expectWhole(after.underWay)
    })
  }

  it('20 % loss: answers come whole', async function () {
    pair = await FaultyPair.start(this, { caller: 'port-restricted', provider: 'port-restricted' })
    await pair.mesh.lab.setLoss('caller', 0.2)
    for (let i = 0; i < 3; i++) {
      const line = await pair.caller.ask('call', '20')
      expect(line.error ?? '', line.error).to.equal('')
      expect(line.pieces).to.be.above(0)
      console.log(`      first token after ${line.firstMs} ms, whole after ${line.tookMs} ms, ${line.path}`)
    }
  })
})
