import { expect } from 'chai'
import { clusterRegion, coordinatorWeight, loadsOf } from '../src/mesh-clusters.ts'
import { offerOf } from './offer-of.ts'

describe('A peer in its cluster', () => {
  it('stands in a region that scopes can be named after', () => {
    expect(['eu-west', 'EU West', ' São Paulo ', '', '---', 'a'.repeat(40)].map(clusterRegion))
      .to.eql(['eu-west', 'eu-west', 's-o-paulo', 'unknown', 'unknown', 'a'.repeat(32)])
  })

  it('coordinates the more the more it can, and not at all on battery, as a phone, or where nobody can dial it', () => {
    expect([1, 2, 3, 4].map(tier => coordinatorWeight({ tier, onMainsPower: true }, true))).to.eql([4, 2, 1, 0])
    expect(coordinatorWeight({ tier: 1, onMainsPower: false }, true)).to.equal(0)
    expect(coordinatorWeight({ tier: 1, onMainsPower: true }, false)).to.equal(0)
  })

  it('tells how many requests it could begin, never fewer than none', () => {
    expect(loadsOf([offerOf({ peer: 'p', model: 'a', maxConcurrent: 4, queueDepth: 1 }), offerOf({ peer: 'p', model: 'b', maxConcurrent: 1, queueDepth: 3 })]))
      .to.eql([{ model: 'a', free: 3 }, { model: 'b', free: 0 }])
  })
})
