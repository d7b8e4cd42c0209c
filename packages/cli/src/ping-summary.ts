/** Round trips summed up: how many were lost, and how long the others took. */

export interface PingSummary {
  sent: number
  received: number
  /** 0 to 1 */
  loss: number
  /** Left out when none came back */
  minMs?: number
  avgMs?: number
  maxMs?: number
}

/** @param roundTripsMs of each ping, `undefined` for one that was lost */
export function summarizePings (roundTripsMs: ReadonlyArray<number | undefined>): PingSummary {
  const came = roundTripsMs.filter(ms => ms !== undefined)
  const sent = roundTripsMs.length
  const counted = { sent, received: came.length, loss: sent === 0 ? 0 : 1 - came.length / sent }
  return came.length === 0
    ? counted
    : { ...counted, minMs: Math.min(...came), avgMs: came.reduce((sum, ms) => sum + ms, 0) / came.length, maxMs: Math.max(...came) }
}
