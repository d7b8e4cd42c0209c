import { randomBelow, randomFloat, SeededRandom } from '@skein/core'
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

/** One to five links, drawn by lot, and a stream that is 30 to 80 % of what gets through them. */
function drawn (seed: number): Partial<SimulationInit> & { seed: number } {
  const random = new SeededRandom(seed)
  const between = (from: number, to: number): number => from + (to - from) * randomFloat(random)
  const links = Array.from({ length: 1 + randomBelow(random, 5) }, () => ({
    bitsPerSecond: between(1e6, 10e6),
    delayMs: between(5, 150),
    loss: between(0, randomFloat(random) < 0.5 ? 0.01 : 0.08),
    queueMs: between(60, 800)
  }))
  const carried = links.reduce((sum, { bitsPerSecond, loss }) => sum + bitsPerSecond * (1 - 2 * loss), 0)
  const latencyMs = Math.round(300 + between(5, 8) * 2 * Math.max(...links.map(({ delayMs }) => delayMs)))
  return { seed, links, latencyMs, payloadBitsPerSecond: carried * between(0.3, 0.8), durationMs: 10_000 }
}

describe('The adaptive rule over links drawn by lot (simulated)', () => {
  for (let seed = 1; seed <= 12; seed++) {
    it(`loses next to nothing, and never more than the classic one (seed ${seed})`, () => {
      const [classic, adaptive] = (['classic', 'adaptive'] as SenderMode[]).map(mode => run({ ...drawn(seed), sender: { mode } })) as [SimulationResult, SimulationResult]
      expect(adaptive.dropped).to.be.at.most(Math.max(3, classic.dropped))
      expect(adaptive.dropped).to.be.at.most(0.002 * adaptive.sent)
      expect(adaptive.retransmitted).to.be.at.most(classic.retransmitted)
    })
  }
})
