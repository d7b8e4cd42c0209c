import { expect } from 'chai'
import { MEAN_SESSION_MS, seedDemand } from '../../src/index.ts'
import type { SeedDemandInit, SeedPlan } from '../../src/index.ts'

const stays: SeedPlan = { peers: 20, models: 200, renewAfterMs: 0, letsGo: false, discover: 'everywhere' }
const goes: SeedPlan = { peers: 20, models: 0, renewAfterMs: 24 * 3_600_000, letsGo: true, discover: 'none' }

function demand (init: Partial<SeedDemandInit>): ReturnType<typeof seedDemand> {
  return seedDemand({
    plan: stays, nodes: 100_000, questions: 6, seedsOfDevice: 2, hours: 6, sample: 5_000, seedPrice: 5, trafficPrice: 0.02, seed: 1,
    streams: { sessions: 900, questions: 901 }, ...init
  })
}

describe('the demand on seeds', () => {
  it('is in equilibrium from the first moment: as many join as leave', () => {
    for (const hours of [1, 6, 24]) {
      const { joins } = demand({ hours, sample: 20_000 })
      expect(joins, `${hours} h`).to.be.closeTo(2 * 100_000 / (MEAN_SESSION_MS / 1000), 0.06 * 10.3)
    }
  })

  it('is each device connected to each of its seeds, and its renewals and questions, while seeds keep it', () => {
    const { connections, requestsPerDevice, seeds } = demand({})
    expect(connections).to.be.closeTo(200_000, 1e-6)
    expect(requestsPerDevice, '24 renewals at each of 2 seeds, and 6 questions').to.be.closeTo(2 * 24 + 6, 0.8)
    expect(seeds).to.equal(50)
  })

  it('is a visit for a session, where seeds let go', () => {
    const { connections, joins, requestsPerDevice } = demand({ plan: goes, nodes: 1e7 })
    expect(connections).to.be.closeTo(2 * joins, 1e-6)
    expect(requestsPerDevice).to.be.within(0.3, 0.5)
  })

  it('grows with the network alone', () => {
    const [small, large] = [demand({ plan: goes, nodes: 1e7 }), demand({ plan: goes, nodes: 1e9 })]
    expect(large.requestsPerDevice).to.be.closeTo(small.requestsPerDevice, 1e-9)
    expect(large.joins / small.joins).to.be.closeTo(100, 1e-6)
  })
})
