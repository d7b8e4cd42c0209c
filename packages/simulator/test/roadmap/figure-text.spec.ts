import { expect } from 'chai'
import { bytes, count, dollars, percent, rate } from '../../src/index.ts'

describe('figures of the roadmap', () => {
  it('have three digits and a unit', () => {
    expect([0, 2.345, 5.678, 1_234, 9_999, 12_345, 2e6, 1.0931e4, 3.18e13].map(count))
      .to.deep.equal(['0', '2.35', '5.68', '1234', '9999', '12.3K', '2M', '10.9K', '31.8T'])
    expect([696_000, 6_390, 2.05e13, 1.86e6].map(bytes)).to.deep.equal(['696 KB', '6390 B', '20.5 TB', '1.86 MB'])
    expect([rate(30_900), dollars(46_561), percent(0.0263)]).to.deep.equal(['30.9 KB/s', '$46.6K', '2.6 %'])
  })
})
