/**
 * Round trips smoothed for coordinates: of the last few of each neighbour, a low percentile (the "moving percentile" filter of J. Ledlie, P. Pietzuch
 * and M. Seltzer, "Stable and Accurate Network Coordinates", ICDCS 2006: a history of 4, the 25th percentile. The later "Network Coordinates in the
 * Wild", NSDI 2007, §4.1, takes a short moving median; a low percentile passes over a queue sooner).
 */
import { BoundedMap } from '@skein/core'

export interface LatencyFilterInit {
  /**
   * Samples remembered of a neighbour.
   *
   * @default 4
   */
  history?: number
  /**
   * Neighbours remembered; beyond it the one measured longest ago is forgotten.
   *
   * @default 512
   */
  maxNeighbours?: number
}

export class LatencyFilter {
  private readonly history: number
  private readonly samples: BoundedMap<string, number[]>

  constructor (init: LatencyFilterInit = {}) {
    this.history = init.history ?? 4
    this.samples = new BoundedMap({ maxSize: init.maxNeighbours ?? 512 })
  }

  /** Takes one sample, and says what the round trip to this neighbour is thought to be, ms. */
  onSample (neighbour: string, roundTripMs: number): number {
    const kept = [...this.samples.get(neighbour) ?? [], roundTripMs].slice(-this.history)
    this.samples.set(neighbour, kept)
    const ordered = kept.toSorted((a, b) => a - b)
    return ordered[Math.ceil(ordered.length / 4) - 1] as number
  }
}
