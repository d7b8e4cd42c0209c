/** What becomes of answers when the relay through which they come is gone, and there is a second one, with the real `skein` command behind NATs. */
import { expect } from 'chai'
import { FaultyPair } from './faulty-pair.ts'

const KILLED_LIMIT_MS = 5_000
const VANISHED_LIMIT_MS = 15_000

describe('a relay between two peers behind symmetric NATs', function () {
  this.timeout(60_000)
  let pair: FaultyPair

  beforeEach(async function () {
    pair = await FaultyPair.start(this, { caller: 'symmetric-random', provider: 'symmetric-random' }, 2)
  })

  afterEach(async () => { await pair?.close() })

  it('that is killed: the answer under way is whole, and calls are answered again within 5 s', async () => {
    const after = await pair.suffer(async () => { await pair.mesh.stop((await pair.relayInUse()).process) }, KILLED_LIMIT_MS)
    expect(after.answeredMs).to.be.below(KILLED_LIMIT_MS)
    pair.expectWhole(after.underWay)
  })

  it('that vanishes without a word: the answer under way is whole, and calls are answered again within 15 s', async () => {
    const after = await pair.suffer(async () => { await pair.mesh.lab.setCut((await pair.relayInUse()).host) }, VANISHED_LIMIT_MS)
    expect(after.answeredMs).to.be.below(VANISHED_LIMIT_MS)
    pair.expectWhole(after.underWay)
  })
})
