/**
 * Latency among more nodes than can be kept: so many places are drawn as `RegionLatency` draws nodes, and a hash says at which of them a node stands.
 * Nodes of one place are of one region and have the same line; of any few nodes that one looks at, hardly ever two are.
 */
import { RandomStream } from './random-stream.ts'
import { RegionLatency } from './latency.ts'
import { Stream } from './streams.ts'
import type { AccessName, LatencyModel } from './latency.ts'

/**
 * Lines of devices by what kind of device they are, in equal parts: an assumption. `mixed` is as many phones as lines at home.
 */
export const ACCESS_MIXES = {
  servers: { server: 1 },
  homes: { fibre: 1, cable: 1, dsl: 1 },
  phones: { mobile: 1 },
  mixed: { fibre: 1, cable: 1, dsl: 1, mobile: 3 }
} as const satisfies Record<string, Partial<Record<AccessName, number>>>

export type AccessMixName = keyof typeof ACCESS_MIXES

export interface PlaceLatencyInit {
  seed: number
  /** As of `RegionLatency`. @default all measured regions alike */
  regions?: Record<string, number>
  /** As of `RegionLatency`. @default servers only */
  access?: Partial<Record<AccessName, number>>
  /** Places, each 18 bytes; a power of two. @default 65_536 */
  places?: number
}

export class PlaceLatency implements LatencyModel {
  readonly leastMs: number
  private readonly latency: RegionLatency
  private readonly random: RandomStream
  private readonly mask: number

  constructor ({ seed, regions, access, places = 65_536 }: PlaceLatencyInit) {
    if (!Number.isInteger(Math.log2(places))) {
      throw new RangeError(`The number of places has to be a power of two, and is ${places}`)
    }
    this.latency = new RegionLatency({ seed, nodes: places, regions, access })
    this.random = new RandomStream(seed, Stream.place)
    this.mask = places - 1
    // two nodes at one place may be closer than any two places are
    let leastMs = this.latency.leastMs
    for (let place = 0; place < places; place++) {
      leastMs = Math.min(leastMs, this.latency.oneWayMs(place, place))
    }
    this.leastMs = leastMs
  }

  oneWayMs (from: number, to: number): number {
    return this.latency.oneWayMs(this.placeOf(from), this.placeOf(to))
  }

  /** The name of the region in which a node is. */
  regionOf (node: number): string {
    return this.latency.regions[this.latency.regionOf[this.placeOf(node)] as number] as string
  }

  private placeOf (node: number): number {
    return this.random.int32(node, 0) & this.mask
  }
}
