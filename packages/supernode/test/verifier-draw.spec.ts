import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { verifierLot } from '../src/index.ts'
import { VerifierDraw } from '../src/verifier-draw.ts'

const vectors: Array<{ beacon: string, period: number, candidate: string, verifier: string, lot: number }> =
  JSON.parse(readFileSync(new URL('vectors/verifier-lots.json', import.meta.url), 'utf8'))

describe('lots of verifiers', () => {
  for (const { beacon, period, candidate, verifier, lot } of vectors) {
    it(`are as in the vector of period ${period}, beacon "${beacon}"`, () => {
      expect(verifierLot(beacon, period, candidate, verifier)).to.equal(lot)
    })
  }

  it('are drawn anew each period, which begins at a time of its own for each candidate', () => {
    const draw = new VerifierDraw({ periodMs: 7_200_000 })
    const period = draw.periodOf('candidate-1', 1_790_000_000_000)
    const startMs = draw.startOf('candidate-1', period)
    expect(draw.periodOf('candidate-1', startMs + 1)).to.equal(period)
    expect(draw.periodOf('candidate-1', startMs + 7_200_001)).to.equal(period + 1)
    expect(startMs % 7_200_000).to.not.equal(draw.startOf('candidate-2', period) % 7_200_000)
    expect(draw.lotOf('candidate-1', period, 'verifier')).to.not.equal(draw.lotOf('candidate-1', period + 1, 'verifier'))
  })

  it('give each of 20 verifiers nearly as many of 2,000 candidates', () => {
    const drawn = new Map<string, number>()
    for (let candidate = 0; candidate < 2_000; candidate++) {
      const lots = Array.from({ length: 20 }, (_, i) => ({ i, lot: verifierLot('', 1, `candidate-${candidate}`, `verifier-${i}`) }))
      lots.sort((a, b) => a.lot - b.lot).slice(0, 7).forEach(({ i }) => { drawn.set(`verifier-${i}`, (drawn.get(`verifier-${i}`) ?? 0) + 1) })
    }
    // 700 of each, ± 21 by chance
    expect(Math.min(...drawn.values())).to.be.above(600)
    expect(Math.max(...drawn.values())).to.be.below(800)
  })
})
