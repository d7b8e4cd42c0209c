import { expect } from 'chai'
import fc from 'fast-check'
import { budgetOf, healthScore, isToBeEvacuated, MIN_HEALTH, whyNotPicked } from '@skein/fleet'
import { MONTH, nodeSpec } from '../records.ts'
import type { HealthInput, PoolNode } from '@skein/fleet'

const WELL: HealthInput = { alive: true, usedShare: 0, lossShare: 0, cpuShare: 0, memoryShare: 0 }

describe('The health of a node', () => {
  const CASES: Array<[Partial<HealthInput>, number]> = [
    [{}, 100],
    [{ alive: false }, 0],
    [{ usedShare: 1 }, 75],
    [{ lossShare: 0.05 }, 87.5],
    [{ lossShare: 0.1 }, 75],
    [{ cpuShare: 1, memoryShare: 0.1 }, 80],
    [{ cpuShare: 0.1, memoryShare: 1 }, 80],
    [{ usedShare: 0.5, lossShare: 0.1, cpuShare: 1 }, 42.5],
    [{ usedShare: 1, lossShare: 1, cpuShare: 1 }, 30],
    [{ cpuShare: NaN }, 80]
  ]
  for (const [input, score] of CASES) {
    it(`is ${score} at ${JSON.stringify(input)}`, () => { expect(healthScore({ ...WELL, ...input })).to.equal(score) })
  }

  it('is from 0 to 100, whatever a node says', () => {
    fc.assert(fc.property(fc.double(), fc.double(), fc.double(), fc.double(), (usedShare, lossShare, cpuShare, memoryShare) => {
      expect(healthScore({ alive: true, usedShare, lossShare, cpuShare, memoryShare })).to.be.within(30, 100)
    }))
  })
})

describe('The budget of a node', () => {
  it('is what may flow to the end of the month, warned of at 70 % and at its end at 90 %', () => {
    expect(budgetOf(undefined, 5, 1)).to.deep.equal({ state: 'unmetered' })
    // 32 TB in 30 days
    expect(budgetOf(32e12, 0, 30 * 86_400_000)).to.deep.include({ state: 'ok', usedShare: 0 })
    expect(Math.round(budgetOf(32e12, 0, 30 * 86_400_000).safeBps as number / 1e5) / 10).to.equal(98.8)
    expect(budgetOf(1_000, 699, 1_000).state).to.equal('ok')
    expect(budgetOf(1_000, 700, 1_000)).to.deep.equal({ state: 'warn', usedShare: 0.7, safeBps: 2_400 })
    expect(budgetOf(1_000, 900, 1_000).state).to.equal('stop')
    expect(budgetOf(1_000, 2_000, 1_000).safeBps).to.equal(0)
  })
})

describe('A node that is not picked', () => {
  const node: PoolNode = { ...nodeSpec('n', { capacity: 2, monthLimitBytes: 1_000 }), state: 'active', used: 1, health: 100, month: MONTH, monthBytes: 0, silentPolls: 0 }
  const CASES: Array<[Partial<PoolNode>, string | undefined]> = [
    [{}, undefined], [{ owner: 'ann' }, 'own'], [{ state: 'draining' }, 'draining'], [{ state: 'evacuating' }, 'evacuating'],
    [{ silentPolls: 3 }, 'lost'], [{ silentPolls: 2 }, undefined],
    [{ health: MIN_HEALTH - 0.1 }, 'unhealthy'], [{ monthBytes: 900 }, 'over_budget'], [{ monthBytes: 900, month: '2026-10' }, undefined], [{ used: 2 }, 'full']
  ]
  for (const [fields, why] of CASES) {
    it(`is ${why ?? 'not there'} with ${JSON.stringify(fields)}`, () => { expect(whyNotPicked({ ...node, ...fields }, MONTH)).to.equal(why) })
  }

  it('is emptied when its operator wants that, and at 97 % of its month', () => {
    const isEmptied = (fields: Partial<PoolNode>): boolean => isToBeEvacuated({ ...node, ...fields })
    expect([{ state: 'evacuating' as const }, { monthBytes: 970 }, { monthBytes: 1_200 }].map(isEmptied)).to.deep.equal([true, true, true])
    expect([{}, { state: 'draining' as const }, { monthBytes: 969 }, { monthBytes: 970, monthLimitBytes: undefined }].map(isEmptied))
      .to.deep.equal([false, false, false, false])
  })
})
