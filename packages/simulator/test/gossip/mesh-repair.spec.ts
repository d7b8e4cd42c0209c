import { expect } from 'chai'
import { repairMesh } from '../../src/index.ts'

const INIT = {
  seed: 1, honest: 300, honestLinks: 20, sybilLinks: 80, degree: 8, low: 6, high: 12, outbound: 0, pruneAfter: 5, heartbeats: 100, stream: 900
}

describe('the repair of a mesh', () => {
  it('makes a mesh whole again from which Sybils are pruned', () => {
    const reached = repairMesh(INIT)
    expect(reached[0]).to.be.below(0.99)
    expect(reached.at(-1)).to.equal(1)
  })

  it('does not happen without scores', () => {
    const reached = repairMesh({ ...INIT, pruneAfter: undefined })
    expect(reached.at(-1)).to.equal(reached[0])
  })

  it('is not needed where there are no Sybils', () => {
    expect(repairMesh({ ...INIT, sybilLinks: 0, heartbeats: 1 })).to.deep.equal([1, 1])
  })
})
