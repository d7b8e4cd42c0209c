/** Counts of what became of lookups, in whole numbers. */

export interface LookupTally {
  started: number
  /** Ended with the k closest, or all that are known, asked */
  complete: number
  /** Ended without: the budget ran out, or the searcher left */
  abandoned: number
  requests: number
  /** Requests to those that were gone, or could not be reached */
  unanswered: number
  hops: number
  elapsedMs: number
  checked: number
  /** Of those checked: the closest node that is there was found */
  found: number
}

export function newTally (): LookupTally {
  return { started: 0, complete: 0, abandoned: 0, requests: 0, unanswered: 0, hops: 0, elapsedMs: 0, checked: 0, found: 0 }
}
