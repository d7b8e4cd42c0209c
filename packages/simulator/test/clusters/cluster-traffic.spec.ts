/** What a device pays for clusters, coordinators and digests at any size of the network, by the rules that peers follow. */
import { MAX_CLUSTER_PEERS, MAX_LEVELS, partitionClusters } from '@skein/clusters'
import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { hierarchyTraffic, mainlineSessions, presenceBytes } from '../../src/index.ts'
import type { HierarchyAssumptions } from '../../src/index.ts'

const ASSUMPTIONS: HierarchyAssumptions = {
  joinsPerSecond: 1000 / mainlineSessions().meanMs, joinBytes: 300, leaveBytes: 300, copies: 6, announcements: 0, idBytes: 20, loadsPerSecond: 1 / 60,
  loadBytes: 120, frameBytes: 40, clusterSize: MAX_CLUSTER_PEERS, fanOut: 32, digestPeriodSeconds: 60, models: 10_000, modelsOfDevice: 2, modelBytes: 24,
  questionsPerSecond: 6 / 3600, answerBytes: 2000
}
/** `DigestExchange` sends no more for each peer of a part. */
const DIGEST_BYTES_PER_SECOND = 4
/** A signed lease, gossiped in the cluster at every renewal, in so many copies. */
const LEASE_BYTES_PER_SECOND = 300 * ASSUMPTIONS.copies / 300

describe('clusters', () => {
  for (const nodes of [1e3, 1e4, 1e5, 1e6]) {
    it(`of ${nodes} devices of one zone cost a device of the largest at most 250 B/s, with all that digests may cost`, () => {
      const random = new SeededRandom(nodes)
      const sizes = partitionClusters(Uint32Array.from({ length: nodes }, () => random.nextUint32()).sort()).map(({ from, to }) => to - from)
      const { loads, questions } = hierarchyTraffic(nodes, ASSUMPTIONS)
      const total = presenceBytes(Math.max(...sizes), ASSUMPTIONS) + loads + questions + LEASE_BYTES_PER_SECOND + MAX_LEVELS * DIGEST_BYTES_PER_SECOND
      expect(total).to.be.at.most(250)
      expect(Math.min(...sizes)).to.be.at.least(Math.min(nodes, 256))
    })
  }

  it('need far less for digests than they may have, up to 10 billion devices', () => {
    for (const nodes of [1e4, 1e6, 1e8, 1e10]) {
      expect(hierarchyTraffic(nodes, ASSUMPTIONS).digests).to.be.below(MAX_LEVELS * DIGEST_BYTES_PER_SECOND)
    }
  })
})
