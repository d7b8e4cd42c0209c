import { expect } from 'chai'
import { ACCESS_MIXES, PlaceLatency, RegionLatency } from '../../src/index.ts'

const PAIRS = 20_000

function meanMs (oneWayMs: (from: number, to: number) => number): number {
  let sum = 0
  for (let i = 0; i < PAIRS; i++) {
    sum += oneWayMs(2 * i, 2 * i + 1)
  }
  return sum / PAIRS
}

describe('PlaceLatency', () => {
  const init = { seed: 3, regions: { 'eu-west': 3, 'us-east': 1 }, access: ACCESS_MIXES.mixed }
  const latency = new PlaceLatency(init)

  it('is on average what it is when each node has a place of its own', () => {
    const each = new RegionLatency({ ...init, nodes: 2 * PAIRS })
    expect(meanMs((a, b) => latency.oneWayMs(a, b)) / meanMs((a, b) => each.oneWayMs(a, b))).to.be.closeTo(1, 0.02)
  })

  it('has as many nodes in a region as its weight says, whatever their numbers', () => {
    for (const first of [0, 5e9, 2 ** 40]) {
      const inEurope = Array.from({ length: 10_000 }, (_, i) => latency.regionOf(first + i)).filter(region => region === 'eu-west').length
      expect(inEurope / 10_000).to.be.closeTo(0.75, 0.02)
    }
  })

  it('is as long in both directions, the same at each call, and never below what it says is the least', () => {
    const few = new PlaceLatency({ ...init, places: 4 })
    for (let i = 0; i < 1000; i++) {
      const [from, to] = [i * 7919 + 6e9, i * 104_729]
      expect(latency.oneWayMs(from, to)).to.be.closeTo(latency.oneWayMs(to, from), 1e-9)
      expect(new Set([few.oneWayMs(from, to), few.oneWayMs(from, to)]).size).to.equal(1)
      expect(few.oneWayMs(i, i + 1)).to.be.at.least(few.leastMs)
    }
  })

  it('takes powers of two', () => { expect(() => new PlaceLatency({ seed: 1, places: 1000 })).to.throw('power of two') })
})
