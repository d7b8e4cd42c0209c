/** The machine that `@skein/clusters` ships, one for each peer of a region: zones and coordinates, by greetings over a network with real distances. */
import { SeededRandom, randomFloat } from '@skein/core'
import { expect } from 'chai'
import { RegionLatency } from '../../src/index.ts'
import { NeighbourhoodWorld } from './neighbourhood-world.ts'
import type { Greeting, ZoneAnchor } from '@skein/clusters'
import type { NeighbourhoodWorldInit } from './neighbourhood-world.ts'

const NODES = 300
const MINUTE_MS = 60_000
/** Two sites, 60 ms apart by measured round trips, with homes and some servers in each. */
const SITES = ['uk-south', 'me-west']
const ACCESS = { fibre: 1, cable: 1, dsl: 1, server: 0.2 }

function twoSites (seed: number, init: Partial<NeighbourhoodWorldInit> = {}): { world: NeighbourhoodWorld, siteOf: string[], anchors: () => ZoneAnchor[] } {
  const latency = new RegionLatency({ seed, nodes: NODES, regions: Object.fromEntries(SITES.map(site => [site, 1])), access: ACCESS })
  const world = new NeighbourhoodWorld({ seed, nodes: NODES, latency, dials: 12, ...init })
  const siteOf = [...latency.regionOf].map(region => SITES[region] === 'uk-south' ? 'uk' : 'me')
  const servers = ['uk', 'me'].map(site => siteOf.findIndex((of, node) => of === site && latency.accessOf[node] === 3))
  // as a coordinator would tell them: where its super-nodes say that they stand
  const anchors = (): ZoneAnchor[] => servers.map(node => ({ name: siteOf[node] as string, coordinate: world.machine(node).coordinate }))
  return { world, siteOf, anchors }
}

/** Tells all peers of the anchors once a minute, from the start on. */
function runWithAnchors ({ world, anchors }: ReturnType<typeof twoSites>, fromMinute: number, untilMinute: number): void {
  for (let minute = fromMinute; minute < untilMinute; minute++) {
    world.sim.run((minute + 1) * MINUTE_MS)
    for (let node = 0; node < NODES; node++) {
      world.sim.input(node, machine => { machine.onAnchors(anchors()) })
    }
  }
}

describe('zones by round trips', function () {
  this.timeout(60_000)

  for (const seed of [1, 2, 3]) {
    it(`every peer of two sites 60 ms apart is in the zone of its site after 6 minutes, and stays there for an hour, seed ${seed}`, () => {
      const region = twoSites(seed)
      runWithAnchors(region, 0, 6)
      expect(region.world.zones()).to.deep.equal(region.siteOf)
      region.world.zoneChanges.length = 0
      runWithAnchors(region, 6, 66)
      expect(region.world.zoneChanges).to.deep.equal([])
    })
  }

  it('costs 6 B/s sent when settled, without the name of a coordinator, and no more than 95 B/s before', () => {
    const { world } = twoSites(1)
    world.sim.run(2 * MINUTE_MS)
    expect(world.bytes / NODES / 120).to.be.below(95)
    world.sim.run(10 * MINUTE_MS)
    const before = world.bytes
    world.sim.run(40 * MINUTE_MS)
    expect((world.bytes - before) / NODES / 1800).to.be.within(5, 7)
  })

  it('predicts round trips to within a tenth of them for half of the pairs, with a tenth of the peers lying about where they stand too', () => {
    expect(settledErrors()[0]).to.be.below(0.1)
    const random = new SeededRandom(7)
    const lies = Array.from({ length: NODES }, () => [1, 2, 3].map(() => randomFloat(random) * 4000 - 2000))
    const lie = (node: number, truth: Greeting): Greeting => node < NODES * 0.9
      ? truth
      : { ...truth, coordinate: { position: lies[node] as number[], heightMs: 0, error: 0 } }
    expect(settledErrors(lie)[0]).to.be.below(0.1)
  })

  it('is the same for the same seed', () => {
    const run = (): string => {
      const { world } = twoSites(4)
      world.sim.run(MINUTE_MS)
      return world.sim.world.log.hash()
    }
    expect(run()).to.equal(run())
  })
})

/** Of the honest, after 20 minutes. */
function settledErrors (lie?: NeighbourhoodWorldInit['lie']): [median: number, p90: number] {
  const { world } = twoSites(5, { lie })
  world.sim.run(20 * MINUTE_MS)
  return world.errors(NODES * 0.9)
}
