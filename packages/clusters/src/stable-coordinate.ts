/**
 * The coordinate that is told to others and by which zones are chosen: it follows the one that Vivaldi moves only when that has really gone elsewhere
 * (application-level coordinates with the RELATIVE rule of J. Ledlie, P. Pietzuch and M. Seltzer, "Stable and Accurate Network Coordinates", ICDCS
 * 2006).
 */
import { DIMENSIONS, planeDistanceMs } from './network-coordinate.ts'
import type { Coordinate } from './network-coordinate.ts'

export interface StableCoordinateInit {
  /**
   * Coordinates in each of the two windows that are compared.
   *
   * @default 32
   */
  window?: number
  /**
   * Change that counts, as a share of the distance to the nearest neighbour.
   *
   * @default 0.3
   */
  change?: number
  /**
   * Least change that counts, ms, so that neighbours of one room do not make each other nervous.
   *
   * @default 2
   */
  minChangeMs?: number
}

export class StableCoordinate {
  private readonly window: number
  private readonly change: number
  private readonly minChangeMs: number
  private start: Coordinate[] = []
  private recent: Coordinate[] = []
  private told?: Coordinate

  constructor (init: StableCoordinateInit = {}) {
    this.window = init.window ?? 32
    this.change = init.change ?? 0.3
    this.minChangeMs = init.minChangeMs ?? 2
  }

  /** What to tell; `undefined` before the first coordinate. */
  get coordinate (): Coordinate | undefined {
    return this.told
  }

  /** The coordinate was moved; `nearestMs` is the distance to the nearest neighbour. `true` when what is told has changed. */
  onMoved (coordinate: Coordinate, nearestMs: number): boolean {
    if (this.start.length < this.window) { // not settled yet: told as it is
      this.start.push(coordinate)
      this.recent.push(coordinate)
      this.told = coordinate
      return true
    }
    this.recent = [...this.recent, coordinate].slice(-this.window)
    const [before, now] = [centroid(this.start), centroid(this.recent)]
    if (planeDistanceMs(before, now) <= Math.max(this.minChangeMs, this.change * nearestMs)) {
      return false
    }
    this.told = now
    this.start = this.recent
    return true
  }
}

function centroid (coordinates: Coordinate[]): Coordinate {
  const mean = (of: (coordinate: Coordinate) => number): number => coordinates.reduce((sum, one) => sum + of(one), 0) / coordinates.length
  return {
    position: Array.from({ length: DIMENSIONS }, (_, i) => mean(({ position }) => position[i] as number)),
    heightMs: mean(({ heightMs }) => heightMs),
    error: mean(({ error }) => error)
  }
}
