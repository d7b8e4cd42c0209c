/**
 * What to report so that the other side, which smooths reports by an eighth from a first value that is far off, comes to the rate that was
 * measured. Its first seconds are decided by it: libsrt leaves its slow start at the rate that it has come to by then.
 */

const KEPT = 7 / 8
const MAX_REPORT = 0x7fffffff

export class ReportedRate {
  /** What the other side has made of the reports */
  private smoothed: number

  constructor (first: number) {
    this.smoothed = first
  }

  report (measured: number): number {
    const report = Math.min(MAX_REPORT, Math.max(0, Math.round((measured - this.smoothed * KEPT) / (1 - KEPT))))
    this.smoothed = this.smoothed * KEPT + report * (1 - KEPT)
    return report
  }
}

/** What libsrt starts from, packets per second: of arrivals, and of the link's capacity. */
export const FIRST_ARRIVALS = 16
export const FIRST_CAPACITY = 1
