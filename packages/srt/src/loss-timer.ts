/** What a sender takes for lost without a report, as reports get lost too (draft-sharabayko-srt-01, §4.10; libsrt's LATEREXMIT and FASTREXMIT). */
import type { SrtMode } from './connection-options.ts'
import type { AgreedTerms } from './handshake-terms.ts'
import type { RoundTrip } from './round-trip.ts'
import type { SendBuffer } from './send-buffer.ts'
import { addSequence } from './sequence.ts'

/**
 * `head`: the first packet, which the acknowledgement says is missing. `tail`: the last one, after which nothing came that would have shown its loss.
 * `probe`: one packet beyond a closed window.
 */
export type LossDecision = 'none' | 'head' | 'tail' | 'all' | 'probe'

/** Of the receiver's timer and of ours. */
const INTERVAL_MS = 10
const MAX_COUNT = 32
const LEAST_PROBE_MS = 200
/** Before all is sent again, as TCP has it: what is merely late would be doubled. */
const LEAST_SILENCE_MS = 200
/** Timers fire so late at times. */
const PUNCTUAL_MS = 10
const READ_FIRST_MS = 5

export class LossTimer {
  private readonly isStream: boolean
  private readonly peerRepeatsNaks: boolean
  private readonly roundTrip: RoundTrip
  private progressMs = -Infinity
  private count = 1
  private notBeforeMs = -Infinity

  constructor (mode: SrtMode, terms: AgreedTerms, roundTrip: RoundTrip) {
    this.isStream = mode === 'stream'
    this.peerRepeatsNaks = terms.peerRepeatsNaks
    this.roundTrip = roundTrip
  }

  onProgress (nowMs: number): void {
    this.progressMs = nowMs
    this.count = 1
  }

  /** A report that came sooner than an answer to the last retransmission can come does not mean that one. */
  isOnItsWay (buffer: SendBuffer, sequence: number, nowMs: number): boolean {
    const { rttMs, varianceMs } = this.roundTrip
    const least = this.peerRepeatsNaks || this.isStream ? Math.max(rttMs - 4 * varianceMs, rttMs / 2) : 0
    return buffer.sendsOf(sequence) > 1 && nowMs - buffer.lastSentMs(sequence) < least
  }

  onTimeout (buffer: SendBuffer, nowMs: number): LossDecision {
    const atMs = this.nextTimeoutMs(buffer)
    if (atMs === undefined || nowMs < atMs) {
      return 'none'
    }
    if (nowMs > atMs + PUNCTUAL_MS) {
      // this process was held up: the acknowledgement may wait in its socket
      this.notBeforeMs = nowMs + READ_FIRST_MS
      return 'none'
    }
    if (this.isReported) {
      return 'tail'
    }
    if (buffer.inFlight === 0) {
      this.backOff(nowMs)
      return 'probe'
    }
    if (nowMs >= this.silenceMs(buffer)) {
      this.backOff(nowMs)
      return 'all'
    }
    return 'head'
  }

  nextTimeoutMs (buffer: SendBuffer): number | undefined {
    const atMs = this.dueMs(buffer)
    return atMs === undefined ? undefined : Math.max(atMs, this.notBeforeMs)
  }

  private dueMs (buffer: SendBuffer): number | undefined {
    if (buffer.size === 0) {
      return undefined
    }
    if (this.isReported) {
      const isTail = buffer.inFlight > 0 && buffer.waiting === 0 && buffer.lost === 0
      return isTail ? buffer.lastSentMs(addSequence(buffer.next, -1)) + this.roundTrip.patienceMs + 2 * INTERVAL_MS : undefined
    }
    if (buffer.inFlight === 0) {
      return this.progressMs + Math.max(LEAST_PROBE_MS, this.roundTrip.patienceMs) * this.count
    }
    if (buffer.lost > 0) {
      return undefined
    }
    return this.isStream ? Math.min(this.headMs(buffer), this.silenceMs(buffer)) : this.silenceMs(buffer)
  }

  /** A receiver that repeats its reports in live mode misses nothing but the end. */
  private get isReported (): boolean {
    return !this.isStream && this.peerRepeatsNaks
  }

  private headMs (buffer: SendBuffer): number {
    return buffer.lastSentMs(buffer.first) + this.roundTrip.patienceMs + 2 * INTERVAL_MS
  }

  private silenceMs (buffer: SendBuffer): number {
    const sinceMs = Math.max(this.progressMs, buffer.lastSentMs(buffer.first))
    return sinceMs + Math.max(LEAST_SILENCE_MS, this.count * (this.roundTrip.patienceMs + 2 * INTERVAL_MS) + INTERVAL_MS)
  }

  private backOff (nowMs: number): void {
    this.count = Math.min(MAX_COUNT, this.count + 1)
    this.progressMs = nowMs
  }
}
