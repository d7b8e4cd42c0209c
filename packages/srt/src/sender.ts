/** The sending half of a connection: keeps what is not acknowledged, sends it again when it is lost, and gives up what is too late. */
import type { CongestionControl } from './congestion.ts'
import type { ConnectionSettings } from './connection-options.ts'
import { UDP_HEADER_BYTES } from './connection-options.ts'
import { dropRequestPacket } from './control-packet.ts'
import type { Ack, AckReport } from './control-packet.ts'
import type { ControlQueue } from './control-queue.ts'
import type { Established } from './established.ts'
import { FileCongestion } from './file-congestion.ts'
import { LivePacing } from './live-pacing.ts'
import { HEADER_BYTES, markRetransmitted, nextMessageNumber, writeDataHeader } from './packet-header.ts'
import { LossTimer } from './loss-timer.ts'
import { FIRST_ARRIVALS, FIRST_CAPACITY } from './reported-rate.ts'
import type { RoundTrip } from './round-trip.ts'
import { SendBuffer } from './send-buffer.ts'
import { addSequence, sequenceDistance } from './sequence.ts'
import type { SrtCounters } from './srt-counters.ts'
import type { TransmitKeys } from './stream-keys.ts'

/** Timers fire late: what they missed of the rate is made up for, up to so much of it, ms. More would overflow the buffers of receivers. */
const MAX_CATCH_UP_MS = 5
/** A stream, whose receiver tells what its buffer holds, makes up for so many packets and so long. */
const STREAM_CATCH_UP = { packets: 1_024, mostMs: 50 }
/** Of a report's age: how seldom a sender looks whether packets got too late. */
const DROP_CHECK_MS = 10
const LEAST_DROP_MS = 1_000
const DROP_REACTION_MS = 20

export class Sender {
  readonly buffer: SendBuffer
  readonly congestion: CongestionControl
  peerWindowPackets: number
  private readonly established: Established
  private readonly settings: ConnectionSettings
  private readonly control: ControlQueue
  private readonly roundTrip: RoundTrip
  private readonly counters: SrtCounters
  private readonly keys?: TransmitKeys
  private readonly losses: LossTimer
  private readonly dropAfterMs?: number
  private messageNumber = 0
  private paceMs = -Infinity
  private packetsPerSecond = FIRST_ARRIVALS
  private linkPacketsPerSecond = FIRST_CAPACITY
  private mayProbe = false

  constructor (established: Established, shared: { control: ControlQueue, roundTrip: RoundTrip, counters: SrtCounters }) {
    const { settings, terms, initialSequence, keys } = established
    this.established = established
    this.settings = settings
    this.control = shared.control
    this.roundTrip = shared.roundTrip
    this.counters = shared.counters
    this.keys = keys?.transmit
    this.buffer = new SendBuffer(initialSequence, settings.sendBufferPackets)
    this.peerWindowPackets = terms.peerWindowPackets
    this.losses = new LossTimer(settings.mode, terms, shared.roundTrip)
    this.congestion = settings.mode === 'live'
      ? new LivePacing(settings.maxBandwidthBytesPerSecond)
      : new FileCongestion({ maxWindowPackets: settings.sendBufferPackets, maxBandwidthBytesPerSecond: settings.maxBandwidthBytesPerSecond })
    if (settings.mode === 'live' && terms.peerDropsTooLate && settings.tooLateDrop) {
      this.dropAfterMs = Math.max((terms.peerLatencyMs ?? 0) + settings.sendDropDelayMs, LEAST_DROP_MS) + DROP_REACTION_MS
    }
  }

  /** False when the buffer is full; nothing is taken then. Copies the payload. */
  push (payload: Uint8Array, nowMs: number): boolean {
    this.dropLate(nowMs)
    if (this.buffer.isFull) {
      return false
    }
    const sequence = this.buffer.end
    const packet = new Uint8Array(HEADER_BYTES + payload.length)
    packet.set(payload, HEADER_BYTES)
    this.messageNumber = nextMessageNumber(this.messageNumber)
    writeDataHeader(packet, {
      sequence,
      messageNumber: this.messageNumber,
      keySlot: this.keys?.encrypt(sequence, packet.subarray(HEADER_BYTES)) ?? 0,
      isFirst: true,
      isLast: true,
      inOrder: this.settings.mode === 'stream',
      timestamp: this.control.timestamp(nowMs),
      destination: this.established.peerSocketId
    })
    if (this.buffer.size === 0) {
      this.losses.onProgress(nowMs)
    }
    this.buffer.push(packet, nowMs)
    return true
  }

  /** The packet to send now; `undefined` when there is none, or when it is too early: see `nextTimeoutMs`. */
  next (nowMs: number): Uint8Array | undefined {
    if (this.paceMs > nowMs) {
      return undefined
    }
    const again = this.takeLost(nowMs)
    const sequence = again ?? (this.mayBegin() ? this.buffer.next : undefined)
    if (sequence === undefined) {
      return undefined
    }
    const packet = this.buffer.packet(sequence)
    if (again !== undefined) {
      if (this.established.terms.peerKnowsRetransmitFlag) {
        markRetransmitted(packet)
      }
      this.counters.pktRetrans++
      this.counters.byteRetrans += packet.length
    } else {
      this.mayProbe = false
      this.counters.pktSentUnique++
      this.counters.byteSentUnique += packet.length
    }
    this.counters.pktSent++
    this.counters.byteSent += packet.length
    this.buffer.onSent(sequence, nowMs)
    this.congestion.onSent(this.buffer.sendsOf(sequence), packet.length + UDP_HEADER_BYTES)
    this.pace(sequence, again !== undefined, packet.length, nowMs)
    return packet
  }

