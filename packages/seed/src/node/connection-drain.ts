/** Closes connections evenly over a time, so that their peers do not all come to the next seed at once. */
import { sleep } from '@skein/core'
import type { Clock } from '@skein/core'

export interface Closable {
  close: (options?: { signal?: AbortSignal }) => Promise<unknown>
}

const TICK_MS = 100
/** What a peer that was just told "draining" needs to read the answer, and the smallest sensible wait. */
const LAST_TICKS = 1

/** How many of those that are open are closed at this tick, so that all are gone at the last. */
export function closeNow (open: number, ticksLeft: number): number {
  return ticksLeft <= LAST_TICKS ? open : Math.ceil(open / ticksLeft)
}

export interface DrainResult {
  closed: number
  /** Still open when the time was over */
  left: number
}

/**
 * Returns when nothing is open any more, or after `drainMs`. Those that connect meanwhile are among the ones to close.
 *
 * @param connections - those open now, the oldest first
 */
export async function drainConnections (connections: () => Closable[], drainMs: number, clock: Clock): Promise<DrainResult> {
  const ticks = Math.max(LAST_TICKS, Math.floor(drainMs / TICK_MS))
  const closing = new Set<Closable>()
  for (let tick = 0; tick < ticks; tick++) {
    const open = connections().filter(connection => !closing.has(connection))
    for (const connection of open.slice(0, closeNow(open.length, ticks - tick))) {
      closing.add(connection)
      connection.close().catch(() => {}) // gone already, or aborted by the stop that follows
    }
    if (connections().length === 0) {
      break
    }
    await sleep(clock, Math.min(TICK_MS, drainMs))
  }
  return { closed: closing.size, left: connections().length }
}
