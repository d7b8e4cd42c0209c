/**
 * Which losses that the far end reports are losses: over links of unequal length a packet that is late looks lost to SRT, which would have it sent
 * again. A loss is kept back until the packet is overdue on the link that carried it, or later ones of that link have arrived.
 */
import { LossList, visitLosses } from '../srt-packet.ts'
import { sequenceAfter, sequenceDistance } from '../sequence.ts'
import type { SenderLink } from './link.ts'
import type { SentLog } from './sent-log.ts'

export interface LossVerdictsInit {
  log: SentLog
  linkOf: (slot: number) => SenderLink | undefined
  isStalled: (link: SenderLink, nowMs: number) => boolean
  /** It is lost indeed */
  onLost: (owner: SenderLink, nowMs: number) => void
  /** It was reported and has arrived */
  onFalseAlarm: () => void
  /** A NAK for the local end */
  pass: (bytes: Uint8Array) => void
}

/** Losses kept back at once; more are passed on as they come. */
const MAX_HELD = 4_096
/** Packets of one link keep their order but for this, ms. */
const REORDER_MS = 10
/** A NAK may have been on its way when the ACK came that contradicts it, ms. */
const STALE_NAK_MS = 300
/** How long after a loss was passed on another report of it is the same one, ms. */
const REPEAT_MS = 30
/** Sequence numbers looked at in one NAK: more is no list of losses of this stream. */
const MAX_LOSSES = 8_192
const MAX_NAK_BYTES = 1_456

export class LossVerdicts {
  /** How long a loss may be kept back, ms */
  maxHoldMs: number
  private readonly init: LossVerdictsInit
  private readonly held = new Int32Array(MAX_HELD)
  private readonly heldSinceMs = new Float64Array(MAX_HELD)
  private count = 0
  private visited = 0
  private nowMs = 0
  private readonly header = new Uint8Array(16)
  private readonly list = new LossList(MAX_NAK_BYTES)
  private readonly visit = (first: number, last: number): void => { this.onRange(first, last) }

  constructor (init: LossVerdictsInit, maxHoldMs: number) {
    this.init = init
    this.maxHoldMs = maxHoldMs
  }

  get heldCount (): number {
    return this.count
  }

  onNak (bytes: Uint8Array, length: number, nowMs: number): void {
    this.header.set(bytes.subarray(0, 16))
    this.nowMs = nowMs
    this.visited = 0
    this.list.begin(this.header)
    visitLosses(bytes, length, this.visit)
    this.flush()
  }

  /** Passes on what is overdue by now. */
  review (nowMs: number): void {
    if (this.count === 0) {
      return
    }
    this.nowMs = nowMs
    this.list.begin(this.header)
    let kept = 0
    for (let i = 0; i < this.count; i++) {
      const sequence = this.held[i] as number
      const sinceMs = this.heldSinceMs[i] as number
      const at = this.init.log.find(sequence)
      if (at === undefined || !this.init.log.isInFlight(at)) {
        this.init.onFalseAlarm()
      } else if (this.isLost(at) || nowMs - sinceMs >= this.maxHoldMs) {
        this.passLoss(at, sequence)
      } else {
        this.held[kept] = sequence
        this.heldSinceMs[kept] = sinceMs
        kept++
      }
    }
    this.count = kept
    this.flush()
  }

  clear (): void {
    this.count = 0
  }

  private onRange (first: number, last: number): void {
    const size = sequenceDistance(last, first) + 1
    for (let i = 0, sequence = first; i < size && this.visited < MAX_LOSSES; i++, sequence = sequenceAfter(sequence)) {
      this.visited++
      this.onLoss(sequence)
    }
  }

  private onLoss (sequence: number): void {
    const { log } = this.init
    const at = log.find(sequence)
    if (at === undefined) {
      this.add(sequence) // not known here: the local end knows
    } else if (log.isDelivered(at)) {
      if (this.nowMs - log.settledAtMs(at) > STALE_NAK_MS) {
        this.add(sequence) // it was lost behind the other end of the link
      } else {
        this.init.onFalseAlarm()
      }
    } else if (!log.isInFlight(at)) {
      if (this.nowMs - log.settledAtMs(at) > REPEAT_MS) {
        this.add(sequence)
      }
    } else if (this.isLost(at) || this.maxHoldMs === 0) {
      this.passLoss(at, sequence)
    } else {
      this.hold(at, sequence)
    }
  }

  private hold (at: number, sequence: number): void {
    if (this.init.log.isDoubted(at)) {
      return // it is held already
    }
    if (this.count === MAX_HELD) {
      this.passLoss(at, sequence)
      return
    }
    this.init.log.doubt(at)
    this.held[this.count] = sequence
    this.heldSinceMs[this.count] = this.nowMs
    this.count++
  }

  private isLost (at: number): boolean {
    const { log, linkOf, isStalled } = this.init
    const link = linkOf(log.slotOf(at))
    if (link === undefined || link.state !== 'up' || isStalled(link, this.nowMs)) {
      return true
    }
    const sentMs = log.sentAtMs(at)
    return sentMs + REORDER_MS < link.path.newestAckedSentMs || this.nowMs - sentMs >= link.path.patienceMs + link.path.ackGapMs
  }

  private passLoss (at: number, sequence: number): void {
    const link = this.init.linkOf(this.init.log.slotOf(at))
    this.init.log.lose(at, this.nowMs)
    if (link !== undefined) {
      this.init.onLost(link, this.nowMs)
    }
    this.add(sequence)
  }

  private add (sequence: number): void {
    if (!this.list.add(sequence)) {
      this.flush()
      this.list.begin(this.header)
      this.list.add(sequence)
    }
  }

  private flush (): void {
    const length = this.list.finish()
    if (length !== undefined) {
      this.init.pass(this.list.bytes.slice(0, length))
    }
  }
}
