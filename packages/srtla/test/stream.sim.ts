import { expect } from 'chai'
import { UNEQUAL_LINKS } from './link-model.ts'
import { StreamSimulation } from './stream-simulation.ts'
import type { LinkModelInit } from './link-model.ts'

const SECONDS = 20

/** Each seed: what part of the links' sum is payload, and what part of the packets was sent again. */
function run (links: LinkModelInit[], seeds = [1, 2, 3]): Array<{ share: number, again: number }> {
  const sum = links.reduce((bits, { bitsPerSecond = 0 }) => bits + bitsPerSecond, 0)
  return seeds.map(seed => {
    const { bitsPerSecond, sent, sentAgain } = new StreamSimulation({ seed, links, durationMs: SECONDS * 1_000 }).run()
    return { share: bitsPerSecond / sum, again: sentAgain / sent }
  })
}

function median (values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number
}

describe('A stream of SRT that always has more to send (simulated)', function () {
  this.timeout(60_000)

  const cases: Array<[name: string, links: LinkModelInit[], share: number, again: number]> = [
    ['three bonded links of 4/3/2 Mbit/s, 40/120/240 ms, 0.5/2/5 % loss', UNEQUAL_LINKS, 0.72, 0.06],
    ['the best of them alone', UNEQUAL_LINKS.slice(0, 1), 0.85, 0.08],
    ['the middle one alone', UNEQUAL_LINKS.slice(1, 2), 0.78, 0.1],
    ['two equal bonded links of 10 Mbit/s', [1, 2].map(() => ({ bitsPerSecond: 10e6, delayMs: 20, loss: 0.001, queueMs: 100 })), 0.85, 0.08],
    ['100 Mbit/s, 50 ms', [{ bitsPerSecond: 100e6, delayMs: 25, loss: 0.0001, queueMs: 100 }], 0.85, 0.08],
    ['20 Mbit/s before which hardly anything can wait', [{ bitsPerSecond: 20e6, delayMs: 20, loss: 0.001, queueMs: 20 }], 0.8, 0.12],
    ['1 Mbit/s by satellite', [{ bitsPerSecond: 1e6, delayMs: 300, loss: 0.01 }], 0.7, 0.08]
  ]
  for (const [name, links, share, again] of cases) {
    it(`fills ${share * 100} % of ${name}, and has less than ${Math.round(again * 100)} % sent again`, () => {
      const runs = run(links)
      expect(median(runs.map(one => one.share)), JSON.stringify(runs)).to.be.at.least(share)
      expect(median(runs.map(one => one.again)), JSON.stringify(runs)).to.be.below(again)
    })
  }
})
