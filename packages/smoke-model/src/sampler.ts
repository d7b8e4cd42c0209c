/**
 * The choice of the next token. The randomness of a position is a function of the seed and the position alone, so a text that is
 * taken up in its middle goes on as it would have.
 */
import { exp } from './arithmetic.ts'

export interface SamplingOptions {
  /** 0 takes the likeliest token always; 1 follows the model; more is wilder */
  temperature: number
  /** Only so many of the likeliest tokens are considered */
  topK: number
  /** Of those only as many as together reach this probability; 1 keeps all */
  topP: number
  /** A whole number, up to 53 bits and a sign */
  seed: number
}

/** Ties go to the lower token. */
export function sample (logits: Float64Array, position: number, { temperature, topK, topP, seed }: SamplingOptions): number {
  const candidates = likeliest(logits, temperature > 0 ? topK : 1)
  const best = candidates[0] as number
  if (candidates.length === 1) {
    return best
  }
  const max = logits[best] as number
  const weights = candidates.map(token => exp((logits[token] as number - max) / temperature))
  const total = weights.reduce((sum, weight) => sum + weight, 0)

  let kept = 0
  let mass = 0
  while (kept < weights.length && (kept === 0 || mass < topP * total)) {
    mass += weights[kept++] as number
  }
  let rest = uniformAt(seed, position) * mass
  for (let i = 0; i < kept; i++) {
    rest -= weights[i] as number
    if (rest < 0) {
      return candidates[i] as number
    }
  }
  return candidates[kept - 1] as number
}

/** 0 ≤ x < 1 with 53 bits, the same for the same seed and position. */
export function uniformAt (seed: number, position: number): number {
  const key = mixAll([seed >>> 0, Math.floor(seed / 0x100000000) >>> 0, position])
  return (mix(key ^ 0x5851f42d) >>> 5) * 0x4000000 / 0x20000000000000 + (mix(key ^ 0x14057b7e) >>> 6) / 0x20000000000000
}

/** A seed for those who gave none: a hash of what is asked. */
export function seedOf (tokens: readonly number[]): number {
  return mixAll([tokens.length, ...tokens])
}

/** The `count` tokens of the highest logits, in falling order. */
function likeliest (logits: Float64Array, count: number): number[] {
  const tokens: number[] = []
  for (let token = 0; token < logits.length; token++) {
    const logit = logits[token] as number
    if (tokens.length === count && logit <= (logits[tokens[count - 1] as number] as number)) {
      continue
    }
    let place = Math.min(tokens.length, count - 1)
    while (place > 0 && (logits[tokens[place - 1] as number] as number) < logit) {
      tokens[place] = tokens[place - 1] as number
      place--
    }
    tokens[place] = token
  }
  return tokens
}

function mixAll (words: readonly number[]): number {
  let hash = 0x2545f491
  for (const word of words) {
    hash = mix(Math.imul(hash, 31) + word + 0x9e3779b9 | 0)
  }
  return hash
}

/** A permutation of 32 bits (lowbias32 by Chris Wellons, public domain). */
function mix (value: number): number {
  let x = value
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return (x ^ (x >>> 16)) >>> 0
}
