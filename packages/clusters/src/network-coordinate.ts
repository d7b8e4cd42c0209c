/**
 * Where a peer stands by round trips: Vivaldi with height and error (F. Dabek, R. Cox, F. Kaashoek and R. Morris, "Vivaldi: A Decentralized
 * Network Coordinate System", SIGCOMM 2004, §§2.5 to 2.7 and 5.4), with gravity and a memory of recent neighbours as in J. Ledlie, P. Gardner and
 * M. Seltzer, "Network Coordinates in the Wild", NSDI 2007 (§7.2, and its "neighbor decay"), and bounds on what one neighbour can do to it.
 */
import { BoundedMap, randomBelow, randomFloat } from '@skein/core'
import { LatencyFilter } from './latency-filter.ts'
import type { Random } from '@skein/core'

/** Dimensions of the plane above which heights stand. */
export const DIMENSIONS = 3
/** No coordinate, height or distance is beyond this, ms. */
export const MAX_COORDINATE_MS = 10_000
/** A height is at least this: an access network of no length would let two peers fall into one point, ms. */
export const MIN_HEIGHT_MS = 0.1
/** Errors are within this; 1 is that of somebody who knows nothing. */
export const MAX_ERROR = 1.5

/** `DIMENSIONS` numbers, a height, and the relative error that the peer thinks it has; ms. */
export interface Coordinate {
  position: readonly number[]
  heightMs: number
  error: number
}

export interface NetworkCoordinateInit {
  /**
   * Greatest share of the way to where one sample pulls (Vivaldi's c_c; its §4.1 finds that 0.25 is quick and does not swing).
   *
   * @default 0.25
   */
  pull?: number
  /**
   * Weight of one sample in the error (Vivaldi's c_e).
   *
   * @default 0.25
   */
  errorGain?: number
  /**
   * How trustworthy another can claim to be at most: its error counts as at least this. Who claims 0 would move all others at will.
   *
   * @default 0.1
   */
  minRemoteError?: number
  /**
   * Farthest that one sample moves the coordinate, ms. A larger step converges sooner, and gives a liar more.
   *
   * @default 25
   */
  maxStepMs?: number
  /**
   * Least time between two samples of one neighbour, ms, so that nobody pulls more often than others.
   *
   * @default 5000
   */
  minSampleMs?: number
  /**
   * Distance from the origin at which gravity takes one ms a sample (Ledlie's ρ: from 2^8 on it costs no accuracy, up to 2^10 it holds drift), ms.
   *
   * @default 1024
   */
  gravityMs?: number
  /**
   * Other neighbours that pull again, with what was measured of them last, whenever one is measured. From a start at which nobody knows where he
   * stands, that takes a third of the samples to the same accuracy, for no byte.
   *
   * @default 8
   */
  replays?: number
  /** As of `LatencyFilter`. */
  history?: number
  /** As of `LatencyFilter`. */
  maxNeighbours?: number
}

/**
 * - `moved`: taken
 * - `malformed`: a coordinate or a round trip that nobody has
 * - `too_soon`: this neighbour was taken into account less than `minSampleMs` ago
 * - `outlier`: what this neighbour says and what was measured differ far more than with the others
 */
export type SampleResult = 'moved' | 'malformed' | 'too_soon' | 'outlier'

interface Sample {
  remote: Coordinate
  measuredMs: number
  takenMs: number
}

/** What is older does not pull again. */
const REPLAY_AGE_MS = 1_800_000
/** Round trips that a network has, ms. */
const MIN_ROUND_TRIP_MS = 0.01
/** Disagreements remembered, one of each neighbour, and how many there must be before one is called an outlier. */
const RESIDUALS = 32
const ENOUGH_RESIDUALS = 12
/** Deviations from the median, and ms beyond it, that are no outlier. 6 median deviations are 4 standard ones of a normal distribution. */
const OUTLIER_DEVIATIONS = 6
const OUTLIER_MS = 20

export class NetworkCoordinate {
  private readonly init: Required<Omit<NetworkCoordinateInit, 'history' | 'maxNeighbours'>>
  private readonly random: Random
  private readonly filter: LatencyFilter
  private readonly sampledMs: BoundedMap<string, number>
  private readonly residuals: BoundedMap<string, number>
  /** The last sample of each neighbour that was no outlier */
  private readonly believed: BoundedMap<string, Sample>
  private readonly position: number[] = Array.from({ length: DIMENSIONS }, () => 0)
  private heightMs = MIN_HEIGHT_MS
  private error = 1

  constructor (init: NetworkCoordinateInit, random: Random) {
    this.init = {
      pull: init.pull ?? 0.25,
      errorGain: init.errorGain ?? 0.25,
      minRemoteError: init.minRemoteError ?? 0.1,
      maxStepMs: init.maxStepMs ?? 25,
      minSampleMs: init.minSampleMs ?? 5000,
      gravityMs: init.gravityMs ?? 1024,
      replays: init.replays ?? 8
    }
    this.random = random
    this.filter = new LatencyFilter(init)
    this.sampledMs = new BoundedMap({ maxSize: init.maxNeighbours ?? 512 })
    this.residuals = new BoundedMap({ maxSize: RESIDUALS })
    this.believed = new BoundedMap({ maxSize: RESIDUALS })
  }

  get coordinate (): Coordinate {
    return { position: [...this.position], heightMs: this.heightMs, error: this.error }
  }

