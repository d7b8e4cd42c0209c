/** Why a seed did not register this peer, and what it would take. */
import type { SeedDemand } from '@skein/records'

/** One rule of the seed's policy that is not met. */
export interface UnmetRule {
  /** `puzzle`, `token`, `certificate`, `stake`, or one of a later version */
  rule: string
  /** `missing`, `invalid`, `expired`, `revoked`, `unknown_authority`, `too_little`, `unavailable` */
  problem: string
  message: string
  /** Where what is missing is to be had, as the seed's operator says; may be empty */
  where: string
  /** Doublings of a puzzle's work */
  puzzleBits: number
}

export interface SeedRefusal {
  /** Peer id, as text */
  seed: string
  /** `not_admitted`, `network_full`, `full`, `draining`, …: docs/operating-a-seed.md has them all */
  reason: string
  message: string
  /** When `reason` is `not_admitted` */
  unmet: UnmetRule[]
  /** What this peer does about it: shows a credential that it was given, or solves a puzzle; left out, it only asks again later */
  remedy?: 'credentials' | 'puzzle'
}

const MAX_DEMANDS = 8
const MAX_TEXT_LENGTH = 400

/** What a seed says goes to terminals and logs. */
export function unmetRules (demands: SeedDemand[]): UnmetRule[] {
  return demands.slice(0, MAX_DEMANDS).map(({ rule, problem, message, where, puzzleBits }) =>
    ({ rule: plain(rule), problem: plain(problem), message: plain(message), where: plain(where), puzzleBits }))
}

export function plain (text: string): string {
  return text.slice(0, MAX_TEXT_LENGTH).replace(/\p{C}/gu, '')
}
