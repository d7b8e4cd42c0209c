import { expect } from 'chai'
import { broadcastRate, digestLoad, maintenanceLookups, maintenanceRate, MEAN_SESSION_MS, offerRate } from '../../src/index.ts'

const rule = { clusterSize: 1_024, siblings: 32, digestBytes: 96, digestEveryS: 120 }

describe('the traffic of a device', () => {
  it('is 31, 309, 3,090 and 30,900 B/s by broadcast at 1K, 10K, 100K and 1M', () => {
    for (const [nodes, expected] of [[1e3, 31], [1e4, 309], [1e5, 3_090], [1e6, 30_900]] as const) {
      expect(broadcastRate(nodes, MEAN_SESSION_MS)).to.be.within(0.99 * expected, 1.01 * expected)
    }
  })

  it('stays below 250 B/s by digests, at any size', () => {
    for (const nodes of [1e3, 1e6, 1e8, 1e10]) {
      const { clusterRate, digestRate } = digestLoad(nodes, MEAN_SESSION_MS, rule)
      expect(clusterRate + digestRate).to.be.at.most(250)
    }
  })

  it('has a level of digests for each factor of siblings, none within one cluster', () => {
    expect(digestLoad(1_000, MEAN_SESSION_MS, rule)).to.include({ levels: 0, digestRate: 0, convergenceS: 0 })
    expect(digestLoad(1_024 * 32, MEAN_SESSION_MS, rule)).to.include({ levels: 1, convergenceS: 120, digestRate: 32 * 96 / 120 })
    expect(digestLoad(1_024 * 32 * 2, MEAN_SESSION_MS, rule)).to.include({ levels: 2, convergenceS: 360 })
  })

  it('has a lookup for itself and one for each whole byte of prefix, every five minutes', () => {
    expect([1e3, 1e6, 1e10].map(nodes => Math.round(maintenanceLookups(nodes) * 300))).to.deep.equal([3, 4, 6])
    expect(maintenanceRate(1e6, 30)).to.be.closeTo(2 * 4 * 30 * 2_250 / 300, 1e-6)
  })

  it('has two lookups for each model, with each renewal', () => {
    expect(offerRate(0, 30)).to.equal(0)
    expect(offerRate(1, 30)).to.be.closeTo(2 * 2 * 30 * 2_550 / 57, 1e-6)
  })
})
