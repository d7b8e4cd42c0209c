/** Lookups in a network of uniform ids, without building it: the k smallest of N uniform distances, drawn one after the other. */
import { randomFloat } from '@skein/core'
import type { Random } from '@skein/core'
import type { DistanceSample } from '../../src/stages/size-estimate.ts'

/** The k closest of `nodes` ids to a random key; each sample is of a network of its own. */
export function syntheticSample (nodes: number, k: number, random: Random): DistanceSample {
  const distances: number[] = []
  let last = 0
  for (let i = 0; i < Math.min(k, nodes); i++) {
    // the smallest of n uniforms on (last, 1) is last + (1 − last)(1 − u^(1/n)); expm1 keeps it exact for large n
    last += (1 - last) * -Math.expm1(Math.log(1 - randomFloat(random)) / (nodes - i))
    distances.push(last)
  }
  return { distances, all: nodes < k }
}
