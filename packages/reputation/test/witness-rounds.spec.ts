import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { WitnessRounds } from '../src/index.ts'
import type { WitnessRoundsInit } from '../src/index.ts'

const MINUTE_MS = 60_000

/** Lets time pass, with these witnesses connected. Who was asked, and when. */
function run (init: WitnessRoundsInit, witnesses: string[], untilMs: number, onAsk: (rounds: WitnessRounds, peer: string, nowMs: number) => void = () => {}):
Array<[peer: string, atMs: number]> {
  const rounds = new WitnessRounds(init, new SeededRandom(7), 0)
  const asked: Array<[string, number]> = []
  for (let nowMs = rounds.nextTimeoutMs(); nowMs <= untilMs; nowMs = rounds.nextTimeoutMs()) {
    rounds.onTimeout(nowMs)
    for (let effect = rounds.poll(); effect !== undefined; effect = rounds.poll()) {
      if (effect.type === 'gather') {
        rounds.onWitnesses(witnesses, nowMs)
      } else {
        asked.push([effect.peer, nowMs])
        onAsk(rounds, effect.peer, nowMs)
      }
    }
  }
  return asked
}

describe('rounds among witnesses', () => {
  it('ask three at a time, each no more often than every ten and a half minutes', () => {
    const asked = run({}, Array.from({ length: 20 }, (_, i) => `w${i}`), 24 * 60 * MINUTE_MS)
    for (const atOnce of Map.groupBy(asked, ([, atMs]) => atMs).values()) {
      expect(atOnce.length).to.be.at.most(3)
    }
    for (const ofOne of Map.groupBy(asked, ([peer]) => peer).values()) {
      const pauses = ofOne.slice(1).map(([, atMs], i) => atMs - (ofOne[i] as [string, number])[1])
      expect(Math.min(...pauses)).to.be.at.least(630_000)
    }
    expect(new Set(asked.map(([peer]) => peer)).size).to.equal(20)
  })

  it('are at no fixed times: half as long to one and a half as long apart', () => {
    const rounds = new WitnessRounds({ intervalMs: 1_000 }, new SeededRandom(3), 0)
    const pauses: number[] = []
    for (let nowMs = 0; pauses.length < 200;) {
      pauses.push(rounds.nextTimeoutMs() - nowMs)
      nowMs = rounds.nextTimeoutMs()
      rounds.onTimeout(nowMs)
    }
    expect(Math.min(...pauses)).to.be.within(500, 550)
    expect(Math.max(...pauses)).to.be.within(1_450, 1_500)
  })

  it('leave one that does not tell alone for six hours', () => {
    const asked = run({}, ['silent'], 24 * 60 * MINUTE_MS, (rounds, peer, nowMs) => { rounds.onDeclined(peer, nowMs) })
    expect(asked.length).to.be.within(3, 5)
  })
})
