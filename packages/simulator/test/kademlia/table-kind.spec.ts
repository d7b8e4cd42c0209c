import { expect } from 'chai'
import { ExplicitTable, ImplicitTable, makeTable, MOST_NODES, StorageFreeTable, TABLE_KINDS, tableBytes, tableKindFor } from '../../src/index.ts'

describe('kinds of tables', () => {
  const cases: Array<[nodes: number, clustered: number, kind: string]> = [
    [1000, 0, 'explicit'], [10_000, 0, 'explicit'], [10_000, 15, 'implicit'], [10_001, 0, 'implicit'], [5e6, 0, 'implicit'], [5e6 + 1, 0, 'storage-free'],
    [1e10, 15, 'storage-free']
  ]
  for (const [nodes, clustered, kind] of cases) {
    it(`are ${kind} for ${nodes} nodes with ${clustered} clustered entries`, () => { expect(tableKindFor(nodes, clustered)).to.equal(kind) })
  }

  it('are made as asked', () => {
    const classes = { explicit: ExplicitTable, implicit: ImplicitTable, 'storage-free': StorageFreeTable }
    for (const kind of TABLE_KINDS) {
      const table = makeTable({ kind, seed: 1, nodes: 500, k: 8 })
      expect(table).to.be.instanceOf(classes[kind])
      expect([table.size, table.k]).to.deep.equal([500, 8])
    }
  })

  it('hold so many nodes and no more', () => {
    for (const kind of TABLE_KINDS) {
      expect(() => makeTable({ kind, seed: 1, nodes: MOST_NODES[kind] + 1, k: 20 })).to.throw(RangeError, 'too many')
    }
    expect(() => makeTable({ kind: 'explicit', seed: 1, nodes: 500, k: 8, clustered: 4 })).to.throw(RangeError, 'joinNetwork')
  })

  it('take what was measured: explicit ones 1.4 to 2 GB at a million, implicit ones 16 bytes a node and a little, others nothing', () => {
    expect(tableBytes('explicit', 1e6, 20)).to.be.within(1.3e9, 2e9)
    expect(tableBytes('implicit', 1e8, 20)).to.be.within(1.6e9, 2.5e9)
    expect(tableBytes('storage-free', 1e10, 20)).to.be.below(1e8)
  })
})
