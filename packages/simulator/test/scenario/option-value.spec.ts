import { expect } from 'chai'
import fc from 'fast-check'
import { formatCount, nearestName, OptionTwiceError, OptionValueError, parseCount, readGrid, UnknownOptionError } from '../../src/index.ts'
import { gridPoints } from '../../src/scenario/option-grid.ts'
import coin from '../run/scenarios/coin.ts'

describe('counts', () => {
  const cases: Array<[text: string, value: number | undefined]> = [
    ['1000', 1000], ['1e6', 1e6], ['1E6', 1e6], ['100K', 1e5], ['100k', 1e5], ['10M', 1e7], ['1B', 1e9], ['1.5B', 1.5e9], ['1.1K', 1100], ['2.3M', 2.3e6],
    ['1_000_000', 1e6], ['0', 0], ['0.5', undefined], ['1.0001K', undefined], ['-1', undefined], ['', undefined], ['ten', undefined], ['1e400', undefined],
    ['1KM', undefined], ['0x10', undefined], ['1e16', undefined]
  ]
  for (const [text, value] of cases) {
    it(`reads "${text}" as ${value ?? 'no count'}`, () => { expect(parseCount(text)).to.equal(value) })
  }

  it('are read again as they are written', () => {
    fc.assert(fc.property(fc.maxSafeNat(), value => parseCount(formatCount(value)) === value))
    fc.assert(fc.property(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: 0, max: 10 }), (digits, zeros) =>
      parseCount(formatCount(digits * 10 ** zeros)) === digits * 10 ** zeros))
    expect([1000, 1e6, 1.5e9, 123_456, 1024].map(formatCount)).to.deep.equal(['1K', '1M', '1.5B', '123456', '1.024K'])
  })
})

describe('the options of a simulation', () => {
  it('are those of the table, the small ones, and what is set, in this order', () => {
    expect(readGrid(coin, {}).options).to.deep.equal({ coins: 1000, bias: 0.5, mode: 'well', fair: true })
    expect(readGrid(coin, { small: true, set: { bias: '0.25' } }).options).to.deep.equal({ coins: 100, bias: 0.25, mode: 'well', fair: true })
    expect(readGrid(coin, { small: true, set: { coins: '1K', fair: 'off' } }).options).to.include({ coins: 1000, fair: false })
  })

  it('make a grid of all sweeps, the last one fastest', () => {
    const grid = readGrid(coin, { sweep: { coins: ['1K', '10K'], mode: ['well', 'throw'] } })
    expect(grid.options).to.deep.equal({ bias: 0.5, fair: true })
    expect(gridPoints(coin, grid).map(({ swept }) => swept)).to.deep.equal([
      { coins: 1000, mode: 'well' }, { coins: 1000, mode: 'throw' }, { coins: 10_000, mode: 'well' }, { coins: 10_000, mode: 'throw' }
    ])
    expect(gridPoints(coin, grid)[3]?.options).to.deep.equal({ coins: 10_000, bias: 0.5, mode: 'throw', fair: true })
  })

  it('are refused by name, with the nearest that there is', () => {
    expect(() => readGrid(coin, { set: { coin: '1' } })).to.throw(UnknownOptionError, 'did you mean "coins"?').with.property('nearest', 'coins')
    expect(() => readGrid(coin, { sweep: { toString: ['1'] } })).to.throw(UnknownOptionError)
  })

  const wrong: Array<[set: Record<string, string>, expected: string]> = [
    [{ coins: '2M' }, 'coins=2M: expected a whole number from 1 to 1M'],
    [{ coins: '1.5' }, 'coins=1.5: expected a whole number'],
    [{ bias: 'half' }, 'bias=half: expected a number from 0 to 1 share'],
    [{ bias: '' }, 'bias=: expected a number'],
    [{ bias: '1.01' }, 'bias=1.01: expected a number from 0 to 1'],
    [{ mode: 'trow' }, 'did you mean "throw"?'],
    [{ fair: 'maybe' }, 'fair=maybe: expected true or false']
  ]
  for (const [set, expected] of wrong) {
    it(`are refused by value: ${JSON.stringify(set)}`, () => { expect(() => readGrid(coin, { set })).to.throw(OptionValueError, expected) })
  }

  it('are not both set and swept, and not swept over one value twice', () => {
    expect(() => readGrid(coin, { set: { coins: '1' }, sweep: { coins: ['1', '2'] } })).to.throw(OptionTwiceError)
    expect(() => readGrid(coin, { sweep: { coins: ['1K', '1000'] } })).to.throw(OptionValueError, 'each value once')
  })
})

describe('nearestName', () => {
  const known = ['lookup-depth', 'epidemic-reach', 'churn', 'sybil']
  const cases: Array<[wanted: string, nearest: string | undefined]> = [
    ['lookup-deth', 'lookup-depth'], ['epidemic', 'epidemic-reach'], ['epidemc', 'epidemic-reach'], ['Churn', 'churn'], ['sibyl', 'sybil'], ['weather', undefined]
  ]
  for (const [wanted, nearest] of cases) {
    it(`takes ${wanted} for ${nearest ?? 'nothing'}`, () => { expect(nearestName(wanted, known)).to.equal(nearest) })
  }
})
