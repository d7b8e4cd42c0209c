/**
 * What is known of a peer that would carry load for others: the facts that an election looks at. Who runs an election measures or verifies all of
 * them but the claim.
 */
import type { VerifiedNetwork } from '@skein/records'

export interface SuperNodeCandidate {
  /** Peer id as text */
  peer: string
  /** The networks of the addresses at which it was reached; the rules count the first four */
  networks: readonly VerifiedNetwork[]
  /** Different networks from which it was dialled back with success, as in a `DialBackVerdict` */
  verifiedFrom: number
  /** Since its id was first seen */
  ageMs: number
  /** Share of the time that it was there, recent time weighing more: 0 to 1 */
  uptime: number
  /** 0 to 1 */
  reputation: number
  /** What those who dialled it back measured, bytes/s */
  measuredBytesPerSecond: number
  /** What it says it gives, bytes/s. A claim can only lower its weight */
  claimedBytesPerSecond: number
  /** It holds a seat now: a valid lease */
  incumbent?: boolean
}

/** Networks of a candidate that are counted: an IPv4 and an IPv6 address, each at two providers. */
export const MAX_CANDIDATE_NETWORKS = 4

/**
 * What stands for the autonomous system of a network: its number, or the wide network where that is not known. A browser has no table of systems, and
 * a candidate must not gain by being unknown: a /16 is almost always of one system.
 */
export function systemKey ({ system, wide }: VerifiedNetwork): number | string {
  return system ?? wide
}

/** The same for people: `AS64496`. */
export function systemName (key: number | string): string {
  return typeof key === 'number' ? `AS${key}` : key
}

/** Whether two lie in one autonomous system, or in one /16 (IPv6: /32) where that is not known. One without networks is alone. */
export function sharesSystem (a: { networks: readonly VerifiedNetwork[] }, b: { networks: readonly VerifiedNetwork[] }): boolean {
  return a.networks.some(one => b.networks.some(other => systemKey(one) === systemKey(other) || one.wide === other.wide))
}
