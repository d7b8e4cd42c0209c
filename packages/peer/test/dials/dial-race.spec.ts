import { expect } from 'chai'
import { DialRace } from '../../src/dials/dial-race.ts'
import type { DialCandidate, DialKind } from '../../src/dials/dial-candidates.ts'
import type { DialRaceInit } from '../../src/dials/dial-race.ts'

function candidate (key: string, kind: DialKind = 'likely'): DialCandidate {
  return { key, kind, addresses: [key] }
}

class Run {
  readonly race: DialRace
  nowMs = 0
  /** `MS WHAT KEY` */
  readonly told: string[] = []

  constructor (candidates: DialCandidate[], init: DialRaceInit = {}) {
    this.race = new DialRace(init, 0)
    this.race.onCandidates(candidates, 0)
    this.take()
  }

  to (untilMs: number, act: (race: DialRace, nowMs: number) => void = () => {}): this {
    for (let dueMs = this.race.nextTimeoutMs(); dueMs !== undefined && dueMs <= untilMs; dueMs = this.race.nextTimeoutMs()) {
      this.nowMs = Math.max(this.nowMs, dueMs)
      this.race.onTimeout(this.nowMs)
      this.take()
    }
    this.nowMs = untilMs
    act(this.race, untilMs)
    this.take()
    return this
  }

  private take (): void {
    for (let effect = this.race.poll(); effect !== undefined; effect = this.race.poll()) {
      this.told.push(`${this.nowMs} ${effect.type}${effect.type === 'dial' ? ` ${effect.candidate.key}` : effect.type === 'cancel' ? ` ${effect.key}` : ''}`)
    }
  }
}

describe('DialRace', () => {
  it('begins with the next address when one has no answer in 250 ms', () => {
    expect(new Run([candidate('a'), candidate('b'), candidate('c')]).to(1_000).told).to.deep.equal(['0 dial a', '250 dial b', '500 dial c'])
  })

  it('goes on at once when one fails', () => {
    const run = new Run([candidate('a'), candidate('b')]).to(10, (race, nowMs) => { race.onFailed('a', nowMs) })
    expect(run.told).to.deep.equal(['0 dial a', '10 dial b'])
  })

  it('gives one that has an answer a second for its handshake', () => {
    const run = new Run([candidate('a'), candidate('b'), candidate('r', 'circuit')]).to(100, (race, nowMs) => { race.onConnected('a', nowMs) })
    expect(run.to(3_000).told).to.deep.equal(['0 dial a', '1100 dial b', '1100 dial r'])
  })

  it('waits half a second with circuits while a direct address may answer, and not at all when none is left', () => {
    expect(new Run([candidate('a'), candidate('r', 'circuit')]).to(1_000).told).to.deep.equal(['0 dial a', '500 dial r'])
    const refused = new Run([candidate('a'), candidate('r', 'circuit')]).to(20, (race, nowMs) => { race.onFailed('a', nowMs) })
    expect(refused.told).to.deep.equal(['0 dial a', '20 dial r'])
    expect(new Run([candidate('r', 'circuit')]).told).to.deep.equal(['0 dial r'])
  })

  it('hardly waits for private addresses of other networks', () => {
    expect(new Run([candidate('a', 'unlikely'), candidate('r', 'circuit')]).to(1_000).told).to.deep.equal(['0 dial a', '100 dial r'])
  })

  it('tries the second relay when the first is silent', () => {
    expect(new Run([candidate('r', 'circuit'), candidate('s', 'circuit')]).to(1_000).told).to.deep.equal(['0 dial r', '250 dial s'])
  })

  it('goes on with direct addresses while a circuit is made', () => {
    const run = new Run([candidate('a'), candidate('b'), candidate('c'), candidate('r', 'circuit')])
    run.to(500).race.onConnected('r', 500)
    expect(run.to(1_000).told).to.deep.equal(['0 dial a', '250 dial b', '500 dial c', '500 dial r'])
  })

  it('cancels the others when one has won, and begins nothing more', () => {
    const run = new Run([candidate('a'), candidate('b'), candidate('c')]).to(300, race => { race.onWon('b') })
    expect(run.to(5_000).told).to.deep.equal(['0 dial a', '250 dial b', '300 cancel a'])
    run.race.onFailed('a', 5_000)
    run.race.onCandidates([candidate('d')], 5_000)
    expect(run.race.poll()).to.equal(undefined)
    expect(run.race.nextTimeoutMs()).to.equal(undefined)
  })

  it('is lost when all have failed, until others are given', () => {
    const run = new Run([candidate('a')]).to(10, (race, nowMs) => { race.onFailed('a', nowMs) })
    run.to(20, (race, nowMs) => { race.onCandidates([candidate('a'), candidate('b')], nowMs) })
    expect(run.told).to.deep.equal(['0 dial a', '10 lost', '20 dial b'])
    expect(new Run([]).told).to.deep.equal(['0 lost'])
  })

  it('asks once more where it was refused for now', () => {
    const run = new Run([candidate('r', 'circuit')])
    const refuse = (race: DialRace, nowMs: number): void => { race.onFailed('r', nowMs, 1_000) }
    run.to(10, refuse).to(1_020, refuse).to(9_000)
    expect(run.told).to.deep.equal(['0 dial r', '1010 dial r', '1020 lost'])
  })

  it('has so many attempts at once, and knows so many addresses, at most', () => {
    const run = new Run(Array.from({ length: 40 }, (_, i) => candidate(`${i}`)), { maxAttempts: 2, maxCandidates: 3 }).to(5_000)
    expect(run.told).to.deep.equal(['0 dial 0', '250 dial 1'])
    run.to(6_000, (race, nowMs) => { race.onFailed('0', nowMs) }).to(7_000, (race, nowMs) => { race.onFailed('1', nowMs) })
    run.to(8_000, (race, nowMs) => { race.onFailed('2', nowMs) })
    expect(run.told.slice(2)).to.deep.equal(['6000 dial 2', '8000 lost'])
  })
})
