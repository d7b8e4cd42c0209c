/** The smoothed round trip time and its variance (draft-sharabayko-srt-01, §4.10). */

/** What both sides assume before they measured, ms. */
export const INITIAL_RTT_MS = 100
export const INITIAL_VARIANCE_MS = 50

export class RoundTrip {
  rttMs = INITIAL_RTT_MS
  varianceMs = INITIAL_VARIANCE_MS
  isMeasured = false

  /** Between an acknowledgement and its acknowledgement. */
  onSample (sampleMs: number): void {
    if (!this.isMeasured) {
      this.isMeasured = true
      this.rttMs = sampleMs
      this.varianceMs = sampleMs / 2
      return
    }
    this.varianceMs += (Math.abs(sampleMs - this.rttMs) - this.varianceMs) / 4
    this.rttMs += (sampleMs - this.rttMs) / 8
  }

  /** What the other side measured: a side that only sends has no other source. */
  onReport (rttMs: number, varianceMs: number, measuresItself: boolean): void {
    if (rttMs <= 0 || (rttMs === INITIAL_RTT_MS && varianceMs === INITIAL_VARIANCE_MS)) {
      return
    }
    if (measuresItself && this.isMeasured) {
      this.varianceMs += (Math.abs(rttMs - this.rttMs) - this.varianceMs) / 4
      this.rttMs += (rttMs - this.rttMs) / 8
    } else {
      this.isMeasured = true
      this.rttMs = rttMs
      this.varianceMs = varianceMs
    }
  }

  /** After so long an answer should have come. */
  get patienceMs (): number {
    return this.rttMs + 4 * this.varianceMs
  }
}
