/** Members in a region of two sites: zones by where they stand. */
import { expect } from 'chai'
import { MemberWorld } from './member-world.ts'

const MINUTE = 60_000
const NODES = 400
const BOUNDS = { minPeers: 16, maxPeers: 64 }

describe('400 members of a region with two sites 60 ms apart', function () {
  this.timeout(300_000)
  const siteOf = (node: number): number => node % 3 === 0 ? 1 : 0
  const world = new MemberWorld({
    seed: 4,
    nodes: NODES,
    bounds: BOUNDS,
    regionOf: () => 'eu-west',
    loadsOf: () => [{ model: 'common', free: 1 }],
    coordinateOf: node => ({ position: [60 * siteOf(node) + node % 7, node % 5, 0], heightMs: 4, error: 0.1 })
  })
  const zoneOf = (node: number): string => world.machine(node).scope.split('/')[1] as string

  before(() => {
    for (let node = 0; node < NODES; node++) {
      world.sim.at(node * 5 * MINUTE / NODES, node, () => { world.sim.restart(node) })
    }
    world.sim.run(45 * MINUTE)
  })

  it('are in two zones, each in that of its site', () => {
    const zones = [0, 1].map(site => new Set(world.up().filter(node => siteOf(node) === site).map(zoneOf)))
    console.log(`      zones ${zones.map(zone => zone.size).join(' and ')}, ${world.clusters().size} clusters`)
    expect(zones.map(({ size }) => size)).to.deep.equal([1, 1])
    expect([...zones[0] as Set<string>]).to.not.deep.equal([...zones[1] as Set<string>])
    expect([...world.clusters().values()].every(nodes => nodes.length <= BOUNDS.maxPeers)).to.equal(true)
  })

  it('know what there is in both, but for clusters that were left behind when theirs was split', () => {
    const free = world.up().map(node => (world.where(node, 'common') ?? []).reduce((sum, answer) => sum + answer.free, 0))
    console.log(`      ${Math.min(...free)} to ${Math.max(...free)} of ${NODES} known`)
    expect(Math.min(...free)).to.be.at.least(0.85 * NODES)
    expect(Math.max(...free)).to.be.at.most(1.02 * NODES)
    expect(world.penalties).to.deep.equal([])
  })
})
