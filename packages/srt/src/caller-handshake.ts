/** The caller's side of the handshake: asks for a cookie, then for the connection, each until it is answered (draft-sharabayko-srt-01, §4.3.1). */
import type { Machine } from '@skein/core'
import { keyAnswerProblem, keyBytesOf, keyLengthField, proposeKeys } from './connection-keys.ts'
import type { KeyProposal } from './connection-keys.ts'
import { LEAST_MSS } from './connection-options.ts'
import type { ConnectionSettings } from './connection-options.ts'
import { shutdownPacket } from './control-packet.ts'
import type { Established } from './established.ts'
import { featuresBody, MAX_STREAM_ID_BYTES, readFeatures, wordsOfText } from './handshake-extension.ts'
import {
  EXTENSION_FLAGS, EXTENSION_TYPES, HANDSHAKE_MAGIC, HANDSHAKE_TYPES, handshakePacket, readHandshake
} from './handshake-packet.ts'
import type { Handshake, HandshakeExtension } from './handshake-packet.ts'
import { callerTerms, congestionExtension, congestionProblem, extensionOf, ownFeatures } from './handshake-terms.ts'
import { destination, timestamp } from './packet-header.ts'
import { rejectReasonOf, SrtRejectedError } from './reject-reason.ts'
import type { RejectReason } from './reject-reason.ts'
import type { SrtCrypto } from './srt-crypto.ts'
import { timestampOf } from './timestamp.ts'

export interface CallerHandshakeInit {
  settings: ConnectionSettings
  /** Needed with a passphrase */
  crypto?: SrtCrypto
  /** 1 to 2^30 − 1, and no other connection's of the same port */
  socketId: number
  initialSequence: number
  /** At most 512 bytes */
  streamId?: string
  /** See `addressField` */
  peerAddress: Uint8Array
  timeoutMs: number
}

export type CallerEffect =
  | { type: 'send', packet: Uint8Array }
  | { type: 'established', established: Established }
  | { type: 'failed', error: Error }

/** Nobody answered a handshake in time. */
export class SrtConnectTimeoutError extends Error {
  static override name = 'SrtConnectTimeoutError'
  override readonly name = 'SrtConnectTimeoutError'
  readonly timeoutMs: number

  constructor (timeoutMs: number) {
    super(`No SRT listener answered within ${timeoutMs} ms`)
    this.timeoutMs = timeoutMs
  }
}

/** As in libsrt. */
const REPEAT_MS = 250
/** The socket type of UDT, which inductions of version 4 still carry. */
const DATAGRAM = 2

export class CallerHandshake implements Machine<CallerEffect> {
  private readonly init: CallerHandshakeInit
  private readonly startMs: number
  private readonly effects: CallerEffect[] = []
  private request: Handshake
  private proposal?: KeyProposal
  private repeatAtMs?: number

  constructor (init: CallerHandshakeInit, nowMs: number) {
    if (init.streamId !== undefined && new TextEncoder().encode(init.streamId).length > MAX_STREAM_ID_BYTES) {
      throw new RangeError(`A stream id has at most ${MAX_STREAM_ID_BYTES} bytes`)
    }
    if (init.settings.passphrase !== undefined && init.crypto === undefined) {
      throw new TypeError('A passphrase needs `crypto`')
    }
    this.init = init
    this.startMs = nowMs
    this.request = {
      version: 4,
      encryption: 0,
      extensionField: DATAGRAM,
      initialSequence: init.initialSequence,
      mss: init.settings.mss,
      flowWindowPackets: init.settings.receiveBufferPackets,
      type: HANDSHAKE_TYPES.induction,
      socketId: init.socketId,
      cookie: 0,
      peerAddress: init.peerAddress,
      extensions: []
    }
    this.send(nowMs)
  }

  onPacket (packet: Uint8Array, nowMs: number): void {
    const answer = this.repeatAtMs === undefined ? undefined : readHandshake(packet)
    if (answer === undefined || destination(packet) !== this.init.socketId) {
      return
    }
    const refusal = rejectReasonOf(answer.type)
    if (refusal !== undefined) {
      this.fail(new SrtRejectedError(refusal))
    } else if (answer.type === HANDSHAKE_TYPES.induction && this.request.type === HANDSHAKE_TYPES.induction) {
      this.onInduction(answer, nowMs)
    } else if (answer.type === HANDSHAKE_TYPES.conclusion && this.request.type === HANDSHAKE_TYPES.conclusion) {
      this.onConclusion(answer, timestamp(packet), nowMs)
    }
  }

