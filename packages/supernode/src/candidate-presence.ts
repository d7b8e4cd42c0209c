/** Since when a candidate is known and for how much of the time it was there, by whether its candidacies came when due. Recent time weighs more. */

/** Time fades by half in a day. */
const HALF_LIFE_MS = 86_400_000
/** Candidacies are published this much apart at most; one that was lost on the way is not yet an absence. */
const TOLERATED_INTERVALS = 2.5

export class CandidatePresence {
  readonly firstSeenMs: number
  private readonly intervalMs: number
  private lastSeenMs: number
  /** It said that it goes: time until it returns is not counted */
  private away = false
  private thereMs = 0
  private watchedForMs = 0

  constructor (intervalMs: number, nowMs: number) {
    this.intervalMs = intervalMs
    this.firstSeenMs = nowMs
    this.lastSeenMs = nowMs
  }

  /** A candidacy came. */
  onSeen (nowMs: number): void {
    if (!this.away) {
      this.count(nowMs)
    }
    this.away = false
    this.lastSeenMs = Math.max(this.lastSeenMs, nowMs)
  }

  /** It takes its candidacy back. */
  onAway (nowMs: number): void {
    this.onSeen(nowMs)
    this.away = true
  }

  /** Share of the time so far, 0 to 1; `undefined` when it was watched for less than `watchedMs`. */
  uptime (watchedMs: number, nowMs: number): number | undefined {
    const waitedMs = this.away ? 0 : Math.max(0, nowMs - this.lastSeenMs)
    const absentMs = waitedMs > TOLERATED_INTERVALS * this.intervalMs ? waitedMs : 0
    const totalMs = this.watchedForMs + (absentMs > 0 ? absentMs : 0)
    return totalMs <= 0 || nowMs - this.firstSeenMs < watchedMs ? undefined : this.thereMs / totalMs
  }

  private count (nowMs: number): void {
    const elapsedMs = nowMs - this.lastSeenMs
    if (elapsedMs <= 0) {
      return
    }
    const fade = 0.5 ** (elapsedMs / HALF_LIFE_MS)
    const wasThere = elapsedMs <= TOLERATED_INTERVALS * this.intervalMs
    this.thereMs = this.thereMs * fade + (wasThere ? elapsedMs : Math.min(elapsedMs, this.intervalMs))
    this.watchedForMs = this.watchedForMs * fade + elapsedMs
  }
}
