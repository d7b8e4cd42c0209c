/** Bytes of a link in the last three seconds or so, from readings of its total. */

/** How often a reading is due. */
export const READING_MS = 500
/** The oldest is from six readings before the newest. */
const READINGS = 7

export class RecentBytes {
  private readonly readings = new Float64Array(READINGS)
  private newest = 0

  /** To be called every 500 ms, with the bytes so far. */
  read (totalBytes: number): void {
    this.newest = (this.newest + 1) % READINGS
    this.readings[this.newest] = totalBytes
  }

  /** @param totalBytes so far */
  of (totalBytes: number): number {
    return totalBytes - (this.readings[(this.newest + 1) % READINGS] as number)
  }
}
