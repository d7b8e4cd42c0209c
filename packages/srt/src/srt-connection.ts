/** One connection from the end of its handshake on, as a machine without I/O: packets and payloads in, packets and payloads out. */
import type { Machine } from '@skein/core'
import { SrtPeerGoneError, SrtTruncatedError } from './connection-error.ts'
import { UDP_HEADER_BYTES } from './connection-options.ts'
import type { ConnectionSettings } from './connection-options.ts'
import { ackAckPacket, keepalivePacket, readAck, readDropRequest, shutdownPacket } from './control-packet.ts'
import { ControlQueue } from './control-queue.ts'
import type { Established } from './established.ts'
import { KeyAnnouncer } from './key-announcer.ts'
import { readLossReport } from './loss-report.ts'
import { CONTROL_TYPES, controlType, HEADER_BYTES, isControl, timestamp, typeSpecific } from './packet-header.ts'
import { Receiver } from './receiver.ts'
import { RoundTrip } from './round-trip.ts'
import { Sender } from './sender.ts'
import { newCounters } from './srt-counters.ts'

export type ConnectionEffect =
  /** The object is used again: read it before the next `poll()`. The packet may be changed after it is acknowledged or sent again */
  | { type: 'send', packet: Uint8Array }
  /** `read()` has something; said once until it has nothing left */
  | { type: 'readable' }
  /** There is room for more than a few packets again, after `send()` did not take one: waking a writer for each costs more than the packet */
  | { type: 'writable' }
  /** The last effect */
  | { type: 'closed', error?: Error }

const KEEPALIVE_MS = 1_000
/** Of the send buffer: filled no further, it is writable. */
const WRITABLE_SHARE = 7 / 8
/** As a shutdown may be lost, and is not acknowledged. */
const SHUTDOWN_COPIES = 2

/** `ending`: the other side closed, what it sent is still handed out. */
type State = 'open' | 'closing' | 'ending' | 'closed'

export class SrtConnection implements Machine<ConnectionEffect> {
  readonly established: Established
  readonly counters = newCounters()
  readonly roundTrip = new RoundTrip()
  readonly sender: Sender
  readonly receiver: Receiver
  readonly startMs: number
  private readonly settings: ConnectionSettings
  private readonly control: ControlQueue
  private readonly announcer?: KeyAnnouncer
  private readonly sendEffect: { type: 'send', packet: Uint8Array } = { type: 'send', packet: new Uint8Array(0) }
  private readonly largestPacket: number
  private state: State = 'open'
  private nowMs: number
  private heardMs: number
  private sentMs: number
  private lingerUntilMs?: number
  private isReadableTold = false
  private wantsWritable = false
  private isClosedTold = false
  private error?: Error

  constructor (established: Established, nowMs: number) {
    this.established = established
    this.settings = established.settings
    this.startMs = established.startMs
    this.nowMs = nowMs
    this.heardMs = nowMs
    this.sentMs = nowMs
    this.largestPacket = this.settings.mss - UDP_HEADER_BYTES
    this.control = new ControlQueue(established.peerSocketId, established.startMs)
    const shared = { control: this.control, roundTrip: this.roundTrip, counters: this.counters }
    this.sender = new Sender(established, shared)
    this.receiver = new Receiver(established, shared)
    if (established.keys !== undefined) {
      this.announcer = new KeyAnnouncer(established.keys, this.control, this.roundTrip)
    }
  }

  get isOpen (): boolean {
    return this.state === 'open'
  }

  /** A packet of the other side, its address checked already. Kept until it is read, and decrypted in place. */
  onPacket (packet: Uint8Array, nowMs: number): void {
    this.nowMs = nowMs
    if (this.state === 'closed' || packet.length < HEADER_BYTES || packet.length > this.largestPacket) {
      return
    }
    this.heardMs = nowMs
    if (isControl(packet)) {
      this.onControl(packet, nowMs)
    } else if (this.state !== 'ending' && packet.length > HEADER_BYTES) {
      this.receiver.onData(packet, nowMs)
    }
    this.settle(nowMs)
  }

