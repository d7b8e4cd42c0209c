/** What one connection may do with streams: how many it opens and how fast, how often it pings, and how long a stream of it may say nothing. */
import { TokenBucket } from '@skein/core'
import { PROTOCOLS } from '@skein/records'
import type { TokenBucketInit } from '@skein/core'

export interface StreamLimits {
  /** Most streams that the other side may have open on one connection @default 64 */
  maxPerConnection?: number
  /** Streams that the other side opens on one connection @default 20/s, burst 64 */
  opens?: TokenBucketInit
  /** Streams beyond these bounds are reset; more resets than this end the connection @default 1/s, burst 100 */
  resets?: TokenBucketInit
  /**
   * Pings of the other side; more end the connection. Each is answered, and whoever does not read the answers lets them pile up.
   *
   * @default 2/s, burst 60
   */
  pings?: TokenBucketInit
  /** A stream must have said something beyond the name of its protocol within this time, ms @default 10_000 */
  firstFrameTimeoutMs?: number
  /** A stream on which nothing was sent either way for this time is reset, ms @default 60_000 */
  idleTimeoutMs?: number
  /** Protocols of which a stream stands ready and may say nothing for as long as it likes; their services bound them @default that of signals */
  standingProtocols?: readonly string[]
}

export const DEFAULT_STREAM_LIMITS: Required<StreamLimits> = {
  maxPerConnection: 64,
  opens: { ratePerSecond: 20, burst: 64 },
  resets: { ratePerSecond: 1, burst: 100 },
  pings: { ratePerSecond: 2, burst: 60 },
  firstFrameTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
  standingProtocols: [PROTOCOLS.signal]
}

export type StreamRefusal = 'too_many' | 'rate'

export type StreamVerdict =
  | { action: 'accept' }
  | { action: 'reset' | 'abort', reason: StreamRefusal }

export class StreamAdmission {
  private readonly limits: Required<StreamLimits>
  private readonly opens: TokenBucket
  private readonly resets: TokenBucket
  private readonly pings: TokenBucket

  constructor (limits: Required<StreamLimits>, nowMs: number) {
    this.limits = limits
    this.opens = new TokenBucket(limits.opens, nowMs)
    this.resets = new TokenBucket(limits.resets, nowMs)
    this.pings = new TokenBucket(limits.pings, nowMs)
  }

  /** `open`: those of the other side that are open now */
  onOpen (open: number, nowMs: number): StreamVerdict {
    const reason = open >= this.limits.maxPerConnection ? 'too_many' : this.opens.take(1, nowMs) ? undefined : 'rate'
    if (reason === undefined) {
      return { action: 'accept' }
    }
    return { action: this.resets.take(1, nowMs) ? 'reset' : 'abort', reason }
  }

  /** Whether it is answered. */
  onPing (nowMs: number): boolean {
    return this.pings.take(1, nowMs)
  }
}

/** What multistream-select costs a side that names one protocol: a header, and a name with its length and line end. */
const NEGOTIATION_BYTES = '\u0013/multistream/1.0.0\n'.length + 2

/** One stream's signs of life. */
export class StreamLife {
  private readonly limits: Required<StreamLimits>
  private readonly openedMs: number
  private receivedBytes = 0
  private usedMs: number

  constructor (limits: Required<StreamLimits>, nowMs: number) {
    this.limits = limits
    this.openedMs = this.usedMs = nowMs
  }

  onBytes (received: number, nowMs: number): void {
    this.receivedBytes += received
    this.usedMs = nowMs
  }

  /** Why the stream is to be reset; `undefined` when it is not. `protocol` is `''` until it is negotiated. */
  fault (protocol: string, nowMs: number): 'first_frame' | 'idle' | undefined {
    if (this.limits.standingProtocols.includes(protocol)) {
      return undefined
    }
    if (this.receivedBytes <= NEGOTIATION_BYTES + protocol.length && nowMs - this.openedMs >= this.limits.firstFrameTimeoutMs) {
      return 'first_frame'
    }
    return nowMs - this.usedMs >= this.limits.idleTimeoutMs ? 'idle' : undefined
  }
}
