/** Packets in the order in which they came, found again by what is in them. What no other of them is like can be found; the rest is ambiguous. */
import { crc32, equalBytes } from '@skein/core'

export interface PacketLogInit {
  /** At it the oldest is forgotten @default 8_192 */
  maxPackets?: number
  /** The same in bytes @default 16_777_216, 13 s of 10 Mbit/s */
  maxBytes?: number
}

interface Entry {
  packet: Uint8Array
  digest: number
}

export class PacketLog {
  private readonly maxPackets: number
  private readonly maxBytes: number
  private readonly entries = new Map<number, Entry>()
  /** How many packets have that digest, and where the last one is */
  private readonly byDigest = new Map<number, { count: number, last: number }>()
  private bytes = 0
  private firstPosition = 0
  private nextPosition = 0

  constructor ({ maxPackets = 8_192, maxBytes = 16 * 2 ** 20 }: PacketLogInit = {}) {
    this.maxPackets = maxPackets
    this.maxBytes = maxBytes
  }

  get size (): number {
    return this.entries.size
  }

  /** Position of the oldest one that is remembered. */
  get first (): number {
    return this.firstPosition
  }

  /** Position that the next one will have. */
  get next (): number {
    return this.nextPosition
  }

  at (position: number): Uint8Array | undefined {
    return this.entries.get(position)?.packet
  }

  push (packet: Uint8Array): void {
    const digest = crc32(packet)
    this.entries.set(this.nextPosition, { packet, digest })
    this.byDigest.set(digest, { count: (this.byDigest.get(digest)?.count ?? 0) + 1, last: this.nextPosition })
    this.nextPosition++
    this.bytes += packet.length
    while (this.entries.size > this.maxPackets || (this.bytes > this.maxBytes && this.entries.size > 1)) {
      this.forget()
    }
  }

  clear (): void {
    this.entries.clear()
    this.byDigest.clear()
    this.bytes = 0
    this.firstPosition = this.nextPosition
  }

  /** Where the only packet is that has the same bytes; `undefined` when none or several may. */
  find (packet: Uint8Array): number | undefined {
    const found = this.byDigest.get(crc32(packet))
    return found?.count === 1 && isSame(this.at(found.last), packet) ? found.last : undefined
  }

  private forget (): void {
    const { packet, digest } = this.entries.get(this.firstPosition) as Entry
    const same = this.byDigest.get(digest) as { count: number, last: number }
    this.entries.delete(this.firstPosition)
    this.bytes -= packet.length
    this.firstPosition++
    if (--same.count === 0) {
      this.byDigest.delete(digest)
    }
  }
}

export function isSame (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && equalBytes(a, b)
}
