/**
 * How long a gap may be mere disorder. Live mode goes by its options, as a report that is late costs latency. Stream mode learns it: each packet
 * that comes late, and is not sent again, shows how far the link disorders, and what is not reported is not sent twice. It begins with patience:
 * the first report of a loss ends the slow start of libsrt, which on a link that disorders or loses never comes to speed after that (measured with
 * 2 % of loss and 40 ms of jitter: 0.3 Mbit/s instead of 60).
 */
import type { ConnectionSettings } from './connection-options.ts'

/** What was learned halves in so long, so that a link that got better is believed. */
const HALF_LIFE_MS = 2_000
const FIRST_MS = 100
/** A gap that is older is a loss. */
const MAX_LEARNED_MS = 200

export class ReorderTolerance {
  private readonly settings: ConnectionSettings
  private learnedMs = FIRST_MS
  private learnedAtMs?: number

  constructor (settings: ConnectionSettings) {
    this.settings = settings
  }

  /** A packet that is sent once came after later ones. */
  onLatePacket (gapFoundMs: number | undefined, nowMs: number): void {
    if (gapFoundMs !== undefined) {
      const lateMs = Math.min(nowMs - gapFoundMs, MAX_LEARNED_MS)
      if (lateMs > this.faded(nowMs)) {
        this.learnedMs = lateMs
        this.learnedAtMs = nowMs
      }
    }
  }

  leastAgeMs (nowMs: number): number {
    const { lossReportDelayMs, mode } = this.settings
    return mode === 'live' ? lossReportDelayMs : Math.max(lossReportDelayMs, this.faded(nowMs))
  }

  private faded (nowMs: number): number {
    this.learnedAtMs ??= nowMs
    return this.learnedMs * 2 ** -((nowMs - this.learnedAtMs) / HALF_LIFE_MS)
  }
}