  onTimeout (nowMs: number): void {
    if (this.repeatAtMs === undefined) {
      return
    }
    if (nowMs >= this.startMs + this.init.timeoutMs) {
      this.fail(new SrtConnectTimeoutError(this.init.timeoutMs))
    } else if (nowMs >= this.repeatAtMs) {
      this.send(nowMs)
    }
  }

  poll (): CallerEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.repeatAtMs === undefined ? undefined : Math.min(this.repeatAtMs, this.startMs + this.init.timeoutMs)
  }

  private onInduction (answer: Handshake, nowMs: number): void {
    if (answer.version < 5 || answer.extensionField !== HANDSHAKE_MAGIC) {
      this.fail(new SrtRejectedError('version', 'self'))
      return
    }
    const { settings, streamId, crypto } = this.init
    if (settings.passphrase !== undefined && crypto !== undefined) {
      const keyBytes = settings.keyBytes ?? keyBytesOf(answer.encryption) ?? 16
      this.proposal = proposeKeys(crypto, settings.passphrase, keyBytes, settings)
    }
    const features = ownFeatures(settings, { receiveMs: settings.latencyMs, sendMs: settings.peerLatencyMs }, 'caller')
    const config: HandshakeExtension[] = [
      ...streamId === undefined || streamId === '' ? [] : [{ type: EXTENSION_TYPES.streamId, body: wordsOfText(streamId) }],
      ...congestionExtension(settings)
    ]
    this.request = {
      ...this.request,
      version: 5,
      encryption: keyLengthField(this.proposal === undefined ? undefined : (this.proposal.message[15] as number) * 4 as 16),
      extensionField: EXTENSION_FLAGS.handshake |
        (this.proposal === undefined ? 0 : EXTENSION_FLAGS.key) |
        (config.length === 0 ? 0 : EXTENSION_FLAGS.config),
      type: HANDSHAKE_TYPES.conclusion,
      cookie: answer.cookie,
      extensions: [
        { type: EXTENSION_TYPES.handshakeRequest, body: featuresBody(features) },
        ...this.proposal === undefined ? [] : [{ type: EXTENSION_TYPES.keyRequest, body: this.proposal.message }],
        ...config
      ]
    }
    this.send(nowMs)
  }

  private onConclusion (answer: Handshake, peerTimestamp: number, nowMs: number): void {
    const { settings, socketId, streamId } = this.init
    const body = extensionOf(answer, EXTENSION_TYPES.handshakeResponse)
    const features = body === undefined ? undefined : readFeatures(body)
    const sane = answer.version === 5 && answer.mss >= LEAST_MSS && answer.initialSequence === this.request.initialSequence
    const problem: RejectReason | undefined = features === undefined || !sane
      ? 'rogue'
      : congestionProblem(answer, settings) ?? keyAnswerProblem(this.proposal, extensionOf(answer, EXTENSION_TYPES.keyResponse))
    if (problem !== undefined || features === undefined) {
      // the other side thinks that it is connected
      this.effects.push({ type: 'send', packet: shutdownPacket({ timestamp: this.timestamp(nowMs), destination: answer.socketId }) })
      this.fail(new SrtRejectedError(problem ?? 'rogue', 'self'))
      return
    }
    this.repeatAtMs = undefined
    this.effects.push({
      type: 'established',
      established: {
        settings,
        terms: callerTerms(features, answer, settings),
        socketId,
        peerSocketId: answer.socketId,
        initialSequence: this.request.initialSequence,
        startMs: this.startMs,
        peerTimestamp,
        peerTimestampAtMs: nowMs,
        streamId,
        keys: this.proposal?.keys
      }
    })
  }

  private send (nowMs: number): void {
    this.repeatAtMs = nowMs + REPEAT_MS
    this.effects.push({ type: 'send', packet: handshakePacket(this.request, { timestamp: this.timestamp(nowMs), destination: 0 }) })
  }

  private fail (error: Error): void {
    this.repeatAtMs = undefined
    this.effects.push({ type: 'failed', error })
  }

  private timestamp (nowMs: number): number {
    return timestampOf(nowMs - this.startMs)
  }
}
