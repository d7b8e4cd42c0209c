/** What becomes of answers when something on the way breaks, with the real `skein` command behind NATs. */
import { expect } from 'chai'
import { FaultyPair } from './faulty-pair.ts'

const RESUME_LIMIT_MS = 15_000
const RELAY_LIMIT_MS = 5_000

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

  it('a relay that is killed: the answer under way is whole, and calls are answered within 5 s where there is a second reservation', async function () {
    const started = await FaultyPair.start(this, { caller: 'symmetric-random', provider: 'symmetric-random' }, 2)
    pair = started
    const after = await pair.suffer(async () => { await started.mesh.stop((await started.relayInUse()).process) }, RELAY_LIMIT_MS)
    expect(after.answeredMs).to.be.below(RELAY_LIMIT_MS)
    pair.expectWhole(after.underWay)
  })

  it('a relay that vanishes without a word: the answer under way is whole, and calls are answered again within 15 s', async function () {
    const started = await FaultyPair.start(this, { caller: 'symmetric-random', provider: 'symmetric-random' }, 2)
    pair = started
    const after = await pair.suffer(async () => { await started.mesh.lab.setCut((await started.relayInUse()).host) }, RESUME_LIMIT_MS)
    expect(after.answeredMs).to.be.below(RESUME_LIMIT_MS)
    pair.expectWhole(after.underWay)
  })
})
