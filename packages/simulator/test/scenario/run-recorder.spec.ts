import { expect } from 'chai'
import fc from 'fast-check'
import { RunRecorder, ScenarioMistakeError } from '../../src/index.ts'

const scenario = { name: 'fixture', metrics: { a: { unit: 'count', help: '' }, b: { unit: 'ms', help: '' } } }

describe('RunRecorder', () => {
  it('gives metrics in the order in which they are declared', () => {
    const recorder = new RunRecorder(scenario)
    recorder.record('b', 2)
    recorder.record('a', -0)
    expect(Object.entries(recorder.finish().metrics)).to.deep.equal([['a', 0], ['b', 2]])
  })

  const mistakes: Array<[what: string, make: (recorder: RunRecorder) => unknown]> = [
    ['a metric that is not declared', recorder => { recorder.record('c', 1) }],
    ['a metric twice', recorder => { recorder.record('a', 1); recorder.record('a', 1) }],
    ['a metric that is no number', recorder => { recorder.record('a', NaN) }],
    ['a metric left out', recorder => { recorder.record('a', 1); recorder.finish() }],
    ['a curve twice', recorder => { recorder.series('c', [], { x: '', y: '' }); recorder.series('c', [], { x: '', y: '' }) }],
    ['a curve with an infinite point', recorder => { recorder.series('c', [[1, Infinity]], { x: '', y: '' }) }],
    ['a distribution of nothing', recorder => { recorder.distribution('d', [], 'ms') }],
    ['a distribution with NaN', recorder => { recorder.distribution('d', [3, NaN, 1], 'ms') }],
    ['a claim twice', recorder => { recorder.check('e', true, ''); recorder.check('e', true, '') }],
    ['a table twice', recorder => { recorder.table('f', ['x'], []); recorder.table('f', ['x'], []) }],
    ['a table with a row that is too short', recorder => { recorder.table('f', ['x', 'y'], [['1']]) }],
    ['a table without columns', recorder => { recorder.table('f', [], []) }],
    ['a table without end', recorder => { recorder.table('f', ['x'], Array.from({ length: 101 }, () => ['1'])) }],
    ['tables without end', recorder => { for (let i = 0; i < 11; i++) { recorder.table(`table ${i}`, ['x'], []) } }],
    ['names without end', recorder => { for (let i = 0; i < 1000; i++) { recorder.check(`check ${i}`, true, '') } }]
  ]
  for (const [what, make] of mistakes) {
    it(`refuses ${what}`, () => { expect(() => make(new RunRecorder(scenario))).to.throw(ScenarioMistakeError, 'The scenario fixture') })
  }

  it('keeps 2,000 points of a curve at most, the first and the last among them', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 20_000 }), length => {
      const recorder = new RunRecorder({ name: '', metrics: {} })
      recorder.series('c', Array.from({ length }, (_, i) => [i, i] as const), { x: '', y: '' })
      const points = recorder.finish().series[0]!.points
      expect(points.length).to.be.at.most(2_000).and.at.least(Math.min(length, 1_000))
      expect([points[0]![0], points.at(-1)![0]]).to.deep.equal([0, length - 1])
      expect(points.every(([x], i) => i === 0 || x > points[i - 1]![0])).to.equal(true)
    }), { numRuns: 50 })
  })

  it('keeps 200 characters of a cell', () => {
    const recorder = new RunRecorder({ name: '', metrics: {} })
    recorder.table('t', ['x', 'y'], [['a'.repeat(1000), 'b']])
    expect(recorder.finish().tables).to.deep.equal([{ name: 't', columns: ['x', 'y'], rows: [['a'.repeat(200), 'b']] }])
  })

  it('keeps 200 quantiles of a distribution, from the least to the most', () => {
    const recorder = new RunRecorder({ name: '', metrics: {} })
    recorder.distribution('d', Array.from({ length: 1991 }, (_, i) => 1990 - i), 'ms')
    const { quantiles } = recorder.finish().distributions[0]!
    expect(quantiles).to.have.length(200)
    expect(quantiles.every((value, i) => Math.abs(value - i * 10) < 1e-9)).to.equal(true)
  })
})
