/** Which super-nodes are asked to carry a session, and in which order: by rendezvous hashing (D. Thaler, C. Ravishankar, 1998). */
import { sha256 } from '@noble/hashes/sha2.js'
import { leaseLoad } from './lease-load.ts'
import type { SuperNodeLease } from '@skein/records'

/**
 * Each session has an order of its own, so that they spread, and the same after a restart of the client: it finds its place again. Those that have
 * nothing left of what they give come last.
 *
 * @param leases those that are believed now
 */
export function sessionHolders (leases: readonly SuperNodeLease[], owner: string, session: string, region = ''): SuperNodeLease[] {
  return leases.filter(lease => lease.roles.includes('ingest') && !lease.withdrawn && (region === '' || lease.region === region))
    .map(lease => ({ lease, spent: leaseLoad(lease.quota) >= 1 ? 1 : 0, draw: drawOf(`${owner}\n${session}\n${lease.peer}`) }))
    .sort((a, b) => a.spent - b.spent || b.draw - a.draw || (a.lease.peer < b.lease.peer ? -1 : 1))
    .map(({ lease }) => lease)
}

/** 32 bits. */
function drawOf (text: string): number {
  const hash = sha256(new TextEncoder().encode(text))
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0)
}
