/** How far a zone is split where a peer stands: the rule that keeps clusters between 256 and 1024 without anybody deciding it. */
import { prefixOf } from './cluster-point.ts'
import { MAX_PREFIX_BITS } from './scope.ts'

export interface ClusterBounds {
  /**
   * A part with more peers is split in two. Gossip of presence costs a device 0.2 B/s for each peer of its cluster.
   *
   * @default 1024
   */
  maxPeers?: number
  /**
   * Two halves stay apart while both have at least so many.
   *
   * @default 256
   */
  minPeers?: number
}

/** About how many peers have points that begin with so many bits. */
export type CountPrefix = (prefix: number, depth: number) => number

export interface DepthRange {
  /** Above it a part would have too many peers */
  least: number
  /** Below it a half would have too few */
  most: number
}

export const MAX_CLUSTER_PEERS = 1024
export const MIN_CLUSTER_PEERS = 256

/**
 * The depths that are all right at a point. There is more than one because a part that is whole is split at 1025 peers, about 512 each, but halves
 * are joined only when one falls below 256: both are right in between.
 */
export function depthRange (point: number, count: CountPrefix, bounds: ClusterBounds = {}): DepthRange {
  const { maxPeers = MAX_CLUSTER_PEERS, minPeers = MIN_CLUSTER_PEERS } = bounds
  let depth = 0
  while (depth < MAX_PREFIX_BITS && count(prefixOf(point, depth), depth) > maxPeers) {
    depth++
  }
  const least = depth
  for (; depth < MAX_PREFIX_BITS; depth++) {
    const half = prefixOf(point, depth) * 2
    if (Math.min(count(half, depth + 1), count(half + 1, depth + 1)) < minPeers) {
      break
    }
  }
  return { least, most: depth }
}

/**
 * The depth that a peer takes: among those that are all right, the one nearest to what the peers around it have (the median of their claims and its
 * own). So those that see slightly different numbers agree, a newcomer takes what is there, and what no number supports changes nothing.
 */
export function clusterDepth ({ least, most }: DepthRange, claims: Iterable<number>): number {
  const ordered = [...claims].sort((a, b) => a - b)
  const middle = ordered[(ordered.length - 1) >> 1] ?? least
  return Math.min(most, Math.max(least, middle))
}
