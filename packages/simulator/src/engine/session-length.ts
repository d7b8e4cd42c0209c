/**
 * How long devices stay online, and offline: distributions, and what is left of such a time when one looks at a moment of no special kind. Who looks
 * meets long times more often than short ones: the rest has the density (1 − F(x)) / mean (D. Cox, "Renewal Theory", 1962, §5.3).
 */
import { gamma, lowerGammaShare } from './gamma.ts'

export interface SessionLength {
  readonly meanMs: number
  /** F(x): the share that is at most so long */
  cdf: (ms: number) => number
  /** The length that a share u is at most, 0 ≤ u < 1 */
  quantile: (u: number) => number
  /** The share of rests that is at most so long */
  restCdf: (ms: number) => number
  restQuantile: (u: number) => number
}

/** F(x) = 1 − exp(−(x / scale)^shape). With shape 1 it is exponential. */
export function weibull (shape: number, scaleMs: number): SessionLength {
  const meanMs = scaleMs * gamma(1 + 1 / shape)
  // with v = (t / scale)^shape, ∫ exp(−(t / scale)^shape) dt becomes an incomplete gamma function of shape 1 / shape
  const restCdf = (ms: number): number => ms <= 0 ? 0 : lowerGammaShare(1 / shape, (ms / scaleMs) ** shape)
  return {
    meanMs,
    cdf: ms => ms <= 0 ? 0 : -Math.expm1(-((ms / scaleMs) ** shape)),
    quantile: u => scaleMs * (-Math.log1p(-u)) ** (1 / shape),
    restCdf,
    restQuantile: u => invert(restCdf, u, meanMs)
  }
}

/** All of the same length. */
export function constantLength (ms: number): SessionLength {
  return { meanMs: ms, cdf: x => x >= ms ? 1 : 0, quantile: () => ms, restCdf: x => Math.min(1, Math.max(0, x / ms)), restQuantile: u => u * ms }
}

/** The same distribution with all lengths so many times as long. */
export function scaledLength (length: SessionLength, factor: number): SessionLength {
  return {
    meanMs: length.meanMs * factor,
    cdf: ms => length.cdf(ms / factor),
    quantile: u => length.quantile(u) * factor,
    restCdf: ms => length.restCdf(ms / factor),
    restQuantile: u => length.restQuantile(u) * factor
  }
}

/** The lengths that were observed, each as likely as the others. At least one, all above 0; what was cut off by the end of observing is left out. */
export function traceLength (observedMs: readonly number[]): SessionLength {
  const lengths = Float64Array.from(observedMs).sort()
  const count = lengths.length
  if (count === 0 || !((lengths[0] as number) > 0)) {
    throw new RangeError('A trace needs lengths, all above 0')
  }
  // sums[i]: of the i shortest
  const sums = new Float64Array(count + 1)
  lengths.forEach((ms, i) => { sums[i + 1] = (sums[i] as number) + ms })
  const total = sums[count] as number
  // ∫ (1 − F) up to x: the whole of those that are shorter, and x of each of the others
  const area = (below: number, ms: number): number => (sums[below] as number) + (count - below) * ms
  return {
    meanMs: total / count,
    cdf: ms => countUpTo(lengths, ms) / count,
    quantile: u => lengths[Math.min(count - 1, Math.floor(u * count))] as number,
    restCdf: ms => ms <= 0 ? 0 : area(countUpTo(lengths, ms), ms) / total,
    restQuantile: u => {
      let [low, high] = [0, count - 1] // the first length up to which there is as much as asked for
      while (low < high) {
        const middle = (low + high) >> 1
        if (area(middle, lengths[middle] as number) < u * total) {
          low = middle + 1
        } else {
          high = middle
        }
      }
      return (u * total - (sums[low] as number)) / (count - low)
    }
  }
}

function countUpTo (sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as number) <= value) {
      low = middle + 1
    } else {
      high = middle
    }
  }
  return low
}

/** Where a distribution reaches u, by halving. */
function invert (cdf: (x: number) => number, u: number, start: number): number {
  let [low, high] = [0, start]
  while (cdf(high) < u && high < 1e300) {
    low = high
    high *= 2
  }
  for (let i = 0; i < 200 && high - low > high * 1e-14; i++) {
    const middle = (low + high) / 2
    if (cdf(middle) < u) {
      low = middle
    } else {
      high = middle
    }
  }
  return high
}