  onTimeout (nowMs: number): void {
    this.nowMs = nowMs
    if (this.state === 'closed') {
      return
    }
    if (this.state !== 'ending') {
      // compared as `nextTimeoutMs` computes them: a difference may round to less
      if (nowMs >= this.heardMs + this.settings.peerIdleTimeoutMs) {
        this.finish(new SrtPeerGoneError(nowMs - this.heardMs))
        return
      }
      this.receiver.onTimeout(nowMs)
      this.sender.onTimeout(nowMs)
      this.announcer?.announce(nowMs)
      if (nowMs >= this.sentMs + KEEPALIVE_MS) {
        this.control.push(keepalivePacket(this.control.header(nowMs)))
      }
    }
    this.settle(nowMs)
  }

  /**
   * Gives a payload to be sent; it is copied. False when there is no room, or the connection is closed: `writable` tells when to try again.
   *
   * @throws RangeError when it is empty or longer than `payloadBytes`
   */
  send (payload: Uint8Array, nowMs: number): boolean {
    this.nowMs = nowMs
    if (payload.length === 0 || payload.length > this.payloadBytes) {
      throw new RangeError(`A payload has 1 to ${this.payloadBytes} bytes, this one has ${payload.length}`)
    }
    if (this.state !== 'open') {
      return false
    }
    const isTaken = this.sender.push(payload, nowMs)
    this.wantsWritable ||= !isTaken
    this.announcer?.announce(nowMs)
    return isTaken
  }

  /** Somebody waits for `writable`, who may not have been refused. */
  awaitRoom (nowMs: number): void {
    this.nowMs = nowMs
    this.wantsWritable = true
  }

  /** How many payloads `send()` takes now. */
  get roomPackets (): number {
    return this.state === 'open' ? Math.max(0, this.settings.sendBufferPackets - this.sender.buffer.size) : 0
  }

  /** Most of one payload, as both sides have it. */
  get payloadBytes (): number {
    return this.established.terms.payloadBytes
  }

  /** The next payload that is due: a view, good for as long as it is held. */
  read (nowMs: number): Uint8Array | undefined {
    this.nowMs = nowMs
    const payload = this.receiver.read(nowMs)
    if (payload === undefined) {
      this.isReadableTold = false
    }
    this.settle(nowMs)
    return payload
  }

  /** Packets that the socket holds for this connection: the other side may not send more at once than that and what the path holds. */
  onSocketRoom (packets: number): void {
    this.receiver.onSocketRoom(packets)
  }

  /** No payload is taken any more; what was taken is given `lingerMs` to arrive. */
  close (nowMs: number): void {
    this.nowMs = nowMs
    if (this.state === 'open') {
      this.state = 'closing'
      this.lingerUntilMs = nowMs + this.settings.lingerMs
      this.settle(nowMs)
    }
  }

  /** Ends at once. */
  abort (error: Error | undefined, nowMs: number): void {
    this.nowMs = nowMs
    if (this.state !== 'closed') {
      this.shutDown(nowMs)
      this.finish(error)
    }
  }

  poll (): ConnectionEffect | undefined {
    const packet = this.control.shift() ?? (this.state === 'open' || this.state === 'closing' ? this.sender.next(this.nowMs) : undefined)
    if (packet !== undefined) {
      this.sentMs = this.nowMs
      this.sendEffect.packet = packet
      return this.sendEffect
    }
    if (!this.isReadableTold && this.state !== 'closed' && this.receiver.canRead(this.nowMs)) {
      this.isReadableTold = true
      return { type: 'readable' }
    }
    if (this.wantsWritable && this.sender.buffer.size <= this.settings.sendBufferPackets * WRITABLE_SHARE) {
      this.wantsWritable = false
      return { type: 'writable' }
    }
    if (this.state === 'closed' && !this.isClosedTold) {
      this.isClosedTold = true
      return { type: 'closed', error: this.error }
    }
    return undefined
  }

