/** Round trips to neighbours as they were measured, also to those that have left: who comes back is as far away as before. */
import { BoundedMap } from '@skein/core'
import { LatencyFilter } from './latency-filter.ts'

export interface RoundTripTableInit {
  /** Beyond them the one measured longest ago goes. @default 512 */
  maxNeighbours?: number
  /**
   * What was measured longer ago is not known any more, ms.
   *
   * @default 3_600_000
   */
  roundTripLifeMs?: number
}

/** What was measured of a connection. */
export interface MeasuredTrip {
  /** Between sending a greeting on an open stream and its answer, ms */
  roundTripMs: number
  /** Through a relay: the way to the relay and from there says nothing about where the neighbour stands */
  relayed: boolean
}

export class RoundTripTable {
  private readonly lifeMs: number
  private readonly filter: LatencyFilter
  private readonly trips: BoundedMap<string, { ms: number, relayed: boolean, measuredMs: number }>

  constructor (init: RoundTripTableInit = {}) {
    this.lifeMs = init.roundTripLifeMs ?? 3_600_000
    this.filter = new LatencyFilter({ maxNeighbours: init.maxNeighbours })
    this.trips = new BoundedMap({ maxSize: init.maxNeighbours ?? 512 })
  }

  onMeasured (peer: string, { roundTripMs, relayed }: MeasuredTrip, nowMs: number): void {
    // the two ways to a peer are kept apart: a short one of before must not stand for the long one of now
    const ms = this.filter.onSample(relayed ? `${peer} relayed` : peer, roundTripMs)
    this.trips.set(peer, { ms, relayed, measuredMs: nowMs })
  }

  /** By the way that was measured last, a low one of the last four, ms. */
  roundTripMs (peer: string, nowMs: number): number | undefined {
    const trip = this.trips.get(peer)
    return trip === undefined || nowMs - trip.measuredMs >= this.lifeMs ? undefined : trip.ms
  }

  /** The shortest that is not relayed, `Infinity` when there is none. */
  nearestMs (nowMs: number): number {
    let nearestMs = Infinity
    for (const { ms, relayed, measuredMs } of this.trips.values()) {
      if (!relayed && nowMs - measuredMs < this.lifeMs) {
        nearestMs = Math.min(nearestMs, ms)
      }
    }
    return nearestMs
  }
}
