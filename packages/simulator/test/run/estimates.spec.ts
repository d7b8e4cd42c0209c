import { expect } from 'chai'
import { MemoryError } from '../../src/run/memory-limit.ts'
import { runsThatFit } from '../../src/run/memory-limit.ts'
import { makePlan, planId, planJobs, TooManyRunsError } from '../../src/run/plan.ts'
import { csvTable } from '../../src/run/result-row.ts'
import { runSeed } from '../../src/run/run-seeds.ts'
import { estimate, studentT95 } from '../../src/run/student-t.ts'
import { summarize } from '../../src/run/summary.ts'
import { readGrid } from '../../src/scenario/option-grid.ts'
import type { Plan } from '../../src/run/plan.ts'
import coin from './scenarios/coin.ts'

function plan (sweep: Record<string, string[]>, runs: number, seed = 1): Plan {
  const file = { scenario: coin, source: 'coin', url: '', sha256: 'x' }
  return makePlan(file as unknown as Parameters<typeof makePlan>[0], readGrid(coin, { sweep }), { version: '1', seed, runs })
}

describe('Student\'s t', () => {
  // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, upper 2.5 % points
  const cases: Array<[df: number, t: number]> = [
    [1, 12.706], [2, 4.303], [5, 2.571], [9, 2.262], [10, 2.228], [11, 2.201], [15, 2.131], [20, 2.086], [30, 2.042], [60, 2.000], [100, 1.984], [1e6, 1.96]
  ]
  for (const [df, t] of cases) {
    it(`is ${t} for ${df} degrees of freedom`, () => { expect(studentT95(df)).to.be.closeTo(t, 5.1e-4) })
  }

  it('makes the interval of a mean', () => {
    const { mean, ci95, min, max, runs } = estimate([4, 6, 5, 7, 3])
    expect({ mean, min, max, runs }).to.deep.equal({ mean: 5, min: 3, max: 7, runs: 5 })
    expect(ci95).to.be.closeTo(2.776445 * Math.sqrt(2.5 / 5), 1e-6)
    expect(estimate([4]).ci95).to.equal(null)
  })
})

describe('a plan', () => {
  it('has every run of every point, points first, with the same seeds at each', () => {
    const jobs = planJobs(plan({ coins: ['10', '20'] }, 3))
    expect(jobs.map(({ index, point, run }) => [index, point, run])).to.deep.equal([[0, 0, 0], [1, 0, 1], [2, 0, 2], [3, 1, 0], [4, 1, 1], [5, 1, 2]])
    expect(jobs.slice(0, 3).map(({ seed }) => seed)).to.deep.equal(jobs.slice(3).map(({ seed }) => seed))
  })

  it('has seeds that are hashes of the one that was given', () => {
    const seeds = [1, 2, 3].flatMap(seed => Array.from({ length: 1000 }, (_, run) => runSeed(seed, run)))
    expect(new Set(seeds).size).to.equal(3000)
    expect(seeds.every(seed => Number.isSafeInteger(seed) && seed >= 0)).to.equal(true)
    expect(runSeed(1, 0)).to.equal(5438639645132299) // for ever: results of old simulations depend on it
  })

  it('has a name that changes with all that changes results, and not with the place of the file', () => {
    const base = plan({}, 2)
    const ids = [base, plan({}, 3), plan({}, 2, 2), plan({ bias: ['0.1'] }, 2), { ...base, version: '2' }, { ...base, scenario: { ...base.scenario, sha256: 'y' } }]
    expect(new Set(ids.map(planId)).size).to.equal(ids.length)
    expect(planId({ ...base, scenario: { ...base.scenario, source: './elsewhere/coin.ts' } })).to.equal(planId(base))
  })

  it('has a bound', () => { expect(() => plan({}, 100_001)).to.throw(TooManyRunsError) })
})

describe('memory', () => {
  const jobs = planJobs(plan({ coins: ['1K', '100K', '10K'] }, 2))

  it('is asked of the largest run, before it starts', () => {
    expect(() => runsThatFit(coin as never, jobs, 99e6)).to.throw(MemoryError, 'coins=100000').with.property('neededBytes', 1e8)
    expect(() => runsThatFit(coin as never, jobs, 99e6)).to.throw('takes about 0.1 GB, and 99.0 MB are free').with.property('availableBytes', 99e6)
    expect(runsThatFit(coin as never, jobs, 2.5e8)).to.equal(2)
    expect(runsThatFit({}, jobs, 0)).to.equal(Infinity)
  })
})

describe('results', () => {
  const swept = plan({ mode: ['well', 'throw'] }, 2)
  const check = (holds: boolean, found: string): object => ({ claim: 'c', holds, found })
  const rows = [
    { job: 0, point: { mode: 'well' }, run: 0, seed: 5, metrics: { heads: 0.5, runs: 10 }, checks: [check(true, 'a')] },
    { job: 1, point: { mode: 'well' }, run: 1, seed: 6, metrics: { heads: 0.7, runs: 10 }, checks: [check(false, 'b')] },
    { job: 2, point: { mode: 'throw' }, run: 0, seed: 5, error: { name: 'E', message: 'said "no",\nthen went' } }
  ] as never

  it('are summed up for each point: means, intervals, claims, failures', () => {
    const summary = summarize(swept, rows, 4)
    expect(summary.complete).to.equal(false)
    expect(summary.points[0]?.metrics.heads).to.deep.include({ runs: 2, unit: 'share' })
    expect(summary.points[0]?.metrics.heads?.mean).to.be.closeTo(0.6, 1e-12)
    expect(summary.points[0]?.checks).to.deep.equal([{ claim: 'c', held: 1, runs: 2, found: 'b' }])
    expect(summary.points[1]).to.deep.equal({ point: { mode: 'throw' }, metrics: {}, checks: [], failed: 1 })
  })

  it('are a table that quotes what needs it', () => {
    expect(csvTable(rows, ['mode'], ['heads', 'runs'])).to.equal('job,mode,run,seed,heads,runs,checks_failed,error\r\n' +
      '0,well,0,5,0.5,10,0,\r\n1,well,1,6,0.7,10,1,\r\n2,throw,0,5,,,,"E: said ""no"",\nthen went"\r\n')
  })
})
