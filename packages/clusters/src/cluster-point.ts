/** Where a peer stands on the line that clusters divide: a hash of its id, so that clusters fill evenly. */
import { sha256 } from '@noble/hashes/sha2.js'

/** Bits of a point. */
export const POINT_BITS = 32

const DOMAIN = 'skein cluster point 1\n'

/**
 * The first 32 bits of SHA-256 of the domain and the peer's id as text. A peer that makes ids until one fits can choose its cluster: a cluster
 * protects nothing, it only says with whom presence is shared.
 */
export function clusterPoint (peer: string): number {
  const hash = sha256(new TextEncoder().encode(DOMAIN + peer))
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0)
}

/** The first `depth` bits of a point, as a number. */
export function prefixOf (point: number, depth: number): number {
  return depth === 0 ? 0 : point >>> (POINT_BITS - depth)
}
