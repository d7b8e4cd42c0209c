/** The bounds of connections, by address and in all. */
import type { TokenBucketInit } from '@skein/core'

/** What a connection begins as: the mesh over TCP or WebSocket, or anything at the HTTP port. */
export type ConnectionKind = 'tcp' | 'websocket' | 'http'

export interface ConnectionLimits {
  /**
   * Most connections of one owner: an IPv4 address, the /56 of an IPv6 address. An office or a carrier's NAT is one owner; over TCP a peer needs
   * one connection, over WebSocket a browser opens one for each tab.
   *
   * @default 8 over TCP, 32 over WebSocket, 32 at the HTTP port
   */
  maxPerAddress?: Partial<Record<ConnectionKind, number>>
  /** Most connections of one network, an IPv4 /24 or an IPv6 /48 @default 64 */
  maxPerNetwork?: number
  /** New connections of one owner @default 2/s, burst 32 */
  addressRate?: TokenBucketInit
  /**
   * New connections of one network. The rate of an owner alone would let a /24 open 512 a second, at some 6 ms of CPU each; the same rate for
   * the network would let one address keep its neighbours out.
   *
   * @default 8/s, burst 64
   */
  networkRate?: TokenBucketInit
  /** Most connections that are not yet encrypted and authenticated, or at the HTTP port have not asked for anything yet @default 256 */
  maxPending?: number
  /** How long a connection may take for that, ms @default 10_000 */
  handshakeTimeoutMs?: number
  /**
   * When all pending places are taken, one of the network that has the most yields to a newcomer from another. Between networks that have as many,
   * the oldest does once it has had this long, of which an honest one needs a part, ms.
   *
   * @default 2_000
   */
  yieldAfterMs?: number
  /** Most connections in all, outbound ones aside @default 4_000 */
  maxConnections?: number
  /** Of these, the share kept for trusted networks, and by that for connections that the seed opens itself @default 0.1 */
  reservedShare?: number
}

export const DEFAULT_CONNECTION_LIMITS = {
  maxPerAddress: { tcp: 8, websocket: 32, http: 32 },
  maxPerNetwork: 64,
  addressRate: { ratePerSecond: 2, burst: 32 },
  networkRate: { ratePerSecond: 8, burst: 64 },
  maxPending: 256,
  handshakeTimeoutMs: 10_000,
  yieldAfterMs: 2_000,
  maxConnections: 4_000,
  reservedShare: 0.1
} satisfies Required<ConnectionLimits>
