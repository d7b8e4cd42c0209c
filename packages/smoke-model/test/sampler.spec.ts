import { expect } from 'chai'
import fc from 'fast-check'
import { sample, seedOf, uniformAt } from '../src/sampler.ts'

const OPTIONS = { temperature: 1, topK: 40, topP: 1, seed: 5 }

function frequencies (logits: number[], options: Partial<typeof OPTIONS>, draws = 4_000): number[] {
  const counts = logits.map(() => 0)
  for (let position = 0; position < draws; position++) {
    const token = sample(Float64Array.from(logits), position, { ...OPTIONS, ...options })
    counts[token] = (counts[token] as number) + 1 / draws
  }
  return counts
}

describe('sample', () => {
  const logits = [0, Math.log(2), Math.log(4), Math.log(1)]

  it('takes the likeliest at temperature 0, of equals the first', () => {
    expect(sample(Float64Array.of(1, 3, 3, 2), 9, { ...OPTIONS, temperature: 0 })).to.equal(1)
  })

  it('takes the largest of any logits at temperature 0', () => {
    fc.assert(fc.property(fc.array(fc.double({ noNaN: true, min: -50, max: 50 }), { minLength: 1 }), values =>
      sample(Float64Array.from(values), 0, { ...OPTIONS, temperature: 0 }) === values.indexOf(Math.max(...values))))
  })

  it('draws as often as the logits say', () => {
    for (const [token, share] of frequencies(logits, {}).entries()) {
      expect(share).to.be.closeTo([1 / 8, 2 / 8, 4 / 8, 1 / 8][token] as number, 0.03)
    }
  })

  it('draws the likelier more often the colder it is', () => {
    for (const [token, share] of frequencies(logits, { temperature: 0.5 }).entries()) {
      expect(share).to.be.closeTo([1 / 22, 4 / 22, 16 / 22, 1 / 22][token] as number, 0.03)
    }
  })

  it('keeps to the top k', () => {
    const shares = frequencies(logits, { topK: 2 })
    expect([shares[0], shares[3]]).to.deep.equal([0, 0])
    expect(shares[1]).to.be.closeTo(1 / 3, 0.03)
  })

  it('keeps to the top p, and to one token at least', () => {
    expect(frequencies(logits, { topP: 0.6 })[2]).to.be.closeTo(2 / 3, 0.03)
    expect(frequencies(logits, { topP: 0 })[2]).to.be.closeTo(1, 1e-9)
  })

  it('draws the same for the same seed and position', () => {
    const draw = (seed: number): number[] =>
      Array.from({ length: 50 }, (_, position) => sample(Float64Array.from(logits), position, { ...OPTIONS, seed }))
    expect(draw(1)).to.deep.equal(draw(1))
    expect(draw(1)).not.to.deep.equal(draw(2))
    expect(draw(2 ** 32 + 1)).not.to.deep.equal(draw(1))
    expect(draw(-1)).not.to.deep.equal(draw(1))
  })
})

describe('uniformAt', () => {
  it('stays in 0 ≤ x < 1 and fills it evenly', () => {
    const bins = new Array<number>(10).fill(0)
    for (let position = 0; position < 10_000; position++) {
      const x = uniformAt(Number.MAX_SAFE_INTEGER, position)
      expect(x >= 0 && x < 1).to.equal(true)
      bins[Math.floor(x * 10)] = (bins[Math.floor(x * 10)] as number) + 1
    }
    for (const count of bins) {
      expect(count).to.be.within(880, 1_120)
    }
  })

  const vectors: Array<[seed: number, position: number]> = [[0, 0], [1, 0], [0, 1], [-1, 511], [2 ** 40 + 3, 7]]
  it('has not changed', () => {
    expect(vectors.map(([seed, position]) => uniformAt(seed, position))).to.deep.equal([
      0.4235109769683755, 0.41027818517047643, 0.22520979002481356, 0.24568695062529122, 0.6034859461356908
    ])
    expect([seedOf([]), seedOf([256, 1, 2])]).to.deep.equal([2268431871, 2770080858])
  })
})
