/** Packets that were received and not handed out yet, and the gaps between them; a ring by sequence number. */
import { LossReport } from './loss-report.ts'
import { addSequence, sequenceDistance } from './sequence.ts'
import { FIRST_SLOTS, regrow, regrowItems, slotsFor } from './slot-ring.ts'

/** Of a slot between `first` and `end`. */
const MISSING = 0
const PRESENT = 1
/** The sender said that it will not come. */
const GIVEN_UP = 2

export type Insertion = 'new' | 'duplicate' | 'belated' | 'no-room'

/** Which gaps are to be reported as losses now. */
export interface ReportRule {
  /** Packets that came so far, and how many have to come after a gap */
  packets: number
  ttlPackets: number
  /** Least age of a gap, ms */
  leastAgeMs: number
  /** At this age it is due though few packets came after it, ms */
  overdueMs: number
  /** Least time since the gap was reported last; `Infinity`: once only */
  repeatMs: number
}

export class ReceiveBuffer {
  /** The next to hand out */
  first: number
  /** The first that is missing: all before it came, or was given up */
  acknowledged: number
  /** After the latest that came */
  end: number
  /** Between `acknowledged` and `end` */
  missing = 0
  private readonly capacity: number
  private packets = new Array<Uint8Array | undefined>(FIRST_SLOTS)
  private states = new Uint8Array(FIRST_SLOTS)
  private foundMs = new Float64Array(FIRST_SLOTS)
  private foundAt = new Float64Array(FIRST_SLOTS)
  private reportedMs = new Float64Array(FIRST_SLOTS)

  constructor (initialSequence: number, capacity: number) {
    this.first = initialSequence
    this.acknowledged = initialSequence
    this.end = initialSequence
    this.capacity = capacity
  }

  /** From the next to hand out to the latest, gaps included. */
  get span (): number {
    return sequenceDistance(this.first, this.end)
  }

  /** Packets that there is room for after the acknowledged ones; gaps are room too, as what is missing is sent again. */
  get free (): number {
    return this.capacity - sequenceDistance(this.first, this.acknowledged)
  }

  /** From the first that is missing to the latest. */
  get beyondGap (): number {
    return sequenceDistance(this.acknowledged, this.end)
  }

  /** When the gap was found that a sequence number is in; `undefined` when it is in none. */
  gapFoundMs (sequence: number): number | undefined {
    const isGap = sequenceDistance(this.acknowledged, sequence) >= 0 && sequenceDistance(sequence, this.end) > 0 &&
      this.states[this.slot(sequence)] === MISSING
    return isGap ? this.foundMs[this.slot(sequence)] : undefined
  }

  /** Whether a packet is here already. */
  holds (sequence: number): boolean {
    return sequenceDistance(this.first, sequence) >= 0 && sequenceDistance(sequence, this.end) > 0 && this.states[this.slot(sequence)] !== MISSING
  }

  /** @param packets - that came so far, for `ReportRule` */
  insert (sequence: number, packet: Uint8Array, packets: number, nowMs: number): Insertion {
    const offset = sequenceDistance(this.first, sequence)
    if (offset < 0) {
      return 'belated'
    }
    if (offset >= this.capacity) {
      return 'no-room'
    }
    const beyond = sequenceDistance(this.end, sequence)
    if (beyond < 0) {
      const slot = this.slot(sequence)
      if (this.states[slot] !== MISSING) {
        return this.states[slot] === PRESENT ? 'duplicate' : 'belated'
      }
      this.missing--
      this.put(slot, packet)
    } else {
      this.extend(beyond, MISSING, packets, nowMs)
      this.missing += beyond
      this.reserve(offset + 1)
      this.put(this.slot(sequence), packet)
      this.end = addSequence(sequence, 1)
    }
    this.acknowledge()
    return 'new'
  }

  /** What the sender will not send again. Returns how many packets are missing for good. */
  giveUp (from: number, to: number, packets: number, nowMs: number): number {
    let given = 0
    const start = sequenceDistance(this.acknowledged, from) < 0 ? this.acknowledged : from
    const inside = Math.min(sequenceDistance(start, to) + 1, sequenceDistance(start, this.end))
    for (let at = 0; at < inside; at++) {
      const slot = this.slot(addSequence(start, at))
      if (this.states[slot] === MISSING) {
        this.states[slot] = GIVEN_UP
        this.missing--
        given++
      }
    }
    // only what follows at once: a range further ahead is a gap as any other
    const beyond = sequenceDistance(this.end, to) + 1
    if (beyond > 0 && sequenceDistance(from, this.end) >= 0 && sequenceDistance(this.first, to) < this.capacity) {
      this.extend(beyond, GIVEN_UP, packets, nowMs)
      given += beyond
    }
    this.acknowledge()
    return given
  }