  /** A round trip to a neighbour was measured by this peer itself, and the neighbour said where it stands. */
  onSample (neighbour: string, remote: Coordinate, roundTripMs: number, nowMs: number): SampleResult {
    if (!isCoordinate(remote) || !(roundTripMs >= MIN_ROUND_TRIP_MS && roundTripMs <= MAX_COORDINATE_MS)) {
      return 'malformed'
    }
    if (nowMs - (this.sampledMs.get(neighbour) ?? -Infinity) < this.init.minSampleMs) {
      return 'too_soon'
    }
    this.sampledMs.set(neighbour, nowMs)
    const measuredMs = this.filter.onSample(neighbour, roundTripMs)
    const distanceMs = predictRoundTripMs(this.coordinate, remote)
    const residualMs = Math.abs(measuredMs - distanceMs)
    const outlier = this.isOutlier(residualMs)
    this.residuals.set(neighbour, residualMs)
    if (outlier) {
      this.believed.delete(neighbour)
      return 'outlier'
    }
    this.believed.set(neighbour, { remote, measuredMs, takenMs: nowMs })
    const before = this.coordinate
    this.move(remote, measuredMs)
    this.replay(neighbour, nowMs)
    this.stayWithinStep(before)
    return 'moved'
  }

  /** What others were measured at pulls again, so that one sample moves the coordinate to where it suits all of them. */
  private replay (neighbour: string, nowMs: number): void {
    const others = [...this.believed].filter(([other, { takenMs }]) => other !== neighbour && nowMs - takenMs < REPLAY_AGE_MS)
    for (let i = 0; i < this.init.replays && others.length > 0; i++) {
      const [, { remote, measuredMs }] = others[randomBelow(this.random, others.length)] as [string, Sample]
      this.move(remote, measuredMs)
    }
  }

  private stayWithinStep (before: Coordinate): void {
    const { maxStepMs } = this.init
    const share = Math.min(1, maxStepMs / planeDistanceMs(before, this.coordinate))
    for (let i = 0; i < DIMENSIONS; i++) {
      const from = before.position[i] as number
      this.position[i] = from + ((this.position[i] as number) - from) * share
    }
    this.heightMs = clamp(this.heightMs, before.heightMs - maxStepMs, before.heightMs + maxStepMs)
  }

  /**
   * Residuals are remembered of outliers too: when the network has really changed, or this peer has moved, most neighbours disagree, the median
   * rises, and they are believed. Up to a half of liars do not reach the median.
   */
  private isOutlier (residualMs: number): boolean {
    if (this.residuals.size < ENOUGH_RESIDUALS) {
      return false
    }
    const all = [...this.residuals.values()]
    const middle = median(all)
    const deviation = median(all.map(value => Math.abs(value - middle)))
    return residualMs > middle + Math.max(OUTLIER_MS, OUTLIER_DEVIATIONS * deviation)
  }

  private move (remote: Coordinate, measuredMs: number): void {
    const { pull, errorGain, minRemoteError, gravityMs } = this.init
    const distanceMs = predictRoundTripMs(this.coordinate, remote)
    const weight = this.error / (this.error + Math.max(minRemoteError, remote.error))
    const relative = Math.min(MAX_ERROR, Math.abs(distanceMs - measuredMs) / measuredMs)
    this.error = clamp(relative * errorGain * weight + this.error * (1 - errorGain * weight), 0.001, MAX_ERROR)

    const step = pull * weight * (measuredMs - distanceMs)
    const heights = this.heightMs + remote.heightMs
    let away = this.position.map((value, i) => value - (remote.position[i] as number))
    let plane = Math.hypot(...away)
    if (plane < 1e-6) { // at one point: any direction will do
      away = away.map(() => randomFloat(this.random) - 0.5)
      plane = Math.hypot(...away) || 1
    }
    // the direction in which the distance grows: of the distance, so much is plane and so much height
    const planeShare = Math.max(0, distanceMs - heights) / distanceMs
    const share = planeShare === 0 ? 1 - heights / (heights + measuredMs) : planeShare
    for (let i = 0; i < DIMENSIONS; i++) {
      const moved = (this.position[i] as number) + step * share * (away[i] as number) / plane
      this.position[i] = clamp(moved, -MAX_COORDINATE_MS, MAX_COORDINATE_MS)
    }
    this.heightMs = clamp(this.heightMs + step * heights / distanceMs, MIN_HEIGHT_MS, MAX_COORDINATE_MS)

    const origin = Math.hypot(...this.position)
    const gravity = origin === 0 ? 0 : Math.min(1, (origin / gravityMs) ** 2 / origin)
    for (let i = 0; i < DIMENSIONS; i++) {
      this.position[i] = (this.position[i] as number) * (1 - gravity)
    }
  }
}

/** The round trip between two peers by where they stand, ms. */
export function predictRoundTripMs (a: Coordinate, b: Coordinate): number {
  return planeDistanceMs(a, b) + a.heightMs + b.heightMs
}

/** The part of it that is not their access networks, ms: what says whether two peers are in one place. */
export function planeDistanceMs (a: Coordinate, b: Coordinate): number {
  return Math.hypot(...a.position.map((value, i) => value - (b.position[i] as number)))
}

/** Whether it has the form and the bounds of a coordinate. */
export function isCoordinate ({ position, heightMs, error }: Coordinate): boolean {
  return position.length === DIMENSIONS && position.every(value => Math.abs(value) <= MAX_COORDINATE_MS) &&
    heightMs >= 0 && heightMs <= MAX_COORDINATE_MS && error >= 0 && error <= MAX_ERROR
}

function median (values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number
}

function clamp (value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value))
}
