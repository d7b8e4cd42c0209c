/** What bounds signalling at a seed. */
import { MAX_SIGNAL_LIFE_MS } from '@skein/records'
import type { TokenBucketInit } from '@skein/core'

export interface SignalLimits {
  /** Peers with a stream; one more is closed at once @default 4_096 */
  maxSessions?: number
  /** Signals that wait for one receiver, those it has not acknowledged yet included @default 64 */
  maxQueuedSignals?: number
  /** Their payloads, bytes @default 262_144 */
  maxQueuedBytes?: number
  /** Signals that one receiver was sent and has not acknowledged; the others wait @default 16 */
  window?: number
  /** Signals of one sender without an outcome yet @default 32 */
  maxPendingOfSender?: number
  /** Signals of all @default 16_384 */
  maxPending?: number
  /** Payloads of all, those from other seeds included, bytes @default 67_108_864 */
  maxPendingBytes?: number
  /** Signals of one sender: an offer with its candidates is some 20 @default 200, then 20/s */
  signalRate?: TokenBucketInit
  /** Signals of one sender that had to be refused; then its stream is closed @default 200, then 10/s */
  refusalRate?: TokenBucketInit
  /** Streams that one peer opens @default 10, then one in 5 s */
  openRate?: TokenBucketInit
  /** How long a signal may take to be acknowledged, ms @default 2_000 */
  lifeMs?: number
  /** A receiver that lets a signal expire and has said nothing for so long is closed, ms @default 10_000 */
  silentMs?: number
  /** How long a registration that was looked up is believed, ms @default 60_000 */
  registrationMs?: number
}

export const DEFAULT_SIGNAL_LIMITS: Required<SignalLimits> = {
  maxSessions: 4_096,
  maxQueuedSignals: 64,
  maxQueuedBytes: 262_144,
  window: 16,
  maxPendingOfSender: 32,
  maxPending: 16_384,
  maxPendingBytes: 67_108_864,
  signalRate: { ratePerSecond: 20, burst: 200 },
  refusalRate: { ratePerSecond: 10, burst: 200 },
  openRate: { ratePerSecond: 0.2, burst: 10 },
  lifeMs: MAX_SIGNAL_LIFE_MS,
  silentMs: 10_000,
  registrationMs: 60_000
}
