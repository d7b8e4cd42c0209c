/** Packets that wait to be sent or to be acknowledged, and which of those are lost; a ring by sequence number. */
import { addSequence, sequenceDistance } from './sequence.ts'
import { FIRST_SLOTS, regrow, regrowItems, slotsFor } from './slot-ring.ts'

export class SendBuffer {
  /** The oldest that is not acknowledged */
  first: number
  /** The next that is sent the first time */
  next: number
  /** After the latest that waits */
  end: number
  bytes = 0
  lost = 0
  private readonly capacity: number
  private packets = new Array<Uint8Array | undefined>(FIRST_SLOTS)
  private originMs = new Float64Array(FIRST_SLOTS)
  private sentMs = new Float64Array(FIRST_SLOTS)
  private sends = new Uint8Array(FIRST_SLOTS)
  private isLost = new Uint8Array(FIRST_SLOTS)
  /** No packet before it is lost */
  private lostFrom: number

  constructor (initialSequence: number, capacity: number) {
    this.first = initialSequence
    this.next = initialSequence
    this.end = initialSequence
    this.lostFrom = initialSequence
    this.capacity = capacity
  }

  get size (): number {
    return sequenceDistance(this.first, this.end)
  }

  get inFlight (): number {
    return sequenceDistance(this.first, this.next)
  }

  get waiting (): number {
    return sequenceDistance(this.next, this.end)
  }

  get isFull (): boolean {
    return this.size >= this.capacity
  }

  /** The packet's sequence number is `end` before the call. */
  push (packet: Uint8Array, nowMs: number): void {
    this.reserve(this.size + 1)
    const slot = this.slot(this.end)
    this.packets[slot] = packet
    this.originMs[slot] = nowMs
    this.sends[slot] = 0
    this.isLost[slot] = 0
    this.bytes += packet.length
    this.end = addSequence(this.end, 1)
  }

  packet (sequence: number): Uint8Array {
    return this.packets[this.slot(sequence)] as Uint8Array
  }

  onSent (sequence: number, nowMs: number): void {
    const slot = this.slot(sequence)
    this.sentMs[slot] = nowMs
    this.sends[slot] = Math.min(255, this.sends[slot] as number + 1)
    if (sequence === this.next) {
      this.next = addSequence(this.next, 1)
    }
  }

  lastSentMs (sequence: number): number {
    return this.sentMs[this.slot(sequence)] as number
  }

  sendsOf (sequence: number): number {
    return this.sends[this.slot(sequence)] as number
  }

  /** When the oldest was given to be sent; `undefined` when there is none. */
  oldestMs (): number | undefined {
    return this.first === this.end ? undefined : this.originMs[this.slot(this.first)]
  }

  /** Of packets in flight alone. True when it was not marked before. */
  markLost (sequence: number): boolean {
    const slot = this.slot(sequence)
    if (this.isLost[slot] === 1) {
      return false
    }
    this.isLost[slot] = 1
    this.lost++
    if (this.lost === 1 || sequenceDistance(sequence, this.lostFrom) > 0) {
      this.lostFrom = sequence
    }
    return true
  }

  /** The oldest that is lost, which is not marked any more then. */
  takeLost (): number | undefined {
    if (this.lost === 0) {
      return undefined
    }
    while (this.isLost[this.slot(this.lostFrom)] !== 1) {
      this.lostFrom = addSequence(this.lostFrom, 1)
    }
    this.isLost[this.slot(this.lostFrom)] = 0
    this.lost--
    return this.lostFrom
  }

  /** Forgets the first `count`, whether they arrived or are given up, sent or not. */
  drop (count: number): void {
    for (let at = 0; at < count; at++) {
      const slot = this.slot(this.first)
      this.bytes -= (this.packets[slot] as Uint8Array).length
      this.packets[slot] = undefined
      this.lost -= this.isLost[slot] as number
      this.isLost[slot] = 0
      this.first = addSequence(this.first, 1)
    }
    if (sequenceDistance(this.next, this.first) > 0) {
      this.next = this.first
    }
    if (sequenceDistance(this.lostFrom, this.first) > 0) {
      this.lostFrom = this.first
    }
  }

  private slot (sequence: number): number {
    return sequence & (this.packets.length - 1)
  }

  private reserve (span: number): void {
    const slots = slotsFor(span)
    if (slots <= this.packets.length) {
      return
    }
    const { first, size } = this
    this.packets = regrowItems(this.packets, slots, first, size)
    this.originMs = regrow(this.originMs, new Float64Array(slots), first, size)
    this.sentMs = regrow(this.sentMs, new Float64Array(slots), first, size)
    this.sends = regrow(this.sends, new Uint8Array(slots), first, size)
    this.isLost = regrow(this.isLost, new Uint8Array(slots), first, size)
  }
}
