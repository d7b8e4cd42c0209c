/** The machine that `@skein/pex` ships, as many as a small network has: no hubs, and one network after a crash. */
import { expect } from 'chai'
import { ExchangeWorld } from '../../src/index.ts'

const NODES = 600
const SUPER_NODES = 20
const MINUTE_MS = 60_000

function world (seed: number): ExchangeWorld {
  return new ExchangeWorld({ seed, nodes: NODES, knows: () => Array.from({ length: SUPER_NODES }, (_, i) => i) })
}

function busiest (degrees: number[]): number {
  return Math.max(...degrees) / (degrees.reduce((sum, degree) => sum + degree, 0) / degrees.length)
}

describe('peer exchange machines', function () {
  this.timeout(60_000)

  it('leave no hub within 30 rounds of a start at the same 20 super-nodes, know everybody, and do nothing wrong', () => {
    const exchange = world(1)
    exchange.sim.run(MINUTE_MS)
    const first = busiest(exchange.inDegrees())
    const before = exchange.bytes
    exchange.sim.run(30 * MINUTE_MS)
    const degrees = exchange.inDegrees()
    const bytesPerSecond = (exchange.bytes - before) / NODES / (29 * 60)

    expect(first, 'after a minute').to.be.above(5)
    expect(busiest(degrees), 'after 30').to.be.below(2)
    expect(Math.max(...degrees.slice(0, SUPER_NODES)), 'the most of a super-node').to.be.below(2 * 100)
    expect(Math.min(...degrees)).to.be.above(20)
    expect(exchange.reached()).to.equal(NODES)
    expect(exchange.offences).to.deep.equal([])
    expect(bytesPerSecond).to.be.below(250)
  })

  it('forget who has gone, and stay one network without their seed and a third of all', () => {
    const exchange = world(2)
    const up = (node: number): boolean => node >= SUPER_NODES && node % 3 !== 0
    for (let node = 0; node < NODES; node++) {
      if (!up(node)) {
        exchange.sim.at(20 * MINUTE_MS, node, () => { exchange.sim.crash(node) })
      }
    }
    const left = Array.from({ length: NODES }, (_, node) => node).filter(up)
    const linksToGone = (): number => {
      const degrees = exchange.inDegrees()
      return degrees.reduce((sum, degree, node) => sum + (up(node) ? 0 : degree), 0) / degrees.reduce((sum, degree) => sum + degree, 0)
    }
    exchange.sim.run(20 * MINUTE_MS + 30_000)
    expect(exchange.reached(), 'after 30 s').to.equal(left.length)
    expect(linksToGone(), 'after 30 s').to.be.above(0.2)
    exchange.sim.run(50 * MINUTE_MS)
    expect(exchange.reached(), 'after half an hour').to.equal(left.length)
    expect(linksToGone(), 'after half an hour').to.be.below(0.05)
  })

  it('do the same for the same seed', () => {
    const run = (): string => {
      const exchange = new ExchangeWorld({ seed: 3, nodes: 60, knows: () => [0, 1] })
      exchange.sim.run(5 * MINUTE_MS)
      return exchange.sim.log.hash()
    }
    expect(run()).to.equal(run())
  })
})
