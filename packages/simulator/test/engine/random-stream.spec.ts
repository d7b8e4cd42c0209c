import { expect } from 'chai'
import { RandomStream } from '../../src/index.ts'

/** χ² of counts that should all be the same, in standard deviations from its mean. */
function deviation (counts: Uint32Array, total: number): number {
  const expected = total / counts.length
  const chi2 = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  return (chi2 - (counts.length - 1)) / Math.sqrt(2 * (counts.length - 1))
}

/** How many of 32 bits differ on average, over many pairs. */
function flips (pairs: number, pair: (i: number) => [number, number]): number {
  let bits = 0
  for (let i = 0; i < pairs; i++) {
    const [a, b] = pair(i)
    for (let x = a ^ b; x !== 0; x &= x - 1) {
      bits++
    }
  }
  return bits / pairs
}

describe('RandomStream', () => {
  it('gives the same for the same, for ever', () => {
    const stream = new RandomStream(42, 7)
    const values = [[0, 0], [1, 0], [0, 1], [2 ** 40, 3], [9e15, 2 ** 33]].map(([entity, counter]) => stream.uint32(entity as number, counter as number))
    expect(values).to.deep.equal(VECTOR)
    expect(new RandomStream(42, 7).uint32(1, 0)).to.equal(VECTOR[1])
  })

  it('spreads evenly over counters, entities, and both halves of a number', () => {
    const draws: Record<string, (stream: RandomStream, i: number) => number> = {
      counters: (stream, i) => stream.uint32(5, i),
      entities: (stream, i) => stream.uint32(i, 5),
      'large entities': (stream, i) => stream.uint32(i * 2 ** 20 + 2 ** 45, 0),
      grid: (stream, i) => stream.uint32(i & 0x3ff, i >>> 10),
      floats: (stream, i) => Math.floor(stream.float(i, 1) * 2 ** 32) >>> 0
    }
    for (const [name, draw] of Object.entries(draws)) {
      for (const seed of [1, 2, 2 ** 40 + 1]) {
        const stream = new RandomStream(seed, 3)
        const high = new Uint32Array(1024)
        const low = new Uint32Array(1024)
        const total = 1 << 18
        for (let i = 0; i < total; i++) {
          const value = draw(stream, i)
          high[value >>> 22]!++
          low[value & 0x3ff]!++
        }
        expect(Math.abs(deviation(high, total)), `upper bits of ${name}`).to.be.below(5)
        if (name !== 'floats') {
          expect(Math.abs(deviation(low, total)), `lower bits of ${name}`).to.be.below(5)
        }
      }
    }
  })

  it('changes half of the bits when one bit of seed, stream, entity or counter changes', () => {
    const pairs = 20_000
    // the mean of 20,000 draws of a binomial (32, ½) has a deviation of 0.02
    const within = (mean: number): void => { expect(mean).to.be.within(15.88, 16.12) }
    const stream = new RandomStream(9, 9)
    within(flips(pairs, i => [stream.uint32(i, 0), stream.uint32(i ^ (1 << (i % 31)), 0)]))
    within(flips(pairs, i => [stream.uint32(0, i), stream.uint32(0, i ^ (1 << (i % 31)))]))
    within(flips(pairs, i => [new RandomStream(i, 1).uint32(0, 0), new RandomStream(i + 1, 1).uint32(0, 0)]))
    within(flips(pairs, i => [new RandomStream(1, i).uint32(0, 0), new RandomStream(1, i + 1).uint32(0, 0)]))
    within(flips(pairs, i => [stream.uint32(i, 1), stream.uint32(i + 2 ** 32, 1)]))
  })

  it('repeats a number as often as chance does, over entities and over counters', () => {
    const stream = new RandomStream(11, 2)
    const draws: Record<string, (i: number) => number> = {
      entities: i => stream.uint32(i, 3),
      'scattered entities': i => stream.uint32(Math.imul(i, 0x9e3779b9) >>> 0, 3),
      counters: i => stream.uint32(3, i),
      both: i => stream.uint32(i & 0x3ff, i >>> 10)
    }
    for (const [name, draw] of Object.entries(draws)) {
      const total = 1 << 20
      const values = Uint32Array.from({ length: total }, (_, i) => draw(i)).sort()
      let repeats = 0
      for (let i = 1; i < total; i++) {
        repeats += values[i] === values[i - 1] ? 1 : 0
      }
      // total² / 2 of 2^32 pairs: 128, with a deviation of 11
      expect(repeats, name).to.be.within(72, 184)
    }
  })

  it('gives no two entities a piece of one sequence', () => {
    const stream = new RandomStream(11, 2)
    const seen = new Set<number>()
    const [entities, counters] = [32_768, 32]
    for (let entity = 0; entity < entities; entity++) {
      for (let counter = 0; counter < counters; counter++) {
        // 53 bits of two numbers in a row: chance brings one pair in 16,000 runs
        seen.add((stream.uint32(entity, counter) >>> 11) * 0x100000000 + stream.uint32(entity, counter + 1))
      }
    }
    expect(seen.size).to.equal(entities * counters)
  })

  it('has pairs of neighbours that do not know each other', () => {
    const stream = new RandomStream(3, 1)
    const cells = new Uint32Array(4096)
    const total = 1 << 20
    for (let i = 0; i < total; i++) {
      cells[(stream.uint32(i, 0) >>> 26) * 64 + (stream.uint32(i + 1, 0) >>> 26)]!++
    }
    expect(Math.abs(deviation(cells, total))).to.be.below(5)
  })
})

const VECTOR = [2677966991, 106252118, 245084819, 4053517540, 1005154910]
