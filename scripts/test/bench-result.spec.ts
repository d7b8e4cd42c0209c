import { expect } from 'chai'
import { resultProblem } from '../bench-result.ts'

const RESULT = { name: 'ttft', value: 1.5, unit: 'ms', better: 'lower' }

const CASES: Array<[line: string, problem: RegExp | undefined]> = [
  [JSON.stringify({ bench: 'a', results: [RESULT, { ...RESULT, target: 5 }] }), undefined],
  ['done', /not JSON/],
  ['', /not JSON/],
  ['null', /lacks "bench"/],
  [JSON.stringify({ bench: 'a', results: [] }), /lacks "bench" or "results"/],
  [JSON.stringify({ bench: 'a', results: [{ ...RESULT, value: Number.NaN }] }), /lacks "name", "value" or "unit"/],
  [JSON.stringify({ bench: 'a', results: [{ ...RESULT, unit: undefined }] }), /lacks "name", "value" or "unit"/],
  [JSON.stringify({ bench: 'a', results: [{ ...RESULT, better: 'more' }] }), /"better" of ttft/],
  [JSON.stringify({ bench: 'a', results: [{ ...RESULT, target: '5' }] }), /"target" of ttft/]
]

describe('the last line of a benchmark', () => {
  for (const [line, problem] of CASES) {
    it(`${line === '' ? '(empty)' : line}: ${problem === undefined ? 'is fine' : String(problem)}`, () => {
      if (problem === undefined) {
        expect(resultProblem(line)).to.equal(undefined)
      } else {
        expect(resultProblem(line)).to.match(problem)
      }
    })
  }
})
