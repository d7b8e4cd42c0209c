/**
 * The listener's side of the handshake: a cookie first, without any state; who brings it back has an address at which it is reached
 * (draft-sharabayko-srt-01, §4.3.1).
 */
import { keyLengthField, takeKeys } from './connection-keys.ts'
import { LEAST_MSS } from './connection-options.ts'
import type { ConnectionSettings } from './connection-options.ts'
import type { Established } from './established.ts'
import { featuresBody, readFeatures, textOfWords } from './handshake-extension.ts'
import type { HandshakeFeatures } from './handshake-extension.ts'
import { EXTENSION_FLAGS, EXTENSION_TYPES, HANDSHAKE_MAGIC, HANDSHAKE_TYPES, handshakePacket, readHandshake } from './handshake-packet.ts'
import type { Handshake } from './handshake-packet.ts'
import { congestionExtension, congestionProblem, extensionOf, listenerTerms, ownFeatures } from './handshake-terms.ts'
import { destination, timestamp } from './packet-header.ts'
import { rejectHandshakeType } from './reject-reason.ts'
import type { RejectReason } from './reject-reason.ts'
import type { SrtCrypto } from './srt-crypto.ts'

/** A caller that proved its address and wants to be let in. */
export interface ConnectionRequest {
  address: string
  port: number
  /** '' when it has none */
  streamId: string
  isEncrypted: boolean
  peerSocketId: number
  handshake: Handshake
  features: HandshakeFeatures
  timestamp: number
  receivedAtMs: number
}

export type ListenerVerdict =
  | { type: 'ignore' }
  | { type: 'reply', packet: Uint8Array }
  | { type: 'refuse', packet: Uint8Array, reason: RejectReason }
  | { type: 'request', request: ConnectionRequest }

export interface ListenerHandshakeInit {
  crypto: SrtCrypto
  /** What most callers get; `accept` may be given others */
  settings: ConnectionSettings
}

/** A cookie is good for one to two of these. */
const COOKIE_PERIOD_MS = 60_000
const SECRET_BYTES = 32

export class ListenerHandshake {
  private readonly crypto: SrtCrypto
  private readonly settings: ConnectionSettings
  private readonly secret: Uint8Array
  private readonly text = new TextEncoder()

  constructor (init: ListenerHandshakeInit) {
    this.crypto = init.crypto
    this.settings = init.settings
    this.secret = init.crypto.randomBytes(SECRET_BYTES)
  }

  /** What to do about a packet for socket id 0. Keeps nothing. */
  onPacket (packet: Uint8Array, from: { address: string, port: number }, nowMs: number): ListenerVerdict {
    const handshake = destination(packet) === 0 ? readHandshake(packet) : undefined
    if (handshake === undefined || handshake.socketId === 0) {
      return { type: 'ignore' }
    }
    if (handshake.type === HANDSHAKE_TYPES.induction) {
      return { type: 'reply', packet: this.induction(handshake, packet, this.cookie(from, nowMs)) }
    }
    if (handshake.type !== HANDSHAKE_TYPES.conclusion || !this.knowsCookie(handshake.cookie, from, nowMs)) {
      return { type: 'ignore' } // an answer would go to whoever owns the address
    }
    return this.request(handshake, packet, from, nowMs)
  }

