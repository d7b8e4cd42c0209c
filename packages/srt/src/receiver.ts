/** The receiving half of a connection: buffers, acknowledges, reports losses, and hands out in time (live) or in order (stream). */
import { Acknowledgements } from './acknowledgements.ts'
import { AnnouncedWindow } from './announced-window.ts'
import { ArrivalCount } from './arrival-count.ts'
import { ArrivalWindow } from './arrival-window.ts'
import type { ConnectionSettings } from './connection-options.ts'
import { ackPacket, lightAckPacket } from './control-packet.ts'
import type { DropRequest } from './control-packet.ts'
import type { ControlQueue } from './control-queue.ts'
import { DeliveryClock } from './delivery-clock.ts'
import type { Established } from './established.ts'
import { HEADER_BYTES, isRetransmitted, keySlot, sequence, timestamp } from './packet-header.ts'
import { ReceiveBuffer } from './receive-buffer.ts'
import { ReorderTolerance } from './reorder-tolerance.ts'
import { FIRST_ARRIVALS, FIRST_CAPACITY, ReportedRate } from './reported-rate.ts'
import type { RoundTrip } from './round-trip.ts'
import { sequenceDistance } from './sequence.ts'
import { SkipGrace } from './skip-grace.ts'
import type { SrtCounters } from './srt-counters.ts'
import type { ReceiveKeys } from './stream-keys.ts'

/** Least time between reports of the same loss. */
const LEAST_NAK_INTERVAL_MS = 20
/** Of the latency: a gap that is so old is reported however few packets came after it, or what is lost at the end of a stream would stay lost. */
const OVERDUE_SHARE = 1 / 3
/** The same where there is no latency, ms. */
const OVERDUE_MS = 300
/** How often gaps are looked through that may not be reported yet. */
const GAP_CHECK_MS = 10

export class Receiver {
  readonly buffer: ReceiveBuffer
  readonly delivery?: DeliveryClock
  private readonly window = new AnnouncedWindow()
  private readonly count = new ArrivalCount()
  private readonly settings: ConnectionSettings
  private readonly control: ControlQueue
  private readonly roundTrip: RoundTrip
  private readonly counters: SrtCounters
  private readonly keys?: ReceiveKeys
  private readonly acks: Acknowledgements
  private readonly arrivals: ArrivalWindow
  private readonly arrivalReports = new ReportedRate(FIRST_ARRIVALS)
  private readonly capacityReports = new ReportedRate(FIRST_CAPACITY)
  private readonly tolerance: ReorderTolerance
  private readonly grace = new SkipGrace()
  private readonly fullBytes: number
  private readonly skipsLate: boolean
  private readonly overdueMs: number
  private packets = 0
  private nakCheckMs?: number

  constructor ({ settings, terms, initialSequence, keys, peerTimestamp, peerTimestampAtMs }: Established, shared: {
    control: ControlQueue, roundTrip: RoundTrip, counters: SrtCounters
  }) {
    this.settings = settings
    this.control = shared.control
    this.roundTrip = shared.roundTrip
    this.counters = shared.counters
    this.keys = keys?.receive
    this.buffer = new ReceiveBuffer(initialSequence, settings.receiveBufferPackets)
    this.acks = new Acknowledgements(initialSequence)
    this.fullBytes = terms.payloadBytes
    this.arrivals = new ArrivalWindow(terms.payloadBytes)
    this.tolerance = new ReorderTolerance(settings)
    if (terms.receiveLatencyMs !== undefined) {
      this.delivery = new DeliveryClock({ latencyMs: terms.receiveLatencyMs, timestamp: peerTimestamp, arrivedMs: peerTimestampAtMs })
    }
    this.overdueMs = terms.receiveLatencyMs === undefined ? OVERDUE_MS : terms.receiveLatencyMs * OVERDUE_SHARE
    this.skipsLate = this.delivery !== undefined && settings.tooLateDrop
  }

