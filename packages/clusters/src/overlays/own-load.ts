/** The load of a provider, and which changes of it matter to those who choose among providers. */

export interface OwnLoad {
  /** Requests being served or waited for now */
  queueDepth: number
  /** Most requests served at once */
  maxConcurrent: number
}

/** - `full`: it has no room any more: whoever calls it now is turned away; `other`: it has room again, or much more or less of it */
export type LoadChange = 'full' | 'other'

/** A change of less than this share of its places does not change who is chosen. */
const SHARE = 0.25

/** What became of the load that others were told; `undefined` when they need not know. */
export function loadChange (told: OwnLoad, now: OwnLoad): LoadChange | undefined {
  const [before, after] = [freeSlots(told), freeSlots(now)]
  if (before > 0 && after === 0) {
    return 'full'
  }
  const places = Math.max(1, told.maxConcurrent, now.maxConcurrent)
  return before !== after && (before === 0 || Math.abs(after - before) >= SHARE * places) ? 'other' : undefined
}

/** Requests that could begin now. */
export function freeSlots ({ queueDepth, maxConcurrent }: OwnLoad): number {
  return Math.max(0, maxConcurrent - queueDepth)
}
