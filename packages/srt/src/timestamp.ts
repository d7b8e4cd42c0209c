/** Packet timestamps: microseconds since the sender's start, 32 bits that wrap each 71.6 minutes (draft-sharabayko-srt-01, §3.1, §4.5.1.1). */

const PERIOD = 0x100000000

/** What goes on the wire for a time since the start, ms. */
export function timestampOf (sinceStartMs: number): number {
  return Math.floor(sinceStartMs * 1000) % PERIOD >>> 0
}

/**
 * Turns timestamps into microseconds that do not wrap. Each one is taken to be as near as can be to the latest: right for packets up to 35 minutes
 * early or late, and for silences of that length.
 */
export class TimestampUnwrapper {
  private latestUs: number

  constructor (firstTimestamp: number) {
    this.latestUs = firstTimestamp
  }

  unwrap (timestamp: number): number {
    const unwrappedUs = this.peek(timestamp)
    if (unwrappedUs > this.latestUs) {
      this.latestUs = unwrappedUs
    }
    return unwrappedUs
  }

  /** As `unwrap`, for what a stranger may have made up: the latest stays. */
  peek (timestamp: number): number {
    return this.latestUs + ((timestamp - this.latestUs % PERIOD) | 0)
  }
}
