/** Logs what was refused once a minute, summed by reason: an attack must not fill the disk with lines. */
import type { Cancel, Clock } from '@skein/core'

const SUMMARY_INTERVAL_MS = 60_000

export class RefusalLog {
  private readonly clock: Clock
  private readonly refused: () => Record<string, number>
  private readonly log: (refused: Record<string, number>) => void
  private last: Record<string, number>
  private cancel: Cancel = () => {}

  /** `refused` gives the totals by reason since the start */
  constructor (clock: Clock, refused: () => Record<string, number>, log: (refused: Record<string, number>) => void) {
    this.clock = clock
    this.refused = refused
    this.log = log
    this.last = { ...refused() }
    this.arm()
  }

  /** Logs what has come since the last line, if anything. */
  flush (): void {
    const now = { ...this.refused() }
    const since = Object.entries(now).map(([reason, count]) => [reason, count - (this.last[reason] ?? 0)] as const).filter(([, count]) => count > 0)
    this.last = now
    if (since.length > 0) {
      this.log(Object.fromEntries(since))
    }
  }

  stop (): void {
    this.cancel()
    this.flush()
  }

  private arm (): void {
    this.cancel = this.clock.schedule(this.clock.nowMs() + SUMMARY_INTERVAL_MS, () => {
      this.flush()
      this.arm()
    })
  }
}
