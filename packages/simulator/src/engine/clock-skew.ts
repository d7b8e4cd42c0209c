/** How wrong the clocks of nodes are: each has an offset and a drift of its own, which a restart does not change. */
import { RandomStream } from './random-stream.ts'
import { Stream } from './streams.ts'

export interface ClockSkew {
  /** What a node's clock is ahead at the start, ms; below 0 when it is behind */
  offsetMs: (node: number) => number
  /** What it gains, as a share: 0.0001 is 0.1 ms in a second */
  drift: (node: number) => number
}

export interface ClockSkewInit {
  /**
   * Offsets are spread evenly between this and its negative.
   *
   * @default 0
   */
  maxOffsetMs?: number
  /**
   * Drifts are spread evenly between this and its negative, parts per million. Crystals of computers are within 100.
   *
   * @default 0
   */
  maxDriftPpm?: number
}

export function createClockSkew (seed: number, init: ClockSkewInit): ClockSkew {
  const random = new RandomStream(seed, Stream.clockSkew)
  const { maxOffsetMs = 0, maxDriftPpm = 0 } = init
  return {
    // whole eighths of a millisecond, so that times stay short numbers
    offsetMs: node => Math.round((2 * random.float(node, 0) - 1) * maxOffsetMs * 8) / 8,
    drift: node => (2 * random.float(node, 1) - 1) * maxDriftPpm / 1e6
  }
}
