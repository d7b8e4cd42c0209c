/**
 * How deep lookups go, against the figures that were measured before and against each other: three kinds of tables, ideal and as joining makes
 * them.
 */
import { expect } from 'chai'
import { ExplicitTable, fillIdeal } from '../../src/kademlia/explicit-table.ts'
import { ImplicitTable } from '../../src/kademlia/implicit-table.ts'
import { joinNetwork } from '../../src/kademlia/join-protocol.ts'
import { ksTest } from '../../src/kademlia/ks-test.ts'
import { expectedHops, sampleLookups } from '../../src/kademlia/lookup-sample.ts'
import { drawSortedIds } from '../../src/kademlia/sorted-ids.ts'
import { StorageFreeTable } from '../../src/kademlia/storage-free-table.ts'
import type { KadTable } from '../../src/kademlia/kad-table.ts'

const K = 20

function mean (values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function explicit (nodes: number, seed: number): KadTable {
  const table = new ExplicitTable(drawSortedIds(seed, nodes, K), K)
  fillIdeal(table, seed)
  return table
}

function implicit (nodes: number, seed: number, clustered = 0): KadTable {
  return new ImplicitTable(drawSortedIds(seed, nodes, K), seed, K, { clustered })
}

function hopsOf (table: KadTable, lookups: number): number {
  return mean(sampleLookups({ table, seed: 1, lookups }).hops)
}

describe('lookup depth', function () {
  this.timeout(60_000)

  for (const [size, nodes] of [['1K', 1e3], ['10K', 1e4], ['100K', 1e5], ['10M', 1e7], ['1B', 1e9], ['10B', 1e10]] as const) {
    it(`is 0.36 + 0.512 · log10 N within 1 % at ${size}, nothing stored`, () => {
      expect(hopsOf(new StorageFreeTable(1, nodes, K), 6000) / expectedHops(nodes)).to.be.within(0.99, 1.01)
    })
  }

  it('takes 21.5 requests at 1K and 30.6 at 1B, in at most 10.7 rounds by the classic rule and 6.3 by ours', () => {
    for (const [nodes, requests, classicRounds, rounds] of [[1e3, 21.5, 7.55, 3.1], [1e9, 30.6, 10.65, 6.3]] as const) {
      const table = new StorageFreeTable(1, nodes, K)
      const classic = sampleLookups({ table, seed: 1, lookups: 2000, rule: { policy: 'classic' } })
      const ours = sampleLookups({ table, seed: 1, lookups: 2000 })
      expect(mean(classic.requests) / requests).to.be.within(0.98, 1.02)
      expect(mean(ours.requests) / requests).to.be.within(0.98, 1.02)
      expect(mean(classic.elapsedMs) / classicRounds).to.be.within(0.98, 1.02)
      expect(mean(ours.elapsedMs) / rounds).to.be.within(0.98, 1.02)
    }
  })

  for (const [name, make] of [
    ['implicit', implicit],
    ['storage-free', (nodes: number, seed: number) => new StorageFreeTable(seed, nodes, K)]
  ] as const) {
    it(`does not depend on how tables are kept: ${name} ones give the hops and requests of explicit ones`, () => {
      for (const nodes of [1000, 10_000]) {
        const [a, b] = [explicit(nodes, 1), make(nodes, 2)].map(table => sampleLookups({ table, seed: 3, lookups: 6000 }))
        for (const quantity of ['hops', 'requests'] as const) {
          const [x, y] = [(a as NonNullable<typeof a>)[quantity], (b as NonNullable<typeof b>)[quantity]]
          expect(mean(x) / mean(y), `${quantity} at ${nodes}`).to.be.within(0.99, 1.01)
          const { distance, critical } = ksTest(x, y)
          expect(distance, `${quantity} at ${nodes}`).to.be.below(critical)
        }
      }
    })
  }

  for (const [nodes, clustered, hops] of [[20_000, 15, 2.95], [100_000, 15, 3.38], [100_000, 18, 3.82]] as const) {
    it(`is ${hops} within 3 % at ${nodes} nodes with ${clustered} of 20 entries met on one errand`, () => {
      expect(hopsOf(implicit(nodes, 1, clustered), 6000) / hops).to.be.within(0.97, 1.03)
      expect(hopsOf(new StorageFreeTable(1, nodes, K, { clustered }), 6000) / hops).to.be.within(0.97, 1.03)
    })
  }

  it('is more with tables that joining made than with ideal ones, and more still without refreshes', () => {
    const ids = drawSortedIds(1, 3000, K)
    const [ideal, refreshed, joined] = [
      explicit(3000, 1), joinNetwork(ids, { seed: 1 }).table, joinNetwork(ids, { seed: 1, refresh: 'none' }).table
    ].map(table => hopsOf(table, 5000)) as [number, number, number]
    expect(refreshed).to.be.above(1.04 * ideal)
    expect(joined).to.be.above(1.2 * refreshed)
  })
})
