/** How many callers a listener deals with at once, and what it does about the rest. */
import { BoundedMap, DeadlineError, sleep, TokenBucket } from '@skein/core'
import type { ConnectionOptions } from '../connection-options.ts'
import type { ConnectionRequest } from '../listener-handshake.ts'
import type { RejectReason } from '../reject-reason.ts'
import { monotonicClock } from './monotonic-clock.ts'

/** Who asks to be let in. */
export type CallerInfo = Pick<ConnectionRequest, 'address' | 'port' | 'streamId' | 'isEncrypted'>

export type Admission =
  /** With options of its own, a passphrase say */
  | { type: 'accept', options?: ConnectionOptions }
  | { type: 'reject', reason: RejectReason }

export interface AdmissionInit {
  maxConnections?: number
  maxHalfOpen?: number
  maxRequestsPerSecond?: number
}

/** Addresses whose rate is kept; the oldest is forgotten. */
const MAX_ADDRESSES = 4_096
/** The caller gives up after 3 s. */
const DECISION_MS = 2_000

export class AdmissionControl {
  halfOpen = 0
  private readonly maxConnections: number
  private readonly maxHalfOpen: number
  private readonly ratePerSecond: number
  private readonly rates = new BoundedMap<string, TokenBucket>({ maxSize: MAX_ADDRESSES })

  constructor (init: AdmissionInit) {
    this.maxConnections = init.maxConnections ?? 256
    this.maxHalfOpen = init.maxHalfOpen ?? 64
    this.ratePerSecond = init.maxRequestsPerSecond ?? 50
  }

  /** `undefined` to go on: one more is half open then, until `onHeard`. */
  onRequest (address: string, connections: number, nowMs: number): RejectReason | 'ignore' | undefined {
    let rate = this.rates.get(address)
    if (rate === undefined) {
      rate = new TokenBucket({ ratePerSecond: this.ratePerSecond, burst: this.ratePerSecond * 2 }, nowMs)
      this.rates.set(address, rate)
    }
    if (!rate.take(1, nowMs)) {
      return 'ignore'
    }
    if (this.halfOpen >= this.maxHalfOpen) {
      return 'backlog'
    }
    if (connections >= this.maxConnections) {
      return 'resource'
    }
    this.halfOpen++
    return undefined
  }

  /** One that was half open is heard, refused, or gone. */
  onHeard (): void {
    this.halfOpen--
  }

  async ask (decide: ((caller: CallerInfo) => Admission | Promise<Admission>) | undefined, request: ConnectionRequest): Promise<Admission> {
    if (decide === undefined) {
      return { type: 'accept' }
    }
    const { address, port, streamId, isEncrypted } = request
    const late = new AbortController()
    try {
      return await Promise.race([
        decide({ address, port, streamId, isEncrypted }),
        sleep(monotonicClock(), DECISION_MS, late).then(() => { throw new DeadlineError() })
      ])
    } catch {
      return { type: 'reject', reason: 'server-error' }
    } finally {
      late.abort()
    }
  }
}
