/** Control packets of a connection that wait to be sent; the oldest makes room, as later ones say more. */
import type { ControlHeader } from './control-packet.ts'
import { timestampOf } from './timestamp.ts'

/** More than one input ever causes. */
const MAX_PACKETS = 256

export class ControlQueue {
  private readonly packets: Uint8Array[] = []
  private readonly destination: number
  private readonly startMs: number

  constructor (peerSocketId: number, startMs: number) {
    this.destination = peerSocketId
    this.startMs = startMs
  }

  header (nowMs: number): ControlHeader {
    return { timestamp: this.timestamp(nowMs), destination: this.destination }
  }

  timestamp (nowMs: number): number {
    return timestampOf(nowMs - this.startMs)
  }

  push (packet: Uint8Array): void {
    if (this.packets.length === MAX_PACKETS) {
      this.packets.shift()
    }
    this.packets.push(packet)
  }

  shift (): Uint8Array | undefined {
    return this.packets.shift()
  }
}
