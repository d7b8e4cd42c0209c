import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { SeedNames } from '../../src/seed-names.ts'
import type { SeedNamesEffect, SeedNamesInit } from '../../src/seed-names.ts'

/** A machine and its clock: `until` runs the time up to a moment and gives what the machine wanted on the way, and when. */
function world (init: SeedNamesInit) {
  const machine = new SeedNames(init, new SeededRandom(1))
  let nowMs = 0
  const drain = (): Array<SeedNamesEffect & { atMs: number }> => {
    const effects: Array<SeedNamesEffect & { atMs: number }> = []
    for (let effect = machine.poll(); effect != null; effect = machine.poll()) {
      effects.push({ ...effect, atMs: nowMs })
    }
    return effects
  }
  const until = (atMs: number, answer: (name: string) => void = () => {}): number[] => {
    const asked: number[] = []
    for (let next = machine.nextTimeoutMs(); next != null && next <= atMs; next = machine.nextTimeoutMs()) {
      nowMs = Math.max(nowMs, next)
      machine.onTimeout(nowMs)
      for (const effect of drain()) {
        if (effect.type === 'look-up') {
          asked.push(effect.atMs)
          answer(effect.name)
        }
      }
    }
    nowMs = atMs
    return asked
  }
  return { machine, drain, until, now: () => nowMs }
}

describe('SeedNames', () => {
  it('asks for each name at once, and tells what all of them stand for, in turn', () => {
    const { machine, drain } = world({ names: ['a', 'b'] })
    machine.onStart(0)
    expect(drain().map(effect => effect.type === 'look-up' ? effect.name : '')).to.deep.equal(['a', 'b'])
    expect(machine.pending).to.equal(true)
    machine.onFound('a', { addresses: ['a1', 'a2', 'both'] }, 0)
    expect(drain()).to.deep.equal([{ type: 'addresses', addresses: ['a1', 'a2', 'both'], atMs: 0 }])
    machine.onFound('b', { addresses: ['b1', 'both'] }, 0)
    expect(machine.pending).to.equal(false)
    expect(drain()).to.deep.equal([{ type: 'addresses', addresses: ['a1', 'b1', 'a2', 'both'], atMs: 0 }])
  })

  for (const [said, ttlMs, fromMs] of [['nothing', undefined, 300_000], ['a second', 1_000, 60_000], ['ten minutes', 600_000, 600_000], ['a week', 7 * 86_400_000, 3_600_000]] as const) {
    it(`asks again when the time of the answer is over: ${said} is ${fromMs / 1_000} s, and a tenth more at most`, () => {
      const { machine, drain, until } = world({ names: ['a'] })
      machine.onStart(0)
      drain()
      machine.onFound('a', { addresses: ['x'], ttlMs }, 0)
      drain()
      expect(until(fromMs - 1)).to.deep.equal([])
      expect(until(fromMs * 1.1)).to.have.length(1)
    })
  }

  it('asks again after a failure, at most a minute and a half later, and keeps what it had', () => {
    const { machine, drain, until, now } = world({ names: ['a', 'b'] })
    machine.onStart(0)
    drain()
    machine.onFound('b', { addresses: ['b1'], ttlMs: 3_600_000 }, 0)
    machine.onFailed('a', 0)
    drain()
    expect(machine.pending).to.equal(false)
    const asked = until(600_000, name => { machine.onFailed(name, now()) })
    const gaps = asked.map((atMs, i) => atMs - (asked[i - 1] ?? 0))
    expect(gaps[0]).to.be.within(500, 1_500)
    expect(Math.max(...gaps)).to.be.within(30_000, 90_000)
    expect(asked.length).to.be.within(10, 25)
    expect(until(700_000, name => { machine.onFound(name, { addresses: ['a1'] }, now()) })).to.have.length(1)
    expect(drain().at(-1)).to.deep.include({ addresses: ['a1', 'b1'] })
    until(1_100_000, name => { machine.onFailed(name, now()) })
    // nothing is taken back
    expect(drain()).to.deep.equal([])
  })

  it('asks sooner when no seed answers, ever more rarely as long as it brings nothing new', () => {
    const { machine, drain, until, now } = world({ names: ['a'] })
    const found = (name: string, addresses: string[]): void => { machine.onFound(name, { addresses, ttlMs: 3_600_000 }, now()) }
    machine.onStart(0)
    drain()
    found('a', ['x'])
    let asked: number[] = []
    const run = (fromMs: number, toMs: number, addresses: string[]): number[] => {
      asked = []
      for (let t = fromMs; t < toMs; t += 1_000) {
        machine.onSeedsFail(t)
        asked.push(...until(t, name => { found(name, addresses) }))
      }
      return asked
    }
    run(1_000, 1_800_000, ['x'])
    expect(asked[0]).to.be.within(5_000, 16_000)
    expect(asked.length).to.be.within(6, 14)
    const gaps = asked.slice(1).map((atMs, i) => atMs - (asked[i] as number))
    expect(Math.max(...gaps)).to.be.within(150_000, 451_000)
    // something new: the next may come soon again
    run(1_800_000, 2_300_000, ['y'])
    const [first = 0, second = 0] = asked
    expect(second - first).to.be.below(31_000)
  })

  it('does not ask twice at once, nor later than it would have', () => {
    const { machine, drain, until } = world({ names: ['a'] })
    machine.onStart(0)
    machine.onSeedsFail(0)
    expect(drain()).to.have.length(1)
    machine.onFailed('a', 0)
    machine.onSeedsFail(0)
    expect(until(1_500)).to.have.length(1)
  })
})
