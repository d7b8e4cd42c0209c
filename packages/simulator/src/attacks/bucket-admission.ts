/**
 * Whether a peer may stand in a routing table, by the networks of those that stand there: limits as discv5 has them for /24s (2 a bucket, 10 a
 * table), and one on autonomous systems.
 */

export interface DiversityRule {
  /** Most of one /24 in a bucket. @default 2 */
  subnetInBucket?: number
  /** Most of one /24 in the table. @default 10 */
  subnetInTable?: number
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
  const { subnetInBucket = 2, subnetInTable = 10, asShare = 0.25, asLeast = 4 } = rule
  if (neighbours.subnetInBucket >= subnetInBucket) {
    return 'subnet_in_bucket'
  }
  if (neighbours.subnetInTable >= subnetInTable) {
    return 'subnet_in_table'
  }
  const most = Math.max(asLeast, Math.floor(asShare * (neighbours.table + 1)))
  return neighbours.asInTable >= most ? 'autonomous_system' : undefined
}
