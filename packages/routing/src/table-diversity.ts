/**
 * Whether a peer may stand in a routing table, by the networks of those that stand there: limits as discv5 has them for /24s (2 a bucket, 10 a
 * table), tightened for small tables, and one on autonomous systems.
 */
import type { PeerNetwork } from './peer-standing.ts'

export interface DiversityRule {
  /** Most of one /24 in a bucket. @default 2 */
  subnetInBucket?: number
  /** Most of one /24 in the table. @default 10 */
  subnetInTable?: number
  /** Most of one /24 in the table as a share of it: 10 are a third of a table of 129, as a network of 1,000 nodes has. @default 0.05 */
  subnetShare?: number
  /** So many of a /24 are let in however small the table is. @default 2 */
  subnetLeast?: number
  /** Most of one autonomous system, as a share of the table. @default 0.25 */
  asShare?: number
  /** So many of an autonomous system are let in however small the table is. @default 4 */
  asLeast?: number
}

/** Who of the newcomer's networks stands in the table, those that are about to leave not counted. */
export interface Neighbours {
  subnetInBucket: number
  subnetInTable: number
  asInTable: number
  /** All entries */
  table: number
}

/** `undefined`: it may come in. */
export type AdmissionRefusal = 'subnet_in_bucket' | 'subnet_in_table' | 'autonomous_system'

export function refusal (neighbours: Neighbours, rule: DiversityRule = {}): AdmissionRefusal | undefined {
  const { subnetInBucket = 2, subnetInTable = 10, subnetShare = 0.05, subnetLeast = 2, asShare = 0.25, asLeast = 4 } = rule
  if (neighbours.subnetInBucket >= subnetInBucket) {
    return 'subnet_in_bucket'
  }
  const size = neighbours.table + 1
  if (neighbours.subnetInTable >= Math.min(subnetInTable, Math.max(subnetLeast, Math.floor(subnetShare * size)))) {
    return 'subnet_in_table'
  }
  return neighbours.asInTable >= Math.max(asLeast, Math.floor(asShare * size)) ? 'autonomous_system' : undefined
}

export interface Placed {
  bucket: number
  /** `undefined`: no rule of networks applies */
  network: PeerNetwork | undefined
}

/** Counts who stands in a table, and judges who wants to. */
export class TableCensus {
  size = 0
  private readonly rule: DiversityRule
  private readonly counts = new Map<string, number>()

  constructor (rule: DiversityRule = {}) {
    this.rule = rule
  }

  /** `size` is that of the table as it will be, where it is known; by default as it is. */
  refusal ({ bucket, network }: Placed, size = this.size): AdmissionRefusal | undefined {
    if (network === undefined) {
      return undefined
    }
    const [inBucket, subnet, system] = namesOf(bucket, network)
    return refusal({
      subnetInBucket: this.counts.get(inBucket) ?? 0,
      subnetInTable: this.counts.get(subnet) ?? 0,
      asInTable: this.counts.get(system) ?? 0,
      table: size
    }, this.rule)
  }

  count ({ bucket, network }: Placed, change: 1 | -1): void {
    this.size += change
    for (const name of network === undefined ? [] : namesOf(bucket, network)) {
      const count = (this.counts.get(name) ?? 0) + change
      if (count === 0) {
        this.counts.delete(name)
      } else {
        this.counts.set(name, count)
      }
    }
  }
}

/** Those who may stand in one table, in the order in which they are given: who was there first stays. */
export function admitted<T extends Placed> (candidates: readonly T[], rule: DiversityRule = {}): T[] {
  let table: T[] = [...candidates]
  // shares are of the table that comes out; each round it is smaller, and a few suffice
  for (let round = 0; round < 5; round++) {
    const census = new TableCensus(rule)
    const next: T[] = []
    for (const candidate of candidates) {
      if (census.refusal(candidate, table.length - 1) === undefined) {
        census.count(candidate, 1)
        next.push(candidate)
      }
    }
    if (next.length === table.length) {
      return next
    }
    table = next
  }
  return table
}

function namesOf (bucket: number, { small, wide }: PeerNetwork): [string, string, string] {
  return [`b${bucket} ${small}`, `s${small}`, `w${wide}`]
}
