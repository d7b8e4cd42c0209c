/**
 * The digests that a coordinator has of others: of each origin the newest. Two books that saw the same digests in any order, and any of them twice,
 * hold the same (a map of last-writer-wins registers), so that digests can take several ways.
 */
import { addCapacity, maxCapacity, NO_CAPACITY } from './region-capacity.ts'
import { coveringScopes } from './scope.ts'
import type { Digest } from './digest.ts'
import type { RegionCapacity } from './region-capacity.ts'

export interface DigestBookInit {
  /**
   * A digest is believed for so long after it was issued.
   *
   * @default 300_000
   */
  lifeMs?: number
  /**
   * Most digests kept; beyond it the one that was issued first goes, which is the new one if that is older than all.
   *
   * @default 256
   */
  maxDigests?: number
}

/** Clocks may differ by so much. */
const CLOCK_SKEW_MS = 60_000

export type AcceptResult = 'new' | 'old' | 'expired' | 'future'

export class DigestBook {
  readonly lifeMs: number
  private readonly maxDigests: number
  private readonly newest = new Map<string, Digest>()

  constructor (init: DigestBookInit = {}) {
    this.lifeMs = init.lifeMs ?? 300_000
    this.maxDigests = init.maxDigests ?? 256
  }

  get size (): number {
    return this.newest.size
  }

  accept (digest: Digest, nowMs: number): AcceptResult {
    if (digest.issuedAtMs > nowMs + CLOCK_SKEW_MS) {
      return 'future'
    }
    if (digest.issuedAtMs + this.lifeMs <= nowMs) {
      return 'expired'
    }
    const key = keyOf(digest)
    const known = this.newest.get(key)
    if (known !== undefined && digest.seq <= known.seq) {
      return 'old'
    }
    this.newest.set(key, digest)
    if (this.newest.size > this.maxDigests) {
      const [first] = [...this.newest].reduce((a, b) => isNewer(a[1], b[1]) ? b : a)
      this.newest.delete(first)
    }
    return 'new'
  }

  drop (digest: Digest): void {
    this.newest.delete(keyOf(digest))
  }

  dropExpired (nowMs: number): void {
    for (const [key, digest] of this.newest) {
      if (digest.issuedAtMs + this.lifeMs <= nowMs) {
        this.newest.delete(key)
      }
    }
  }

  /** In an order that does not depend on that in which they came. */
  digests (): Digest[] {
    return [...this.newest].sort(([a], [b]) => a < b ? -1 : 1).map(([, digest]) => digest)
  }
}

/**
 * What parts have together. Of two coordinators of one part the digest of more peers counts, as one of them may know only some of it; and of a part
 * and its halves either the halves or the part, so that nobody is counted twice.
 */
export function sumOfParts (digests: Iterable<Digest>): Map<string, RegionCapacity> {
  const byScope = new Map<string, Digest>()
  for (const digest of digests) {
    const other = byScope.get(digest.scope)
    if (digest.view === 'part' && (other === undefined || isFuller(digest, other))) {
      byScope.set(digest.scope, digest)
    }
  }
  return mergeRegions(coveringScopes(byScope.keys()).map(scope => (byScope.get(scope) as Digest).regions), addCapacity)
}

/** What those above tell of everything: of several the greater, as they tell of the same peers. */
export function unionOfWholes (digests: Iterable<Digest>): Map<string, RegionCapacity> {
  return mergeRegions([...digests].filter(({ view }) => view === 'whole').map(({ regions }) => regions), maxCapacity)
}

export function mergeRegions (
  all: Iterable<ReadonlyMap<string, RegionCapacity>>, merge: (a: RegionCapacity, b: RegionCapacity) => RegionCapacity
): Map<string, RegionCapacity> {
  const merged = new Map<string, RegionCapacity>()
  for (const regions of all) {
    for (const [region, capacity] of regions) {
      merged.set(region, merge(merged.get(region) ?? NO_CAPACITY, capacity))
    }
  }
  return merged
}

function isFuller (a: Digest, b: Digest): boolean {
  const [peersA, peersB] = [peersOf(a), peersOf(b)]
  return peersA !== peersB ? peersA > peersB : isNewer(a, b)
}

function peersOf ({ regions }: Digest): number {
  return [...regions.values()].reduce((sum, { peers }) => sum + peers, 0)
}

function keyOf ({ origin, view, scope }: Digest): string {
  return `${origin} ${view} ${scope}`
}

function isNewer (a: Digest, b: Digest): boolean {
  return a.issuedAtMs !== b.issuedAtMs ? a.issuedAtMs > b.issuedAtMs : a.seq !== b.seq ? a.seq > b.seq : a.origin > b.origin
}
