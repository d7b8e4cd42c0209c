/** A coordinate and what its neighbours can do to it. */
import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { LatencyFilter } from '../src/latency-filter.ts'
import { DIMENSIONS, isCoordinate, MAX_COORDINATE_MS, NetworkCoordinate, planeDistanceMs, predictRoundTripMs } from '../src/network-coordinate.ts'
import { StableCoordinate } from '../src/stable-coordinate.ts'
import type { Coordinate } from '../src/network-coordinate.ts'

function at (...position: number[]): Coordinate {
  return { position: Array.from({ length: DIMENSIONS }, (_, i) => position[i] ?? 0), heightMs: 1, error: 0.2 }
}

describe('NetworkCoordinate', () => {
  it('learns the round trip to its only neighbour', () => {
    const own = new NetworkCoordinate({}, new SeededRandom(1))
    for (let i = 0; i < 100; i++) {
      own.onSample('a', at(0, 0), 80, i * 5000)
    }
    expect(predictRoundTripMs(own.coordinate, at(0, 0))).to.be.closeTo(80, 4)
    expect(own.coordinate.error).to.be.below(0.1)
  })

  it('does not listen to one neighbour more often than every five seconds', () => {
    const own = new NetworkCoordinate({}, new SeededRandom(1))
    expect(own.onSample('a', at(50), 80, 0)).to.equal('moved')
    expect(own.onSample('a', at(50), 80, 4999)).to.equal('too_soon')
    expect(own.onSample('b', at(50), 80, 4999)).to.equal('moved')
    expect(own.onSample('a', at(50), 80, 5000)).to.equal('moved')
  })

  it('passes over who disagrees far more than the others do, until most of them do', () => {
    const own = new NetworkCoordinate({ maxStepMs: 1000 }, new SeededRandom(1))
    for (let i = 0; i < 400; i++) {
      own.onSample(`n${i % 20}`, at(i % 20, -(i % 20)), 60, i * 5000)
    }
    const before = own.coordinate
    expect(own.onSample('liar', at(5000, 5000), 60, 1e9)).to.equal('outlier')
    expect(own.coordinate).to.deep.equal(before)
    const results: string[] = []
    for (let i = 0; i < 200; i++) { // the network has changed: all are 150 ms farther
      results.push(own.onSample(`n${i % 20}`, at(i % 20, -(i % 20)), 210, 2e9 + i * 5000))
    }
    expect(results).to.include('outlier')
    expect(results.at(-1)).to.equal('moved')
    expect(predictRoundTripMs(own.coordinate, at(10, -10))).to.be.closeTo(210, 20)
  })

  it('stays within its bounds and moves no farther than a step, whatever it is told', () => {
    const number = fc.oneof(fc.double(), fc.double({ min: -MAX_COORDINATE_MS, max: MAX_COORDINATE_MS }))
    const coordinate = fc.record({
      position: fc.array(number, { minLength: DIMENSIONS - 1, maxLength: DIMENSIONS }), heightMs: number, error: fc.oneof(number, fc.double({ min: 0, max: 1.5 }))
    })
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(30), coordinate, number), { maxLength: 60 }), fc.integer(), (samples, seed) => {
      const own = new NetworkCoordinate({ maxStepMs: 25 }, new SeededRandom(seed))
      for (const [i, [neighbour, remote, roundTripMs]] of samples.entries()) {
        const before = own.coordinate
        const result = own.onSample(`${neighbour}`, remote, roundTripMs, i * 5000)
        const after = own.coordinate
        expect(isCoordinate(after)).to.equal(true)
        expect(after.error).to.be.greaterThan(0)
        expect(planeDistanceMs(before, after)).to.be.at.most(result === 'moved' ? 25 + Math.hypot(...before.position) ** 2 / 1024 + 1 : 0)
      }
    }), { numRuns: 200 })
  })
})

describe('LatencyFilter', () => {
  it('gives a low percentile of the last four, so that a queue is no distance', () => {
    const filter = new LatencyFilter()
    expect([50, 900, 52, 51, 49, 1200].map(sample => filter.onSample('a', sample))).to.deep.equal([50, 50, 50, 50, 49, 49])
  })
})

describe('StableCoordinate', () => {
  it('is told anew only when the coordinate has gone elsewhere', () => {
    const stable = new StableCoordinate({ window: 8 })
    for (let i = 0; i < 8; i++) {
      stable.onMoved(at(100), 20)
    }
    const jitter = Array.from({ length: 200 }, (_, i) => stable.onMoved(at(100 + 4 * Math.sin(i)), 20))
    expect(jitter).to.not.include(true)
    const moved = Array.from({ length: 20 }, () => stable.onMoved(at(180), 20))
    expect(moved.filter(Boolean).length).to.be.within(1, 8)
    expect(stable.coordinate?.position[0]).to.be.closeTo(180, 8)
  })
})
