/** Whom to greet next, and when. */
import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { GreetingRound } from '../src/index.ts'

/** Greets for so long, with answers after 100 ms, and says who was greeted when. */
function greet (round: GreetingRound, untilMs: number, settling: boolean, answered: (peer: string) => boolean = () => true): Array<[peer: string, atMs: number]> {
  const greeted: Array<[string, number]> = []
  for (let nowMs = Math.max(0, round.nextAtMs()); nowMs <= untilMs; nowMs = Math.max(nowMs, round.nextAtMs())) {
    const peer = round.next(settling, nowMs) as string
    greeted.push([peer, nowMs])
    round.onEnded(peer, answered(peer), nowMs + 100)
  }
  return greeted
}

function roundOf (peers: number, seed = 1): GreetingRound {
  const round = new GreetingRound({}, new SeededRandom(seed))
  for (let i = 0; i < peers; i++) {
    round.add(`p${i}`)
  }
  return round
}

describe('GreetingRound', () => {
  it('has nobody to greet when nobody is there', () => {
    const round = roundOf(0)
    expect(round.nextAtMs()).to.equal(Infinity)
    expect(round.next(true, 0)).to.equal(undefined)
  })

  it('greets somebody every two seconds while settling and every thirty afterwards, on average', () => {
    expect(greet(roundOf(20), 600_000, true).length).to.be.within(270, 330)
    expect(greet(roundOf(20), 36_000_000, false).length).to.be.within(1140, 1260)
  })

  it('meets everybody about as often, and in no order that one could know', () => {
    const greeted = greet(roundOf(12), 600_000, true).map(([peer]) => peer)
    const times = Array.from({ length: 12 }, (_, i) => greeted.filter(peer => peer === `p${i}`).length)
    expect(Math.min(...times)).to.be.at.least(greeted.length / 12 - 3)
    expect(Math.max(...times)).to.be.at.most(greeted.length / 12 + 3)
    expect(new Set(Array.from({ length: 20 }, (_, i) => greeted.slice(i * 12, i * 12 + 12).join())).size).to.equal(20)
    expect(greeted).to.not.deep.equal(greet(roundOf(12, 2), 600_000, true).map(([peer]) => peer))
  })

  it('never greets one neighbour twice in five seconds, nor two within half the pace, nor one that has not answered yet', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 12 }), fc.integer(), fc.boolean(), (peers, seed, settling) => {
      const greeted = greet(roundOf(peers, seed), 120_000, settling)
      const last = new Map<string, number>()
      for (const [i, [peer, atMs]] of greeted.entries()) {
        expect(atMs - (last.get(peer) ?? -Infinity)).to.be.at.least(5000)
        expect(i === 0 ? Infinity : atMs - (greeted[i - 1]?.[1] as number)).to.be.at.least(settling ? 1000 : 15_000)
        last.set(peer, atMs)
      }
    }), { numRuns: 50 })
    const waiting = roundOf(1)
    expect(waiting.next(true, 0)).to.equal('p0')
    expect(waiting.nextAtMs()).to.equal(Infinity)
  })

  it('lets who does not answer wait twice as long each time, ten minutes at most', () => {
    const times = greet(roundOf(1), 4_000_000, true, () => false).map(([, atMs]) => atMs)
    const waits = times.slice(1).map((atMs, i) => Math.round((atMs - (times[i] as number)) / 1000))
    expect(waits.slice(0, 9)).to.deep.equal([10, 20, 40, 80, 160, 320, 600, 600, 600])
  })

  it('greets who is new before those that have been greeted', () => {
    const round = roundOf(2)
    greet(round, 20_000, true)
    round.add('newcomer')
    expect(round.next(true, 30_000)).to.equal('newcomer')
  })

  it('takes no more than its bound, until somebody leaves', () => {
    const round = new GreetingRound({ maxNeighbours: 2 }, new SeededRandom(1))
    expect(['a', 'b', 'c', 'a'].map(peer => round.add(peer))).to.deep.equal([true, true, false, true])
    round.remove('a')
    expect(round.add('c')).to.equal(true)
    expect(round.size).to.equal(2)
  })
})
