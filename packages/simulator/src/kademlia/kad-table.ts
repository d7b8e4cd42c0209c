/**
 * Routing tables of all nodes of a network, and how a node answers from its own: the k closest of its contacts (Maymounkov and Mazières 2002,
 * §2.3).
 */
import type { ContactList } from './contact-list.ts'

export interface KadTable {
  /** Nodes, or what is expected of them where they are not stored */
  readonly size: number
  /** Contacts a bucket holds */
  readonly k: number
  /** Buckets of a node, at most 32. The last holds all that share at least `buckets - 1` bits with it */
  readonly buckets: number
  /** The upper and lower 32 bits of where a node stands */
  idHi (node: number): number
  idLo (node: number): number
  /** A node of the network; `draw` is any whole number below 2^32, evenly spread draws give evenly spread nodes */
  nodeAt (draw: number): number
  /** Adds what a node's bucket holds, in any order, with its distance to the target */
  pushBucket (node: number, bucket: number, targetHi: number, targetLo: number, out: ContactList): void
}

/**
 * Fills `out` with the closest contacts of a node to a target, but for the one who asks. Of the buckets, those at the bits in which node and target
 * differ
 * are nearer than the node itself, the highest bit first; the others are farther, the lowest first.
 */
export function closestContacts (
  table: KadTable, node: number, targetHi: number, targetLo: number, asker: number, count: number, out: ContactList
): void {
  const last = table.buckets - 1
  const beforeLast = last === 0 ? 0 : -1 << (32 - last)
  const differing = (table.idHi(node) ^ targetHi) & beforeLast
  out.clear()
  for (let rest = differing; rest !== 0 && out.size < count;) {
    const bucket = Math.clz32(rest)
    rest &= ~(0x80000000 >>> bucket)
    pushSorted(table, node, bucket, targetHi, targetLo, asker, out)
  }
  if (out.size < count) {
    pushSorted(table, node, last, targetHi, targetLo, asker, out)
  }
  for (let rest = ~differing & beforeLast; rest !== 0 && out.size < count; rest &= rest - 1) {
    const bucket = Math.clz32(rest & -rest)
    pushSorted(table, node, bucket, targetHi, targetLo, asker, out)
  }
  out.truncate(count)
}

/** How many leading bits two ids share, 64 when they are the same. */
export function firstDifference (xorHi: number, xorLo: number): number {
  return xorHi === 0 ? 32 + Math.clz32(xorLo) : Math.clz32(xorHi)
}

function pushSorted (table: KadTable, node: number, bucket: number, targetHi: number, targetLo: number, asker: number, out: ContactList): void {
  const from = out.size
  table.pushBucket(node, bucket, targetHi, targetLo, out)
  for (let i = from; i < out.size; i++) {
    if (out.nodes[i] === asker) {
      out.size--
      out.nodes[i] = out.nodes[out.size] as number
      out.distances[i] = out.distances[out.size] as number
      break
    }
  }
  out.sortFrom(from)
}
