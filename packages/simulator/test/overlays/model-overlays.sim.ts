/** Model overlays as `@skein/clusters` ships them: what their topics carry, how soon loads are known, and that a topic goes with its crowd. */
import { expect } from 'chai'
import { constantLatency } from '../../src/index.ts'
import { OverlayWorld } from './overlay-world.ts'
import type { OverlayWorldInit } from './overlay-world.ts'

const MINUTE_MS = 60_000

function world (init: Partial<OverlayWorldInit>): OverlayWorld {
  return new OverlayWorld({ seed: 1, providers: 200, callers: 300, links: 8, latency: constantLatency(60), freeMs: 60_000, fullMs: 20_000, ...init })
}

function quantile (values: number[], share: number): number {
  return values.sort((a, b) => a - b)[Math.floor(share * values.length)] as number
}

describe('model overlays', function () {
  this.timeout(120_000)

  for (const [providers, callers] of [[40, 100], [200, 300], [2_000, 100]] as const) {
    it(`carry two messages a second at most from ${providers} providers, and tell ${callers} callers within seconds who is full`, () => {
      // fewer connections take longer: the mesh of GossipSub has six
      const overlay = world({ providers, callers, links: providers > 1_000 ? 4 : 6 })
      overlay.world.run(3 * MINUTE_MS)
      const subscribed = overlay.inTopic().length / overlay.nodes
      overlay.overloads.length = 0
      overlay.delaysMs.length = 0
      overlay.world.run(6 * MINUTE_MS)
      const [told, holders] = overlay.overloads.reduce(([a, b], { told, holders }) => [a + told, b + holders], [0, 0])
      const offers = overlay.offersOfCallers()
      expect(subscribed, 'in the topic after three minutes').to.be.above(0.95)
      expect(overlay.rate(3 * MINUTE_MS, 6 * MINUTE_MS)).to.be.at.most(2)
      expect(overlay.peak(3 * MINUTE_MS, 6 * MINUTE_MS), 'in ten seconds').to.be.at.most(30)
      expect(overlay.overloads.length).to.be.above(20)
      expect(told / holders, 'callers that know after 3 s').to.be.above(0.95)
      expect(quantile(overlay.delaysMs, 0.99), 'ms until callers have a message').to.be.below(2_000)
      expect(Math.min(...offers), 'offers at a caller').to.be.above(Math.min(30, 0.8 * providers))
    })
  }

  it('lose their topics everywhere when the crowd is gone, though callers and some providers stay', () => {
    const overlay = world({ providers: 80, callers: 100 })
    overlay.world.run(5 * MINUTE_MS)
    expect(overlay.inTopic().length).to.be.above(170)
    for (let node = 16; node < 80; node++) {
      overlay.world.at(5 * MINUTE_MS, node, () => { overlay.world.crash(node) })
    }
    overlay.world.run(11 * MINUTE_MS)
    expect(overlay.inTopic()).to.deep.equal([])
    const left = overlay.leaves.length
    overlay.world.run(40 * MINUTE_MS)
    expect(overlay.inTopic()).to.deep.equal([])
    expect(overlay.leaves.length, 'none joined again').to.equal(left)
  })

  it('do not come about for 20 providers', () => {
    const overlay = world({ providers: 20, callers: 100 })
    overlay.world.run(30 * MINUTE_MS)
    expect(overlay.joins).to.deep.equal([])
    expect(overlay.published).to.deep.equal([])
  })
})
