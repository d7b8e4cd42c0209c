/** How a node deals with those who connect to it: bounds below the protocols, which a node that strangers dial sets lower than a peer does. */
import type { YamuxMuxerInit } from '@libp2p/yamux'
import type { Libp2pOptions } from 'libp2p'
import type { GuardConnection } from './muxer-guard.ts'

export type Transports = NonNullable<Libp2pOptions['transports']>

export interface InboundInit {
  /** Most connections that are being encrypted and authenticated @default 256 */
  maxPending?: number
  /**
   * New connections of one host in a second. A node that has its own rule by address sets this high.
   *
   * @default 64
   */
  maxPerHostAndSecond?: number
  /** Most streams that one connection may have open, by who opened them @default 1_000 */
  maxStreamsPerConnection?: number
  /** Most streams of kad-dht that one connection may have open @default 32 */
  maxDhtStreamsPerConnection?: number
  /**
   * Most bytes that one stream may send before they are read. The smallest is 262_144; more is faster over long distances.
   *
   * @default 4_194_304
   */
  streamWindowBytes?: number
  /** Sends a yamux ping on each connection every 30 s @default true */
  keepAlive?: boolean
  /** Watches each connection below its streams */
  guardConnection?: GuardConnection
  /** Told why a connection or a stream was ended because of what came on it */
  onFault?: (error: Error) => void
}

/** A connection must be encrypted, authenticated and ready for streams within this time, ms. */
export const HANDSHAKE_TIMEOUT_MS = 10_000

export function muxerOptions (init: InboundInit = {}): YamuxMuxerInit {
  const windowBytes = init.streamWindowBytes ?? 4 * 1024 * 1024
  return {
    enableKeepAlive: init.keepAlive ?? true,
    ...init.maxStreamsPerConnection === undefined ? {} : { maxInboundStreams: init.maxStreamsPerConnection },
    streamOptions: {
      maxStreamWindowSize: windowBytes,
      // what a window allows must fit, or a reader that pauses would lose its stream
      maxReadBufferLength: windowBytes
    }
  }
}
