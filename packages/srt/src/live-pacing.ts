/** Live mode: the application decides how much is sent; a limit spreads it (draft-sharabayko-srt-01, §5.1, LiveCC). */
import type { CongestionControl } from './congestion.ts'

export class LivePacing implements CongestionControl {
  readonly windowPackets = Infinity
  private readonly msPerByte: number

  constructor (maxBandwidthBytesPerSecond: number | undefined) {
    this.msPerByte = maxBandwidthBytesPerSecond === undefined ? 0 : 1_000 / maxBandwidthBytesPerSecond
  }

  intervalMs (bytes: number): number {
    return bytes * this.msPerByte
  }

  onSent (): void {}

  onLost (): void {}

  onAck (): void {}

  onSilence (): void {}
}
