/** Numbers of a normal distribution, of mean 0 and deviation 1, from a random stream (G. Box, M. Muller, 1958). */
import type { RandomStream } from '../engine/random-stream.ts'

/** Takes the counters `counter` and `counter + 1` of `float`. */
export function normalFloat (random: RandomStream, entity: number, counter: number): number {
  return Math.sqrt(-2 * Math.log(1 - random.float(entity, counter))) * Math.cos(2 * Math.PI * random.float(entity, counter + 1))
}
