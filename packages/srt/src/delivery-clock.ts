/** When a packet is handed out in live mode: its time of sending, plus the latency (draft-sharabayko-srt-01, §4.5). */
import { DriftTracer } from './drift-tracer.ts'
import { TimestampUnwrapper } from './timestamp.ts'

export interface DeliveryClockInit {
  latencyMs: number
  /** A timestamp of the other side's handshake, and when it came: what the way took is part of the base */
  timestamp: number
  arrivedMs: number
}

export class DeliveryClock {
  readonly latencyMs: number
  private readonly timestamps: TimestampUnwrapper
  private readonly drift = new DriftTracer()
  private baseMs: number
  private firstRttMs?: number

  constructor (init: DeliveryClockInit) {
    this.latencyMs = init.latencyMs
    this.timestamps = new TimestampUnwrapper(init.timestamp)
    this.baseMs = init.arrivedMs - init.timestamp / 1_000
  }

  /** To be told of each data packet, so that wraps are noticed. */
  onPacket (timestamp: number): void {
    this.timestamps.unwrap(timestamp)
  }

  dueMs (timestamp: number): number {
    return this.sentMs(timestamp) + this.latencyMs + this.drift.driftMs
  }

  /** A packet that was sent at once when something of ours came: the way took half of the round trip more, or less, than at first. */
  onDriftSample (timestamp: number, rttMs: number, nowMs: number): void {
    this.firstRttMs ??= rttMs
    this.baseMs += this.drift.onSample(nowMs - this.sentMs(timestamp) - (rttMs - this.firstRttMs) / 2)
  }

  private sentMs (timestamp: number): number {
    return this.baseMs + this.timestamps.peek(timestamp) / 1_000
  }
}
