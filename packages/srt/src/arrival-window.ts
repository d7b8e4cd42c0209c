/**
 * How fast packets arrive, and how fast the link could carry them: medians of intervals and of packet pairs
 * (draft-sharabayko-srt-01, §4.8.1, §5.2; UDT).
 */

const SAMPLES = 16
/** Each 16th packet is followed at once by the next, and their distance shows the capacity of the link. */
const PROBE_MASK = 0xf
/** Samples beyond this many times the median, or below the same part of it, are left out. */
const OUTLIER = 8
const HEADERS_BYTES = 44

export class ArrivalWindow {
  private readonly intervalsUs = new Float64Array(SAMPLES)
  private readonly bytes = new Float64Array(SAMPLES)
  private readonly probesUs = new Float64Array(SAMPLES)
  private readonly sorted = new Float64Array(SAMPLES)
  private readonly fullBytes: number
  private count = 0
  private probeCount = 0
  private latestMs?: number
  private probe?: { sequence: number, atMs: number }

  constructor (fullBytes: number) {
    this.fullBytes = fullBytes
  }

  onPacket (sequence: number, payloadBytes: number, inOrder: boolean, nowMs: number): void {
    if (this.latestMs !== undefined) {
      this.intervalsUs[this.count % SAMPLES] = (nowMs - this.latestMs) * 1_000
      this.bytes[this.count % SAMPLES] = payloadBytes
      this.count++
    }
    this.latestMs = nowMs
    if (!inOrder) {
      return
    }
    const place = sequence & PROBE_MASK
    if (place === 0) {
      this.probe = { sequence, atMs: nowMs }
    } else if (place === 1 && this.probe?.sequence === sequence - 1 && payloadBytes > 0) {
      this.probesUs[this.probeCount++ % SAMPLES] = (nowMs - this.probe.atMs) * 1_000 * this.fullBytes / payloadBytes
      this.probe = undefined
    }
  }

  /** 0 when arrivals are too irregular to tell. */
  speed (): { packetsPerSecond: number, bytesPerSecond: number } {
    const { used, sumUs, bytes } = this.typical(this.intervalsUs, this.count)
    return used > Math.min(SAMPLES, this.count) / 2 && sumUs > 0
      ? { packetsPerSecond: Math.ceil(1e6 * used / sumUs), bytesPerSecond: Math.ceil(1e6 * bytes / sumUs) }
      : { packetsPerSecond: 0, bytesPerSecond: 0 }
  }

  /** At least four times what arrives: jitter pulls pairs apart, and senders that go by libsrt's rules never exceed this. */
  linkPacketsPerSecond (): number {
    const { used, sumUs } = this.typical(this.probesUs, this.probeCount)
    const byPairs = sumUs > 0 ? Math.min(0x7fffffff, Math.ceil(1e6 * used / sumUs)) : 0
    return Math.max(byPairs, this.speed().packetsPerSecond * 4)
  }

  /** The samples near the median. */
  private typical (samples: Float64Array, count: number): { used: number, sumUs: number, bytes: number } {
    const length = Math.min(SAMPLES, count)
    const sorted = this.sorted.subarray(0, length)
    sorted.set(samples.subarray(0, length))
    sorted.sort()
    const median = sorted[length >> 1] ?? 0
    const typical = { used: 0, sumUs: 0, bytes: 0 }
    for (let at = 0; at < length; at++) {
      const sampleUs = samples[at] as number
      if (sampleUs < median * OUTLIER && sampleUs > median / OUTLIER) {
        typical.used++
        typical.sumUs += sampleUs
        typical.bytes += this.bytes[at] as number + HEADERS_BYTES
      }
    }
    return typical
  }
}