  /** Lets a caller in, or says why it cannot be: the keys are looked at only now, as that costs a millisecond. */
  accept (
    request: ConnectionRequest, { socketId, settings }: { socketId: number, settings: ConnectionSettings }, nowMs: number
  ): { type: 'accepted', packet: Uint8Array, established: Established } | { type: 'refused', packet: Uint8Array, reason: RejectReason } {
    const { handshake, features } = request
    const keyRequest = extensionOf(handshake, EXTENSION_TYPES.keyRequest)
    const agreement = listenerTerms(features, handshake, settings)
    const congestion = congestionProblem(handshake, settings)
    const keys = agreement.type === 'refused' || congestion !== undefined ? undefined : takeKeys(this.crypto, keyRequest, settings)
    if (agreement.type === 'refused') {
      return { type: 'refused', packet: this.refuse(request, agreement.reason), reason: agreement.reason }
    }
    if (keys === undefined || keys.type === 'refused') {
      const reason = keys?.reason ?? congestion ?? 'internal'
      return { type: 'refused', packet: this.refuse(request, reason), reason }
    }

    const { terms } = agreement
    const own = ownFeatures(settings, {
      receiveMs: terms.receiveLatencyMs ?? settings.latencyMs,
      sendMs: terms.peerLatencyMs ?? settings.peerLatencyMs
    }, 'listener')
    const config = congestionExtension(settings)
    const response: Handshake = {
      ...handshake,
      extensionField: EXTENSION_FLAGS.handshake |
        (keys.keys === undefined ? 0 : EXTENSION_FLAGS.key) |
        (config.length === 0 ? 0 : EXTENSION_FLAGS.config),
      mss: Math.min(settings.mss, handshake.mss),
      flowWindowPackets: settings.receiveBufferPackets,
      socketId,
      extensions: [
        { type: EXTENSION_TYPES.handshakeResponse, body: featuresBody(own) },
        ...keys.keys === undefined || keyRequest === undefined ? [] : [{ type: EXTENSION_TYPES.keyResponse, body: keyRequest }],
        ...config
      ]
    }
    return {
      type: 'accepted',
      packet: handshakePacket(response, { timestamp: 0, destination: request.peerSocketId }),
      established: {
        settings,
        terms,
        socketId,
        peerSocketId: request.peerSocketId,
        initialSequence: handshake.initialSequence,
        startMs: nowMs,
        peerTimestamp: request.timestamp,
        peerTimestampAtMs: request.receivedAtMs,
        streamId: request.streamId,
        keys: keys.keys
      }
    }
  }

  refuse (request: Pick<ConnectionRequest, 'handshake' | 'peerSocketId'>, reason: RejectReason): Uint8Array {
    const { handshake, peerSocketId } = request
    const answer = { ...handshake, type: rejectHandshakeType(reason), extensionField: 0, extensions: [] }
    return handshakePacket(answer, { timestamp: 0, destination: peerSocketId })
  }

  private induction (handshake: Handshake, packet: Uint8Array, cookie: number): Uint8Array {
    const answer: Handshake = {
      ...handshake,
      version: 5,
      encryption: keyLengthField(this.settings.passphrase === undefined ? undefined : this.settings.keyBytes ?? 16),
      extensionField: HANDSHAKE_MAGIC,
      cookie,
      extensions: []
    }
    return handshakePacket(answer, { timestamp: timestamp(packet), destination: handshake.socketId })
  }

  private request (handshake: Handshake, packet: Uint8Array, { address, port }: { address: string, port: number }, nowMs: number): ListenerVerdict {
    const peerSocketId = handshake.socketId
    const refuse = (reason: RejectReason): ListenerVerdict => ({ type: 'refuse', packet: this.refuse({ handshake, peerSocketId }, reason), reason })
    if (handshake.version !== 5) {
      return refuse('version')
    }
    const featuresOf = extensionOf(handshake, EXTENSION_TYPES.handshakeRequest)
    const features = featuresOf === undefined ? undefined : readFeatures(featuresOf)
    const idBody = extensionOf(handshake, EXTENSION_TYPES.streamId)
    const streamId = idBody === undefined ? '' : textOfWords(idBody)
    if (features === undefined || streamId === undefined || handshake.initialSequence > 0x7fffffff || handshake.mss < LEAST_MSS) {
      return refuse('rogue')
    }
    if (extensionOf(handshake, EXTENSION_TYPES.filter) !== undefined) {
      return refuse('filter')
    }
    if (extensionOf(handshake, EXTENSION_TYPES.group) !== undefined) {
      return refuse('group')
    }
    return {
      type: 'request',
      request: {
        address,
        port,
        streamId,
        isEncrypted: extensionOf(handshake, EXTENSION_TYPES.keyRequest) !== undefined,
        peerSocketId,
        handshake,
        features,
        timestamp: timestamp(packet),
        receivedAtMs: nowMs
      }
    }
  }

  private knowsCookie (cookie: number, from: { address: string, port: number }, nowMs: number): boolean {
    return cookie === this.cookie(from, nowMs) || cookie === this.cookie(from, nowMs - COOKIE_PERIOD_MS)
  }

  private cookie ({ address, port }: { address: string, port: number }, nowMs: number): number {
    return this.crypto.mac32(this.secret, this.text.encode(`${address} ${port} ${Math.floor(nowMs / COOKIE_PERIOD_MS)}`))
  }
}
