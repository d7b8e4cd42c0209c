/**
 * How many nodes a network has, from how densely their ids lie: ids are uniform (SHA-256), so the XOR distances from any key to them are too, and the
 * i-th smallest of N has the distribution Beta(i, N − i + 1). Distances here are fractions of the key space, 0 to 1.
 *
 * Two estimators are kept, to check each other. The order statistic (k − 1) / d_k is unbiased for every N (the mean of 1 / Beta(k, N − k + 1) is
 * N / (k − 1); cf. the interval density of Kostoulas et al. 2005, "Decentralized schemes for size estimation in large and dynamic groups").
 * The regression over the ranks fits d_i = i / (N + 1) by least squares (Sohl 2020, "A new method for estimating P2P network size";
 * go-libp2p-kad-dht has one too).
 */

/** The closest peers to one key, as a lookup found them. */
export interface DistanceSample {
  /** Closest first */
  distances: number[]
  /** Fewer peers exist than were asked for: these are all */
  all: boolean
}

export interface SizeEstimate {
  nodes: number
  /** With 95 % probability between these two, if peers and their answers are honest */
  low: number
  high: number
}

/** The distance of two ids as a fraction of the key space, with the precision of a double. */
export function idDistance (a: Uint8Array, b: Uint8Array): number {
  let distance = 0
  let scale = 1
  // leading zero bytes must not eat up the mantissa
  for (let i = 0, significant = 0; i < Math.min(a.length, b.length) && significant < 8; i++) {
    const byte = (a[i] as number) ^ (b[i] as number)
    scale /= 256
    distance += byte * scale
    if (significant > 0 || byte > 0) {
      significant++
    }
  }
  return distance
}

/** From the distance of the farthest of the k closest, over all samples at once: Σ(k) − 1 over Σ(d_k), which weighs each sample by what it tells. */
export function orderStatisticEstimate (samples: DistanceSample[]): SizeEstimate | undefined {
  const counted = exactly(samples)
  if (counted !== undefined) {
    return counted
  }
  const useful = plausible(samples.filter(sample => orderStatistic(sample) !== undefined), orderStatistic)
  let peers = 0
  let distance = 0
  for (const { distances } of useful) {
    peers += distances.length
    distance += distances.at(-1) as number
  }
  if (useful.length === 0) {
    return undefined
  }
  // exactly unbiased for one sample; of many the mean of d_k tends to k / (N + 1), whence the one that is taken off
  return interval((peers - 1) / distance - 1 + 1 / useful.length, peers)
}

/** From the mean distance of each rank over all samples: the slope of d_i over i, through the origin, is 1 / (N + 1). */
export function regressionEstimate (samples: DistanceSample[]): SizeEstimate | undefined {
  const counted = exactly(samples)
  if (counted !== undefined) {
    return counted
  }
  const useful = plausible(samples.filter(sample => slopeEstimate([sample]) !== undefined), sample => slopeEstimate([sample]))
  const nodes = slopeEstimate(useful)
  // the slope of one sample has 6/5 of the variance of its largest order statistic
  return nodes === undefined ? undefined : interval(nodes, useful.reduce((sum, { distances }) => sum + distances.length, 0) / 1.2)
}

function orderStatistic ({ distances }: DistanceSample): number | undefined {
  const farthest = distances.at(-1)
  return distances.length < 2 || farthest === undefined || farthest <= 0 ? undefined : (distances.length - 1) / farthest
}

function slopeEstimate (samples: DistanceSample[]): number | undefined {
  let ranksSquared = 0
  let products = 0
  for (const { distances } of samples) {
    for (const [i, distance] of distances.entries()) {
      ranksSquared += (i + 1) ** 2
      products += (i + 1) * distance
    }
  }
  return products > 0 && ranksSquared > 1 ? Math.max(1, ranksSquared / products - 1) : undefined
}

/** Whoever was told of all peers need not estimate. */
function exactly (samples: DistanceSample[]): SizeEstimate | undefined {
  const counts = samples.filter(({ all }) => all).map(({ distances }) => distances.length)
  if (counts.length === 0 || counts.length * 2 <= samples.length) {
    return undefined
  }
  const nodes = Math.max(...counts)
  return { nodes, low: Math.min(...counts), high: nodes }
}

/**
 * Without those that differ from the median by more than a factor of 3. With 20 peers the standard deviation is 23 %, so an honest sample is
 * practically never beyond it; a crowd of forged ids around one key is, and so is a lookup that came to an end far from its key.
 */
function plausible (samples: DistanceSample[], estimate: (sample: DistanceSample) => number | undefined): DistanceSample[] {
  const estimates = samples.map(sample => estimate(sample) as number)
  const median = [...estimates].sort((a, b) => a - b)[estimates.length >> 1] as number
  return samples.filter((_, i) => (estimates[i] as number) <= median * 3 && (estimates[i] as number) >= median / 3)
}

/** N times the sum of the distances is distributed as Gamma(peers); its quantiles by Wilson and Hilferty 1931. */
function interval (nodes: number, peers: number): SizeEstimate {
  const spread = 1 / (9 * peers)
  const quantile = (z: number): number => (1 - spread + z * Math.sqrt(spread)) ** 3
  return { nodes, low: nodes * quantile(-1.96), high: nodes * quantile(1.96) }
}
