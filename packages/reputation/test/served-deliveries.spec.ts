import { expect } from 'chai'
import { ServedDeliveries } from '../src/index.ts'
import { NOW_MS, receipt } from './ledger-fixture.ts'

const served = (consumer: string, requestId: string, tokensOut = 100): ReturnType<typeof receipt> =>
  receipt({ provider: 'me', consumer, requestId: requestId.repeat(32), tokensOut })

describe('what this peer served', () => {
  it('is known by who was served and by the request', () => {
    const deliveries = new ServedDeliveries()
    deliveries.add(served('them', 'a'), NOW_MS)
    expect(deliveries.measured(served('them', 'a', 5_000), NOW_MS)).to.deep.include({ tokensOut: 100 })
    expect(deliveries.measured(served('them', 'b'), NOW_MS)).to.equal(undefined)
    expect(deliveries.measured(served('other', 'a'), NOW_MS)).to.equal(undefined)
  })

  it('stays what it was when the request is sent again and refused', () => {
    const deliveries = new ServedDeliveries()
    deliveries.add(served('them', 'a'), NOW_MS)
    deliveries.add({ ...served('them', 'a', 0), outcome: 'refused' }, NOW_MS + 1)
    expect(deliveries.measured(served('them', 'a'), NOW_MS + 1)?.outcome).to.equal('complete')
  })

  it('is forgotten after ten minutes, and earlier by those who ask for much', () => {
    const deliveries = new ServedDeliveries({ maxPerPeer: 2, maxPeers: 2 })
    for (const id of ['a', 'b', 'c']) {
      deliveries.add(served('them', id), NOW_MS)
    }
    deliveries.add(served('other', 'a'), NOW_MS)
    expect(['a', 'b', 'c'].map(id => deliveries.measured(served('them', id), NOW_MS) !== undefined)).to.deep.equal([false, true, true])
    expect(deliveries.measured(served('other', 'a'), NOW_MS + 599_999)).to.not.equal(undefined)
    expect(deliveries.measured(served('other', 'a'), NOW_MS + 600_000)).to.equal(undefined)
    deliveries.add(served('third', 'a'), NOW_MS)
    expect(deliveries.measured(served('them', 'c'), NOW_MS), 'the one that was served longest ago').to.equal(undefined)
  })
})
