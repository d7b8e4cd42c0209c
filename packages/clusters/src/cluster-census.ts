/** How many peers there are under each prefix of a zone, as far as one peer knows: those it sees, and what digests say of other parts. */
import { POINT_BITS } from './cluster-point.ts'
import type { CountPrefix } from './cluster-depth.ts'

export interface ClusterCensusInit {
  /** The points of all peers that this one knows in the part, itself included */
  points: Iterable<number>
  /** The part of which it knows (nearly) all peers: its own cluster. @default the whole zone */
  prefix?: number
  /** @default 0 */
  depth?: number
  /** What digests say of other parts */
  told?: Iterable<ToldPart>
}

export interface ToldPart {
  prefix: number
  depth: number
  peers: number
}

/** Parts told of that are taken into account: 32 of each level, and more than enough of one. */
const MAX_TOLD = 1024

export class ClusterCensus {
  private readonly points: Uint32Array
  private readonly prefix: number
  private readonly depth: number
  private readonly told = new Map<number, number>()
  /** Parts within which something is told */
  private readonly above = new Set<number>()

  constructor ({ points, prefix = 0, depth = 0, told = [] }: ClusterCensusInit) {
    this.points = Uint32Array.from(points).sort()
    this.prefix = prefix
    this.depth = depth
    for (const part of told) {
      if (this.told.size >= MAX_TOLD) {
        break
      }
      if (part.depth > 0 && !isBelow(part.prefix, part.depth, prefix, depth)) { // what it sees itself it does not need to be told
        this.told.set(key(part.prefix, part.depth), part.peers)
        this.markAbove(part.prefix, part.depth)
      }
    }
    this.markAbove(prefix, depth)
  }

  /** As `CountPrefix`; bound, so that it can be handed on. */
  readonly count: CountPrefix = (prefix, depth) => {
    if (isBelow(prefix, depth, this.prefix, this.depth)) {
      return countPoints(this.points, prefix, depth)
    }
    const told = this.told.get(key(prefix, depth))
    if (!this.above.has(key(prefix, depth))) {
      // points are hashes: a part of which nothing is known has its share
      return told ?? countPoints(this.points, this.prefix, this.depth) * 2 ** (this.depth - depth)
    }
    return Math.max(told ?? 0, this.count(prefix * 2, depth + 1) + this.count(prefix * 2 + 1, depth + 1))
  }

  private markAbove (prefix: number, depth: number): void {
    for (let above = depth - 1; above >= 0; above--) {
      this.above.add(key(Math.floor(prefix / 2 ** (depth - above)), above))
    }
  }
}

/** Of sorted points, those with a prefix. */
export function countPoints (sorted: Uint32Array, prefix: number, depth: number): number {
  const width = 2 ** (POINT_BITS - depth)
  return lowerBound(sorted, (prefix + 1) * width) - lowerBound(sorted, prefix * width)
}

/** The place of the first point that is not below `value`. */
export function lowerBound (sorted: Uint32Array, value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as number) < value) {
      low = middle + 1
    } else {
      high = middle
    }
  }
  return low
}

function isBelow (prefix: number, depth: number, ofPrefix: number, ofDepth: number): boolean {
  return depth >= ofDepth && Math.floor(prefix / 2 ** (depth - ofDepth)) === ofPrefix
}

/** A prefix and its depth in one number: a bit before the prefix. */
function key (prefix: number, depth: number): number {
  return 2 ** depth + prefix
}
