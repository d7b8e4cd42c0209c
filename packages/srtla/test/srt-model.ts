/**
 * What of live SRT matters to bonding, for simulations: a sender with a steady rate that repeats what a NAK names, and a receiver that reports gaps at
 * once and again, acknowledges every 10 ms, and gives up on a packet when its time to be played has come. As libsrt does it with `lossmaxttl` 0.
 */
import { writeU32 } from '../src/packet.ts'
import { LossList, visitLosses } from '../src/srt-packet.ts'
import { sequenceAfter, sequenceDistance } from '../src/sequence.ts'
import type { EventQueue } from './event-queue.ts'

export const PACKET_BYTES = 1_332

export class SrtSenderModel {
  sent = 0
  retransmitted = 0
  readonly sentAtMs = new Map<number, number>()
  private next: number
  private readonly toLink: (bytes: Uint8Array) => void
  private readonly queue: EventQueue
  private readonly latencyMs: number
  private acked: number

  constructor (queue: EventQueue, first: number, latencyMs: number, toLink: (bytes: Uint8Array) => void) {
    this.queue = queue
    this.next = this.acked = first
    this.latencyMs = latencyMs
    this.toLink = toLink
  }

  sendNext (): void {
    this.sent++
    this.sentAtMs.set(this.next, this.queue.nowMs)
    this.send(this.next, false)
    this.next = sequenceAfter(this.next)
  }

  /** The last packet again, when the one after it does not come: without a gap nobody misses it. */
  repeatLast (): void {
    if (this.sentAtMs.size > 0) {
      this.retransmitted++
      this.send((this.next - 1) & 0x7fffffff, true)
    }
  }

  onPacket (bytes: Uint8Array): void {
    if (bytes[1] === 2) {
      const acked = (new DataView(bytes.buffer, bytes.byteOffset).getUint32(16))
      while (sequenceDistance(acked, this.acked) > 0) {
        this.sentAtMs.delete(this.acked)
        this.acked = sequenceAfter(this.acked)
      }
    } else if (bytes[1] === 3) {
      visitLosses(bytes, bytes.length, (first, last) => {
        for (let i = first; sequenceDistance(last, i) >= 0; i = sequenceAfter(i)) {
          const sentMs = this.sentAtMs.get(i)
          if (sentMs !== undefined && this.queue.nowMs - sentMs < this.latencyMs + 1_000) {
            this.retransmitted++
            this.send(i, true)
          }
        }
      })
    }
  }

  private send (sequence: number, again: boolean): void {
    const bytes = new Uint8Array(PACKET_BYTES)
    writeU32(bytes, 0, sequence)
    bytes[4] = again ? 0xc4 : 0xc0
    this.toLink(bytes)
  }
}

export class SrtReceiverModel {
  received = 0
  dropped = 0
  belated = 0
  private readonly queue: EventQueue
  private readonly reply: (bytes: Uint8Array) => void
  /** When each packet that is not there yet has to be played */
  private readonly playAtMs: (sequence: number) => number
  private readonly missing = new Set<number>()
  private readonly waiting = new Set<number>()
  /** The next one to be played, and the first that was not seen */
  private next: number
  private horizon: number
  private ackedTo: number
  private ackNumber = 1
  private stamp = 0

  constructor (queue: EventQueue, first: number, playAtMs: (sequence: number) => number, reply: (bytes: Uint8Array) => void) {
    this.queue = queue
    this.next = this.horizon = this.ackedTo = first
    this.playAtMs = playAtMs
    this.reply = reply
    queue.every(10, () => { this.tick() })
    queue.every(100, () => { this.nak([...this.missing]) })
  }

  onPacket (bytes: Uint8Array): void {
    if ((bytes[0] as number) >= 0x80) {
      return
    }
    const sequence = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
    if (sequenceDistance(sequence, this.next) < 0 || this.waiting.has(sequence)) {
      this.belated++
      return
    }
    this.waiting.add(sequence)
    this.missing.delete(sequence)
    const lost: number[] = []
    for (; sequenceDistance(sequence, this.horizon) >= 0; this.horizon = sequenceAfter(this.horizon)) {
      if (this.horizon !== sequence) {
        this.missing.add(this.horizon)
        lost.push(this.horizon)
      }
    }
    this.nak(lost)
  }

  private tick (): void {
    while (sequenceDistance(this.horizon, this.next) > 0 && this.playAtMs(this.next) <= this.queue.nowMs) {
      if (this.waiting.delete(this.next)) {
        this.received++
      } else {
        this.dropped++
        this.missing.delete(this.next)
      }
      this.next = sequenceAfter(this.next)
    }
    let ack = this.next
    while (this.waiting.has(ack)) {
      ack = sequenceAfter(ack)
    }
    if (ack !== this.ackedTo) {
      this.ackedTo = ack
      const bytes = this.control(2, 44)
      writeU32(bytes, 4, this.ackNumber++)
      writeU32(bytes, 16, ack)
      this.reply(bytes)
    }
  }

  private nak (sequences: number[]): void {
    const list = new LossList(1_456)
    list.begin(this.control(3, 16))
    for (const sequence of sequences.sort((a, b) => sequenceDistance(a, b))) {
      if (!list.add(sequence)) {
        break
      }
    }
    const length = list.finish()
    if (length !== undefined) {
      this.reply(list.bytes.slice(0, length))
    }
  }

  private control (type: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    bytes[0] = 0x80
    bytes[1] = type
    writeU32(bytes, 8, this.stamp++)
    return bytes
  }
}