  onData (packet: Uint8Array, nowMs: number): void {
    const { counters, buffer } = this
    const number = sequence(packet)
    const bytes = packet.length - HEADER_BYTES
    const isAgain = isRetransmitted(packet)
    this.packets++
    counters.pktRecv++
    counters.byteRecv += packet.length
    counters.pktRcvRetrans += isAgain ? 1 : 0
    const beyond = sequenceDistance(buffer.end, number)
    this.arrivals.onPacket(number, bytes, beyond >= 0 && !isAgain, nowMs)
    this.acks.onPacket()
    if (this.count.onPacket(bytes, nowMs)) {
      this.window.onRate(this.count.packetsPerMs, nowMs)
    }
    this.grace.onPacket(nowMs)
    if (buffer.missing > 0 && beyond < 0 && !isAgain) {
      this.tolerance.onLatePacket(buffer.gapFoundMs(number), nowMs)
    }

    // before it goes in: what cannot be read is as good as not received
    const before = sequenceDistance(buffer.first, number)
    if (before >= 0 && before < this.settings.receiveBufferPackets && !this.decrypt(packet, number)) {
      return
    }
    const insertion = buffer.insert(number, packet, this.packets, nowMs)
    if (insertion !== 'new') {
      if (insertion === 'belated') {
        counters.pktRcvBelated++
        counters.byteRcvBelated += packet.length
      } else if (insertion === 'no-room') {
        counters.pktRcvDrop++
        counters.byteRcvDrop += packet.length
      }
      return
    }
    counters.pktRecvUnique++
    counters.byteRecvUnique += packet.length
    this.delivery?.onPacket(timestamp(packet))
    if (beyond > 0) {
      counters.pktRcvLoss += beyond
      counters.byteRcvLoss += beyond * (this.fullBytes + HEADER_BYTES)
      this.reportLosses(nowMs)
    }
    if (this.delivery === undefined && bytes < this.fullBytes) {
      this.acks.hurry()
    }
    this.acknowledge(nowMs)
  }

  onAckAnswer (number: number, answerTimestamp: number, nowMs: number): void {
    const rttMs = this.acks.onAnswer(number, nowMs)
    if (rttMs !== undefined) {
      this.roundTrip.onSample(rttMs)
      this.window.onRoundTrip(rttMs, nowMs)
      this.delivery?.onDriftSample(answerTimestamp, rttMs, nowMs)
    }
  }

  /** False: part of a stream is lost for good. */
  onDropRequest ({ first, last }: DropRequest, nowMs: number): boolean {
    if (this.settings.mode === 'stream') {
      // what arrived is asked to be dropped when a late report of its loss came to the sender
      return sequenceDistance(this.buffer.acknowledged, last) < 0
    }
    if (sequenceDistance(first, last) >= 0) {
      this.buffer.giveUp(first, last, this.packets, nowMs)
    }
    return true
  }

  onTimeout (nowMs: number): void {
    if (this.nakCheckMs !== undefined && nowMs >= this.nakCheckMs) {
      this.reportLosses(nowMs)
    }
    this.acknowledge(nowMs)
  }

  /** What is due, packet by packet: a view into the datagram. */
  read (nowMs: number): Uint8Array | undefined {
    if (!this.canRead(nowMs)) {
      return undefined
    }
    const packet = this.buffer.head()
    this.buffer.drop(1)
    return packet?.subarray(HEADER_BYTES)
  }

  /** Skips what will never come, when what is after it is due. */
  canRead (nowMs: number): boolean {
    const { buffer } = this
    for (;;) {
      const head = buffer.head()
      if (head !== undefined) {
        this.grace.onHead()
        return this.delivery === undefined || this.delivery.dueMs(timestamp(head)) <= nowMs
      }
      const skipped = this.skippable(nowMs)
      if (skipped === 0) {
        return false
      }
      buffer.drop(skipped)
      this.grace.onHead()
      this.counters.pktRcvDrop += skipped
      this.counters.byteRcvDrop += skipped * (this.fullBytes + HEADER_BYTES)
    }
  }

  nextTimeoutMs (): number | undefined {
    const ackMs = this.acks.dueMs(this.buffer.acknowledged, this.freePackets, this.roundTrip.patienceMs)
    return earliest(this.nakCheckMs, ackMs)
  }

  /** When the next packet is due; `undefined` when there is none, or when it is as soon as it comes. */
  nextDueMs (): number | undefined {
    const head = this.buffer.head()
    const packet = head ?? (this.skipsLate ? this.buffer.afterGap()?.packet : undefined)
    if (packet === undefined || this.delivery === undefined) {
      return undefined
    }
    const dueMs = this.delivery.dueMs(timestamp(packet))
    return head === undefined ? this.grace.nextMs(dueMs) : dueMs
  }

