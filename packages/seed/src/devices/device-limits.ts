/** The bounds of the device relay, each to be set by an operator. */
import type { TokenBucketInit } from '@skein/core'

/** No bound at all: for benchmarks. */
export const UNLIMITED: TokenBucketInit = { ratePerSecond: Infinity, burst: Infinity }

export interface DeviceRates {
  /** Registrations of one socket @default one in 5 s, burst 10 */
  register?: TokenBucketInit
  /** Discovers of one device, over all its sockets @default one in 10 s, burst 3 */
  discover?: TokenBucketInit
  /** Offers, answers, candidates, opening and closing of sessions, by one socket @default 20/s, burst 200 */
  signal?: TokenBucketInit
  /** Messages of all kinds by one socket @default 2,000/s, burst 20,000 */
  messages?: TokenBucketInit
  /** Bytes of all messages of one socket @default 4 MiB/s, burst 64 MiB */
  bytes?: TokenBucketInit
  /** Messages of one socket that are answered with an error of its own making; beyond it the socket is closed @default 10/s, burst 1,000 */
  faults?: TokenBucketInit
}

export interface DeviceLimits {
  /** Most sockets @default 4_000 */
  maxSockets?: number
  /** Most sockets of one address (an IPv4 address, an IPv6 /56) @default 32 */
  maxSocketsPerAddress?: number
  /** Most sockets that are told of joins and leaves (`?events=1`) @default 64 */
  maxSubscribers?: number
  /** Largest message; larger ones close the socket @default 2 MiB: a chat request with pictures is one message */
  maxMessageBytes?: number
  /** Largest message of other kinds than `relayData` @default 32 KiB */
  maxSignalBytes?: number
  /** Bytes that may wait for one receiver; what comes beyond is refused to its sender @default 4 MiB */
  maxQueueBytes?: number
  /** Bytes that may wait for all receivers together @default 256 MiB */
  maxTotalQueueBytes?: number
  /** Most devices in an answer to discover @default 20 */
  maxDiscoverPeers?: number
  /** Largest answer to discover @default 12 KiB */
  maxDiscoverBytes?: number
  /** A socket must have registered within this time, ms @default 15_000 */
  registerTimeoutMs?: number
  /** A silent socket is pinged after this time, ms @default 30_000 */
  pingAfterMs?: number
  /** A socket silent for so long, pings unanswered, is closed, ms @default 75_000 */
  idleTimeoutMs?: number
  /** What `registerAck` tells: a registration lives so long after the last sign of life, ms @default 300_000 */
  ttlMs?: number
  rates?: DeviceRates
}

export const DEFAULT_LIMITS: Required<Omit<DeviceLimits, 'rates'>> = {
  maxSockets: 4_000,
  maxSocketsPerAddress: 32,
  maxSubscribers: 64,
  maxMessageBytes: 2 * 1024 * 1024,
  maxSignalBytes: 32 * 1024,
  maxQueueBytes: 4 * 1024 * 1024,
  maxTotalQueueBytes: 256 * 1024 * 1024,
  maxDiscoverPeers: 20,
  maxDiscoverBytes: 12 * 1024,
  registerTimeoutMs: 15_000,
  pingAfterMs: 30_000,
  idleTimeoutMs: 75_000,
  ttlMs: 300_000
}

export const DEFAULT_RATES: Required<DeviceRates> = {
  register: { ratePerSecond: 0.2, burst: 10 },
  discover: { ratePerSecond: 0.1, burst: 3 },
  signal: { ratePerSecond: 20, burst: 200 },
  messages: { ratePerSecond: 2_000, burst: 20_000 },
  bytes: { ratePerSecond: 4 * 1024 * 1024, burst: 64 * 1024 * 1024 },
  faults: { ratePerSecond: 10, burst: 1_000 }
}
