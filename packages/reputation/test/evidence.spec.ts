import { expect } from 'chai'
import fc from 'fast-check'
import { expectation, faded, HALF_LIFE_MS, MAX_EVIDENCE, NEWCOMER_SCORE, withMore } from '../src/index.ts'
import { NOW_MS } from './ledger-fixture.ts'

const NONE = { good: 0, bad: 0, atMs: NOW_MS }

describe('evidence', () => {
  it('is worth half after seven days, a quarter after fourteen', () => {
    const evidence = { good: 8, bad: 4, atMs: NOW_MS }
    expect(faded(evidence, NOW_MS + HALF_LIFE_MS)).to.deep.equal({ good: 4, bad: 2, atMs: NOW_MS + HALF_LIFE_MS })
    expect(faded(evidence, NOW_MS + 2 * HALF_LIFE_MS).good).to.equal(2)
    expect(faded(evidence, NOW_MS - 5000), 'a clock that went back').to.equal(evidence)
  })

  it('lets expect 0.2 of a newcomer, and weighs a failure as three successes', () => {
    expect(expectation(NONE)).to.equal(NEWCOMER_SCORE)
    const half = (good: number, bad: number): boolean => expectation({ good, bad }) >= 0.5
    expect([half(2, 0), half(3, 0), half(5, 1), half(6, 1)]).to.deep.equal([false, true, false, true])
  })

  it('never leaves 0 to 1, nor MAX_EVIDENCE', () => {
    const amount = fc.double({ min: 0, max: 1000, noNaN: true })
    fc.assert(fc.property(fc.array(fc.tuple(amount, amount, fc.nat(HALF_LIFE_MS)), { maxLength: 40 }), steps => {
      let evidence = NONE
      let nowMs = NOW_MS
      for (const [good, bad, ms] of steps) {
        nowMs += ms
        evidence = withMore(evidence, { good, bad }, nowMs)
        expect(evidence.good + evidence.bad).to.be.at.most(2 * MAX_EVIDENCE)
        expect(Math.max(evidence.good, evidence.bad)).to.be.at.most(MAX_EVIDENCE)
        expect(expectation(evidence)).to.be.within(0, 1)
      }
    }))
  })

  it('of months of deliveries is outweighed by 15 failures in a row', () => {
    let evidence = NONE
    for (let i = 0; i < 10_000; i++) {
      evidence = withMore(evidence, { good: 1 }, NOW_MS)
    }
    expect(expectation(evidence)).to.be.above(0.9)
    for (let i = 0; i < 15; i++) {
      evidence = withMore(evidence, { bad: 1 }, NOW_MS)
    }
    expect(expectation(evidence)).to.be.below(0.2)
  })
})
