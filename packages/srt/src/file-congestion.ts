/**
 * Stream mode: how fast the link takes a stream that always has more to send.
 *
 * A window opens as acknowledgements come, until the link is congested (draft-sharabayko-srt-01, §5.2); from then on a rate rises while it is not
 * and falls when it is. What is congestion is not decided as in the draft's FileCC: that one slows down by 3 % when 2 % of what is in flight is
 * lost, which on a slow link is one packet, and goes by packet pairs, which jitter pulls apart: with 2 % of loss and 40 ms of jitter it ends at 0.5
 * Mbit/s. Here a link is congested when a tenth of the packets is reported lost, and of those that were sent again a tenth had to be sent again:
 * reports alone may be disorder.
 */
import type { AckNews, CongestionControl } from './congestion.ts'

const FIRST_WINDOW = 16
const LEAST_WINDOW = 32
const CONGESTED_LOSS = 0.1
/** Fewer packets that were sent again say nothing. */
const LEAST_SENT_AGAIN = 8
/** The rate is decided on once in so long, and not before as many packets were sent. */
const LEAST_EPOCH_MS = 50
const LEAST_EPOCH_PACKETS = 32
const FIRST_STEP = 0.02
const STEP_GROWTH = 1.25
const MAX_STEP = 0.1
const SLOW_DOWN = 0.85
/** A window that opens and for so many epochs brings less than this more has filled the link. */
const PLATEAU_EPOCHS = 3
const PLATEAU_GAIN = 1.25
/** Round trips that take so much longer than the shortest ones have waited in queues. */
const MAX_RTT_RATIO = 3
const MAX_RTT_EXTRA_MS = 50
/** Packets per second */
const LEAST_RATE = 64
/** A rate that is not used is not raised. */
const LEAST_USE = 0.7
/** The shortest is forgotten by so much in each epoch, as routes change. */
const FORGET = 1.01

export interface FileCongestionInit {
  /** The window never opens further */
  maxWindowPackets: number
  maxBandwidthBytesPerSecond?: number
}

export class FileCongestion implements CongestionControl {
  windowPackets = FIRST_WINDOW
  private readonly init: FileCongestionInit
  /** Packets per second; `undefined` until the link was congested once */
  private rate?: number
  private step = FIRST_STEP
  /** Packets per second that were acknowledged, smoothed: acknowledgements come in leaps when a gap is filled */
  private carried = 0
  private rttMs = 100
  private latencyMs = 100
  private leastRttMs = Infinity
  private epoch = newEpoch(0)
  private plateau = { best: 0, epochs: 0 }

  constructor (init: FileCongestionInit) {
    this.init = init
  }

  intervalMs (bytes: number): number {
    const { maxBandwidthBytesPerSecond } = this.init
    // a window spread over half of the round trip: receivers' buffers take no bursts
    const intervalMs = this.rate === undefined ? this.rttMs / 2 / this.windowPackets : 1_000 / this.rate
    return maxBandwidthBytesPerSecond === undefined ? intervalMs : Math.max(intervalMs, bytes * 1_000 / maxBandwidthBytesPerSecond)
  }

  onSent (sends: number): void {
    const { epoch } = this
    epoch.sent++
    epoch.sentAgain += sends === 2 ? 1 : 0
    epoch.sentThrice += sends === 3 ? 1 : 0
  }

  onLost (packets: number): void {
    this.epoch.lost += packets
  }

  onAck ({ acknowledged, latencyMs, rttMs, isLimited }: AckNews, nowMs: number): void {
    const { epoch } = this
    this.rttMs = rttMs
    this.leastRttMs = Math.min(this.leastRttMs, rttMs)
    if (latencyMs !== undefined) {
      this.latencyMs += (latencyMs - this.latencyMs) / 8
    }
    epoch.acknowledged += acknowledged
    epoch.isLimited ||= isLimited
    if (this.rate === undefined && isLimited) {
      this.windowPackets = Math.min(this.init.maxWindowPackets, this.windowPackets + acknowledged)
    }
    if (nowMs - epoch.startMs >= Math.max(LEAST_EPOCH_MS, rttMs * 2) && epoch.sent >= LEAST_EPOCH_PACKETS) {
      this.decide(nowMs)
    }
  }

  onSilence (): void {
    this.slowDown()
  }

  private decide (nowMs: number): void {
    const { epoch } = this
    const seconds = (nowMs - epoch.startMs) / 1_000
    const lostAgain = epoch.sentThrice / Math.max(1, epoch.sentAgain)
    const isCongested = epoch.lost > epoch.sent * CONGESTED_LOSS && epoch.sentAgain >= LEAST_SENT_AGAIN && lostAgain > CONGESTED_LOSS
    this.carried += (epoch.acknowledged / seconds - this.carried) / 4
    if (this.rate === undefined) {
      this.rate = this.fullRate(epoch.acknowledged / seconds, epoch.isLimited, isCongested)
    } else if (isCongested || this.isQueued()) {
      this.slowDown()
    } else if (epoch.isLimited && epoch.sent / seconds > this.rate * LEAST_USE) {
      this.rate *= 1 + this.step
      this.step = Math.min(MAX_STEP, this.step * STEP_GROWTH)
    }
    if (this.rate !== undefined) {
      const window = 2 * this.rate * Math.max(this.latencyMs, this.rttMs) / 1_000 + LEAST_WINDOW
      this.windowPackets = Math.min(this.init.maxWindowPackets, window)
    }
    this.leastRttMs *= FORGET
    this.epoch = newEpoch(nowMs)
  }

  private slowDown (): void {
    if (this.rate !== undefined) {
      // at once to what arrives, when that is far below: the rest is lost anyway
      this.rate = Math.max(LEAST_RATE, this.rate / 2, Math.min(this.rate * SLOW_DOWN, this.carried))
      this.step = FIRST_STEP
    }
  }

  /** What the link carries when it is full; `undefined` while it is not. */
  private fullRate (acknowledgedPerSecond: number, isLimited: boolean, isCongested: boolean): number | undefined {
    const { plateau } = this
    if (acknowledgedPerSecond > plateau.best * PLATEAU_GAIN) {
      plateau.best = acknowledgedPerSecond
      plateau.epochs = 0
    } else if (isLimited) {
      plateau.epochs++
    }
    return isCongested || plateau.epochs === PLATEAU_EPOCHS ? Math.max(LEAST_RATE, plateau.best) : undefined
  }

  private isQueued (): boolean {
    return this.rttMs > this.leastRttMs * MAX_RTT_RATIO + MAX_RTT_EXTRA_MS
  }
}

interface Epoch {
  startMs: number
  sent: number
  sentAgain: number
  sentThrice: number
  lost: number
  acknowledged: number
  isLimited: boolean
}

function newEpoch (startMs: number): Epoch {
  return { startMs, sent: 0, sentAgain: 0, sentThrice: 0, lost: 0, acknowledged: 0, isLimited: false }
}
