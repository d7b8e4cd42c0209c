/** How fast packets arrive, counted: medians of intervals say nothing of a stream that comes in bursts. */

/** A count takes so long at least, ms, and so many packets; of fewer it takes longer, up to the most. */
const LEAST_MS = 50
const LEAST_PACKETS = 32
const MOST_MS = 1_000
/** As libsrt counts a packet: with the headers of IP, UDP and SRT. */
const HEADERS_BYTES = 44

export class ArrivalCount {
  packetsPerMs = 0
  bytesPerMs = 0
  private packets = 0
  private bytes = 0
  private sinceMs: number | undefined

  /** True when a count has come to its end. */
  onPacket (payloadBytes: number, nowMs: number): boolean {
    this.sinceMs ??= nowMs
    this.packets++
    this.bytes += payloadBytes + HEADERS_BYTES
    const tookMs = nowMs - this.sinceMs
    if (tookMs < LEAST_MS || (this.packets < LEAST_PACKETS && tookMs < MOST_MS)) {
      return false
    }
    this.packetsPerMs = this.packets / tookMs
    this.bytesPerMs = this.bytes / tookMs
    this.packets = 0
    this.bytes = 0
    this.sinceMs = nowMs
    return true
  }
}
