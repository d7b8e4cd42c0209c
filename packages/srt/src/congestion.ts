/** What decides how fast a connection sends: one for each mode. */

export interface AckNews {
  /** Packets that are acknowledged now and were not before */
  acknowledged: number
  /** Since the latest of them was sent, ms; `undefined` when it was sent more than once */
  latencyMs?: number
  /** `undefined` while it was not measured */
  rttMs?: number
  /** As the other side counts them, with headers and what is sent again */
  arrivingBytesPerSecond?: number
  /** There is more to send than the window or the rate let out */
  isLimited: boolean
}

export interface CongestionControl {
  /** Packets that may be sent and not acknowledged */
  readonly windowPackets: number
  /** Between a packet of so many bytes, headers included, and the next, ms */
  intervalMs (bytes: number): number
  /** @param sends - 1 for a packet that is sent the first time; bytes with headers */
  onSent (sends: number, bytes: number): void
  onLost (packets: number): void
  onAck (news: AckNews, nowMs: number): void
  /** Nothing was acknowledged for long */
  onSilence (): void
}
