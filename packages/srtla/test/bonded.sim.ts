import { expect } from 'chai'
import { BondedSimulation } from './bonded-simulation.ts'
import { UNEQUAL_LINKS } from './link-model.ts'
import type { SenderMode } from '../src/index.ts'
import type { SimulationInit, SimulationResult } from './bonded-simulation.ts'

const SEEDS = [1, 2, 3, 4, 5]

function run (init: Partial<SimulationInit> & { seed: number }): SimulationResult {
  return new BondedSimulation({ links: UNEQUAL_LINKS, payloadBitsPerSecond: 5e6, durationMs: 20_000, latencyMs: 1_500, ...init }).run()
}

function cut (link: number, fromMs: number, untilMs: number): SimulationInit['script'] {
  return simulation => {
    for (const [atMs, isCut] of [[fromMs, true], [untilMs, false]] as const) {
      simulation.at(atMs, () => {
        const way = simulation.links[link]
        if (way !== undefined) {
          way.up.isCut = way.down.isCut = isCut
        }
      })
    }
  }
}

describe('A bonded stream over links of 4/3/2 Mbit/s, 40/120/240 ms, 0.5/2/5 % loss (simulated)', () => {
  for (const seed of SEEDS) {
    it(`of 5 Mbit/s loses nothing, and has few packets sent again (seed ${seed})`, () => {
      const { dropped, retransmitted, sent } = run({ seed })
      expect(dropped).to.equal(0)
      expect(retransmitted).to.be.below(0.03 * sent)
    })

    it(`carries 85 % of what the links can (seed ${seed})`, () => {
      const { carriedBitsPerSecond, dropped } = run({ seed, payloadBitsPerSecond: 7.8e6 })
      expect(carriedBitsPerSecond).to.be.at.least(0.85 * 9e6)
      expect(dropped).to.equal(0)
    })

    // so much that the link is in use, and not more than the others carry
    for (const [link, payloadBitsPerSecond] of [[0, 4e6], [1, 4.8e6], [2, 6e6]] as const) {
      it(`loses nothing when link ${link + 1} is cut for 6 s and comes back (seed ${seed})`, () => {
        const { dropped, perLink } = run({ seed, payloadBitsPerSecond, script: cut(link, 6_000, 12_000) })
        expect(dropped).to.equal(0)
        expect(perLink[link]?.packets).to.be.above(30)
      })
    }

    it(`uses a link that is added (seed ${seed})`, () => {
      let before = 0
      let after = 0
      const links = UNEQUAL_LINKS.slice(1)
      const { dropped } = run({
        seed,
        links,
        payloadBitsPerSecond: 3e6,
        script: simulation => {
          simulation.at(5_000, () => { simulation.addLink(UNEQUAL_LINKS[0] as typeof links[0]) })
          simulation.at(5_010, () => { before = simulation.links[2]?.link.packets ?? -1 })
          simulation.at(8_000, () => { after = simulation.links[2]?.link.packets ?? -1 })
        }
      })
      expect(dropped).to.equal(0)
      expect(before).to.equal(0)
      expect(after).to.be.above(200)
    })

    it(`has far less sent again by the adaptive rule than by the classic one (seed ${seed})`, () => {
      const [classic, adaptive] = (['classic', 'adaptive'] as SenderMode[]).map(mode => run({ seed, sender: { mode } })) as [SimulationResult, SimulationResult]
      expect(adaptive.retransmitted).to.be.below(classic.retransmitted / 10)
    })
  }

  it('comes out the same each time for a seed', () => {
    expect(run({ seed: 9 })).to.deep.equal(run({ seed: 9 }))
  })

  it('stays whole with buffers that are short, and with one link that is bad', () => {
    const short = UNEQUAL_LINKS.map(link => ({ ...link, queueMs: 40 }))
    expect(run({ seed: 1, links: short }).dropped).to.equal(0)
    const bad = [{ bitsPerSecond: 6e6, delayMs: 25, loss: 0.002 }, { bitsPerSecond: 1e6, delayMs: 200, loss: 0.2 }]
    const { dropped, perLink } = run({ seed: 1, links: bad, latencyMs: 600 })
    expect(dropped).to.equal(0)
    expect(perLink[0]?.packets, 'the good one carries it').to.be.above(9_000)
  })
})
