/** What can be set of a connection, with defaults: libsrt's where it has the option. */
import type { KeyBytes } from './key-material.ts'

/**
 * `live`: packets keep their distance in time and arrive after a fixed latency; what comes too late is dropped. `stream`: a reliable stream of bytes
 * (libsrt's `transtype=file` without the message API).
 */
export type SrtMode = 'live' | 'stream'

export interface ConnectionOptions {
  /** @default 'live' */
  mode?: SrtMode
  /**
   * From sending to handing out, ms, for what this side receives in live mode; the greater of both sides' wishes counts. Losses are repaired within
   * it: 4 round trips are a good choice, 2 the least.
   *
   * @default 120
   */
  latencyMs?: number
  /** The same for what this side sends, ms @default 0, what the other side wishes */
  peerLatencyMs?: number
  /** Largest packet on the wire with its IP and UDP headers, bytes; the smaller of both sides' counts @default 1500 */
  mss?: number
  /** Most payload of a packet, bytes @default 1316 (seven packets of MPEG-TS) in live mode, 1456 (what `mss` allows) in stream mode */
  payloadBytes?: number
  /** Packets that are received and not handed out yet, missing ones among them: at it, what comes is dropped, and the sender waits @default 8192 */
  receiveBufferPackets?: number
  /** Packets that are sent and not acknowledged, or wait to be sent: at it, sending waits @default 8192 */
  sendBufferPackets?: number
  /** Bytes per second with headers, retransmissions included. `undefined`: no limit in live mode, what congestion control finds in stream mode */
  maxBandwidthBytesPerSecond?: number
  /** Live mode: what cannot arrive in time is not sent, what did not is skipped. Off, a loss holds up the rest @default true */
  tooLateDrop?: boolean
  /** Live mode: a packet is given up for sending so much later than the latency of the other side (at least 1 s in all), ms @default 0 */
  sendDropDelayMs?: number
  /**
   * So many packets have to come after a gap before it is reported as a loss, or a third of the latency has to pass. Fixed, as libsrt's is not.
   * Behind SRTLA, with unequal links: 40.
   *
   * @default 0
   */
  lossMaxTtlPackets?: number
  /** A gap is not reported as a loss before it is so old, ms. Behind SRTLA: 250 @default 0 */
  lossReportDelayMs?: number
  /** Nothing was heard from the other side for so long: it is gone, ms @default 5000 */
  peerIdleTimeoutMs?: number
  /** When closing, what was sent is given so long to arrive, ms @default 180000 in stream mode, 0 in live mode */
  lingerMs?: number
  /** Both sides must have it, or none; 10 to 79 characters */
  passphrase?: string
  /** Of the AES key that a caller proposes, bytes; a listener takes the caller's @default what the listener tells, or else 16 */
  keyBytes?: KeyBytes
  /** A key is used for so many packets @default 2^24 */
  keyRefreshPackets?: number
  /** The next key is announced so many packets before it is used; less than half of `keyRefreshPackets` @default 4096 */
  keyAnnouncePackets?: number
}

type OptionalSetting = 'maxBandwidthBytesPerSecond' | 'passphrase' | 'keyBytes'

export type ConnectionSettings = Required<Omit<ConnectionOptions, OptionalSetting>> & Pick<ConnectionOptions, OptionalSetting>

/** IP and UDP headers as libsrt counts them, and the header of SRT. */
export const UDP_HEADER_BYTES = 28
export const PACKET_OVERHEAD_BYTES = UDP_HEADER_BYTES + 16
export const LEAST_MSS = 116
const MAX_BUFFER_PACKETS = 1 << 20

/** An option has a value that cannot be. */
export class SrtOptionError extends Error {
  static override name = 'SrtOptionError'
  override readonly name = 'SrtOptionError'
  readonly option: keyof ConnectionOptions

  constructor (option: keyof ConnectionOptions, message: string) {
    super(`${option} ${message}`)
    this.option = option
  }
}

export function connectionSettings (options: ConnectionOptions): ConnectionSettings {
  const mode = options.mode ?? 'live'
  const mss = options.mss ?? 1500
  const largest = mss - PACKET_OVERHEAD_BYTES
  const settings: ConnectionSettings = {
    mode,
    latencyMs: options.latencyMs ?? 120,
    peerLatencyMs: options.peerLatencyMs ?? 0,
    mss,
    payloadBytes: options.payloadBytes ?? (mode === 'live' ? Math.min(1316, largest) : largest),
    receiveBufferPackets: options.receiveBufferPackets ?? 8192,
    sendBufferPackets: options.sendBufferPackets ?? 8192,
    maxBandwidthBytesPerSecond: options.maxBandwidthBytesPerSecond,
    tooLateDrop: options.tooLateDrop ?? true,
    sendDropDelayMs: options.sendDropDelayMs ?? 0,
    lossMaxTtlPackets: options.lossMaxTtlPackets ?? 0,
    lossReportDelayMs: options.lossReportDelayMs ?? 0,
    peerIdleTimeoutMs: options.peerIdleTimeoutMs ?? 5_000,
    lingerMs: options.lingerMs ?? (mode === 'live' ? 0 : 180_000),
    passphrase: options.passphrase,
    keyBytes: options.keyBytes,
    keyRefreshPackets: options.keyRefreshPackets ?? 1 << 24,
    keyAnnouncePackets: options.keyAnnouncePackets ?? 1 << 12
  }
  check(settings, largest)
  return settings
}

function check (settings: ConnectionSettings, largestPayload: number): void {
  const within = (option: keyof ConnectionOptions, least: number, most: number): void => {
    const value = settings[option] as number
    if (!(value >= least && value <= most)) {
      throw new SrtOptionError(option, `is ${value}, and has to be ${least} to ${most}`)
    }
  }
  within('latencyMs', 0, 0xffff)
  within('peerLatencyMs', 0, 0xffff)
  within('mss', LEAST_MSS, 65_535)
  within('payloadBytes', 1, largestPayload)
  within('receiveBufferPackets', 32, MAX_BUFFER_PACKETS)
  within('sendBufferPackets', 32, MAX_BUFFER_PACKETS)
  within('lossMaxTtlPackets', 0, MAX_BUFFER_PACKETS)
  within('keyRefreshPackets', 4, 2 ** 31)
  within('keyAnnouncePackets', 1, (settings.keyRefreshPackets - 1) / 2)
  if (settings.passphrase !== undefined) {
    const length = new TextEncoder().encode(settings.passphrase).length
    if (length < 10 || length > 79) {
      throw new SrtOptionError('passphrase', `has ${length} bytes, and has to have 10 to 79`)
    }
  }
}
