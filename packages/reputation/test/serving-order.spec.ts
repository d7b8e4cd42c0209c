import { expect } from 'chai'
import { CONTEST_MS, scoreToBeServed, ServingOrder } from '../src/index.ts'

describe('who is served under load', () => {
  it('is everybody while half of the places are free, then those with a score', () => {
    expect([0, 0.3, 0.49, 0.5, 0.75, 1].map(taken => Number(scoreToBeServed(taken).toFixed(3)))).to.deep.equal([0, 0, 0, 0.2, 0.35, 0.5])
  })

  it('is whoever asks, while nobody better was turned away', () => {
    const order = new ServingOrder()
    order.onTurnedAway(0.2, 0)
    expect(order.mayTake(0.2, 0.9, 10)).to.equal(true)
  })

  it('is not one who only takes, once one who delivers was turned away', () => {
    const order = new ServingOrder()
    order.onTurnedAway(0.8, 0)
    order.onTurnedAway(0.3, 5)
    expect(order.mayTake(0.2, 0.9, 10), 'a newcomer').to.equal(false)
    expect(order.mayTake(0.2, 0.4, 10), 'while half of the places are free').to.equal(true)
    expect(order.mayTake(0.8, 0.9, 10), 'one who delivers').to.equal(true)
  })

  it('is everybody again when those have not come back', () => {
    const order = new ServingOrder()
    order.onTurnedAway(0.8, 0)
    order.onTurnedAway(0.4, 6_000)
    expect(order.mayTake(0.2, 0.9, CONTEST_MS), 'one is still waited for').to.equal(false)
    expect(order.mayTake(0.39, 0.9, CONTEST_MS), 'to whom this one is equal').to.equal(true)
    expect(order.mayTake(0.2, 0.9, 6_000 + CONTEST_MS)).to.equal(true)
  })

  it('remembers a bounded number of those turned away', () => {
    const order = new ServingOrder()
    for (let i = 0; i < 1_000; i++) {
      order.onTurnedAway(0.9 - i * 0.0005, i)
    }
    expect(order.mayTake(0.1, 1, 1_000)).to.equal(false)
    expect((order as unknown as { turnedAway: unknown[] }).turnedAway).to.have.length(64)
  })
})
