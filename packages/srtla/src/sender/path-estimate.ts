/** What a sender measures of a link: round trips, losses, and how much may be in flight before packets queue. */

const START_WINDOW = 20
const MIN_WINDOW = 4
const MAX_WINDOW = 4_096
/** How long the shortest round trip is believed, ms: routes change. */
const MIN_RTT_LIFE_MS = 10_000
/** A window is held down for so long to see the round trip without a queue, ms. */
const DRAIN_MS = 200
const LOSS_WEIGHT = 1 / 128
const START_LOSS = 0.01
/** Without an ACK and a loss for so long, a link is idle. */
const IDLE_MS = 1_000
const LOSS_HALF_LIFE_MS = 5_000
/** A share of losses in a round trip that no link has by itself: its buffer is short, and full. */
const FULL_BUFFER_LOSS = 0.15
const FULL_BUFFER_LOSSES = 5
const DELIVERED_FLOOR = 0.8
const MAX_ACK_GAP_MS = 200
/** How fast the window follows, of its size and in a round trip. */
const GAIN = 0.08

export interface PathEstimateOptions {
  /** Queueing that is aimed at, ms */
  targetQueueMs: number
}

export class PathEstimate {
  srttMs: number | undefined
  rttVarMs = 0
  /** Packets that may be in flight */
  window = START_WINDOW
  /** Share of packets that are lost, 0 to 1 */
  loss = START_LOSS
  /** The last time that something sent over it was seen to have arrived */
  lastProofMs: number
  /** Packets sent since then */
  sentSinceProof = 0
  /** Since when a proof is due, from when enough was sent for an ACK */
  proofDueSinceMs: number | undefined
  /** When the newest packet that was acknowledged over it was sent */
  newestAckedSentMs = -Infinity
  /** Between two ACKs over it: so long does a packet wait for its ACK, ms */
  ackGapMs = 0
  private lastAckMs = -Infinity
  /** When something was last learned of what it loses */
  private lastLossNewsMs = -Infinity
  /** Until when that was forgotten */
  private forgottenMs = -Infinity
  private minRttMs = Infinity
  private previousMinRttMs = Infinity
  private minRttSinceMs: number
  private drainUntilMs = -Infinity
  private isSlowStart = true
  /** Since the last ACK as much was in flight as may be */
  private wasFull = false
  private roundEndsMs = -Infinity
  private roundSent = 0
  private roundLosses = 0

  constructor (nowMs: number) {
    this.lastProofMs = nowMs
    this.minRttSinceMs = nowMs
  }

  /** The round trip when nothing queues. */
  get baseRttMs (): number | undefined {
    const ms = Math.min(this.minRttMs, this.previousMinRttMs)
    return ms === Infinity ? undefined : ms
  }

  /** When a packet that was sent now is overdue, ms from now. */
  get patienceMs (): number {
    return this.srttMs === undefined ? 500 : this.srttMs + Math.max(4 * this.rttVarMs, 20)
  }

  /** What may be in flight now. */
  windowAt (nowMs: number): number {
    return nowMs < this.drainUntilMs ? this.window / 2 : this.window
  }

  onSent (nowMs: number, inFlight: number): void {
    this.roundSent++
    this.sentSinceProof++
    // an ACK tells of ten packets, and comes when the tenth has arrived
    if (this.sentSinceProof >= 10 && this.proofDueSinceMs === undefined) {
      this.proofDueSinceMs = nowMs
    }
    if (inFlight >= 0.8 * this.window) {
      this.wasFull = true
    }
  }

  /** Something came back over it. */
  onProof (nowMs: number): void {
    this.lastProofMs = nowMs
    this.sentSinceProof = 0
    this.proofDueSinceMs = undefined
  }

  onRtt (rttMs: number, nowMs: number): void {
    if (this.srttMs === undefined) {
      this.srttMs = rttMs
      this.rttVarMs = rttMs / 2
    } else {
      // RFC 6298
      this.rttVarMs += (Math.abs(this.srttMs - rttMs) - this.rttVarMs) / 4
      this.srttMs += (rttMs - this.srttMs) / 8
    }
    if (nowMs - this.minRttSinceMs >= MIN_RTT_LIFE_MS) {
      this.startMinRttAnew(nowMs)
    }
    this.minRttMs = Math.min(this.minRttMs, rttMs)
  }

  /** Packets that it carried have arrived. */
  onDelivered (count: number, rttMs: number | undefined, nowMs: number, { targetQueueMs }: PathEstimateOptions): void {
    this.loss *= (1 - LOSS_WEIGHT) ** count
    this.lastLossNewsMs = nowMs
    this.ackGapMs += (Math.min(MAX_ACK_GAP_MS, nowMs - this.lastAckMs) - this.ackGapMs) / 8
    this.lastAckMs = nowMs
    if (rttMs === undefined || this.baseRttMs === undefined) {
      return
    }
    const queueMs = Math.max(0, rttMs - this.baseRttMs)
    const room = Math.max(-1, (targetQueueMs - queueMs) / targetQueueMs)
    if (this.isSlowStart && room < 0.5) {
      this.isSlowStart = false
    }
    if (room < 0) {
      this.window += GAIN * room * count
    } else if (this.wasFull) {
      this.window += this.isSlowStart ? count : GAIN * room * count
    }
    this.wasFull = false
    // when more is sent than all links carry, each goes on with what it delivers
    const deliveredInRtt = this.ackGapMs === 0 ? 0 : count / this.ackGapMs * this.baseRttMs
    this.window = Math.max(MIN_WINDOW, DELIVERED_FLOOR * deliveredInRtt, Math.min(MAX_WINDOW, this.window))
    this.endRound(nowMs)
  }

  onLost (nowMs: number): void {
    this.loss += (1 - this.loss) * LOSS_WEIGHT
    this.lastLossNewsMs = nowMs
    this.roundLosses++
    this.endRound(nowMs)
  }

  /** What a link lost once is slowly forgotten while nothing is sent over it: else it would never be tried again. */
  onTick (nowMs: number): void {
    const sinceMs = Math.max(this.lastLossNewsMs, this.forgottenMs)
    const idleMs = sinceMs === -Infinity ? 0 : nowMs - sinceMs
    if (nowMs - this.lastLossNewsMs > IDLE_MS) {
      this.loss = START_LOSS + (this.loss - START_LOSS) * 0.5 ** (idleMs / LOSS_HALF_LIFE_MS)
      this.forgottenMs = nowMs
    }
  }

  /** It was silent though it should not have been: what was known of its room is not believed. */
  onStall (): void {
    this.window = Math.min(this.window, START_WINDOW / 2)
    this.isSlowStart = true
  }

  private endRound (nowMs: number): void {
    if (this.roundLosses >= FULL_BUFFER_LOSSES && this.roundLosses > FULL_BUFFER_LOSS * this.roundSent) {
      this.window = Math.max(MIN_WINDOW, this.window * 0.85)
      this.isSlowStart = false
      this.roundEndsMs = -Infinity
    }
    if (nowMs >= this.roundEndsMs) {
      this.roundEndsMs = nowMs + (this.srttMs ?? 100)
      this.roundSent = 0
      this.roundLosses = 0
    }
  }

  /** A link that is full all the time shows its round trip only when its queue may drain. */
  private startMinRttAnew (nowMs: number): void {
    this.previousMinRttMs = this.minRttMs
    this.minRttMs = Infinity
    this.minRttSinceMs = nowMs
    this.drainUntilMs = nowMs + DRAIN_MS
  }
}
