/** Which relays a peer is sent to: the nearest regions first, and there the ones with the most room. */
import type { RelayLoad } from '@skein/records'

/** Relays in an answer when a query names no number, and at most. */
export const DEFAULT_RELAY_LIMIT = 3
export const MAX_RELAY_LIMIT = 8
/** Relays that a registry hands out; later ones are kept as peers like any other. */
export const MAX_RELAYS = 1024

export interface RelayQuery {
  /** The region that others are near to */
  near?: string
  /** @default 3, at most 8 */
  limit?: number
  /** Who asks: is not in the answer */
  asker?: string
}

export interface RelayCandidate {
  peer: string
  region: string
  load: RelayLoad
}

/** Best first. One that has no place for a reservation or a circuit left is not among them. */
export function rankRelays<C extends RelayCandidate> (
  candidates: Iterable<C>, { near, limit = DEFAULT_RELAY_LIMIT, asker }: RelayQuery, orderRegions: (near: string, known: string[]) => string[]
): C[] {
  const open = [...candidates].filter(({ peer, load }) => peer !== asker && hasRoom(load))
  const regions = near === undefined || near === '' ? [] : orderRegions(near, [...new Set(open.map(({ region }) => region))].sort())
  const distances = new Map(regions.map((region, distance) => [region, distance]))
  return open
    .map(candidate => ({ candidate, distance: distances.get(candidate.region) ?? regions.length, share: shareOf(candidate.load) }))
    .sort((a, b) => a.distance - b.distance || a.share - b.share || (a.candidate.peer < b.candidate.peer ? -1 : 1))
    .slice(0, Math.min(limit, MAX_RELAY_LIMIT))
    .map(({ candidate }) => candidate)
}

export function hasRoom ({ reservations, maxReservations, circuits, maxCircuits }: RelayLoad): boolean {
  return reservations < maxReservations && circuits < maxCircuits
}

/** What is taken of the scarcer of its two kinds of places, 0 to 1. */
export function shareOf ({ reservations, maxReservations, circuits, maxCircuits }: RelayLoad): number {
  return Math.max(reservations / maxReservations, circuits / maxCircuits)
}
