import { expect } from 'chai'
import fc from 'fast-check'
import { DialPace } from '../src/dial-pace.ts'
import { MeasurementBudget } from '../src/index.ts'

const HOUR_MS = 3_600_000

/** One that has given these, as its own time does not go back. */
function afterAll (taken: Array<{ atMs: number, bytes: number }>): MeasurementBudget {
  const budget = new MeasurementBudget({ maxBytesPerHour: 100, maxNetworkBytesPerHour: 100 })
  for (const { atMs, bytes } of taken) {
    budget.take(bytes, 'a', atMs)
  }
  return budget
}

describe('The budget for measurements', () => {
  it('is spent in an hour, and there again an hour later', () => {
    const budget = new MeasurementBudget({ maxBytesPerHour: 100, maxNetworkBytesPerHour: 100 })
    expect(budget.take(60, 'a', 0)).to.equal(0)
    expect(budget.take(60, 'b', 1_000)).to.equal(HOUR_MS - 1_000)
    expect(budget.take(40, 'b', 1_000)).to.equal(0)
    expect(budget.bytes(2_000)).to.equal(100)
    expect(budget.take(60, 'b', HOUR_MS)).to.equal(0)
    expect(budget.take(101, 'b', HOUR_MS)).to.equal(Infinity)
  })

  it('gives one network a part of it', () => {
    const budget = new MeasurementBudget({ maxBytesPerHour: 100, maxNetworkBytesPerHour: 25 })
    expect([budget.take(20, 'a', 0), budget.take(20, 'b', 0), budget.take(20, 'a', 1_000)]).to.deep.equal([0, 0, HOUR_MS - 1_000])
    expect(budget.take(20, undefined, 1_000)).to.equal(0)
  })

  it('is never exceeded in any hour, and waits no longer than it has to', () => {
    fc.assert(fc.property(fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 60 }), afterMs: fc.nat(HOUR_MS / 4) }), { maxLength: 60 }), asks => {
      const budget = new MeasurementBudget({ maxBytesPerHour: 100, maxNetworkBytesPerHour: 100 })
      const taken: Array<{ atMs: number, bytes: number }> = []
      let nowMs = 0
      for (const { bytes, afterMs } of asks) {
        nowMs += afterMs
        const waitMs = budget.take(bytes, 'a', nowMs)
        if (waitMs === 0) {
          taken.push({ atMs: nowMs, bytes })
        } else {
          expect(afterAll(taken).waitMs(bytes, 'a', nowMs + waitMs)).to.equal(0)
          expect(afterAll(taken).waitMs(bytes, 'a', nowMs + waitMs - 1)).to.be.above(0)
        }
        const ofHour = taken.filter(({ atMs }) => nowMs - atMs < HOUR_MS).reduce((sum, one) => sum + one.bytes, 0)
        expect(ofHour).to.be.at.most(100)
      }
    }))
  })
})

describe('Dials for others', () => {
  it('go into a /24 twice a minute, and 300 over all', () => {
    const pace = new DialPace(address => ({ small: address.slice(0, 3), wide: '' }))
    expect([0, 0, 0, 29_999, 30_000].map(nowMs => pace.take('a/1', nowMs))).to.deep.equal([true, true, false, false, true])
    expect(pace.take('b/1', 0)).to.equal(true)
    const all = new DialPace(() => undefined)
    expect(Array.from({ length: 400 }, () => all.take('c', 0)).filter(Boolean)).to.have.length(300)
  })
})
