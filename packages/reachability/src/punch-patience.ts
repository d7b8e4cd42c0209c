/**
 * Whether what could go through a relay now should wait for a better path: a pure decision. A punch takes some round trips, and what the relay would
 * carry meanwhile is a whole answer; but who waits for what fails has lost the time.
 */
import type { PeerPath } from './path-table.ts'

/**
 * From when the relayed connection stands, ms: time for a punch between continents. In the simulation of the relay share it takes a ninth off the
 * relayed bytes, and adds 33 ms to the 95 % of the times to a first token, nothing to the median.
 */
export const PUNCH_PATIENCE_MS = 1_500

/** While a way is being tried that has not failed before, or what the other side can do is not known yet. */
export function isWorthWaiting (
  { failed, isStuck, path, sinceMs, trying }: Pick<PeerPath, 'failed' | 'isStuck' | 'path' | 'sinceMs' | 'trying'>, patienceMs: number, nowMs: number
): boolean {
  return path === 'relayed' && !isStuck && nowMs < sinceMs + patienceMs && !failed.some(({ way }) => way === trying)
}
