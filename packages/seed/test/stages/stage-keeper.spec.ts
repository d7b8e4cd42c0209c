import { SeededRandom, randomFloat } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { StageKeeper } from '../../src/stages/stage-keeper.ts'
import type { StageEffect } from '../../src/stages/stage-keeper.ts'

function drain (keeper: StageKeeper): StageEffect[] {
  const effects: StageEffect[] = []
  for (let effect = keeper.poll(); effect !== undefined; effect = keeper.poll()) {
    effects.push(effect)
  }
  return effects
}

describe('StageKeeper', () => {
  it('does everything until it knows the size, then goes where that says, at once', () => {
    const keeper = new StageKeeper()
    expect(keeper.stage).to.equal('hub')
    keeper.onSize(3_000_000, 10)
    expect(drain(keeper)).to.deep.equal([{ type: 'stage', from: 'hub', to: 'bootstrap' }])
  })

  it('stays for a while, and then goes by what is known then', () => {
    const keeper = new StageKeeper({ dwellMs: 1_000 })
    keeper.onSize(100, 0)
    keeper.onSize(50_000, 400)
    expect(drain(keeper)).to.deep.equal([])
    expect(keeper.nextTimeoutMs()).to.equal(1_000)
    keeper.onSize(500_000, 600)
    keeper.onTimeout(1_000)
    expect(drain(keeper)).to.deep.equal([{ type: 'stage', from: 'hub', to: 'split' }])
    keeper.onSize(10, 1_500)
    keeper.onSize(500_000, 1_600) // it was a hiccup
    expect(keeper.nextTimeoutMs()).to.equal(undefined)
    keeper.onTimeout(2_000)
    expect(drain(keeper)).to.deep.equal([])
  })

  it('obeys the pin, at once and whatever the size, and follows the size again without it', () => {
    const keeper = new StageKeeper({ pin: 'split' })
    expect(keeper.stage).to.equal('split')
    keeper.onSize(5, 0)
    expect(drain(keeper)).to.deep.equal([])
    keeper.onPin('bootstrap', 1)
    expect(drain(keeper)).to.deep.equal([{ type: 'stage', from: 'split', to: 'bootstrap' }])
    keeper.onPin(undefined, 2)
    expect(drain(keeper)).to.deep.equal([{ type: 'stage', from: 'bootstrap', to: 'hub' }])
    expect(keeper.pinned).to.equal(false)
  })

  it('changes at most once per dwell time, however wild the estimates', () => {
    fc.assert(fc.property(fc.integer(), seed => {
      const random = new SeededRandom(seed)
      const keeper = new StageKeeper({ dwellMs: 10_000 })
      keeper.onSize(1, 0)
      let changedMs = 0
      for (let nowMs = 0; nowMs < 200_000; nowMs += 1 + Math.floor(randomFloat(random) * 3_000)) {
        keeper.onTimeout(nowMs)
        keeper.onSize(10 ** (randomFloat(random) * 8), nowMs)
        for (const { from, to } of drain(keeper)) {
          expect(from).to.not.equal(to)
          expect(nowMs - changedMs).to.be.at.least(10_000)
          changedMs = nowMs
        }
      }
    }), { numRuns: 50 })
  })
})
