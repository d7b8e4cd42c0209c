/** One connection that plays a stream, and what waits for it. */
import { PacketQueue } from './packet-queue.ts'
import type { PacketQueueInit } from './packet-queue.ts'

export class PlayerSession {
  /** `play_TOKEN` */
  readonly player: string
  /** `live_TOKEN` */
  readonly publisher: string
  readonly sinceMs: number
  readonly queue: PacketQueue
  /** Its connection takes packets now */
  isWritable = true
  sentPackets = 0

  constructor (player: string, publisher: string, queue: PacketQueueInit, nowMs: number) {
    this.player = player
    this.publisher = publisher
    this.sinceMs = nowMs
    this.queue = new PacketQueue(queue)
  }
}
