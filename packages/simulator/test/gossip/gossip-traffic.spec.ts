import { expect } from 'chai'
import { broadcastBytes, hierarchyTraffic, mainlineSessions, MAX_DIGEST_BYTES, presenceBytes } from '../../src/index.ts'
import type { HierarchyAssumptions } from '../../src/index.ts'

const ASSUMPTIONS: HierarchyAssumptions = {
  joinsPerSecond: 1000 / mainlineSessions().meanMs, joinBytes: 300, leaveBytes: 300, copies: 6, announcements: 0, idBytes: 20, loadsPerSecond: 1 / 60,
  loadBytes: 120, frameBytes: 40, clusterSize: 1024, fanOut: 32, digestPeriodSeconds: 60, models: 10_000, modelsOfDevice: 2, modelBytes: 24,
  questionsPerSecond: 6 / 3600, answerBytes: 2000
}

describe('the traffic of gossip', () => {
  it('is what was published of a broadcast of joins and leaves', () => {
    const found = [1e3, 1e4, 1e5, 1e6].map(nodes => Math.round(broadcastBytes(nodes, ASSUMPTIONS)))
    expect(found).to.deep.equal([31, 309, 3092, 30918])
  })

  it('is so many times a broadcast as there are copies, and announcements beside it', () => {
    expect(presenceBytes(1e5, ASSUMPTIONS)).to.be.closeTo(6 * broadcastBytes(1e5, ASSUMPTIONS), 1e-6)
    const announced = presenceBytes(1e5, { ...ASSUMPTIONS, announcements: 18 }) - presenceBytes(1e5, ASSUMPTIONS)
    expect(announced).to.be.closeTo(broadcastBytes(1e5, ASSUMPTIONS) * 18 * 20 / 300, 1e-6)
  })

  it('does not grow with the network in clusters', () => {
    const totals = [1e5, 1e6, 1e8, 1e10].map(nodes => hierarchyTraffic(nodes, ASSUMPTIONS).total)
    expect(Math.max(...totals) - Math.min(...totals)).to.be.below(5)
    expect(totals[1]).to.be.closeTo(214, 0.1 * 214)
  })

  it('has a level of coordinators more when there are more than they have children', () => {
    expect([1_024, 1_025, 32 * 1_024, 32 * 1_024 + 1].map(nodes => hierarchyTraffic(nodes, ASSUMPTIONS).levels)).to.deep.equal([1, 2, 2, 3])
  })

  it('has digests within their bound, and says what of the demand they cover', () => {
    const few = hierarchyTraffic(1e6, { ...ASSUMPTIONS, models: 100 })
    expect(few.digestBytes).to.be.closeTo(2_400, 1)
    expect(few.coverage).to.equal(1)
    const many = hierarchyTraffic(1e8, { ...ASSUMPTIONS, models: 1e5 })
    expect(many.digestBytes).to.equal(MAX_DIGEST_BYTES)
    expect(many.coverage).to.be.within(0.6, 0.9)
  })

  it('of a single cluster has no digests', () => {
    expect(hierarchyTraffic(1_000, ASSUMPTIONS).digests).to.equal(0)
  })
})
