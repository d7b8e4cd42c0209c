/** When a packet is handed out in live mode: its time of sending, plus the latency (draft-sharabayko-srt-01, §4.5). */
import { DriftTracer } from './drift-tracer.ts'
import { TimestampUnwrapper } from './timestamp.ts'

/** Two seconds of acknowledgements. */
const BASELINE_SAMPLES = 200

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
  private baseline = { samples: 0, driftMs: 0, rttMs: 0 }

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

  /**
   * A packet that was sent at once when something of ours came. When round trips take longer than at first, half of that is the way. What is the
   * rule at first is the mean of many samples, not libsrt's first one, by whose jitter all would be moved.
   */
  onDriftSample (timestamp: number, rttMs: number, nowMs: number): void {
    const { baseline } = this
    const driftMs = nowMs - this.sentMs(timestamp)
    if (baseline.samples < BASELINE_SAMPLES) {
      baseline.samples++
      baseline.driftMs += (driftMs - baseline.driftMs) / baseline.samples
      baseline.rttMs += (rttMs - baseline.rttMs) / baseline.samples
    } else {
      this.baseMs += this.drift.onSample(driftMs - baseline.driftMs - (rttMs - baseline.rttMs) / 2)
    }
  }

  private sentMs (timestamp: number): number {
    return this.baseMs + this.timestamps.peek(timestamp) / 1_000
  }
}
