/** The clusters of a whole zone at once, for who knows all its peers: a kernel of the simulator, a test. */
import { depthRange, clusterDepth } from './cluster-depth.ts'
import { countPoints, lowerBound } from './cluster-census.ts'
import { POINT_BITS, prefixOf } from './cluster-point.ts'
import type { ClusterBounds } from './cluster-depth.ts'

export interface ClusterPart {
  prefix: number
  depth: number
  /** Its peers are those from here … */
  from: number
  /** … to before here in the sorted points */
  to: number
}

/**
 * Divides the points of a zone by the rule that peers follow on their own. `depthAt` says which depth the peers at a point had before.
 *
 * @param sorted - the points in ascending order
 */
export function partitionClusters (sorted: Uint32Array, bounds: ClusterBounds = {}, depthAt: (point: number) => number = () => 0): ClusterPart[] {
  const parts: ClusterPart[] = []
  for (let from = 0; from < sorted.length;) {
    const point = sorted[from] as number
    const range = depthRange(point, (prefix, depth) => countPoints(sorted, prefix, depth), bounds)
    const depth = clusterDepth(range, [depthAt(point)])
    const prefix = prefixOf(point, depth)
    const to = lowerBound(sorted, (prefix + 1) * 2 ** (POINT_BITS - depth))
    parts.push({ prefix, depth, from, to })
    from = to
  }
  return parts
}
