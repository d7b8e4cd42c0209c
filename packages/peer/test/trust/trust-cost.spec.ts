import { expect } from 'chai'
import { ReputationLedger } from '@skein/reputation'
import { isStranger, trustCost } from '../../src/trust/trust-cost.ts'

const DAY_MS = 86_400_000

function of (good: number, bad: number, lies = 0, days = 10): ReturnType<typeof trustCost> & { isStranger: boolean } {
  const ledger = new ReputationLedger({ self: 'self', newcomers: 'fixed' })
  for (let day = 0; day < days; day++) {
    ledger.onEvidence('peer', 'inference', { good: good / days }, day * DAY_MS)
    ledger.score('peer', 'inference', day * DAY_MS)
  }
  const nowMs = days * DAY_MS
  for (let i = 0; i < bad; i++) {
    ledger.onEvidence('peer', 'inference', { bad: 1 }, nowMs)
  }
  for (let i = 0; i < lies; i++) {
    ledger.onEvidence('peer', 'honesty', { bad: 1 }, nowMs)
  }
  const trust = {
    score: ledger.score('peer', 'inference', nowMs),
    newcomer: ledger.newcomerScore('peer', nowMs),
    dealings: ledger.dealings('peer', 'inference') ?? 0,
    ...lies === 0 ? {} : { honesty: ledger.score('peer', 'honesty', nowMs) }
  }
  return { ...trustCost(trust), isStranger: isStranger(trust) }
}

describe('what doubt costs', () => {
  it('is 2 s for one that nobody knows, who is a stranger and not distrusted', () => {
    expect(of(0, 0)).to.deep.equal({ ms: 2_000, distrusted: false, isStranger: true })
  })

  it('is little for one that delivered for ten days', () => {
    expect(of(200, 0).ms).to.be.below(400)
    expect(of(200, 0).isStranger).to.equal(false)
  })

  it('is more for each failure, and three of a newcomer are enough to go last', () => {
    const costs = [0, 1, 2, 3].map(bad => of(0, bad))
    expect(costs.map(({ ms }) => ms)).to.deep.equal([...costs.map(({ ms }) => ms)].sort((a, b) => a - b))
    expect(costs.map(({ distrusted }) => distrusted)).to.deep.equal([false, false, false, true])
    expect(costs[1]?.isStranger, 'one that failed is not tried for being new').to.equal(false)
  })

  it('forgives one that delivered much', () => {
    expect(of(200, 3).distrusted).to.equal(false)
  })

  it('does not forgive who lost two disputes, however much it delivered', () => {
    expect(of(200, 0, 1).distrusted).to.equal(false)
    expect(of(200, 0, 2).distrusted).to.equal(true)
    expect(of(0, 0, 1).isStranger, 'nor is it tried for being new').to.equal(false)
  })
})