  nextTimeoutMs (): number | undefined {
    if (this.state === 'closed') {
      return undefined
    }
    const dueMs = this.isReadableTold ? Infinity : this.receiver.nextDueMs() ?? Infinity
    if (this.state === 'ending') {
      return dueMs === Infinity ? undefined : dueMs
    }
    return Math.min(
      dueMs,
      this.heardMs + this.settings.peerIdleTimeoutMs,
      this.sentMs + KEEPALIVE_MS,
      this.lingerUntilMs ?? Infinity,
      this.receiver.nextTimeoutMs() ?? Infinity,
      this.sender.nextTimeoutMs() ?? Infinity,
      this.announcer?.nextTimeoutMs() ?? Infinity
    )
  }

  private onControl (packet: Uint8Array, nowMs: number): void {
    switch (controlType(packet)) {
      case CONTROL_TYPES.ack:
        this.onAck(packet, nowMs)
        break
      case CONTROL_TYPES.ackAck:
        this.receiver.onAckAnswer(typeSpecific(packet), timestamp(packet), nowMs)
        break
      case CONTROL_TYPES.nak:
        this.counters.pktRecvNAK++
        readLossReport(packet, (first, last) => { this.sender.onLossReport(first, last, nowMs) })
        break
      case CONTROL_TYPES.dropRequest:
        this.onDropRequest(packet, nowMs)
        break
      case CONTROL_TYPES.shutdown:
        this.onShutdown()
        break
      case CONTROL_TYPES.peerError:
        this.shutDown(nowMs)
        this.finish(this.truncated())
        break
      case CONTROL_TYPES.userDefined:
        this.announcer?.onPacket(packet, nowMs)
        break
      default: // keepalives, and what we do not know, tell that the other side is there
    }
  }

  private onAck (packet: Uint8Array, nowMs: number): void {
    const ack = readAck(packet)
    if (ack === undefined) {
      return
    }
    this.sender.onAck(ack, nowMs)
    if (ack.type === 'full') {
      this.control.push(ackAckPacket(typeSpecific(packet), this.control.header(nowMs)))
    }
  }

  private onDropRequest (packet: Uint8Array, nowMs: number): void {
    const request = readDropRequest(packet)
    if (request !== undefined && !this.receiver.onDropRequest(request, nowMs)) {
      this.shutDown(nowMs)
      this.finish(this.truncated())
    }
  }

  private onShutdown (): void {
    if (this.state === 'open') {
      this.state = 'ending'
    } else if (this.state === 'closing') {
      this.finish(this.settings.mode === 'stream' && !this.sender.isDrained ? this.truncated() : undefined)
    }
  }

  /** What follows from the state of both halves. */
  private settle (nowMs: number): void {
    if (this.state === 'closing' && (this.sender.isDrained || nowMs >= (this.lingerUntilMs as number))) {
      this.shutDown(nowMs)
      this.finish(this.settings.mode === 'stream' && !this.sender.isDrained ? this.truncated() : undefined)
    } else if (this.state === 'ending' && this.receiver.isDrained) {
      this.finish(this.settings.mode === 'stream' && (this.receiver.hasGaps || !this.sender.isDrained) ? this.truncated() : undefined)
    }
  }

  private shutDown (nowMs: number): void {
    for (let copy = 0; copy < SHUTDOWN_COPIES; copy++) {
      this.control.push(shutdownPacket(this.control.header(nowMs)))
    }
  }

  private truncated (): SrtTruncatedError {
    return new SrtTruncatedError(this.receiver.buffer.missing, this.sender.buffer.size)
  }

  private finish (error?: Error): void {
    if (this.state !== 'closed') {
      this.state = 'closed'
      this.error = error
    }
  }
}
