/**
 * When a gap may be skipped whose time is over. At once, if it is looked at in time; but a process that was held up looks late, and what fills the
 * gap may wait in its socket: then packets that wait are read first.
 */

/** Timers fire so late at times, ms. */
const PUNCTUAL_MS = 10
/** Nothing came for so long: the socket is empty. */
const QUIET_MS = 5
const MAX_GRACE_MS = 100

export class SkipGrace {
  private sinceMs?: number
  private quietMs = 0

  onPacket (nowMs: number): void {
    if (this.sinceMs !== undefined) {
      this.quietMs = nowMs + QUIET_MS
    }
  }

  /** @param dueMs - when what comes after the gap is to be handed out */
  maySkip (dueMs: number, nowMs: number): boolean {
    if (nowMs < dueMs) {
      return false
    }
    if (this.sinceMs === undefined && nowMs > dueMs + PUNCTUAL_MS) {
      this.sinceMs = nowMs
      this.quietMs = nowMs + QUIET_MS
    }
    return this.sinceMs === undefined || nowMs >= this.untilMs(this.sinceMs)
  }

  /** The gap was filled, or skipped. */
  onHead (): void {
    this.sinceMs = undefined
  }

  /** When to look again. */
  nextMs (dueMs: number): number {
    return this.sinceMs === undefined ? dueMs : Math.max(dueMs, this.untilMs(this.sinceMs))
  }

  private untilMs (sinceMs: number): number {
    return Math.min(this.quietMs, sinceMs + MAX_GRACE_MS)
  }
}