  /** What came has all been handed out, or will not be whole. */
  get isDrained (): boolean {
    return this.buffer.first === this.buffer.end ||
      (!this.skipsLate && this.buffer.head() === undefined && this.buffer.givenUpAtHead() === 0)
  }

  /** How far apart the packets are that wait to be handed out, by their timestamps, ms. */
  get bufferedMs (): number {
    const first = this.buffer.afterGap()?.packet
    const last = this.buffer.tail()
    return first === undefined || last === undefined ? 0 : ((timestamp(last) - timestamp(first)) | 0) / 1_000
  }

  /** What the sender may have under way. */
  get freePackets (): number {
    return this.window.packets(this.buffer.free, this.buffer.beyondGap)
  }

  /** Stream mode: what the system keeps for this connection while nobody reads the socket, packets. */
  onSocketRoom (packets: number): void {
    if (this.settings.mode === 'stream') {
      this.window.socketPackets = packets
    }
  }

  get hasGaps (): boolean {
    return this.buffer.missing > 0
  }

  get speed (): { packetsPerSecond: number, bytesPerSecond: number, linkPacketsPerSecond: number } {
    return { ...this.arrivals.speed(), linkPacketsPerSecond: this.arrivals.linkPacketsPerSecond() }
  }

  private skippable (nowMs: number): number {
    const { buffer } = this
    if (this.skipsLate) {
      const next = buffer.afterGap()
      const dueMs = next === undefined ? undefined : this.delivery?.dueMs(timestamp(next.packet))
      return next !== undefined && dueMs !== undefined && this.grace.maySkip(dueMs, nowMs) ? next.skipped : 0
    }
    return buffer.givenUpAtHead()
  }

  private decrypt (packet: Uint8Array, number: number): boolean {
    const slot = keySlot(packet)
    const isReadable = this.keys === undefined
      ? slot === 0
      : this.buffer.holds(number) || this.keys.decrypt(slot, number, packet.subarray(HEADER_BYTES))
    if (!isReadable) {
      this.counters.pktRcvUndecrypt++
      this.counters.byteRcvUndecrypt += packet.length
    }
    return isReadable
  }

  private acknowledge (nowMs: number): void {
    const { acknowledged } = this.buffer
    const free = this.freePackets
    const decision = this.acks.decide(acknowledged, free, this.roundTrip.patienceMs, nowMs)
    if (decision === 'light') {
      this.control.push(lightAckPacket(acknowledged, this.control.header(nowMs)))
    } else if (decision === 'full') {
      const number = this.acks.onSent(acknowledged, free, nowMs)
      const speed = this.speed
      this.control.push(ackPacket(number, {
        sequence: acknowledged,
        rttUs: Math.round(this.roundTrip.rttMs * 1_000),
        rttVarianceUs: Math.round(this.roundTrip.varianceMs * 1_000),
        freePackets: free,
        packetsPerSecond: this.arrivalReports.report(speed.packetsPerSecond),
        linkPacketsPerSecond: this.capacityReports.report(speed.linkPacketsPerSecond),
        bytesPerSecond: this.delivery === undefined ? Math.round(this.count.bytesPerMs * 1_000) : speed.bytesPerSecond
      }, this.control.header(nowMs)))
      this.counters.pktSentACK++
    }
  }

  private reportLosses (nowMs: number): void {
    const { buffer, settings, roundTrip } = this
    const rule = {
      packets: this.packets,
      ttlPackets: settings.lossMaxTtlPackets,
      leastAgeMs: this.tolerance.leastAgeMs(nowMs),
      overdueMs: this.overdueMs,
      repeatMs: this.delivery === undefined
        ? Math.max(roundTrip.patienceMs + 2 * GAP_CHECK_MS, LEAST_NAK_INTERVAL_MS)
        : Math.max(roundTrip.patienceMs / 2, LEAST_NAK_INTERVAL_MS)
    }
    for (;;) {
      const report = buffer.report(rule, nowMs)
      if (report.isEmpty) {
        break
      }
      this.control.push(report.toPacket(this.control.header(nowMs)))
      this.counters.pktSentNAK++
      if (!report.isFull) {
        break
      }
    }
    this.nakCheckMs = buffer.missing === 0 ? undefined : nowMs + GAP_CHECK_MS
  }
}

function earliest (a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b)
}
