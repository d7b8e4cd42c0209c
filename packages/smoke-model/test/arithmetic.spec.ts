import { expect } from 'chai'
import fc from 'fast-check'
import { exp, ln } from '../src/arithmetic.ts'

describe('arithmetic', () => {
  it('has an exponential that is right to 15 digits', () => {
    fc.assert(fc.property(fc.double({ min: -600, max: 600, noNaN: true }), x => Math.abs(exp(x) / Math.exp(x) - 1) < 1e-15))
  })

  it('has a logarithm that is right to 15 digits', () => {
    fc.assert(fc.property(fc.double({ min: 1e-200, max: 1e200, noNaN: true }), x => Math.abs(ln(x) - Math.log(x)) <= 1e-15 * Math.max(1, Math.abs(Math.log(x)))))
  })

  const cases: Array<[name: string, value: number, expected: number]> = [
    ['e^0', exp(0), 1],
    ['e^1, one unit in the last place above the nearest double', exp(1), 2.7182818284590455],
    ['e^-1e9', exp(-1e9), 0],
    ['e^-Infinity', exp(-Infinity), 0],
    ['e^800, capped at e^700', exp(800), exp(700)],
    ['ln 1', ln(1), 0]
  ]
  for (const [name, value, expected] of cases) {
    it(`knows ${name}`, () => {
      expect(value).to.equal(expected)
    })
  }
})
