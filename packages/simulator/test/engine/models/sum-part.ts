/** A part for tests of the pool: adds up random numbers of its own. */
import { RandomStream } from '../../../src/index.ts'
import type { PartContext } from '../../../src/index.ts'

export interface SumOptions {
  count: number
  failsAt?: number
  forever?: boolean
}

export function runPart ({ part, parts, seed, options, shared, progress }: PartContext<SumOptions>): { part: number, sum: number } {
  if (part === options.failsAt) {
    throw new RangeError(`cannot add in part ${part}`)
  }
  const random = new RandomStream(seed, 1001)
  let sum = 0
  for (let i = part; i < options.count || options.forever === true; i += parts) {
    sum += random.uint32(i, 0) % 1000
    if (i % 1000 === 0) {
      progress(Math.min(1, i / options.count))
    }
  }
  if (shared.sums !== undefined) {
    new Float64Array(shared.sums)[part] = sum
  }
  return { part, sum }
}
