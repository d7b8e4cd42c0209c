/** What a sender remembers of the packets that it sent: which link carried each sequence number, when, and what became of it. */
import { sequenceAfter, sequenceDistance } from '../sequence.ts'

/** Links of one sender; receivers take no more in a group. */
export const MAX_LINKS = 16
/** Packets remembered, a power of two: 8 s of 20 Mbit/s. Older ones count as neither in flight nor lost. */
const SIZE = 16_384
const MASK = SIZE - 1

const FORGOTTEN = 0
const IN_FLIGHT = 1
const DELIVERED = 2
const LOST = 3

/** Arrays by place in the log; nothing is allocated for a packet. */
export class SentLog {
  /** Packets in flight by slot of their link */
  readonly inFlight: Int32Array = new Int32Array(MAX_LINKS)
  private readonly sequences = new Int32Array(SIZE)
  private readonly states = new Uint8Array(SIZE)
  private readonly slots = new Uint8Array(SIZE)
  /** 1 for what was sent more than once: its ACK may be for either */
  private readonly resent = new Uint8Array(SIZE)
  /** 1 for what was reported as lost, and may yet arrive */
  private readonly doubted = new Uint8Array(SIZE)
  private readonly sentMs = new Float64Array(SIZE)
  private readonly settledMs = new Float64Array(SIZE)
  private empty = true
  private oldest = 0
  private newest = 0

  /** A packet goes out over the link of that slot, for the first time or again. */
  record (sequence: number, slot: number, nowMs: number): void {
    this.makeRoom(sequence)
    const at = sequence & MASK
    const again = this.states[at] !== FORGOTTEN && this.sequences[at] === sequence
    this.release(at)
    this.sequences[at] = sequence
    this.states[at] = IN_FLIGHT
    this.slots[at] = slot
    this.resent[at] = again ? 1 : 0
    this.doubted[at] = 0
    this.sentMs[at] = nowMs
    this.inFlight[slot] = (this.inFlight[slot] as number) + 1
  }

  /** Its place, for the questions below; `undefined` when it was never sent, or is forgotten. */
  find (sequence: number): number | undefined {
    const at = sequence & MASK
    return this.states[at] !== FORGOTTEN && this.sequences[at] === sequence ? at : undefined
  }

  isInFlight (at: number): boolean {
    return this.states[at] === IN_FLIGHT
  }

  isDelivered (at: number): boolean {
    return this.states[at] === DELIVERED
  }

  slotOf (at: number): number {
    return this.slots[at] as number
  }

  wasResent (at: number): boolean {
    return this.resent[at] === 1
  }

  isDoubted (at: number): boolean {
    return this.doubted[at] === 1
  }

  doubt (at: number): void {
    this.doubted[at] = 1
  }

  sentAtMs (at: number): number {
    return this.sentMs[at] as number
  }

  /** When it was found to be delivered or lost. */
  settledAtMs (at: number): number {
    return this.settledMs[at] as number
  }

  deliver (at: number, nowMs: number): void {
    this.release(at)
    this.states[at] = DELIVERED
    this.settledMs[at] = nowMs
  }

  lose (at: number, nowMs: number): void {
    this.release(at)
    this.states[at] = LOST
    this.settledMs[at] = nowMs
  }

  /** The other end has all before this one. */
  forgetBelow (sequence: number): void {
    if (this.empty || sequenceDistance(sequence, this.newest) > 1) {
      return // it is of a connection that is over
    }
    while (sequenceDistance(sequence, this.oldest) > 0) {
      this.forget(this.oldest)
      this.oldest = sequenceAfter(this.oldest)
    }
  }

  /** What that link carried is not in flight any more. */
  forgetSlot (slot: number): void {
    for (let at = 0; at < SIZE; at++) {
      if (this.slots[at] === slot) {
        this.states[at] = FORGOTTEN
      }
    }
    this.inFlight[slot] = 0
  }

  clear (): void {
    this.states.fill(FORGOTTEN)
    this.inFlight.fill(0)
    this.empty = true
  }

  private makeRoom (sequence: number): void {
    const ahead = this.empty ? 0 : sequenceDistance(sequence, this.newest)
    if (ahead >= SIZE || ahead <= -SIZE) {
      this.clear()
    }
    if (this.empty) {
      this.empty = false
      this.oldest = this.newest = sequence
      return
    }
    if (ahead > 0) {
      this.newest = sequence
      while (sequenceDistance(sequence, this.oldest) >= SIZE) {
        this.forget(this.oldest)
        this.oldest = sequenceAfter(this.oldest)
      }
    } else if (sequenceDistance(sequence, this.oldest) < 0) {
      this.oldest = sequence // acknowledged already, and sent again all the same
    }
  }

  private forget (sequence: number): void {
    const at = sequence & MASK
    if (this.sequences[at] === sequence) {
      this.release(at)
      this.states[at] = FORGOTTEN
    }
  }

  private release (at: number): void {
    if (this.states[at] === IN_FLIGHT) {
      const slot = this.slots[at] as number
      this.inFlight[slot] = (this.inFlight[slot] as number) - 1
    }
  }
}
