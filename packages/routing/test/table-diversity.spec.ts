/** Routing tables kept diverse: limits on networks, for a table as it fills and for a given set. */
import { expect } from 'chai'
import fc from 'fast-check'
import { admitted, refusal, TableCensus } from '../src/table-diversity.ts'
import type { Placed } from '../src/table-diversity.ts'

function sybils (count: number): Placed[] {
  return Array.from({ length: count }, (_, i) => ({ bucket: (i >> 2) % 10, network: { small: `s${i % 4}`, wide: `w${i % 4}` } }))
}

function honest (count: number): Placed[] {
  return Array.from({ length: count }, (_, i) => ({ bucket: i % 10, network: { small: `h${i}`, wide: `w${100 + i}` } }))
}

const isSybil = ({ network }: Placed): boolean => network?.small.startsWith('s') === true

describe('table diversity', () => {
  for (const [table, most] of [[10, 2], [59, 3], [129, 6], [199, 10], [1280, 10]] as const) {
    it(`lets ${most} of a /24 into a table of ${table}`, () => {
      const admits = (subnetInTable: number): boolean => refusal({ subnetInBucket: 0, subnetInTable, asInTable: 0, table }) === undefined
      expect(admits(most - 1)).to.equal(true)
      expect(admits(most)).to.equal(false)
    })
  }

  for (const count of [60, 100, 200, 1000]) {
    it(`keeps three quarters of a table of ${count} honest, however many of four /24s wait before its door`, () => {
      for (const candidates of [[...sybils(2000), ...honest(count)], [...honest(count), ...sybils(2000)]]) {
        const table = admitted(candidates)
        expect(table.filter(entry => !isSybil(entry)).length).to.equal(count)
        expect(count / table.length).to.be.at.least(0.75)
      }
    })
  }

  it('lets in all to whom no rule of networks applies', () => {
    const home = Array.from({ length: 50 }, () => ({ bucket: 0, network: undefined }))
    expect(admitted(home)).to.have.length(50)
  })

  it('counts who comes and who leaves', () => {
    fc.assert(fc.property(fc.array(fc.nat({ max: 5 }), { maxLength: 60 }), moves => {
      const census = new TableCensus()
      const inside: Placed[] = []
      for (const move of moves) {
        const entry: Placed = { bucket: move, network: { small: `s${move}`, wide: 'w' } }
        const at = inside.findIndex(other => other.bucket === move)
        if (at >= 0 && inside.length > 3) {
          census.count(inside.splice(at, 1)[0] as Placed, -1)
        } else if (census.refusal(entry) === undefined) {
          census.count(entry, 1)
          inside.push(entry)
        }
        expect(census.size).to.equal(inside.length)
        expect(inside.filter(other => other.bucket === move).length).to.be.at.most(2)
        expect(inside.length).to.be.at.most(4)
      }
    }))
  })
})
