/** What two sides agree on: the features each one tells, and what comes of both (draft-sharabayko-srt-01, §4.3.1.2). */
import { PACKET_OVERHEAD_BYTES } from './connection-options.ts'
import type { ConnectionSettings } from './connection-options.ts'
import { LEAST_SRT_VERSION, SRT_FLAGS, SRT_VERSION, textOfWords, wordsOfText } from './handshake-extension.ts'
import type { HandshakeFeatures } from './handshake-extension.ts'
import { EXTENSION_TYPES } from './handshake-packet.ts'
import type { Handshake, HandshakeExtension } from './handshake-packet.ts'
import type { RejectReason } from './reject-reason.ts'

export interface AgreedTerms {
  /** Of what this side receives, ms; without it, at once */
  receiveLatencyMs?: number
  /** Of what the other side receives, ms */
  peerLatencyMs?: number
  /** The other side skips what comes too late */
  peerDropsTooLate: boolean
  /** The other side repeats its reports of losses */
  peerRepeatsNaks: boolean
  /** The other side understands which packets are sent again */
  peerKnowsRetransmitFlag: boolean
  /** Of this side's packets, bytes */
  payloadBytes: number
  /** Packets that the other side has room for at the start */
  peerWindowPackets: number
  peerVersion: number
}

const CONGESTION_CONTROL = { live: 'live', stream: 'file' } as const
const NAME_BYTES = 32

/** What this side tells of itself. Only a caller says that it is in stream mode. */
export function ownFeatures (
  settings: ConnectionSettings, latency: { receiveMs: number, sendMs: number }, role: 'caller' | 'listener'
): HandshakeFeatures {
  const isLive = settings.mode === 'live'
  return {
    version: SRT_VERSION,
    flags: SRT_FLAGS.crypt | SRT_FLAGS.retransmitFlag |
      (isLive ? SRT_FLAGS.tsbpdSend | SRT_FLAGS.tsbpdReceive | SRT_FLAGS.periodicNak : 0) |
      (isLive && settings.tooLateDrop ? SRT_FLAGS.tooLateDrop : 0) |
      (!isLive && role === 'caller' ? SRT_FLAGS.stream : 0),
    receiveLatencyMs: isLive ? latency.receiveMs : 0,
    sendLatencyMs: isLive ? latency.sendMs : 0
  }
}

/** Live is understood when nothing is said. */
export function congestionExtension (settings: ConnectionSettings): HandshakeExtension[] {
  return settings.mode === 'live' ? [] : [{ type: EXTENSION_TYPES.congestion, body: wordsOfText(CONGESTION_CONTROL.stream) }]
}

export function extensionOf (handshake: Handshake, type: number): Uint8Array | undefined {
  return handshake.extensions.find(extension => extension.type === type)?.body
}

export function congestionProblem (handshake: Handshake, settings: ConnectionSettings): RejectReason | undefined {
  const body = extensionOf(handshake, EXTENSION_TYPES.congestion)
  const name = body === undefined ? CONGESTION_CONTROL.live : textOfWords(body, NAME_BYTES)
  return name === CONGESTION_CONTROL[settings.mode] ? undefined : 'congestion'
}

/** What a listener agrees to, or why it refuses. */
export function listenerTerms (
  features: HandshakeFeatures, handshake: Handshake, settings: ConnectionSettings
): { type: 'agreed', terms: AgreedTerms } | { type: 'refused', reason: RejectReason } {
  const { flags } = features
  if (features.version < LEAST_SRT_VERSION) {
    return { type: 'refused', reason: 'version' }
  }
  if (((flags & SRT_FLAGS.stream) !== 0) !== (settings.mode === 'stream')) {
    return { type: 'refused', reason: 'message-api' }
  }
  const isLive = settings.mode === 'live'
  return {
    type: 'agreed',
    terms: {
      ...commonTerms(features, handshake, settings),
      receiveLatencyMs: isLive && (flags & SRT_FLAGS.tsbpdSend) !== 0 ? Math.max(settings.latencyMs, features.sendLatencyMs) : undefined,
      peerLatencyMs: (flags & SRT_FLAGS.tsbpdReceive) !== 0 ? Math.max(settings.peerLatencyMs, features.receiveLatencyMs) : undefined
    }
  }
}

/** What a caller takes from the listener's answer, which has the last word on latencies. */
export function callerTerms (features: HandshakeFeatures, handshake: Handshake, settings: ConnectionSettings): AgreedTerms {
  const { flags } = features
  const isLive = settings.mode === 'live'
  return {
    ...commonTerms(features, handshake, settings),
    receiveLatencyMs: isLive && (flags & SRT_FLAGS.tsbpdSend) !== 0 ? Math.max(settings.latencyMs, features.sendLatencyMs) : undefined,
    peerLatencyMs: (flags & SRT_FLAGS.tsbpdReceive) !== 0 ? features.receiveLatencyMs : undefined
  }
}

function commonTerms (
  features: HandshakeFeatures, handshake: Handshake, settings: ConnectionSettings
): Omit<AgreedTerms, 'receiveLatencyMs' | 'peerLatencyMs'> {
  const { flags } = features
  const largest = Math.min(settings.mss, handshake.mss) - PACKET_OVERHEAD_BYTES
  return {
    peerDropsTooLate: (flags & SRT_FLAGS.tooLateDrop) !== 0,
    peerRepeatsNaks: (flags & SRT_FLAGS.periodicNak) !== 0,
    peerKnowsRetransmitFlag: (flags & SRT_FLAGS.retransmitFlag) !== 0,
    payloadBytes: Math.min(settings.payloadBytes, largest),
    peerWindowPackets: handshake.flowWindowPackets,
    peerVersion: features.version
  }
}

