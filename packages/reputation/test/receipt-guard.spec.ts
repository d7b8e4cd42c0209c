import { expect } from 'chai'
import fc from 'fast-check'
import { ReceiptGuard } from '../src/index.ts'
import { NOW_MS, receipt } from './ledger-fixture.ts'

function accepts (guard: ReceiptGuard, what: ReturnType<typeof receipt>): boolean {
  try {
    guard.accept(what)
    return true
  } catch (error) {
    expect(error).to.have.property('reason', 'replayed')
    return false
  }
}

describe('a guard of receipts', () => {
  it('accepts none twice, however small its memory', () => {
    const issued = fc.array(fc.tuple(fc.nat(3), fc.nat(50)), { minLength: 1, maxLength: 60 })
    fc.assert(fc.property(issued, fc.array(fc.nat(59), { maxLength: 60 }), (made, replays) => {
      const guard = new ReceiptGuard({ maxPairs: 2, maxIds: 3 })
      const all = made.map(([provider, ms]) => receipt({ provider: `p${provider}`, issuedAtMs: NOW_MS + ms }))
      const accepted = new Set(all.filter(one => accepts(guard, one)))
      for (const i of replays) {
        const one = all[i % all.length]!
        expect(accepts(guard, one) && accepted.has(one)).to.equal(false)
        accepted.add(one)
      }
    }))
  })

  it('refuses what was issued before it began', () => {
    const guard = new ReceiptGuard({ floorMs: NOW_MS })
    expect([accepts(guard, receipt({ issuedAtMs: NOW_MS })), accepts(guard, receipt({ issuedAtMs: NOW_MS + 1 }))]).to.deep.equal([false, true])
  })
})
