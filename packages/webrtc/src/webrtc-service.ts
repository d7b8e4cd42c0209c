/**
 * WebRTC between two peers that are connected through a relay, as a libp2p service: the signals go over that connection, the data channel is
 * encrypted and divided into streams as a TCP connection is. So each side knows that the other is the peer that it was connected to before, whatever
 * the relay did to the signals.
 */
import { serviceCapabilities } from '@libp2p/interface'
import { BoundedMap, deadline, TokenBucket } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { PROTOCOLS } from '@skein/records'
import { multiaddr } from '@multiformats/multiaddr'
import { newPeerConnection } from '#rtc'
import { ChannelConnection } from './channel-connection.ts'
import { openDataChannel } from './data-channel.ts'
import { iceServers } from './ice-servers.ts'
import { SignalStream } from './signal-stream.ts'
import { WebRtcError } from './webrtc-error.ts'
import type { ComponentLogger, Connection, Logger, Startable, Stream, Upgrader } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '@skein/core'
import type { TurnServer } from './ice-servers.ts'

export interface WebRtcOptions {
  /**
   * Servers that pass bytes on between peers that find no way to each other. They see as much as a relay of the mesh does: who talks to whom, and how
   * much.
   *
   * @default []
   */
  turn?: readonly TurnServer[]
}

/** What a peer gives it. */
export interface WebRtcWorld {
  /** STUN servers that may be asked now, multiaddr texts @default none: peers of one network alone find each other */
  stun?: () => readonly string[]
  /** @default systemClock() */
  clock?: Clock
}

export interface WebRtcComponents {
  registrar: Registrar
  upgrader: Upgrader
  logger: ComponentLogger
}

/** All only grow. */
export interface WebRtcCounters {
  offers_sent_total: number
  offers_received_total: number
  connected_total: number
  /** Offers of others that came too often, or while too many were under way */
  refused_total: number
}

/** From the first signal to the upgraded connection, ms. */
const CONNECT_TIMEOUT_MS = 9_500
/** Of others, at once: each holds sockets and threads. */
const MAX_ANSWERING = 8
const OFFERS = { ratePerSecond: 0.1, burst: 4 }
const MAX_ASKERS = 1_024

export class WebRtcService implements Startable {
  readonly [Symbol.toStringTag] = '@skein/webrtc'
  readonly [serviceCapabilities]: string[] = ['@skein/webrtc']
  readonly counters: WebRtcCounters = { offers_sent_total: 0, offers_received_total: 0, connected_total: 0, refused_total: 0 }
  private readonly components: WebRtcComponents
  private readonly options: WebRtcOptions
  private readonly world: WebRtcWorld
  private readonly clock: Clock
  private readonly log: Logger
  private readonly askers = new BoundedMap<string, TokenBucket>({ maxSize: MAX_ASKERS })
  private answering = 0
  private shutdown = new AbortController()

  constructor (components: WebRtcComponents, options: WebRtcOptions = {}, world: WebRtcWorld = {}) {
    this.components = components
    this.options = options
    this.world = world
    this.clock = world.clock ?? systemClock()
    this.log = components.logger.forComponent('skein:webrtc')
  }

  /** Whether it has a TURN server: then it finds a way wherever UDP goes. */
  get turn (): boolean {
    return this.options.turn !== undefined && this.options.turn.length > 0
  }

  async start (): Promise<void> {
    this.shutdown = new AbortController()
    await this.components.registrar.handle(PROTOCOLS.webrtc, (stream, connection) => { void this.answer(stream, connection) }, {
      maxInboundStreams: 2,
      maxOutboundStreams: 2,
      runOnLimitedConnection: true
    })
  }

  async stop (): Promise<void> {
    this.shutdown.abort(new Error('This node is stopping'))
    await this.components.registrar.unhandle(PROTOCOLS.webrtc)
  }

