/** Who may be elected, and how much a candidate weighs. */
import { MAX_CANDIDATE_NETWORKS } from './candidate.ts'
import type { SuperNodeCandidate } from './candidate.ts'

export interface ElectionRules {
  /** Networks that must have dialled it back. @default 3 */
  minVerifiedFrom: number
  /** ms. @default 7_200_000 */
  minAgeMs: number
  /** Share of the time. @default 0.95 */
  minUptime: number
  /** A newcomer starts at 0.2 and gains at most 0.1 a day, so that this is three days of service at least. @default 0.5 */
  minReputation: number
  /** @default 2_000_000 */
  minBytesPerSecond: number
  /** What is beyond it weighs nothing: one machine must not have most of the weight. @default 50_000_000 */
  maxBytesPerSecond: number
  /** The age from which an id weighs in full, ms: a month, so that Sybils cost a month of service. @default 2_592_000_000 */
  fullAgeMs: number
  /** What a newborn id weighs, as a share of the same id at full age. @default 0.25 */
  newbornShare: number
  /** By so much the weight of one that has a seat counts more. @default 1.25 */
  incumbentFactor: number
  /**
   * An autonomous system weighs this power of the sum of its members: 1 is the sum, 0 the same for each system. Below 1, ids in a system that has
   * many gain less. @default 0.5
   */
  systemExponent: number
  /** Peers for each seat. @default 50 */
  peersPerSeat: number
  /** @default 3 */
  minSeats: number
  /** @default 64 */
  maxSeats: number
  /** Most of one /24 (IPv6: /48). @default 1 */
  perSmallNetwork: number
  /** Most of one /16 (IPv6: /32). @default 2 */
  perWideNetwork: number
  /** Most of one autonomous system, as a share of the seats; one at least. @default 0.25 */
  systemShare: number
}

export const ELECTION_RULES: ElectionRules = {
  minVerifiedFrom: 3,
  minAgeMs: 7_200_000,
  minUptime: 0.95,
  minReputation: 0.5,
  minBytesPerSecond: 2_000_000,
  maxBytesPerSecond: 50_000_000,
  fullAgeMs: 2_592_000_000,
  newbornShare: 0.25,
  incumbentFactor: 1.25,
  systemExponent: 0.5,
  peersPerSeat: 50,
  minSeats: 3,
  maxSeats: 64,
  perSmallNetwork: 1,
  perWideNetwork: 2,
  systemShare: 0.25
}

/** A requirement that a candidate does not meet, with what was found and what is needed. */
export interface Shortfall {
  rule: 'networks' | 'verified_from' | 'age' | 'uptime' | 'reputation' | 'bandwidth' | 'claim'
  found: number
  needed: number
}

/** All that is missing; empty for one that may be elected. A value that is no number is missing. */
export function shortfalls (candidate: SuperNodeCandidate, rules: ElectionRules = ELECTION_RULES): Shortfall[] {
  const required: Shortfall[] = [
    { rule: 'networks', found: candidate.networks.length, needed: 1 },
    { rule: 'verified_from', found: candidate.verifiedFrom, needed: rules.minVerifiedFrom },
    { rule: 'age', found: candidate.ageMs, needed: rules.minAgeMs },
    { rule: 'uptime', found: candidate.uptime, needed: rules.minUptime },
    { rule: 'reputation', found: candidate.reputation, needed: rules.minReputation },
    { rule: 'bandwidth', found: candidate.measuredBytesPerSecond, needed: rules.minBytesPerSecond },
    { rule: 'claim', found: candidate.claimedBytesPerSecond, needed: rules.minBytesPerSecond / 2 }
  ]
  return required.filter(({ found, needed }) => !(found >= needed))
}

/** `shortfalls(…).length === 0`, without making the list: an election asks it of every candidate. */
export function isEligible (candidate: SuperNodeCandidate, rules: ElectionRules): boolean {
  return candidate.networks.length >= 1 && candidate.verifiedFrom >= rules.minVerifiedFrom && candidate.ageMs >= rules.minAgeMs &&
    candidate.uptime >= rules.minUptime && candidate.reputation >= rules.minReputation &&
    candidate.measuredBytesPerSecond >= rules.minBytesPerSecond && candidate.claimedBytesPerSecond >= rules.minBytesPerSecond / 2
}

/** Weights are whole multiples of this, so that the sum over a system does not depend on the order of its members. */
const WEIGHT_STEP = 2 ** -20

/**
 * log2(1 + b / b₀) · age · reputation · uptime, where b is what was measured, at most twice what is claimed and at most `maxBytesPerSecond`. Twice:
 * who claims less than it has is believed. Of an eligible candidate it is above 0.
 */
export function weightOf (candidate: SuperNodeCandidate, rules: ElectionRules = ELECTION_RULES): number {
  const { measuredBytesPerSecond, claimedBytesPerSecond, ageMs, reputation, uptime } = candidate
  const usable = Math.min(measuredBytesPerSecond, 2 * claimedBytesPerSecond, rules.maxBytesPerSecond)
  const age = rules.newbornShare + (1 - rules.newbornShare) * Math.min(1, ageMs / rules.fullAgeMs)
  const weight = Math.log2(1 + usable / rules.minBytesPerSecond) * age * Math.min(1, reputation) * Math.min(1, uptime)
  return Math.max(1, Math.round(weight / WEIGHT_STEP)) * WEIGHT_STEP
}

/** clamp(⌈peers / 50⌉, 3, 64). */
export function seatCount (peers: number, rules: ElectionRules = ELECTION_RULES): number {
  return Math.min(rules.maxSeats, Math.max(rules.minSeats, Math.ceil(peers / rules.peersPerSeat)))
}

/** Most seats of one autonomous system. */
export function seatsPerSystem (seats: number, rules: ElectionRules = ELECTION_RULES): number {
  return Math.max(1, Math.floor(seats * rules.systemShare))
}

/** The networks of a candidate that are counted. */
export function countedNetworks ({ networks }: SuperNodeCandidate): SuperNodeCandidate['networks'] {
  return networks.length > MAX_CANDIDATE_NETWORKS ? networks.slice(0, MAX_CANDIDATE_NETWORKS) : networks
}
