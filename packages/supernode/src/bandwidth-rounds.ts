/**
 * How bandwidth is measured: in rounds that double, until one direction has taken a second or 7.5 MiB. A slow peer is asked for half a MiB, and
 * a fast one for enough that TCP has found its speed. The last round counts: the first ones are slowed by TCP's slow start, and by what a link gives
 * for a moment it is not to be judged.
 *
 * Time runs from the question to the last byte, a round trip included: what the other side could shift, such as when its first byte comes, must not
 * make it faster. Only what was received counts, so that a peer that says too much of itself gains nothing.
 */

export interface BandwidthRound {
  /** Bytes that are known to have been received */
  bytes: number
  elapsedMs: number
}

/** What is sent is counted in these. */
export const BLOCK_BYTES = 65_536
export const FIRST_ROUND_BYTES = 8 * BLOCK_BYTES
/** Of one direction, over all rounds; the largest round has half a MiB more than half of it. */
export const MAX_DIRECTION_BYTES = 8 * 1024 * 1024
export const MAX_ROUND_BYTES = 4 * 1024 * 1024
/** For one direction, over all rounds, ms. */
export const MAX_DIRECTION_MS = 2_000
/** No round begins when those before have taken so long, ms: the last one has at least as long. */
const ENOUGH_MS = 1_000

/** The bytes of the next round and how long it may take; `undefined` when it is enough. */
export function nextRound (rounds: readonly BandwidthRound[]): { bytes: number, timeoutMs: number } | undefined {
  const elapsedMs = rounds.reduce((sum, round) => sum + round.elapsedMs, 0)
  const sent = rounds.reduce((sum, _, i) => sum + FIRST_ROUND_BYTES * 2 ** i, 0)
  const bytes = FIRST_ROUND_BYTES * 2 ** rounds.length
  if (elapsedMs >= ENOUGH_MS || sent + bytes > MAX_DIRECTION_BYTES) {
    return undefined
  }
  return { bytes, timeoutMs: MAX_DIRECTION_MS - elapsedMs }
}

/** Bytes/s of the last round; `undefined` without one. */
export function rateOf (rounds: readonly BandwidthRound[]): number | undefined {
  const last = rounds.at(-1)
  return last === undefined ? undefined : Math.floor(last.bytes * 1000 / Math.max(1, last.elapsedMs))
}

/** Whether a round of so many bytes is one that somebody may ask for. */
export function isRoundBytes (bytes: number): boolean {
  return bytes > 0 && bytes <= MAX_ROUND_BYTES && bytes % BLOCK_BYTES === 0
}
