/** What measuring another peer came to, and what that says of its claims. A measurement, not an attestation: docs/specs/capability.md, section 6. */
import { BLOCK_BYTES } from './memory-fill.ts'
import { WALK_STEPS } from './memory-challenge.ts'
import type { TokenSpeed } from './token-speed.ts'

export interface MemoryMeasurement {
  /** The peer holds at least that much; 0 where it was slower than memory is */
  ramBytes: number
  /** It reads at least that fast, at random places, 1 KiB each */
  memoryBytesPerSecond: number
  /** One such read takes at most that long, microseconds */
  readMicros: number
  /** Bytes of buffer made and committed to in a second: what its processor adds to its memory */
  fillBytesPerSecond: number
}

export interface CapabilityMeasurement extends Partial<MemoryMeasurement> {
  /** The peer measured */
  peer: string
  atMs: number
  /** The model that it was asked for */
  model?: string
  /** Speed of one stream, tokens/s: as few tokens as there can have been */
  tokensPerSecond?: number
  /** … and as many */
  mostTokensPerSecond?: number
  /** From the request to the first content, ms */
  firstTokenMs?: number
}

/** Times as the verifier saw them, each with one round trip in it. */
export interface MemoryTimes {
  fillMs: number
  walkMs: number
  roundTripMs: number
}

/** A block read takes some 0.1 µs from memory and 80 µs from a solid-state disk; mixing 1 KiB takes 0.5 µs here, 5 µs on a slow phone. */
export const SLOWEST_RAM_MICROS = 20

/** At most this share of a time counts as the network's: a peer that dallies over pings gains 1.33 times at most. */
export const MAX_NETWORK_SHARE = 0.25

/** What the challenge shows of memory, when all its openings were right. */
export function memoryMeasurement (bytes: number, { fillMs, walkMs, roundTripMs }: MemoryTimes): MemoryMeasurement {
  const walked = withoutNetwork(walkMs, roundTripMs)
  const readMicros = walked * 1000 / WALK_STEPS
  return {
    ramBytes: readMicros <= SLOWEST_RAM_MICROS ? bytes : 0,
    memoryBytesPerSecond: WALK_STEPS * BLOCK_BYTES / walked * 1000,
    readMicros,
    fillBytesPerSecond: bytes / withoutNetwork(fillMs, roundTripMs) * 1000
  }
}

function withoutNetwork (elapsedMs: number, roundTripMs: number): number {
  return Math.max(elapsedMs - Math.min(roundTripMs, elapsedMs * MAX_NETWORK_SHARE), 0.001)
}

/** What a peer says of itself; 0 or left out: nothing. */
export interface CapabilityClaims {
  ramBytes?: number
  memoryBytesPerSecond?: number
  /** Of one stream of the model that was measured */
  tokensPerSecond?: number
  /** Requests that it said were being served: they share its speed */
  queueDepth?: number
}

export interface ClaimJudgement {
  what: 'ramBytes' | 'memoryBytesPerSecond' | 'tokensPerSecond'
  claimed: number
  measured: number
  /**
   * - `holds`: the measurement bears it out, within a factor of 2
   * - `not_shown`: it says more than this measurement can show of anybody
   * - `refuted`: the peer was asked for less than it claims, and gave not half of that
   */
  verdict: 'holds' | 'not_shown' | 'refuted'
}

/** A claim beyond this multiple of what was measured is false: measurements of an honest machine under other load differ less. */
export const CLAIM_TOLERANCE = 2

/**
 * What a slow honest machine shows of its memory when JavaScript reads it, bytes/s. A measurement above it says nothing against a higher claim: the
 * processor may have been too slow.
 */
export const BANDWIDTH_SHOWN_BY_ALL = 200_000_000

/** Compares what a peer claims with what was measured; `askedBytes` is the size of the challenge. */
export function judgeClaims (claims: CapabilityClaims, measurement: CapabilityMeasurement, askedBytes = 0): ClaimJudgement[] {
  const { ramBytes, memoryBytesPerSecond, mostTokensPerSecond } = measurement
  const judgements: ClaimJudgement[] = []
  const judge = (what: ClaimJudgement['what'], claimed = 0, measured: number | undefined, mostShown: number): void => {
    if (claimed > 0 && measured !== undefined) {
      judgements.push({ what, claimed, measured, verdict: verdictOn(claimed, measured, mostShown) })
    }
  }
  judge('ramBytes', claims.ramBytes, ramBytes, askedBytes)
  judge('memoryBytesPerSecond', claims.memoryBytesPerSecond, memoryBytesPerSecond, BANDWIDTH_SHOWN_BY_ALL)
  judge('tokensPerSecond', claims.tokensPerSecond, mostTokensPerSecond === undefined
    ? undefined
    : mostTokensPerSecond * (1 + Math.max(0, claims.queueDepth ?? 0)), Infinity)
  return judgements
}

/** Whether a claim stands, when the measurement can show at most `mostShown`. */
export function verdictOn (claimed: number, measured: number, mostShown: number): ClaimJudgement['verdict'] {
  if (Math.min(claimed, mostShown) > CLAIM_TOLERANCE * measured) {
    return 'refuted'
  }
  return claimed > CLAIM_TOLERANCE * measured ? 'not_shown' : 'holds'
}

/** What of the judgements counts in the ledger, as `honesty`: each refuted claim as a failure; one that holds, and was fully tested, as a success. */
export function evidenceOfClaims (judgements: readonly ClaimJudgement[]): { good: number, bad: number } {
  const bad = judgements.filter(({ verdict }) => verdict === 'refuted').length
  const holds = judgements.some(({ what, verdict }) => what === 'tokensPerSecond' && verdict === 'holds')
  return { good: bad === 0 && holds ? 1 : 0, bad }
}

/** A speed as it was measured, for `CapabilityMeasurement`. */
export function tokenMeasurement (model: string, { tokensPerSecond, mostTokensPerSecond, firstTokenMs }: TokenSpeed): Partial<CapabilityMeasurement> {
  return { model, tokensPerSecond, mostTokensPerSecond, firstTokenMs }
}
