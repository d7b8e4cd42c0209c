/** One connection that publishes a stream. */
import { RateMeter } from './rate-meter.ts'

export class Publication {
  /** `live_TOKEN` */
  readonly publisher: string
  readonly sinceMs: number
  /** Of media; keepalives of the connection do not count */
  lastPacketMs: number
  packets = 0
  bytes = 0
  isStale = false
  private readonly rate: RateMeter

  constructor (publisher: string, nowMs: number) {
    this.publisher = publisher
    this.sinceMs = nowMs
    this.lastPacketMs = nowMs
    this.rate = new RateMeter(nowMs)
  }

  onPacket (bytes: number, nowMs: number): void {
    this.lastPacketMs = nowMs
    this.packets++
    this.bytes += bytes
    this.rate.add(bytes, nowMs)
  }

  kbitPerSecond (nowMs: number): number {
    return this.rate.kbitPerSecond(nowMs)
  }
}
