/** What a connection tells of itself, named as in libsrt (`SRT_TRACEBSTATS`): totals since it began, the same since the last time, the state now. */
import { PACKET_OVERHEAD_BYTES, UDP_HEADER_BYTES } from './connection-options.ts'
import { countersSince, newCounters, totalsOf } from './srt-counters.ts'
import type { SrtCounters, SrtTotals } from './srt-counters.ts'
import type { SrtConnection } from './srt-connection.ts'

export interface SrtState {
  /** Since the connection began */
  msTimeStamp: number
  mbpsSendRate: number
  mbpsRecvRate: number
  msRTT: number
  /** Least time between two packets; 0 without a limit */
  usPktSndPeriod: number
  /** Packets that the other side has room for */
  pktFlowWindow: number
  /** Packets that congestion control lets out unacknowledged; the send buffer's size in live mode */
  pktCongestionWindow: number
  pktFlightSize: number
  /** Capacity of the link, as packet pairs show it to the other side; to this one, as long as that tells nothing */
  mbpsBandwidth: number
  /** 0 without a limit */
  mbpsMaxBW: number
  byteMSS: number
  byteAvailSndBuf: number
  byteAvailRcvBuf: number
  pktSndBuf: number
  byteSndBuf: number
  /** Age of the oldest packet that is not acknowledged */
  msSndBuf: number
  pktRcvBuf: number
  byteRcvBuf: number
  /** How far the packets reach that wait to be handed out */
  msRcvBuf: number
  /** Latency of what the other side receives, and of what this side does */
  msSndTsbPdDelay: number
  msRcvTsbPdDelay: number
}

export type SrtStatistics = SrtCounters & SrtTotals & SrtState

export class StatisticsReader {
  private readonly connection: SrtConnection
  private before = newCounters()
  private beforeMs: number

  constructor (connection: SrtConnection) {
    this.connection = connection
    this.beforeMs = connection.startMs
  }

  /** @param clear - the interval of what has no `Total` in its name begins anew */
  read (nowMs: number, clear = false): SrtStatistics {
    const { counters } = this.connection
    const interval = countersSince(counters, this.before)
    const statistics = { ...interval, ...totalsOf(counters), ...this.state(interval, nowMs) }
    if (clear) {
      this.before = { ...counters }
      this.beforeMs = nowMs
    }
    return statistics
  }

  private state (interval: SrtCounters, nowMs: number): SrtState {
    const { sender, receiver, roundTrip, established } = this.connection
    const { settings, terms } = established
    const seconds = Math.max(0.001, (nowMs - this.beforeMs) / 1_000)
    const payload = terms.payloadBytes
    const window = Math.min(sender.congestion.windowPackets, settings.sendBufferPackets)
    const { span } = receiver.buffer
    const linkPacketsPerSecond = sender.link.linkPacketsPerSecond > 1 ? sender.link.linkPacketsPerSecond : receiver.speed.linkPacketsPerSecond
    return {
      msTimeStamp: Math.floor(nowMs - this.connection.startMs),
      mbpsSendRate: (interval.byteSent + interval.pktSent * UDP_HEADER_BYTES) * 8 / 1e6 / seconds,
      mbpsRecvRate: (interval.byteRecv + interval.pktRecv * UDP_HEADER_BYTES) * 8 / 1e6 / seconds,
      msRTT: roundTrip.rttMs,
      usPktSndPeriod: sender.congestion.intervalMs(payload + PACKET_OVERHEAD_BYTES) * 1_000,
      pktFlowWindow: sender.peerWindowPackets,
      pktCongestionWindow: Math.floor(window),
      pktFlightSize: sender.buffer.inFlight,
      mbpsBandwidth: linkPacketsPerSecond * (payload + PACKET_OVERHEAD_BYTES) * 8 / 1e6,
      mbpsMaxBW: (settings.maxBandwidthBytesPerSecond ?? 0) * 8 / 1e6,
      byteMSS: settings.mss,
      byteAvailSndBuf: (settings.sendBufferPackets - sender.buffer.size) * settings.mss,
      byteAvailRcvBuf: receiver.buffer.free * settings.mss,
      pktSndBuf: sender.buffer.size,
      byteSndBuf: sender.buffer.bytes,
      msSndBuf: nowMs - (sender.buffer.oldestMs() ?? nowMs),
      pktRcvBuf: span - receiver.buffer.missing,
      byteRcvBuf: (span - receiver.buffer.missing) * payload,
      msRcvBuf: receiver.bufferedMs,
      msSndTsbPdDelay: terms.peerLatencyMs ?? 0,
      msRcvTsbPdDelay: terms.receiveLatencyMs ?? 0
    }
  }
}
