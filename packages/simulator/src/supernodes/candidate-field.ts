/**
 * Candidates for an election: honest ones as they might be, and an attacker's as it can have them.
 *
 * Honest candidates stand in autonomous systems by Zipf's law, in /16s as many as their system's share of 5,000. Their ages and the time they give
 * are exponential, their bandwidth is log-normal above what is needed: ASSUMPTIONS.
 */
import { RandomStream } from '../engine/random-stream.ts'
import type { SuperNodeCandidate } from '@skein/supernode'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const MIN_BYTES_PER_SECOND = 2_000_000
/** /16s in which honest candidates can be. */
const WIDE_NETWORKS = 5000

export interface HonestField {
  count: number
  /** Autonomous systems they are in */
  systems: number
  meanAgeDays: number
}

export interface SybilField {
  count: number
  /** Networks and systems over which they are spread evenly */
  smallNetworks: number
  wideNetworks: number
  systems: number
  ageDays: number
  reputation: number
  bytesPerSecond: number
}

export function honestCandidates ({ count, systems, meanAgeDays }: HonestField, seed: number, stream: number): SuperNodeCandidate[] {
  const random = new RandomStream(seed, stream)
  const upTo = zipf(systems)
  return Array.from({ length: count }, (_, i) => {
    const u = random.float(i, 0)
    const system = Math.max(0, upTo.findIndex(sum => u < sum))
    const share = (upTo[system] as number) - (upTo[system - 1] ?? 0)
    const wide = Math.floor(random.float(i, 1) * Math.max(1, Math.ceil(share * WIDE_NETWORKS)))
    return {
      peer: `honest ${seed} ${i}`,
      networks: [{ small: `${system}.${wide}.${random.uint32(i, 4) & 255}/24`, wide: `${system}.${wide}/16`, system }],
      verifiedFrom: 3,
      ageMs: 2 * HOUR_MS - Math.log(1 - random.float(i, 3)) * meanAgeDays * DAY_MS,
      uptime: 0.95 + 0.05 * random.float(i, 4),
      reputation: 0.5 + 0.5 * random.float(i, 5),
      measuredBytesPerSecond: MIN_BYTES_PER_SECOND * Math.exp(Math.abs(gaussian(random.float(i, 6), random.float(i, 7)))),
      claimedBytesPerSecond: 100_000_000
    }
  })
}

export function sybilCandidates (field: SybilField, seed: number): SuperNodeCandidate[] {
  return Array.from({ length: field.count }, (_, i) => ({
    peer: `sybil ${seed} ${i}`,
    networks: [{ small: `sybil ${i % field.smallNetworks}/24`, wide: `sybil ${i % field.wideNetworks}/16`, system: -1 - i % field.systems }],
    verifiedFrom: 3,
    ageMs: field.ageDays * DAY_MS,
    uptime: 1,
    reputation: field.reputation,
    measuredBytesPerSecond: field.bytesPerSecond,
    claimedBytesPerSecond: field.bytesPerSecond
  }))
}

/** Running sums of the shares of systems. */
function zipf (systems: number): number[] {
  const weights = Array.from({ length: systems }, (_, i) => 1 / (i + 1))
  const total = weights.reduce((a, b) => a + b)
  let sum = 0
  return weights.map(weight => (sum += weight / total))
}

/** Box and Muller's method. */
function gaussian (u: number, v: number): number {
  return Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v)
}
