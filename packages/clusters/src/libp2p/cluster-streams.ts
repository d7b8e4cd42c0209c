/** Streams of `/skein/clusters/1.0.0`: one message each, after its length, and for a question one answer. */
import { peerIdFromString } from '@libp2p/peer-id'
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { BoundedMap, deadline, TokenBucket } from '@skein/core'
import { PROTOCOLS } from '@skein/records'
import { MAX_CLUSTER_MESSAGE_BYTES } from '../cluster-message.ts'
import type { ClusterCounters } from './cluster-counters.ts'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { Clock } from '@skein/core'

export type ClusterHost = Pick<Libp2p,
'peerId' | 'peerStore' | 'dial' | 'getConnections' | 'getMultiaddrs' | 'handle' | 'unhandle' | 'addEventListener' | 'removeEventListener'>

export interface ClusterStreamsInit {
  libp2p: ClusterHost
  clock: Clock
  counters: ClusterCounters
  connect: (peer: string, addresses: string[], signal: AbortSignal) => Promise<Connection>
  /** Takes a message, and gives the answer if it is a question */
  receive: (peer: string, bytes: Uint8Array) => Promise<Uint8Array | undefined>
}

const SEND_TIMEOUT_MS = 10_000
const READ_TIMEOUT_MS = 10_000
/** Under way at once; more are dropped, as what they say is said again. */
const MAX_SENDING = 128
const MAX_READING = 128
/** Messages of one peer: so many at once, and so many a second. */
const MESSAGES_AT_ONCE = 64
const MESSAGES_PER_SECOND = 8
const MAX_PEERS = 4096

export class ClusterStreams {
  private readonly init: ClusterStreamsInit
  private readonly rates = new BoundedMap<string, TokenBucket>({ maxSize: MAX_PEERS })
  private shutdown = new AbortController()
  private sending = 0
  private reading = 0

  constructor (init: ClusterStreamsInit) {
    this.init = init
  }

  async start (): Promise<void> {
    this.shutdown = new AbortController()
    await this.init.libp2p.handle(PROTOCOLS.clusters, (stream, connection) => { void this.accept(stream, connection) }, {
      maxInboundStreams: 16,
      maxOutboundStreams: 64,
      runOnLimitedConnection: true
    })
  }

  async stop (): Promise<void> {
    this.shutdown.abort(new Error('The service stopped'))
    await this.init.libp2p.unhandle(PROTOCOLS.clusters)
  }

  /** Sends a message, and reads the answer if it is a question. Rejects when the peer cannot be reached, or does not answer in time. */
  async send (peer: string, addresses: string[], bytes: Uint8Array, isQuestion: boolean, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const { clock, connect, counters } = this.init
    if (this.sending >= MAX_SENDING) {
      counters.sends_dropped_total++
      throw new Error(`${MAX_SENDING} messages are under way`)
    }
    const limit = deadline(clock, SEND_TIMEOUT_MS, [this.shutdown.signal, signal])
    let stream: Stream | undefined
    this.sending++
    try {
      const connection = await connect(peer, addresses, limit.signal)
      stream = await connection.newStream(PROTOCOLS.clusters, { signal: limit.signal, runOnLimitedConnection: true })
      const messages = lpStream(stream, { maxDataLength: MAX_CLUSTER_MESSAGE_BYTES })
      await messages.write(bytes, { signal: limit.signal })
      counters.messages_sent_total++
      counters.sent_bytes_total += bytes.length
      const answer = isQuestion ? (await messages.read({ signal: limit.signal })).subarray() : undefined
      counters.received_bytes_total += answer?.length ?? 0
      await stream.close({ signal: limit.signal })
      return answer
    } catch (error) {
      stream?.abort(error as Error)
      counters.sends_failed_total++
      throw error
    } finally {
      limit.clear()
      this.sending--
    }
  }

  private async accept (stream: Stream, connection: Connection): Promise<void> {
    const { clock, counters, receive } = this.init
    const peer = connection.remotePeer.toString()
    if (this.reading >= MAX_READING || !this.rate(peer).take(1, clock.nowMs())) {
      counters.streams_refused_total++
      stream.abort(new Error(`${peer} sends too much, or too many do`))
      return
    }
    const limit = deadline(clock, READ_TIMEOUT_MS, [this.shutdown.signal])
    this.reading++
    try {
      const messages = lpStream(stream, { maxDataLength: MAX_CLUSTER_MESSAGE_BYTES })
      const bytes = (await messages.read({ signal: limit.signal })).subarray()
      counters.messages_received_total++
      counters.received_bytes_total += bytes.length
      const answer = await receive(peer, bytes)
      if (answer !== undefined) {
        await messages.write(answer, { signal: limit.signal })
        counters.sent_bytes_total += answer.length
      }
      await stream.close({ signal: limit.signal })
    } catch (error) {
      stream.abort(error as Error)
    } finally {
      limit.clear()
      this.reading--
    }
  }

  private rate (peer: string): TokenBucket {
    const bucket = this.rates.touch(peer) ?? new TokenBucket({ ratePerSecond: MESSAGES_PER_SECOND, burst: MESSAGES_AT_ONCE }, this.init.clock.nowMs())
    this.rates.set(peer, bucket)
    return bucket
  }
}

/** Dials a peer where it is said to be, or where libp2p finds it, unless it is connected. */
export async function dialPeer (libp2p: ClusterHost, peer: string, addresses: string[], signal: AbortSignal): Promise<Connection> {
  const id = peerIdFromString(peer)
  const open = libp2p.getConnections(id).find(({ status }) => status === 'open')
  if (open !== undefined) {
    return open
  }
  const suffix = `/p2p/${peer}`
  const told = addresses.flatMap(address => {
    try {
      return [multiaddr(address.endsWith(suffix) ? address : `${address}${suffix}`)]
    } catch {
      return [] // written by another: it may be anything
    }
  })
  return await libp2p.dial(told.length > 0 ? told : id, { signal })
}
