/** Coordinates in a generated delay space: how far off predictions are, for all honest, and with liars. */
import { NetworkCoordinate, predictRoundTripMs } from '@skein/clusters'
import { SeededRandom, randomBelow, randomFloat } from '@skein/core'
import { expect } from 'chai'
import { RegionLatency } from '../../src/engine/latency.ts'
import type { Coordinate, NetworkCoordinateInit } from '@skein/clusters'

const NODES = 240
const NEIGHBOURS = 24
const ROUNDS = 150
const ACCESS = { server: 1, fibre: 1, cable: 1, dsl: 1 }

/** The median and the 90th percentile of the relative error among honest nodes. Samples are up to a tenth longer. */
function errors (seed: number, liarShare: number, init: NetworkCoordinateInit = {}): [median: number, p90: number] {
  const latency = new RegionLatency({ seed, nodes: NODES, access: ACCESS })
  const random = new SeededRandom(seed)
  const nodes = Array.from({ length: NODES }, () => new NetworkCoordinate(init, random))
  const honest = Math.round(NODES * (1 - liarShare))
  const lies = Array.from({ length: NODES }, (): Coordinate => ({ position: [1, 2, 3].map(() => randomFloat(random) * 4000 - 2000), heightMs: 0, error: 0 }))
  const roundTripMs = (a: number, b: number): number => latency.oneWayMs(a, b) + latency.oneWayMs(b, a)
  const neighbours = nodes.map(() => Array.from({ length: NEIGHBOURS }, () => randomBelow(random, NODES)))
  for (let round = 0; round < ROUNDS; round++) {
    for (let node = 0; node < honest; node++) {
      const other = neighbours[node]?.[round % NEIGHBOURS] as number
      if (other !== node) {
        const remote = other < honest ? (nodes[other] as NetworkCoordinate).coordinate : lies[other] as Coordinate
        nodes[node]?.onSample(`${other}`, remote, roundTripMs(node, other) * (1 + 0.1 * randomFloat(random)), round * 10_000)
      }
    }
  }
  const relative: number[] = []
  for (let i = 0; i < 5000; i++) {
    const [a, b] = [randomBelow(random, honest), randomBelow(random, honest)]
    if (a !== b) {
      const real = roundTripMs(a, b)
      relative.push(Math.abs(predictRoundTripMs((nodes[a] as NetworkCoordinate).coordinate, (nodes[b] as NetworkCoordinate).coordinate) - real) / real)
    }
  }
  relative.sort((a, b) => a - b)
  return [relative[relative.length >> 1] as number, relative[Math.floor(relative.length * 0.9)] as number]
}

describe('NetworkCoordinate in a generated delay space', () => {
  for (const seed of [1, 2, 3]) {
    it(`predicts round trips to within a fifth of them for half of the pairs, seed ${seed}`, () => {
      const [median, p90] = errors(seed, 0)
      expect(median).to.be.below(0.2)
      expect(p90).to.be.below(1)
    })

    it(`predicts them to within three tenths when a tenth of the nodes lie about where they stand, seed ${seed}`, () => {
      const [median] = errors(seed, 0.1)
      expect(median).to.be.below(0.3)
    })
  }
})
