/** The seeds of the runs, each a hash of the seed that was given and the number of the run. */
import { RandomStream } from '../engine/random-stream.ts'

/** Far away from the streams that the engine and the scenarios draw from. */
const STREAM_OF_RUN_SEEDS = 0x7365_6564

/**
 * 53 bits. The same run has the same seed at every point of a grid: points then differ by their options and not by luck (common random numbers;
 * P. Glasserman, D. Yao, Management Science 38, 1992).
 */
export function runSeed (seed: number, run: number): number {
  const stream = new RandomStream(seed, STREAM_OF_RUN_SEEDS)
  return stream.uint32(run, 0) * 0x200000 + (stream.uint32(run, 1) >>> 11)
}
