/** Peer records that nobody signed, for tests of what does not look at signatures. */
import type { PeerRecord } from '../src/index.ts'

const LIFE_MS = 7_200_000

/** A peer of its own /24, or at the address given. */
export function record (peer: number, issuedAtMs: number, address = `/ip4/203.${peer >> 8}.${peer & 255}.1/tcp/4001`): PeerRecord {
  return { peer: String(peer), issuedAtMs, expiresAtMs: issuedAtMs + LIFE_MS, addresses: [address], envelope: new Uint8Array(190) }
}
