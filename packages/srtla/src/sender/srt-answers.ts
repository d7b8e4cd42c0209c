/** What SRT of the far end answers, on its way to the local end: copies go no further, and losses are judged. */
import { ackedSequence, readConclusion, visitLosses } from '../srt-packet.ts'
import { sequenceAfter, sequenceDistance } from '../sequence.ts'
import { Copies } from './copies.ts'
import { LossVerdicts } from './loss-verdicts.ts'
import type { SenderLink } from './link.ts'
import type { LinkRule } from './link-rule.ts'
import type { SenderCounters } from './sender-wire.ts'
import type { SentLog } from './sent-log.ts'

export interface SrtAnswersInit {
  log: SentLog
  rule: LinkRule
  counters: SenderCounters
  linkOf: (slot: number) => SenderLink | undefined
  toLocal: (bytes: Uint8Array) => void
  /** How long a loss may be kept back, ms; `undefined`: losses are passed on as they come */
  maxHoldMs: number | undefined
}

/**
 * Of the stream's latency: what is kept back for longer cannot be sent again in time. In simulations a half loses less than a third, which has more
 * sent again than the links carry.
 */
const HOLD_SHARE = 0.5
/** Sequence numbers looked at in one NAK. */
const MAX_NAKED = 8_192

export class SrtAnswers {
  private readonly init: SrtAnswersInit
  private readonly copies = new Copies()
  private readonly verdicts: LossVerdicts | undefined
  private readonly penalize = (first: number, last: number): void => { this.onNakRange(first, last) }
  private nakNowMs = 0

  constructor (init: SrtAnswersInit) {
    const { log, rule, counters, linkOf, toLocal, maxHoldMs } = init
    this.init = init
    this.verdicts = maxHoldMs === undefined
      ? undefined
      : new LossVerdicts({
        log,
        linkOf,
        isStalled: (link, nowMs) => rule.isStalled(link, nowMs),
        onLost: (link, nowMs) => { this.onLost(link, nowMs) },
        onFalseAlarm: () => { counters.falseAlarms++ },
        pass: toLocal
      }, maxHoldMs)
  }

  /** A handshake, from either end: the latency that is agreed on bounds how long a loss may be kept back. */
  onHandshake (bytes: Uint8Array, length: number): void {
    const { maxHoldMs } = this.init
    const latencyMs = readConclusion(bytes, length)?.latencyMs
    if (latencyMs !== undefined && this.verdicts !== undefined && maxHoldMs !== undefined) {
      this.verdicts.maxHoldMs = latencyMs === 0 ? maxHoldMs : Math.min(maxHoldMs, latencyMs * HOLD_SHARE)
    }
  }

  onAck (bytes: Uint8Array, length: number): void {
    if (this.isCopy(bytes, length)) {
      return
    }
    const sequence = ackedSequence(bytes, length)
    if (sequence !== undefined) {
      this.init.log.forgetBelow(sequence)
    }
    this.init.toLocal(bytes)
  }

  onNak (bytes: Uint8Array, length: number, nowMs: number): void {
    if (this.isCopy(bytes, length)) {
      return
    }
    this.init.counters.naks++
    if (this.verdicts !== undefined) {
      this.verdicts.onNak(bytes, length, nowMs)
      return
    }
    this.nakNowMs = nowMs
    visitLosses(bytes, length, this.penalize)
    this.init.toLocal(bytes)
  }

  /** Passes on what is overdue by now. */
  review (nowMs: number): void {
    this.verdicts?.review(nowMs)
  }

  /** A connection begins: what was kept back is of the one before. */
  clear (): void {
    this.verdicts?.clear()
  }

  private isCopy (bytes: Uint8Array, length: number): boolean {
    const isCopy = this.copies.isCopy(bytes, length)
    this.init.counters.copies += isCopy ? 1 : 0
    return isCopy
  }

  private onNakRange (first: number, last: number): void {
    const { log, linkOf } = this.init
    const size = Math.min(MAX_NAKED, sequenceDistance(last, first) + 1)
    for (let i = 0, sequence = first; i < size; i++, sequence = sequenceAfter(sequence)) {
      const at = log.find(sequence)
      const owner = at === undefined ? undefined : linkOf(log.slotOf(at))
      if (owner !== undefined) {
        this.onLost(owner, this.nakNowMs)
      }
    }
  }

  private onLost (link: SenderLink, nowMs: number): void {
    link.losses++
    this.init.rule.onLost(link, nowMs)
  }
}
