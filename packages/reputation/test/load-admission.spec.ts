import { expect } from 'chai'
import { nextServed, scoreToBeServed } from '../src/index.ts'

describe('who is served under load', () => {
  it('is everybody while half of the places are free, then those with a score', () => {
    expect([0, 0.3, 0.49, 0.5, 0.75, 1].map(taken => Number(scoreToBeServed(taken).toFixed(3)))).to.deep.equal([0, 0, 0, 0.2, 0.35, 0.5])
  })

  it('is the one with the highest score, and in the end the one that waits', () => {
    const scores: Record<string, number> = { giver: 0.8, taker: 0.2, other: 0.2 }
    const waiting = [{ peer: 'taker', sinceMs: 0 }, { peer: 'other', sinceMs: 5 }, { peer: 'giver', sinceMs: 10 }]
    const next = (nowMs: number, entries = waiting): string | undefined => nextServed(entries, peer => scores[peer]!, nowMs)?.peer
    expect(next(100)).to.equal('giver')
    expect(next(100, waiting.slice(0, 2))).to.equal('taker')
    expect(next(100_000, [...waiting.slice(0, 2), { peer: 'giver', sinceMs: 99_000 }])).to.equal('taker')
    expect(next(0, [])).to.equal(undefined)
  })
})
