import { expect } from 'chai'
import fc from 'fast-check'
import { refusal } from '@skein/routing'
import { WatchedTable } from '../../src/index.ts'

const subnetOf = (peer: number): number => peer % 5
const asOf = (peer: number): number => peer % 5 % 2

describe('refusal', () => {
  const room = { subnetInBucket: 0, subnetInTable: 0, asInTable: 0, table: 100 }
  const cases = [
    ['a third of one /24 in a bucket', { subnetInBucket: 2 }, 'subnet_in_bucket'],
    ['an eleventh of one /24', { subnetInTable: 10 }, 'subnet_in_table'],
    ['more than a quarter of one autonomous system', { asInTable: 25 }, 'autonomous_system'],
    ['the last of a quarter', { asInTable: 24 }, undefined],
    ['the fourth of one system in a small table', { asInTable: 3, table: 5 }, undefined],
    ['a stranger', {}, undefined]
  ] as const
  for (const [name, neighbours, expected] of cases) {
    it(`${expected === undefined ? 'lets in' : 'refuses'} ${name}`, () => {
      expect(refusal({ ...room, ...neighbours })).to.equal(expected)
    })
  }
})

describe('WatchedTable', () => {
  it('keeps the limits of its rule, whoever comes in whatever order', () => {
    fc.assert(fc.property(fc.array(fc.record({ peer: fc.nat(200), live: fc.boolean() }), { maxLength: 400 }), steps => {
      const table = new WatchedTable({
        k: 4, buckets: 3, eviction: 'checked', diversity: { subnetInBucket: 2, subnetInTable: 4, asShare: 1 }, subnetOf, asOf
      })
      for (const { peer, live } of steps) {
        table.onSeen(peer, peer % 3, () => live)
      }
      const entries = table.buckets.flat()
      expect(table.size).to.equal(entries.length)
      expect(new Set(entries).size).to.equal(entries.length)
      for (let subnet = 0; subnet < 5; subnet++) {
        expect(entries.filter(peer => subnetOf(peer) === subnet).length).to.be.at.most(4)
        for (const bucket of table.buckets) {
          expect(bucket.length).to.be.at.most(4)
          expect(bucket.filter(peer => subnetOf(peer) === subnet).length).to.be.at.most(2)
        }
      }
    }))
  })

  it('gives up who answers only where newest is best, and who does not in either', () => {
    const tables = (['newest', 'checked'] as const).map(eviction => new WatchedTable({ k: 2, buckets: 1, eviction, subnetOf, asOf }))
    for (const table of tables) {
      [1, 2, 3].forEach(peer => { table.onSeen(peer, 0, () => true) })
    }
    expect(tables.map(({ buckets }) => buckets[0])).to.deep.equal([[2, 3], [2, 1]])
    tables[1]?.onSeen(4, 0, () => false)
    expect(tables[1]?.buckets[0]).to.deep.equal([1, 4])
  })
})
