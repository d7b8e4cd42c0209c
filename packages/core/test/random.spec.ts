import { expect } from 'chai'
import fc from 'fast-check'
import { randomBelow, randomBytes, randomFloat, SeededRandom, shuffle } from '../src/index.ts'

describe('SeededRandom', () => {
  it('repeats', () => {
    const draw = (seed: number): number[] => { const random = new SeededRandom(seed); return Array.from({ length: 5 }, () => random.nextUint32()) }
    expect(draw(7)).to.deep.equal(draw(7))
    expect(draw(7)).not.to.deep.equal(draw(8))
  })

  it('gives the numbers that it always gave', () => {
    const random = new SeededRandom(1)
    expect([random.nextUint32(), random.nextUint32(), random.nextUint32()]).to.deep.equal([2420951833, 2513034076, 3847892949])
  })

  it('is spread evenly', () => {
    const random = new SeededRandom(3)
    const counts = new Array(10).fill(0)
    for (let i = 0; i < 100_000; i++) {
      counts[randomBelow(random, 10)]++
    }
    // a chi-square of 9 degrees of freedom is below 27.9 in 99.9 % of cases
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)
    expect(chiSquare).to.be.below(27.9)
  })
})

describe('draws', () => {
  it('stay within their bounds', () => {
    fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 0xffffffff }), (seed, bound) => {
      const random = new SeededRandom(seed)
      expect(randomBelow(random, bound)).to.be.within(0, bound - 1)
      expect(randomFloat(random)).to.be.within(0, 1)
      expect(randomBytes(random, bound % 50)).to.have.length(bound % 50)
    }))
  })

  it('shuffle keeps what is there', () => {
    fc.assert(fc.property(fc.integer(), fc.array(fc.nat()), (seed, items) => {
      expect(shuffle(new SeededRandom(seed), [...items]).sort()).to.deep.equal([...items].sort())
    }))
  })
})
