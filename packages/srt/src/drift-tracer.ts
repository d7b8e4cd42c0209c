/** How far the other side's clock runs away from ours: the mean of many samples (draft-sharabayko-srt-01, §4.7). */

/** As in libsrt: ten seconds of acknowledgements. */
const SAMPLES = 1_000
/** What is beyond moves the base of time, ms. */
const MAX_DRIFT_MS = 5

export class DriftTracer {
  driftMs = 0
  private sumMs = 0
  private count = 0

  /** Returns by how much the base of time has to move, ms: 0 mostly. */
  onSample (sampleMs: number): number {
    this.sumMs += sampleMs
    if (++this.count < SAMPLES) {
      return 0
    }
    this.driftMs = this.sumMs / this.count
    this.sumMs = 0
    this.count = 0
    if (Math.abs(this.driftMs) <= MAX_DRIFT_MS) {
      return 0
    }
    const moveMs = Math.sign(this.driftMs) * MAX_DRIFT_MS
    this.driftMs -= moveMs
    return moveMs
  }
}
