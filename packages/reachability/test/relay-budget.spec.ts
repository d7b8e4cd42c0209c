import { expect } from 'chai'
import fc from 'fast-check'
import { PATHS, RelayBudget } from '../src/index.ts'
import type { Path } from '../src/index.ts'

const HOUR_MS = 3_600_000

describe('RelayBudget', () => {
  it('is spent above its share, and not below', () => {
    const budget = new RelayBudget({ freeBytes: 0 })
    budget.onBytes('direct', 960, 0)
    budget.onBytes('relayed', 40, 0)
    expect(budget.state(0)).to.deep.equal({ bytes: { direct: 960, punched: 0, bonded: 0, relayed: 40 }, share: 0.04, spent: false })
    budget.onBytes('relayed', 40, 1)
    expect(budget.state(1).spent).to.equal(true)
    budget.onBytes('punched', 1_000, 2)
    expect(budget.state(2).spent).to.equal(false)
  })

  it('is spent above its bytes, however small their share', () => {
    const budget = new RelayBudget({ freeBytes: 0, bytes: 100 })
    budget.onBytes('direct', 1e9, 0)
    budget.onBytes('relayed', 101, 0)
    expect(budget.state(0).spent).to.equal(true)
  })

  it('lets the first bytes of a peer that has nothing else pass', () => {
    const budget = new RelayBudget()
    budget.onBytes('relayed', 1_048_576, 0)
    expect(budget.state(0)).to.include({ share: 1, spent: false })
    budget.onBytes('relayed', 1, 0)
    expect(budget.state(0).spent).to.equal(true)
  })

  it('forgets what is older than a day, whatever the steps of the clock', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom(...PATHS), fc.nat(1_000), fc.nat(10 * HOUR_MS)), { maxLength: 50 }), events => {
      const budget = new RelayBudget()
      let nowMs = 5e11
      const all: Array<[Path, number, number]> = []
      for (const [path, bytes, afterMs] of events) {
        nowMs += afterMs
        budget.onBytes(path, bytes, nowMs)
        all.push([path, bytes, nowMs])
      }
      const { bytes } = budget.state(nowMs)
      for (const path of PATHS) {
        const since = (ms: number): number => all.filter(([of, , atMs]) => of === path && atMs > nowMs - ms).reduce((sum, [, count]) => sum + count, 0)
        expect(bytes[path]).to.be.within(since(23 * HOUR_MS), since(24 * HOUR_MS))
      }
    }))
  })

  it('keeps what there is when the clock goes back', () => {
    const budget = new RelayBudget()
    budget.onBytes('relayed', 5, 10 * HOUR_MS)
    budget.onBytes('relayed', 5, 2 * HOUR_MS)
    expect(budget.state(10 * HOUR_MS).bytes.relayed).to.equal(10)
  })

  it('refuses limits that are none', () => {
    expect(() => new RelayBudget({ share: 5 })).to.throw(RangeError, 'share of 0 to 1')
  })
})
