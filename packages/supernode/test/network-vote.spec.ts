import { expect } from 'chai'
import fc from 'fast-check'
import { isSpread, medianVote, votesOf, weightOfVotes } from '../src/network-vote.ts'
import type { Voice } from '../src/network-vote.ts'

function voice (system: number, wide: number, value: number): Voice {
  return { network: { small: `${system}.${wide}.0.0/24`, wide: `${system}.${wide}.0.0/16`, system }, value }
}

const voices = fc.array(fc.tuple(fc.nat(5), fc.nat(3), fc.integer({ min: 100, max: 200 })), { minLength: 1, maxLength: 30 })
  .map(list => list.map(([system, wide, value]) => voice(system, wide, value)))

describe('votes of networks', () => {
  it('have a median that nobody outside half of the systems can move beyond what the others say', () => {
    fc.assert(fc.property(voices, fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 0, max: 1e9 })), { maxLength: 200 }), (honest, lies) => {
      const systems = new Set(honest.map(({ network }) => network.system)).size
      // as many systems of liars as are less than those of the honest, with as many networks as they like
      const liars = lies.map(([at, value], i) => voice(100 + at % Math.max(1, systems - 1), i, value))
      const median = medianVote(systems > 1 ? [...honest, ...liars] : honest)
      expect(median).to.be.within(100, 200)
    }))
  })

  it('do not depend on the order, and weigh one for each system', () => {
    fc.assert(fc.property(voices, fc.integer(), (list, seed) => {
      const shuffled = list.toSorted((a, b) => (a.value * 31 + seed) % 97 - (b.value * 31 + seed) % 97)
      expect(medianVote(shuffled)).to.equal(medianVote(list))
      expect(weightOfVotes(votesOf(list))).to.be.closeTo(new Set(list.map(({ network }) => network.system)).size, 1e-9)
    }))
  })

  it('are spread when they come from enough networks of enough systems', () => {
    expect(isSpread([voice(1, 1, 0), voice(1, 2, 0), voice(1, 3, 0)], 3, 2)).to.equal(false)
    expect(isSpread([voice(1, 1, 0), voice(1, 2, 0), voice(2, 3, 0)], 3, 2)).to.equal(true)
    expect(isSpread([voice(1, 1, 0), voice(1, 1, 0), voice(2, 3, 0)], 3, 2)).to.equal(false)
    expect(medianVote([])).to.equal(undefined)
  })
})
