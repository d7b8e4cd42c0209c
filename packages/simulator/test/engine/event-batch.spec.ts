import { expect } from 'chai'
import fc from 'fast-check'
import { EventBatch } from '../../src/index.ts'

describe('EventBatch', () => {
  it('orders as a stable sort by the key words does, whatever their sign bit', () => {
    const word = fc.oneof(fc.nat(3), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }))
    const batches = fc.array(fc.array(fc.tuple(word, word, fc.nat(2)), { maxLength: 300 }), { minLength: 1, maxLength: 3 })
    fc.assert(fc.property(batches, lists => {
      const batch = new EventBatch(4, 3)
      for (const list of lists) { // the same batch again and again
        batch.clear()
        for (const [i, record] of list.entries()) {
          const at = batch.room()
          batch.records.set([...record, i], at)
          batch.added()
        }
        batch.sort()
        const sorted = [...list.entries()].sort(([i, a], [j, b]) => (a[0] >>> 0) - (b[0] >>> 0) || (a[1] >>> 0) - (b[1] >>> 0) || a[2] - b[2] || i - j)
        expect(batch.size).to.equal(list.length)
        expect(sorted.map((_, place) => batch.records[(batch.order[place] as number) + 3])).to.deep.equal(sorted.map(([i]) => i))
      }
    }))
  })
})
