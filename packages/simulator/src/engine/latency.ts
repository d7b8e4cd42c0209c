/** How long a message is under way, before jitter and queues: regions as far apart as a cloud measured them, and the access network of each node. */
import { RandomStream } from './random-stream.ts'
import { Stream } from './streams.ts'
import { measuredRegions, roundTripMs } from './region-round-trips.ts'

export interface LatencyModel {
  /** No pair of nodes is closer, ms one way */
  readonly leastMs: number
  oneWayMs: (from: number, to: number) => number
}

/** All nodes equally far apart. */
export function constantLatency (ms: number): LatencyModel {
  return { leastMs: ms, oneWayMs: () => ms }
}

export interface AccessNetwork {
  /** Median of the round trip between a device and the backbone of its region, ms */
  medianRoundTripMs: number
  /** Of the logarithm of that round trip */
  sigma: number
}

/**
 * Access networks: what the line of a device adds to the distance of the regions. The figures are assumptions of the usual order; the yearly reports
 * "Measuring Broadband America" of the FCC have measured ones for the lines of one country. `server` is a machine in a data centre, for which a
 * tenth of a millisecond is added to the measured matrix.
 */
export const ACCESS_NETWORKS = {
  server: { medianRoundTripMs: 0.1, sigma: 0 },
  fibre: { medianRoundTripMs: 10, sigma: 0.35 },
  cable: { medianRoundTripMs: 18, sigma: 0.35 },
  dsl: { medianRoundTripMs: 35, sigma: 0.35 },
  mobile: { medianRoundTripMs: 45, sigma: 0.5 }
} as const satisfies Record<string, AccessNetwork>

export type AccessName = keyof typeof ACCESS_NETWORKS

export interface RegionLatencyInit {
  seed: number
  nodes: number
  /**
   * Regions and their weights: how many of the nodes are there. Names as in `measuredRegions()`.
   *
   * @default all measured regions alike
   */
  regions?: Record<string, number>
  /**
   * Access networks and their weights.
   *
   * @default servers only
   */
  access?: Partial<Record<AccessName, number>>
}

/** Shortest access, ms one way. */
const LEAST_ACCESS_MS = 0.05

export class RegionLatency implements LatencyModel {
  readonly leastMs: number
  /** Names, by the numbers in `regionOf` */
  readonly regions: string[]
  /** Each node's region and access network */
  readonly regionOf: Uint8Array
  readonly accessOf: Uint8Array
  private readonly accessMs: Float64Array
  private readonly matrixMs: Float64Array

  constructor (init: RegionLatencyInit) {
    const { seed, nodes } = init
    const random = new RandomStream(seed, Stream.placement)
    const regions = init.regions ?? Object.fromEntries(measuredRegions().map(region => [region, 1]))
    const access = init.access ?? { server: 1 }
    const chooseRegion = chooser(regions)
    const chooseAccess = chooser(access)
    const networks = Object.keys(access).map(name => ACCESS_NETWORKS[name as AccessName])

    this.regions = Object.keys(regions)
    this.matrixMs = Float64Array.from(this.regions.flatMap(a => this.regions.map(b => roundTripMs(a, b) / 2)))
    this.regionOf = Uint8Array.from({ length: nodes }, (_, node) => chooseRegion(random.float(node, 0)))
    this.accessOf = Uint8Array.from({ length: nodes }, (_, node) => chooseAccess(random.float(node, 1)))
    this.accessMs = Float64Array.from({ length: nodes }, (_, node) => {
      const { medianRoundTripMs, sigma } = networks[this.accessOf[node] as number] as AccessNetwork
      // Box and Muller's normal deviate
      const normal = Math.sqrt(-2 * Math.log(1 - random.float(node, 2))) * Math.cos(2 * Math.PI * random.float(node, 3))
      return Math.max(LEAST_ACCESS_MS, medianRoundTripMs / 2 * Math.exp(sigma * normal))
    })
    // as much as these nodes allow: threads exchange messages the more seldom the longer it is
    const [first = LEAST_ACCESS_MS, second = first] = this.accessMs.toSorted()
    this.leastMs = this.matrixMs.reduce((least, ms) => Math.min(least, ms), Infinity) + first + second
  }

  oneWayMs (from: number, to: number): number {
    return (this.matrixMs[(this.regionOf[from] as number) * this.regions.length + (this.regionOf[to] as number)] as number) +
      (this.accessMs[from] as number) + (this.accessMs[to] as number)
  }
}

/** Picks one of the names, by their weights: 0 ≤ x < 1 gives its number. */
export function chooser (weights: Record<string, number | undefined>): (x: number) => number {
  const values = Object.values(weights).map(weight => weight ?? 0)
  const total = values.reduce((sum, weight) => sum + weight, 0)
  if (!(total > 0) || values.length > 256) {
    throw new RangeError('Weights must be above 0 in sum, and at most 256')
  }
  return x => {
    let left = x * total
    const chosen = values.findIndex(weight => (left -= weight) < 0)
    return chosen === -1 ? values.findLastIndex(weight => weight > 0) : chosen
  }
}
