/**
 * The rules of the lookup as functions of numbers, with no memory of their own: what to do at each candidate, when a request is given up, when the
 * lookup is over. The machine (`Lookup`) applies them to objects, the simulator's kernels to typed arrays.
 */

/** States of a candidate. Numbers, so that they fit typed arrays. */
export const FRESH = 0
/** Asked, and holding its place */
export const WAITING = 1
/** Asked so long ago that its place was given to another */
export const SLOW = 2
export const ANSWERED = 3
export const FAILED = 4

export type CandidateState = typeof FRESH | typeof WAITING | typeof SLOW | typeof ANSWERED | typeof FAILED

/** What the walk over a path's candidates, closest first, does at one of them: go on as if it were not there… */
export const PASS = 0
/** …count it among the k closest… */
export const COUNT = 1
/** …ask it, and count it… */
export const ASK = 2
/** …go no further, because as many requests are under way as may be… */
export const HALT = 3
/** …or because no request is left. */
export const STARVE = 4

export type Visit = typeof PASS | typeof COUNT | typeof ASK | typeof HALT | typeof STARVE

/**
 * Why a lookup ended.
 *
 * - `converged`: the k closest peers that answer have answered
 * - `exhausted`: fewer than k are known, and all have answered or failed
 * - `wanted`: enough offers are in hand
 * - `budget`: `maxRequests` were sent
 * - `stopped`: the caller had enough
 */
export type LookupEnd = 'converged' | 'exhausted' | 'wanted' | 'budget' | 'stopped'

/**
 * How many requests a path may have under way: alpha while it comes closer; after a round of answers in a row that brought none of the k closest
 * anything new (`barren`), all that is left of the k closest at once (Maymounkov and Mazières 2002, §2.3).
 */
export function requestsAtOnce (barren: number, alpha: number, k: number): number {
  return barren < alpha ? alpha : k
}

/** What to do at a candidate; the walk ends when k are counted. */
export function visit (state: number, underWay: number, atOnce: number, requestsLeft: number): Visit {
  if (state === SLOW) {
    return PASS
  }
  if (state !== FRESH) {
    return COUNT
  }
  return underWay >= atOnce ? HALT : requestsLeft > 0 ? ASK : STARVE
}

/** Whether a path with this candidate among its k closest may be over. */
export function isSettled (state: number): boolean {
  return state === ANSWERED || state === SLOW
}

/** The state of an asked candidate when time has passed. */
export function stateAt (state: number, sentMs: number, nowMs: number, softTimeoutMs: number, requestTimeoutMs: number): number {
  if (sentMs + requestTimeoutMs <= nowMs) {
    return FAILED
  }
  return state === WAITING && sentMs + softTimeoutMs <= nowMs ? SLOW : state
}

/** Whether, and why, the lookup is over. `settled`: each path's k closest are; `pending`: requests neither answered nor failed. */
export function lookupEnd (settled: boolean, starved: boolean, answers: number, pending: number, k: number): LookupEnd | undefined {
  if (settled) {
    // while fewer than k have answered, one that is slow may still lead on: only a converged lookup goes without it
    return answers >= k ? 'converged' : pending === 0 ? 'exhausted' : undefined
  }
  return starved && pending === 0 ? 'budget' : undefined
}
