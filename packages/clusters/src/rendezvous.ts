/**
 * Who has a seat: weighted rendezvous hashing. Each candidate draws a lot that nobody can choose, the smallest wins, and who knows the same
 * candidates names the same winner (D. Thaler and C. Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", IEEE/ACM Transactions on
 * Networking 6, 1998; the weights as in the logarithmic method of C. Schindelhauer and G. Schomaker, "Weighted Distributed Hash Tables", SPAA 2005:
 * −ln u / w).
 */
import { sha256 } from '@noble/hashes/sha2.js'

export interface SeatCandidate {
  peer: string
  /** Above 0: how much load it can carry, by what was measured of it. Who is not eligible is not a candidate */
  weight: number
}

/** What the weight that a peer claims is worth here: above 0, or 0 for one that never has a seat. */
export type WeighClaim = (peer: string, claimed: number) => number

/** By so much the weight of who has the seat counts more, so that a newcomer that is hardly better does not unseat it. */
export const INCUMBENT_FACTOR = 1.25

const DOMAIN = 'skein seat 1'

/**
 * A candidate's lot: −ln of a number that is uniform in 0 to 1, from SHA-256 of the epoch (the day, and a beacon if there is one), the part and the
 * peer. Divided by the weight it is what candidates are ordered by, the smallest first.
 */
export function seatLot (epoch: string, scope: string, peer: string): number {
  const hash = sha256(new TextEncoder().encode([DOMAIN, epoch, scope, peer].join('\n')))
  const view = new DataView(hash.buffer, hash.byteOffset)
  return -Math.log((view.getUint32(0) * 0x10000 + view.getUint16(4) + 0.5) / 2 ** 48)
}

/** The candidates for the seat of a part, the first in line first. */
export function rendezvousOrder<C extends SeatCandidate> (candidates: Iterable<C>, scope: string, epoch: string, incumbent?: string): C[] {
  return [...candidates]
    .map(candidate => ({ candidate, score: seatScore(seatLot(epoch, scope, candidate.peer), candidate, incumbent) }))
    .sort((a, b) => a.score - b.score || (a.candidate.peer < b.candidate.peer ? -1 : 1))
    .map(({ candidate }) => candidate)
}

export function seatScore (lot: number, { peer, weight }: SeatCandidate, incumbent?: string): number {
  return lot / (peer === incumbent ? weight * INCUMBENT_FACTOR : weight)
}

const DAY_MS = 86_400_000

/** The epoch of a time: the day since 1970. Lots drawn every term instead would turn most seats over each time. */
export function seatEpoch (nowMs: number): string {
  return `day ${Math.floor(nowMs / DAY_MS)}`
}
