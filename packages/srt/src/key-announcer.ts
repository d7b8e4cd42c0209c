/** Tells the other side of a new key until it confirms, and answers when it tells of one (draft-sharabayko-srt-01, §3.2.2, §6.1.6). */
import { keyStateBody } from './connection-keys.ts'
import type { ConnectionKeys } from './connection-keys.ts'
import { USER_SUBTYPES, userPacket } from './control-packet.ts'
import type { ControlQueue } from './control-queue.ts'
import { controlSubtype, HEADER_BYTES } from './packet-header.ts'
import type { RoundTrip } from './round-trip.ts'

const LEAST_REPEAT_MS = 20

export class KeyAnnouncer {
  private readonly keys: ConnectionKeys
  private readonly control: ControlQueue
  private readonly roundTrip: RoundTrip
  private repeatMs = -Infinity
  private announced?: Uint8Array

  constructor (keys: ConnectionKeys, control: ControlQueue, roundTrip: RoundTrip) {
    this.keys = keys
    this.control = control
    this.roundTrip = roundTrip
  }

  onPacket (packet: Uint8Array, nowMs: number): void {
    const body = packet.subarray(HEADER_BYTES)
    const subtype = controlSubtype(packet)
    if (subtype === USER_SUBTYPES.keyRequest) {
      const answer = this.keys.receive.onAnnouncement(body) ? body : keyStateBody('badSecret')
      this.control.push(userPacket(USER_SUBTYPES.keyResponse, answer, this.control.header(nowMs)))
    } else if (subtype === USER_SUBTYPES.keyResponse) {
      this.keys.transmit.onConfirmed(body)
    }
  }

  /** To be called when a packet was encrypted, and at `nextTimeoutMs`. */
  announce (nowMs: number): void {
    const { announcement } = this.keys.transmit
    if (announcement === undefined || (announcement === this.announced && nowMs < this.repeatMs)) {
      return
    }
    this.announced = announcement
    this.repeatMs = nowMs + Math.max(LEAST_REPEAT_MS, this.roundTrip.rttMs * 1.5)
    this.control.push(userPacket(USER_SUBTYPES.keyRequest, announcement, this.control.header(nowMs)))
  }

  nextTimeoutMs (): number | undefined {
    return this.keys.transmit.announcement === undefined ? undefined : this.repeatMs
  }
}
