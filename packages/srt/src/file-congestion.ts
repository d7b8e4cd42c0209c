/**
 * Stream mode: how fast the link takes a stream that always has more to send.
 *
 * A window opens as acknowledgements come, until the link is congested (draft-sharabayko-srt-01, §5.2); from then on a rate rises while it is not
 * and falls when it is. What is congestion is not decided as in the draft's FileCC: that one slows down by 3 % when 2 % of what is in flight is
 * lost, which on a slow link is one packet, and goes by packet pairs, which jitter pulls apart: with 2 % of loss and 40 ms of jitter it ends at 0.5
 * Mbit/s. Here a link is congested when a tenth of the packets is reported lost, and of those that were sent again a tenth had to be sent again:
 * reports alone may be disorder; or when less arrives than is sent. Before that packets queue: what the other side counts as arriving, and round
 * trips that grow, keep the rate near what the link carries, as random losses do not.
 */
import type { AckNews, CongestionControl } from './congestion.ts'
import { RecentExtreme } from './recent-extreme.ts'

const FIRST_WINDOW = 16
const LEAST_WINDOW = 32
const CONGESTED_LOSS = 0.1
/** Of what is sent less than that arrives: what is reported lost is lost, and no disorder. */
const ARRIVING = 0.8
/** Fewer packets that were lost or sent again say nothing. */
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
/** Round trips that take so much longer than the shortest ones have waited in queues: no more is sent than arrives. */
const QUEUED_MS = 70
/** Round trips that are no longer have hardly waited. */
const EMPTY_MS = 15
/** And these in queues that are about to overflow. */
const OVERFLOWING_MS = 140
/** Where packets queue, a little less is sent than arrives, so that the queue drains. */
const DRAIN = 0.95
/** A rate is raised no further above the most that was carried lately: what a link does not carry fills its buffer, and is lost there. */
const HEADROOM = { queued: 1.1, empty: 1.3 }
const LATELY_MS = 3_000
/** As many times what was acknowledged may arrive: what is sent again, and what comes after gaps, is not acknowledged yet. */
const PLAUSIBLE = 1.5
/** After signs of a full link the rate rises in small steps for so long. */
const GENTLE_MS = 3_000
/** The shortest round trip is believed for so long. A queue that stands is emptied before it is forgotten, to see the round trip without it. */
const LEAST_RTT_LIFE_MS = 10_000
const EMPTYING = 0.5
/** How long losses are repaired while new packets go on, beside two round trips, ms. */
const REPAIR_MS = 500
/** Packets per second */
const LEAST_RATE = 64
/** A rate that is not used is not raised. */
const LEAST_USE = 0.7

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
  /** Packets per second that arrive, smoothed */
  private carried = 0
  /** Packets per second that are acknowledged, smoothed: acknowledgements come in leaps when a gap is filled */
  private acknowledged = 0
  /** Per second, as the other side says; 0 when it does not */
  private arrivingBytes = 0
  private rttMs = 100
  private latencyMs = 100
  private readonly leastRtt = new RecentExtreme(Math.min, LEAST_RTT_LIFE_MS)
  private readonly leastLatency = new RecentExtreme(Math.min, LEAST_RTT_LIFE_MS)
  private readonly mostCarried = new RecentExtreme(Math.max, LATELY_MS)
  private readonly mostAcknowledged = new RecentExtreme(Math.max, LATELY_MS)
  private emptiedMs = -Infinity
  private isEmptying = false
  private gentleUntilMs = -Infinity
  private epoch = newEpoch(0)
  private plateau = { best: 0, epochs: 0 }

  constructor (init: FileCongestionInit) {
    this.init = init
  }

  intervalMs (bytes: number): number {
    const { maxBandwidthBytesPerSecond } = this.init
    // a window spread over half of the round trip: receivers' buffers take no bursts
    const intervalMs = this.rate === undefined ? this.rttMs / 2 / this.windowPackets : 1_000 / this.rateNow(this.rate)
    return maxBandwidthBytesPerSecond === undefined ? intervalMs : Math.max(intervalMs, bytes * 1_000 / maxBandwidthBytesPerSecond)
  }

  onSent (sends: number, bytes: number): void {
    const { epoch } = this
    epoch.sent++
    epoch.bytes += bytes
    epoch.sentAgain += sends === 2 ? 1 : 0
    epoch.sentThrice += sends === 3 ? 1 : 0
  }

  onLost (packets: number): void {
    this.epoch.lost += packets
  }

  onAck ({ acknowledged, latencyMs, rttMs, arrivingBytesPerSecond, isLimited }: AckNews, nowMs: number): void {
    const { epoch } = this
    if (rttMs !== undefined) {
      this.rttMs = rttMs
      this.leastRtt.add(rttMs, nowMs)
    }
    if (latencyMs !== undefined) {
      this.latencyMs += (latencyMs - this.latencyMs) / 8
      this.leastLatency.add(this.latencyMs, nowMs)
    }
    this.arrivingBytes = arrivingBytesPerSecond ?? this.arrivingBytes
    epoch.acknowledged += acknowledged
    epoch.isLimited ||= isLimited
    if (this.rate === undefined && isLimited) {
      this.windowPackets = Math.min(this.init.maxWindowPackets, this.windowPackets + acknowledged)
    }
    // a window that opens overshoots within an epoch
    const roundTrips = this.rate === undefined && this.isBeyond(QUEUED_MS) ? 1 : 2
    // who does not count arrivals is judged on progress: nothing is acknowledged while a gap is repaired, and all that was carried meanwhile after it
    const isKnown = acknowledged > 0 || this.arrivingBytes > 0
    if (isKnown && nowMs - epoch.startMs >= Math.max(LEAST_EPOCH_MS, this.rttMs * roundTrips) && epoch.sent >= LEAST_EPOCH_PACKETS) {
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
    const carried = this.carriedIn(epoch, seconds, nowMs)
    this.carried += (carried - this.carried) / 2
    // who has little to send, or is too busy to send at its rate, learns nothing of the link from how little arrives
    const isUsed = epoch.isLimited && (this.rate === undefined || epoch.sent / seconds > this.rate * LEAST_USE)
    this.mostCarried.add(isUsed ? this.carried : Math.max(this.carried, this.mostCarried.value ?? 0), nowMs)
    const isLost = (epoch.sentAgain >= LEAST_SENT_AGAIN && lostAgain > CONGESTED_LOSS) ||
      (this.rate !== undefined && epoch.lost >= LEAST_SENT_AGAIN && this.carried < epoch.sent / seconds * ARRIVING)
    const isCongested = isLost && epoch.lost > epoch.sent * CONGESTED_LOSS
    if (this.rate === undefined) {
      this.rate = isUsed ? this.fullRate(carried, isCongested) : undefined
    } else if (isUsed && (isCongested || this.isBeyond(OVERFLOWING_MS))) {
      this.slowDown()
      this.gentleUntilMs = nowMs + GENTLE_MS
    } else if (isUsed && this.isBeyond(QUEUED_MS)) {
      this.rate = Math.max(LEAST_RATE, Math.min(this.rate, (this.mostCarried.value ?? 0) * DRAIN))
      this.step = FIRST_STEP
      this.gentleUntilMs = nowMs + GENTLE_MS
    } else if (isUsed && nowMs >= this.gentleUntilMs && !this.isBeyond(EMPTY_MS)) {
      // nothing queues, and nothing was lost for long: the rate is far below what the link carries, as when a busy process was taken for a full link
      this.rate = Math.max(this.rate, Math.min(this.rate * HEADROOM.empty, (this.mostCarried.value ?? 0) * HEADROOM.empty))
    } else if (isUsed) {
      const headroom = this.isBeyond(EMPTY_MS) ? HEADROOM.queued : HEADROOM.empty
      this.rate = Math.max(this.rate, Math.min(this.rate * (1 + this.step), (this.mostCarried.value ?? 0) * headroom))
      this.step = Math.min(MAX_STEP, this.step * STEP_GROWTH)
    }
    this.isEmptying = this.rate !== undefined && nowMs - this.emptiedMs >= LEAST_RTT_LIFE_MS / 2
    if (this.isEmptying) {
      this.emptiedMs = nowMs
    }
    if (this.rate !== undefined) {
      this.windowPackets = Math.min(this.init.maxWindowPackets, this.windowFor(this.rate))
    }
    this.epoch = newEpoch(nowMs)
  }

  /** Packets per second. libsrt does not count arrivals: over a link that disorders packets it reports ten times as many. */
  private carriedIn (epoch: Epoch, seconds: number, nowMs: number): number {
    const acknowledged = epoch.acknowledged / seconds
    this.acknowledged += (acknowledged - this.acknowledged) / 2
    this.mostAcknowledged.add(this.acknowledged, nowMs)
    return this.arrivingBytes > 0
      ? Math.min(this.arrivingBytes * epoch.sent / epoch.bytes, (this.mostAcknowledged.value ?? 0) * PLAUSIBLE)
      : acknowledged
  }

  private rateNow (rate: number): number {
    return this.isEmptying ? Math.max(LEAST_RATE, Math.min(rate, this.carried) * EMPTYING) : rate
  }

  private slowDown (): void {
    if (this.rate !== undefined) {
      // at once to what arrives, when that is far below: the rest is lost anyway
      this.rate = Math.max(LEAST_RATE, this.rate / 2, Math.min(this.rate * SLOW_DOWN, this.carried))
      this.step = FIRST_STEP
    }
  }

  /** What the link carries when it is full; `undefined` while it is not. */
  private fullRate (carried: number, isCongested: boolean): number | undefined {
    const { plateau } = this
    if (carried > plateau.best * PLATEAU_GAIN) {
      plateau.best = carried
      plateau.epochs = 0
    } else {
      plateau.epochs++
    }
    const enough = this.isBeyond(QUEUED_MS) ? 1 : PLATEAU_EPOCHS
    return isCongested || plateau.epochs >= enough ? Math.max(LEAST_RATE, plateau.best) : undefined
  }

  /** By the latency without queues: with them the window would grow as the queue that it makes. */
  private windowFor (rate: number): number {
    const least = (this.leastLatency.value ?? this.latencyMs) + (this.leastRtt.value ?? this.rttMs)
    return rate * (2 * Math.min(Math.max(this.latencyMs, this.rttMs), least) + REPAIR_MS) / 1_000 + LEAST_WINDOW
  }

  /** Round trips take so much longer than the shortest ones. */
  private isBeyond (queueMs: number): boolean {
    return this.rttMs > (this.leastRtt.value ?? Infinity) + queueMs
  }
}

interface Epoch {
  startMs: number
  sent: number
  bytes: number
  sentAgain: number
  sentThrice: number
  lost: number
  acknowledged: number
  isLimited: boolean
}

function newEpoch (startMs: number): Epoch {
  return { startMs, sent: 0, bytes: 0, sentAgain: 0, sentThrice: 0, lost: 0, acknowledged: 0, isLimited: false }
}
