import { randomBytes, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { idDistance, orderStatisticEstimate, regressionEstimate } from '../../src/stages/size-estimate.ts'
import { syntheticSample } from './synthetic-ids.ts'
import type { DistanceSample, SizeEstimate } from '../../src/stages/size-estimate.ts'

const ESTIMATORS = [['order statistic', orderStatisticEstimate], ['regression', regressionEstimate]] as const
const K = 20

type Estimator = (samples: DistanceSample[]) => SizeEstimate | undefined

/** Many networks of that size, one estimate of each. */
function trials (estimator: Estimator, nodes: number, samples: number, count: number): { bias: number, error: number, covered: number } {
  const random = new SeededRandom(nodes + samples)
  let sum = 0
  let squares = 0
  let covered = 0
  for (let i = 0; i < count; i++) {
    const estimate = estimator(Array.from({ length: samples }, () => syntheticSample(nodes, K, random))) as SizeEstimate
    sum += estimate.nodes / nodes - 1
    squares += (estimate.nodes / nodes - 1) ** 2
    covered += estimate.low <= nodes && nodes <= estimate.high ? 1 : 0
  }
  return { bias: sum / count, error: Math.sqrt(squares / count), covered: covered / count }
}

/** Networks whose ids are really there: the keys of one estimate are looked up in the same set. */
function network (nodes: number, seed: number): (samples: number) => DistanceSample[] {
  const random = new SeededRandom(seed)
  const ids = Array.from({ length: nodes }, () => randomBytes(random, 32))
  return samples => Array.from({ length: samples }, () => {
    const key = randomBytes(random, 32)
    return { distances: ids.map(id => idDistance(key, id)).sort((a, b) => a - b).slice(0, K), all: nodes < K }
  })
}

describe('the size of a network', () => {
  for (const [name, estimator] of ESTIMATORS) {
    describe(`by the ${name}`, () => {
      for (const nodes of [25, 100, 1_000, 100_000, 1_000_000, 10_000_000]) {
        it(`of ${nodes} nodes from 16 lookups: unbiased, within 7 % (rms), and inside its interval as often as it says`, () => {
          const { bias, covered, error } = trials(estimator, nodes, 16, 400)
          expect(Math.abs(bias), 'bias').to.be.below(0.02)
          expect(error, 'error').to.be.below(0.07)
          expect(covered, 'covered').to.be.at.least(0.92)
        })
      }

      it('is right of the order even with one lookup', () => {
        expect(trials(estimator, 100_000, 1, 1_000).error).to.be.below(0.3)
      })

      it('counts when lookups find all there are', () => {
        const find = network(12, 1)
        expect(estimator(find(3))).to.deep.equal({ nodes: 12, low: 12, high: 12 })
        expect(estimator([{ distances: [], all: true }])).to.deep.equal({ nodes: 0, low: 0, high: 0 })
      })

      it('knows nothing from nothing', () => {
        expect(estimator([])).to.equal(undefined)
        expect(estimator([{ distances: [], all: false }])).to.equal(undefined)
        expect(estimator([{ distances: [0, 0], all: false }])).to.equal(undefined)
      })

      it('is not moved by a crowd of forged ids around a few of the keys, nor by lookups that ended far away', () => {
        const random = new SeededRandom(5)
        const honest = Array.from({ length: 11 }, () => syntheticSample(10_000, K, random))
        const crowd = Array.from({ length: 3 }, () => syntheticSample(100_000_000, K, random))
        const astray = Array.from({ length: 2 }, () => syntheticSample(100, K, random))
        const estimate = estimator([...crowd, ...honest, ...astray]) as SizeEstimate
        expect(estimate.nodes / 10_000).to.be.within(0.8, 1.25)
      })
    })
  }

  it('the order statistic is the more exact of the two', () => {
    expect(trials(orderStatisticEstimate, 50_000, 8, 3_000).error).to.be.below(trials(regressionEstimate, 50_000, 8, 3_000).error)
  })

  for (const nodes of [20, 50, 200, 1_000]) {
    it(`is within a quarter when all keys are looked up among the same ${nodes} ids`, () => {
      for (let seed = 0; seed < 20; seed++) {
        const samples = network(nodes, seed)(16)
        for (const [name, estimator] of ESTIMATORS) {
          expect((estimator(samples) as SizeEstimate).nodes / nodes, `${name}, seed ${seed}`).to.be.within(0.75, 1.34)
        }
      }
    })
  }
})

describe('idDistance', () => {
  const id = (...bytes: number[]): Uint8Array => Uint8Array.from([...bytes, ...new Array<number>(32 - bytes.length).fill(0)])

  it('is a fraction of the key space', () => {
    expect(idDistance(id(0x80), id())).to.equal(0.5)
    expect(idDistance(id(0x40), id(0xc0))).to.equal(0.5)
    expect(idDistance(id(1, 2), id(1, 2))).to.equal(0)
    expect(idDistance(id(0xff, 0xff, 0xff, 0xff, 0xff, 0xff), id())).to.be.within(0.999_999, 1)
  })

  it('keeps its precision among neighbours', () => {
    const near = new Uint8Array(32)
    near[30] = 3
    expect(idDistance(near, new Uint8Array(32))).to.equal(3 * 2 ** -248)
  })
})
