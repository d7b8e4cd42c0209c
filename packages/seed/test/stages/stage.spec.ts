import { expect } from 'chai'
import fc from 'fast-check'
import { isStage, STAGE_DUTIES, STAGES, stageFor } from '../../src/stages/stage.ts'
import type { Stage } from '../../src/stages/stage.ts'

describe('stageFor', () => {
  const cases: Array<[number, Stage | undefined, Stage]> = [
    [0, undefined, 'hub'],
    [1, undefined, 'hub'],
    [10_000, undefined, 'hub'],
    [10_001, undefined, 'regional'],
    [100_000, undefined, 'regional'],
    [100_001, undefined, 'split'],
    [1_000_000, undefined, 'split'],
    [1_000_001, undefined, 'bootstrap'],
    [1e10, undefined, 'bootstrap'],
    // up: a quarter beyond the limit
    [12_500, 'hub', 'hub'],
    [12_501, 'hub', 'regional'],
    [125_000, 'regional', 'regional'],
    [125_001, 'regional', 'split'],
    [1_250_001, 'split', 'bootstrap'],
    // down: a fifth below it
    [8_001, 'regional', 'regional'],
    [8_000, 'regional', 'hub'],
    [80_001, 'split', 'split'],
    [80_000, 'split', 'regional'],
    [800_001, 'bootstrap', 'bootstrap'],
    [800_000, 'bootstrap', 'split'],
    // several at once
    [5_000_000, 'hub', 'bootstrap'],
    [110_000, 'hub', 'regional'],
    [20, 'bootstrap', 'hub'],
    [9_000, 'bootstrap', 'regional']
  ]
  for (const [size, current, expected] of cases) {
    it(`${size} nodes${current === undefined ? '' : ` seen from ${current}`}: ${expected}`, () => {
      expect(stageFor(size, current)).to.equal(expected)
    })
  }

  const anyStage = fc.constantFrom(...STAGES)
  const anySize = fc.double({ min: 0, max: 9, noNaN: true }).map(exponent => Math.round(10 ** exponent))

  it('never goes down as the network grows, wherever it is seen from', () => {
    fc.assert(fc.property(anySize, anySize, fc.option(anyStage, { nil: undefined }), (a, b, current) => {
      const [small, large] = a < b ? [a, b] : [b, a]
      expect(STAGES.indexOf(stageFor(small, current))).to.be.at.most(STAGES.indexOf(stageFor(large, current)))
    }))
  })

  it('does not flap: within the band it changes at most once, whatever the order of the sizes', () => {
    fc.assert(fc.property(
      fc.constantFrom(10_000, 100_000, 1_000_000), anyStage,
      fc.array(fc.double({ min: 0.81, max: 1.24, noNaN: true }), { minLength: 2, maxLength: 50 }),
      (limit, start, factors) => {
        let stage = start
        let changes = 0
        for (const factor of factors) {
          const next = stageFor(limit * factor, stage)
          changes += next === stage ? 0 : 1
          stage = next
        }
        expect(changes).to.be.at.most(1)
      }
    ))
  })

  it('settles: seen from the stage it gave, the same size gives it again', () => {
    fc.assert(fc.property(anySize, anyStage, (size, current) => {
      const stage = stageFor(size, current)
      expect(stageFor(size, stage)).to.equal(stage)
    }))
  })

  it('sheds duties and takes none back on the way up', () => {
    const reach = { discover: ['everywhere', 'nearest-region-first', 'none'], share: ['every-seed', 'by-role', 'none'] }
    for (const [i, stage] of STAGES.slice(1).entries()) {
      const before = STAGE_DUTIES[STAGES[i] as Stage]
      const after = STAGE_DUTIES[stage]
      expect(reach.discover.indexOf(after.discover)).to.be.at.least(reach.discover.indexOf(before.discover))
      expect(reach.share.indexOf(after.signal)).to.be.at.least(reach.share.indexOf(before.signal))
      expect(reach.share.indexOf(after.relay)).to.be.at.least(reach.share.indexOf(before.relay))
      expect(after.maxModels).to.be.at.most(before.maxModels)
      expect(after.maxNodes).to.be.above(before.maxNodes)
    }
    expect(STAGES.map(stage => STAGE_DUTIES[stage].letsGo)).to.deep.equal([false, false, false, true])
  })

  it('knows the names of the stages', () => {
    expect(STAGES.every(isStage)).to.equal(true)
    expect(isStage('auto')).to.equal(false)
  })
})