  /** The next packet to hand out, if it is here. */
  head (): Uint8Array | undefined {
    return this.first === this.end ? undefined : this.packets[this.slot(this.first)]
  }

  /** The latest packet. */
  tail (): Uint8Array | undefined {
    return this.first === this.end ? undefined : this.packets[this.slot(addSequence(this.end, -1))]
  }

  /** The first packet after the gap that is at the head; `undefined` when nothing came after it. */
  afterGap (): { packet: Uint8Array, skipped: number } | undefined {
    const { span } = this
    for (let skipped = 0; skipped < span; skipped++) {
      const packet = this.packets[this.slot(addSequence(this.first, skipped))]
      if (packet !== undefined) {
        return { packet, skipped }
      }
    }
    return undefined
  }

  /** Forgets the first `count`, handed out or not. */
  drop (count: number): void {
    for (let at = 0; at < count; at++) {
      const slot = this.slot(this.first)
      this.packets[slot] = undefined
      this.missing -= this.states[slot] === MISSING ? 1 : 0
      this.first = addSequence(this.first, 1)
    }
    if (sequenceDistance(this.acknowledged, this.first) > 0) {
      this.acknowledged = this.first
      this.acknowledge()
    }
  }

  /** The gap at the head is one that the sender gave up: so many packets. */
  givenUpAtHead (): number {
    let count = 0
    while (count < this.span && this.states[this.slot(addSequence(this.first, count))] === GIVEN_UP) {
      count++
    }
    return count
  }

  /** The gaps that are due, as far as they fit a packet; they count as reported. */
  report (rule: ReportRule, nowMs: number): LossReport {
    const report = new LossReport()
    let left = this.missing
    let from: number | undefined
    for (let sequence = this.acknowledged; left > 0 && !report.isFull; sequence = addSequence(sequence, 1)) {
      const slot = this.slot(sequence)
      const isMissing = this.states[slot] === MISSING
      const isDue = isMissing && this.isDue(slot, rule, nowMs)
      left -= isMissing ? 1 : 0
      if (isDue) {
        this.reportedMs[slot] = nowMs
        from ??= sequence
      } else if (from !== undefined) {
        report.add(from, addSequence(sequence, -1))
        from = undefined
      }
      if (from !== undefined && left === 0) {
        report.add(from, sequence)
      }
    }
    return report
  }

  private isDue (slot: number, rule: ReportRule, nowMs: number): boolean {
    const reportedMs = this.reportedMs[slot] as number
    const ageMs = nowMs - (this.foundMs[slot] as number)
    const isOld = ageMs >= rule.leastAgeMs && (rule.packets - (this.foundAt[slot] as number) >= rule.ttlPackets || ageMs >= rule.overdueMs)
    return isOld && (reportedMs === -Infinity || nowMs - reportedMs >= rule.repeatMs)
  }

  private put (slot: number, packet: Uint8Array): void {
    this.packets[slot] = packet
    this.states[slot] = PRESENT
  }

  private extend (count: number, state: number, packets: number, nowMs: number): void {
    this.reserve(this.span + count)
    for (let at = 0; at < count; at++) {
      const slot = this.slot(this.end)
      this.states[slot] = state
      this.foundMs[slot] = nowMs
      this.foundAt[slot] = packets
      this.reportedMs[slot] = -Infinity
      this.end = addSequence(this.end, 1)
    }
  }

  private acknowledge (): void {
    while (this.acknowledged !== this.end && this.states[this.slot(this.acknowledged)] !== MISSING) {
      this.acknowledged = addSequence(this.acknowledged, 1)
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
    const { first, span: before } = this
    this.packets = regrowItems(this.packets, slots, first, before)
    this.states = regrow(this.states, new Uint8Array(slots), first, before)
    this.foundMs = regrow(this.foundMs, new Float64Array(slots), first, before)
    this.foundAt = regrow(this.foundAt, new Float64Array(slots), first, before)
    this.reportedMs = regrow(this.reportedMs, new Float64Array(slots), first, before)
  }
}