  /**
   * A connection of its own to the peer at the other end of this one.
   *
   * @throws {WebRtcError} when the other side refuses, or there is no way between the two
   */
  async connect (connection: Connection, signal: AbortSignal): Promise<Connection> {
    const limit = deadline(this.clock, CONNECT_TIMEOUT_MS, [signal, this.shutdown.signal])
    let stream: Stream | undefined
    try {
      stream = await connection.newStream(PROTOCOLS.webrtc, { runOnLimitedConnection: true, signal: limit.signal })
      this.counters.offers_sent_total++
      const raw = await this.meet(stream, connection, 'offer', limit.signal)
      const made = await this.upgraded(raw, async () => await this.components.upgrader.upgradeOutbound(raw, { signal: limit.signal }))
      end(stream)
      return made
    } catch (error) {
      stream?.abort(error as Error)
      throw error
    } finally {
      limit.clear()
    }
  }

  private async answer (stream: Stream, connection: Connection): Promise<void> {
    const peer = connection.remotePeer.toString()
    this.counters.offers_received_total++
    if (this.answering >= MAX_ANSWERING || !this.mayAsk(peer)) {
      this.counters.refused_total++
      stream.abort(new WebRtcError('Too many offers'))
      return
    }
    this.answering++
    const limit = deadline(this.clock, CONNECT_TIMEOUT_MS, [this.shutdown.signal])
    try {
      const raw = await this.meet(stream, connection, 'answer', limit.signal)
      await this.upgraded(raw, async () => { await this.components.upgrader.upgradeInbound(raw, { signal: limit.signal }) })
      end(stream)
    } catch (error) {
      this.log('%s was not met: %s', peer, (error as Error).message)
      await new SignalStream(stream).write({ kind: 'refuse', text: (error as Error).message }, { signal: limit.signal }).catch(() => {})
      stream.abort(error as Error)
    } finally {
      this.answering--
      limit.clear()
    }
  }

  private async meet (stream: Stream, connection: Connection, role: 'offer' | 'answer', signal: AbortSignal): Promise<ChannelConnection> {
    const peerConnection = await newPeerConnection({ iceServers: iceServers(this.world.stun?.() ?? [], this.options.turn ?? []) })
    try {
      const channel = await openDataChannel({ peerConnection, signals: new SignalStream(stream), role, signal })
      return new ChannelConnection({
        peerConnection,
        channel,
        remoteAddr: addressOf(connection),
        direction: role === 'offer' ? 'outbound' : 'inbound',
        log: this.components.logger.forComponent('skein:webrtc:connection')
      })
    } catch (error) {
      peerConnection.close()
      throw error
    }
  }

  private async upgraded<T> (raw: ChannelConnection, upgrade: () => Promise<T>): Promise<T> {
    try {
      const result = await upgrade()
      this.counters.connected_total++
      return result
    } catch (error) {
      raw.abort(error as Error)
      throw error
    }
  }

  private mayAsk (peer: string): boolean {
    const nowMs = this.clock.nowMs()
    const bucket = this.askers.touch(peer) ?? new TokenBucket(OFFERS, nowMs)
    this.askers.set(peer, bucket)
    return bucket.take(1, nowMs)
  }
}

/** WebRTC for a peer: `createPeer({ reachability: { webrtc: webRtc() } })`. */
export function webRtc (options: WebRtcOptions = {}): (world?: WebRtcWorld) => (components: WebRtcComponents) => WebRtcService {
  return world => components => new WebRtcService(components, options, world)
}

/** As libp2p writes such an address: the way of the signals, and after it `/webrtc`. */
function addressOf ({ remoteAddr, remotePeer }: Connection): Multiaddr {
  const [relay, circuit] = remoteAddr.toString().split('/p2p-circuit')
  return multiaddr(`${circuit === undefined ? '' : `${relay}/p2p-circuit`}/webrtc/p2p/${remotePeer.toString()}`)
}

function end (stream: Stream): void {
  stream.close().catch(error => { stream.abort(error as Error) })
}
