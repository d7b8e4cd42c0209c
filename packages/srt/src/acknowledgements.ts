/**
 * When to acknowledge: fully each 10 ms while something is new, lightly in between, and again until it is known to have arrived
 * (draft-sharabayko-srt-01, §4.8.1).
 */
import { sequenceDistance } from './sequence.ts'

export const ACK_INTERVAL_MS = 10
/** A light acknowledgement after so many packets. */
const LIGHT_ACK_PACKETS = 64
/** Half of what the other side was told that it may send: it is told of more room before it stops. Not more often than after so many packets. */
const LEAST_WINDOW_ACK_PACKETS = 32
/** Acknowledgements whose answer may still come. */
const MAX_UNANSWERED = 1_024

export type AckDecision = 'full' | 'light' | 'none'

export class Acknowledgements {
  private number = 0
  private sentSequence: number
  private sentMs = -Infinity
  private tickMs = -Infinity
  /** The other side knows that all before it arrived */
  private confirmed: number
  private packets = 0
  private lights = 1
  private announced = Infinity
  /** The other side was told that there is no room; the number of the acknowledgement that told it of room again */
  private room: 'open' | 'closed' | number = 'open'
  private readonly unansweredMs = new Float64Array(MAX_UNANSWERED)
  private readonly unansweredSequence = new Uint32Array(MAX_UNANSWERED)
  private readonly unansweredNumber = new Uint32Array(MAX_UNANSWERED)

  constructor (initialSequence: number) {
    this.sentSequence = initialSequence
    this.confirmed = initialSequence
  }

  onPacket (): void {
    this.packets++
  }

  /** A packet that ends a burst: the sender should not wait for the interval. */
  hurry (): void {
    this.tickMs = -Infinity
  }

  /** @param free - packets that the other side may have under way */
  decide (sequence: number, free: number, patienceMs: number, nowMs: number): AckDecision {
    const atMs = this.dueMs(sequence, free, patienceMs)
    if ((atMs !== undefined && nowMs >= atMs) || this.packets >= Math.max(LEAST_WINDOW_ACK_PACKETS, this.announced / 2)) {
      return 'full'
    }
    if (this.packets >= LIGHT_ACK_PACKETS * this.lights && sequence !== this.confirmed) {
      this.lights++
      return 'light'
    }
    return 'none'
  }

  /** `undefined` when there is nothing to tell. */
  dueMs (sequence: number, free: number, patienceMs: number): number | undefined {
    const isRoomNews = this.room === 'closed' && free > 0
    if (sequence !== this.sentSequence || isRoomNews) {
      return this.tickMs + ACK_INTERVAL_MS
    }
    if (sequence !== this.confirmed || typeof this.room === 'number') {
      return this.sentMs + Math.max(patienceMs, ACK_INTERVAL_MS)
    }
    return undefined
  }

  /** Returns the number of the acknowledgement. */
  onSent (sequence: number, free: number, nowMs: number): number {
    this.number = (this.number + 1) & 0x7fffffff
    if (free === 0) {
      this.room = 'closed'
    } else if (this.room !== 'open') {
      this.room = this.number
    }
    this.sentSequence = sequence
    this.sentMs = nowMs
    this.tickMs = nowMs
    this.packets = 0
    this.lights = 1
    this.announced = free
    const slot = this.number % MAX_UNANSWERED
    this.unansweredMs[slot] = nowMs
    this.unansweredSequence[slot] = sequence
    this.unansweredNumber[slot] = this.number
    return this.number
  }

  /** The round trip time that the answer shows, ms; `undefined` when it is to none of ours, or not the first. */
  onAnswer (number: number, nowMs: number): number | undefined {
    const slot = number % MAX_UNANSWERED
    if (number === 0 || this.unansweredNumber[slot] !== number) {
      return undefined
    }
    this.unansweredNumber[slot] = 0
    const sequence = this.unansweredSequence[slot] as number
    if (sequenceDistance(this.confirmed, sequence) > 0) {
      this.confirmed = sequence
    }
    if (typeof this.room === 'number' && number >= this.room) {
      this.room = 'open'
    }
    return nowMs - (this.unansweredMs[slot] as number)
  }
}
