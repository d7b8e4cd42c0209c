/** What one asks an elector and is told: the leases of those that it elects for a region (docs/specs/super-nodes.md, section 7). */

/**
 * - `region`: it does not elect for that region
 * - `not_ready`: it has not watched the candidates for long enough to name anybody
 * - `busy`: it was asked too often, or by too many
 */
export type LeaseAnswerRefusal = 'region' | 'not_ready' | 'busy'
export const LEASE_ANSWER_REFUSALS: readonly LeaseAnswerRefusal[] = ['region', 'not_ready', 'busy']

/** What an elector knows of a region; refused, it says why. */
export type ElectedLeases =
  | { leases: Array<Uint8Array<ArrayBuffer>>, peers: number }
  | { refusal: LeaseAnswerRefusal, retryAfterMs?: number }

/** A region has 64 seats. */
export const MAX_ANSWERED_LEASES = 64
export const MAX_LEASE_QUESTION_BYTES = 256
/** 64 leases of 2 KiB, and what is around them. */
export const MAX_LEASE_ANSWER_BYTES = 136 * 1024
export const MAX_REGION_BYTES = 32
/** A refusal that asks for a longer wait is taken for this one, ms. */
export const MAX_RETRY_AFTER_MS = 3_600_000
