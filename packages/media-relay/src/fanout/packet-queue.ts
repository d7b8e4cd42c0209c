/** Datagrams that wait for one player: a ring, bounded in packets and bytes, in which the oldest makes room for the newest. */

export interface PacketQueueInit {
  maxPackets: number
  maxBytes: number
}

export class PacketQueue {
  /** Packets that had to make room, so far */
  droppedPackets = 0
  droppedBytes = 0
  private readonly maxBytes: number
  private readonly slots: Array<Uint8Array | undefined>
  private firstSlot = 0
  private count = 0
  private bytes = 0

  constructor ({ maxPackets, maxBytes }: PacketQueueInit) {
    if (!Number.isInteger(maxPackets) || maxPackets < 1 || !(maxBytes > 0)) {
      throw new RangeError(`A queue has to have room for a packet: ${maxPackets} packets, ${maxBytes} bytes`)
    }
    this.maxBytes = maxBytes
    this.slots = new Array<Uint8Array | undefined>(maxPackets)
  }

  get length (): number {
    return this.count
  }

  get byteLength (): number {
    return this.bytes
  }

  /** The oldest one */
  get first (): Uint8Array | undefined {
    return this.slots[this.firstSlot]
  }

  /** A packet larger than the whole queue is dropped itself. */
  push (packet: Uint8Array): void {
    if (packet.length > this.maxBytes) {
      this.countDrop(packet)
      return
    }
    while (this.count === this.slots.length || this.bytes + packet.length > this.maxBytes) {
      this.countDrop(this.shift() as Uint8Array)
    }
    this.slots[(this.firstSlot + this.count) % this.slots.length] = packet
    this.count++
    this.bytes += packet.length
  }

  shift (): Uint8Array | undefined {
    const packet = this.slots[this.firstSlot]
    if (packet !== undefined) {
      this.slots[this.firstSlot] = undefined
      this.firstSlot = (this.firstSlot + 1) % this.slots.length
      this.count--
      this.bytes -= packet.length
    }
    return packet
  }

  clear (): void {
    this.slots.fill(undefined)
    this.count = 0
    this.bytes = 0
  }

  private countDrop (packet: Uint8Array): void {
    this.droppedPackets++
    this.droppedBytes += packet.length
  }
}
