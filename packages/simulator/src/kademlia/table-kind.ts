/** Which way of keeping routing tables suits a network of some size, what it takes, and tables made in that way. */
import { ExplicitTable, fillIdeal } from './explicit-table.ts'
import { ImplicitTable } from './implicit-table.ts'
import { drawSortedIds } from './sorted-ids.ts'
import { StorageFreeTable } from './storage-free-table.ts'
import type { KadTable } from './kad-table.ts'

export const TABLE_KINDS = ['explicit', 'implicit', 'storage-free'] as const

export type TableKind = typeof TABLE_KINDS[number]

/** The most nodes of each kind: buckets in one array, ids in one array, and the longest path of cells. */
export const MOST_NODES: Record<TableKind, number> = { explicit: 300_000, implicit: 100_000_000, 'storage-free': 10_000_000_000 }

/** Up to here filling buckets takes less than a second. */
const EXPLICIT_NODES = 10_000
/** Up to here sorting ids takes about a second. */
const IMPLICIT_NODES = 5_000_000

/** Explicit where it costs nothing, nothing stored where storing costs; entries that stand side by side are drawn, so never explicit ones. */
export function tableKindFor (nodes: number, clustered: number): TableKind {
  return nodes <= EXPLICIT_NODES && clustered === 0 ? 'explicit' : nodes <= IMPLICIT_NODES ? 'implicit' : 'storage-free'
}

/** Bytes of a table at its largest, which for implicit ones is while ids are put in order. */
export function tableBytes (kind: TableKind, nodes: number, k: number): number {
  switch (kind) {
    case 'explicit': return nodes * ((4 * k + 1) * Math.min(32, Math.ceil(Math.log2(Math.max(2, nodes))) + 3) + 12)
    case 'implicit': return nodes * (16 + 8 / k)
    case 'storage-free': return 1_000_000
  }
}

export interface TableInit {
  kind: TableKind
  seed: number
  nodes: number
  k: number
  /** Of a bucket's k entries, how many stand side by side, see `BucketRule`. @default 0 */
  clustered?: number
}

/** @throws {RangeError} when there are more nodes than the kind holds, or explicit buckets are to be clustered */
export function makeTable ({ kind, seed, nodes, k, clustered = 0 }: TableInit): KadTable {
  if (nodes > MOST_NODES[kind]) {
    throw new RangeError(`${nodes} nodes are too many for ${kind} tables, which hold ${MOST_NODES[kind]}`)
  }
  if (kind === 'storage-free') {
    return new StorageFreeTable(seed, nodes, k, { clustered })
  }
  const ids = drawSortedIds(seed, nodes, k)
  if (kind === 'implicit') {
    return new ImplicitTable(ids, seed, k, { clustered })
  }
  if (clustered > 0) {
    throw new RangeError('Explicit tables are ideal, or made by joinNetwork: take implicit ones for clustered entries')
  }
  const table = new ExplicitTable(ids, k)
  fillIdeal(table, seed)
  return table
}