  onAck (ack: Ack, nowMs: number): void {
    const { buffer } = this
    const { sequence } = ack.type === 'light' ? ack : ack.report
    const acknowledged = sequenceDistance(buffer.first, sequence)
    if (acknowledged < 0 || acknowledged > buffer.inFlight) {
      return
    }
    const newest = addSequence(sequence, -1)
    const latencyMs = acknowledged > 0 && buffer.sendsOf(newest) === 1 ? nowMs - buffer.lastSentMs(newest) : undefined
    const isLimited = buffer.waiting > 0
    buffer.drop(acknowledged)
    this.losses.onProgress(nowMs)
    const rttMs = this.roundTrip.isMeasured ? this.roundTrip.rttMs : undefined
    const arrivingBytesPerSecond = ack.type === 'light' ? undefined : ack.report.bytesPerSecond
    this.congestion.onAck({ acknowledged, latencyMs, rttMs, arrivingBytesPerSecond, isLimited }, nowMs)
    if (ack.type === 'light') {
      this.peerWindowPackets = Math.max(0, this.peerWindowPackets - acknowledged)
      return
    }
    this.onReport(ack.report)
  }

  onLossReport (first: number, last: number, nowMs: number): void {
    const { buffer } = this
    const from = sequenceDistance(buffer.first, first)
    const to = sequenceDistance(buffer.first, last)
    if (to >= buffer.inFlight || from > to) {
      return // never sent, or a range over more than half of all numbers
    }
    if (from < 0 && this.settings.mode === 'live') {
      const until = to < 0 ? last : addSequence(buffer.first, -1)
      this.control.push(dropRequestPacket({ messageNumber: 0, first, last: until }, this.control.header(nowMs)))
    }
    for (let at = Math.max(0, from); at <= to; at++) {
      this.markLost(addSequence(buffer.first, at))
    }
  }

  onTimeout (nowMs: number): void {
    this.dropLate(nowMs)
    const decision = this.losses.onTimeout(this.buffer, nowMs)
    if (decision === 'head') {
      this.markLost(this.buffer.first)
    } else if (decision === 'tail') {
      this.markLost(addSequence(this.buffer.next, -1))
    } else if (decision === 'all') {
      for (let at = 0, count = this.buffer.inFlight; at < count; at++) {
        this.markLost(addSequence(this.buffer.first, at))
      }
      this.congestion.onSilence()
    } else if (decision === 'probe') {
      this.mayProbe = true
    }
  }

  nextTimeoutMs (): number | undefined {
    let atMs = this.losses.nextTimeoutMs(this.buffer) ?? Infinity
    if (this.buffer.lost > 0 || this.mayBegin()) {
      atMs = Math.min(atMs, this.paceMs)
    }
    if (this.dropAfterMs !== undefined && this.buffer.size > 0) {
      atMs = Math.min(atMs, (this.buffer.oldestMs() as number) + this.dropAfterMs + DROP_CHECK_MS)
    }
    return Number.isFinite(atMs) ? atMs : undefined
  }

  get isDrained (): boolean {
    return this.buffer.size === 0
  }

  /** As the other side reports it. */
  get link (): { packetsPerSecond: number, linkPacketsPerSecond: number } {
    return { packetsPerSecond: this.packetsPerSecond, linkPacketsPerSecond: this.linkPacketsPerSecond }
  }

  private mayBegin (): boolean {
    const { buffer } = this
    return buffer.waiting > 0 && (buffer.inFlight < Math.min(this.peerWindowPackets, this.congestion.windowPackets) || this.mayProbe)
  }

  private markLost (sequence: number): void {
    if (this.buffer.markLost(sequence)) {
      this.counters.pktSndLoss++
      this.congestion.onLost(1)
    }
  }

  /** A packet that was sent again a moment ago is not sent a third time for a report that crossed it, as the report will be repeated. */
  private takeLost (nowMs: number): number | undefined {
    for (;;) {
      const sequence = this.buffer.takeLost()
      if (sequence === undefined || !this.losses.isOnItsWay(this.buffer, sequence, nowMs)) {
        return sequence
      }
    }
  }

  private pace (sequence: number, isAgain: boolean, bytes: number, nowMs: number): void {
    // the packets of a pair follow each other at once, so that the receiver sees what the link can do
    const isProbe = !isAgain && (sequence & 0xf) === 0
    const intervalMs = this.congestion.intervalMs(bytes + UDP_HEADER_BYTES)
    const catchUpMs = this.settings.mode === 'live'
      ? MAX_CATCH_UP_MS
      : Math.max(MAX_CATCH_UP_MS, Math.min(STREAM_CATCH_UP.mostMs, intervalMs * STREAM_CATCH_UP.packets))
    const from = Math.max(this.paceMs, nowMs - catchUpMs)
    this.paceMs = isProbe ? from : from + intervalMs
  }

  private onReport (report: AckReport): void {
    this.peerWindowPackets = report.freePackets
    this.roundTrip.onReport(report.rttUs / 1_000, report.rttVarianceUs / 1_000, this.counters.pktRecv > 0)
    this.packetsPerSecond = smooth(this.packetsPerSecond, report.packetsPerSecond)
    this.linkPacketsPerSecond = smooth(this.linkPacketsPerSecond, report.linkPacketsPerSecond)
    this.counters.pktRecvACK++
  }

  private dropLate (nowMs: number): void {
    const { buffer, dropAfterMs } = this
    while (dropAfterMs !== undefined && buffer.size > 0 && nowMs - (buffer.oldestMs() as number) > dropAfterMs) {
      this.counters.pktSndDrop++
      this.counters.byteSndDrop += buffer.packet(buffer.first).length
      buffer.drop(1)
    }
  }
}

function smooth (before: number, sample: number): number {
  return before + (sample - before) / 8
}
