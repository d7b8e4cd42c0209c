/** A seed's defences below its protocols, as options of its node: who connects, which connections live, what they do with streams. */
import { MachineDriver } from '@skein/core'
import { networkOf } from '@skein/records'
import { GuardedConnectionError, MessageBoundsError, OversizeFrameError } from '@skein/peer'
import { AdmittedSockets } from './admitted-sockets.ts'
import { ConnectionLiveness } from './connection-liveness.ts'
import { guardedTransports } from './guarded-transports.ts'
import { isHeapShort, readHeap } from './heap-pressure.ts'
import { KnownPeers } from './known-peers.ts'
import { DEFAULT_STREAM_LIMITS, StreamAdmission, StreamLife } from './stream-admission.ts'
import { inNetworks, LOOPBACK_NETWORKS } from '../node/trusted-networks.ts'
import type { SocketCounters } from './admitted-sockets.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import type { LivenessEffect, LivenessInit } from './connection-liveness.ts'
import type { HeapReading } from './heap-pressure.ts'
import type { StreamLimits } from './stream-admission.ts'
import type { ConnectionGater, Libp2p, MultiaddrConnection, PeerId } from '@libp2p/interface'
import type { Cancel, Clock } from '@skein/core'
import type { ConnectionGuard, GuardedConnection, GuardedStream, PeerInit } from '@skein/peer'

export interface InboundGuardInit {
  connections?: ConnectionLimits
  streams?: StreamLimits
  liveness?: LivenessInit
  /**
   * Networks (`10.0.0.0/8`) whose connections are not limited by address. Behind a TCP proxy all connections come from its address: name it here, and
   * limit connections at the proxy.
   *
   * @default loopback
   */
  trustedNetworks?: readonly string[]
  /** Most peers that are remembered, connected or not @default 16_384 */
  maxKnownPeers?: number
  /** @default V8's */
  readHeap?: () => HeapReading
  clock: Clock
}

/** Told by reason. */
export interface InboundCounters extends SocketCounters {
  /** Connections that were open, and were ended */
  ended: Partial<Record<'silent' | 'streams' | 'pings', number>>
  /** Connections and streams that were ended because of what came on them */
  faults: Partial<Record<'malformed' | 'oversize', number>>
  /** Streams that were reset */
  streamsReset: Partial<Record<'too_many' | 'rate' | 'first_frame' | 'idle', number>>
}

const LOOK_INTERVAL_MS = 1_000
/** yamux's smallest: a seed moves small messages, and each stream may make it keep so much. */
const STREAM_WINDOW_BYTES = 256 * 1024
/** Each is a question; services of the seed have limits of their own. */
const MAX_DHT_STREAMS = 16
/** The admission has the rule by address; this one would count trusted networks too. */
const MAX_PER_HOST_AND_SECOND = 1_000

export class InboundGuard {
  readonly counters: InboundCounters
  readonly sockets: AdmittedSockets
  private readonly clock: Clock
  private readonly isTrusted: (address: string) => boolean
  private readonly readHeap: () => HeapReading
  private readonly limits: Required<StreamLimits>
  private readonly maxPending: number
  private readonly maxKnownPeers: number | undefined
  private knownPeers?: KnownPeers
  private readonly liveness: MachineDriver<LivenessEffect, ConnectionLiveness>
  private readonly connections = new Map<number, GuardedConnection>()
  private readonly streams = new Map<GuardedStream, StreamLife>()
  private nextId = 0
  private short = false
  private cancelLook: Cancel = () => {}

  constructor (init: InboundGuardInit) {
    this.clock = init.clock
    this.readHeap = init.readHeap ?? readHeap
    this.limits = { ...DEFAULT_STREAM_LIMITS, ...init.streams }
    this.maxKnownPeers = init.maxKnownPeers
    this.maxPending = init.connections?.maxPending ?? 256
    this.isTrusted = inNetworks(init.trustedNetworks ?? LOOPBACK_NETWORKS)
    this.sockets = new AdmittedSockets({ limits: init.connections, isTrusted: this.isTrusted, clock: init.clock })
    this.counters = Object.assign(this.sockets.counters, { ended: {}, faults: {}, streamsReset: {} })
    this.liveness = new MachineDriver({
      machine: new ConnectionLiveness(init.liveness),
      clock: init.clock,
      perform: effect => {
        const connection = this.connections.get(effect.id)
        if (effect.type === 'ping') {
          connection?.ping()
        } else {
          this.end(connection, 'silent')
        }
      }
    })
  }

  /** Memory is short, and nobody new is taken. */
  get isShedding (): boolean {
    return this.short
  }

  /** What the node is made with. */
  peerInit (init: Pick<PeerInit, 'connectionGater' | 'transports' | 'inbound'>): Pick<PeerInit, 'connectionGater' | 'transports' | 'inbound'> {
    return {
      transports: those => guardedTransports(init.transports?.(those) ?? those, this.sockets),
      connectionGater: this.gater(init.connectionGater ?? {}),
      inbound: {
        maxPending: this.maxPending,
        maxPerHostAndSecond: MAX_PER_HOST_AND_SECOND,
        maxStreamsPerConnection: this.limits.maxPerConnection,
        maxDhtStreamsPerConnection: MAX_DHT_STREAMS,
        streamWindowBytes: STREAM_WINDOW_BYTES,
        // whoever is silent is pinged by `ConnectionLiveness`, and peers ping their seeds
        keepAlive: false,
        guardConnection: connection => this.guardConnection(connection),
        onFault: error => { this.onFault(error) },
        ...init.inbound
      }
    }
  }

  start (libp2p: Libp2p): void {
    const log = libp2p.logger.forComponent('skein:guard')
    this.knownPeers = new KnownPeers(libp2p, error => { log.error('a peer was not forgotten: %s', error.message) }, this.maxKnownPeers)
    this.look()
  }

  /** The network of an address (a multiaddr) by which registrations are capped; trusted ones are not. */
  networkOf (address: string): string | undefined {
    return this.isTrusted(address.split('/')[2] ?? '') ? undefined : networkOf(address)
  }

  stop (): void {
    this.cancelLook()
    this.knownPeers?.stop()
    this.liveness.stop()
    this.sockets.stop()
  }

  private gater (own: ConnectionGater): ConnectionGater {
    return {
      ...own,
      denyInboundUpgradedConnection: async (peer: PeerId, connection: MultiaddrConnection) => {
        const denied = await own.denyInboundUpgradedConnection?.(peer, connection) ?? false
        if (!denied) {
          this.sockets.onEstablished(connection.remoteAddr.toString())
        }
        return denied
      }
    }
  }

  private guardConnection (connection: GuardedConnection): ConnectionGuard {
    const id = this.nextId++
    const admission = new StreamAdmission(this.limits, this.clock.nowMs())
    this.connections.set(id, connection)
    this.liveness.input((machine, nowMs) => { machine.onOpen(id, nowMs) })
    return {
      // not by way of the driver: it only moves a timeout back, for which nobody needs to be woken
      onHeard: () => { this.liveness.machine.onHeard(id, this.clock.nowMs()) },
      admitPing: () => {
        const admitted = admission.onPing(this.clock.nowMs())
        if (!admitted) {
          this.note(this.counters.ended, 'pings')
        }
        return admitted
      },
      admitStream: open => {
        const verdict = admission.onOpen(open, this.clock.nowMs())
        if (verdict.action !== 'accept') {
          this.note(this.counters.streamsReset, verdict.reason)
        }
        if (verdict.action === 'abort') {
          this.note(this.counters.ended, 'streams')
        }
        return verdict.action
      },
      onStream: stream => {
        const life = new StreamLife(this.limits, this.clock.nowMs())
        this.streams.set(stream, life)
        return {
          onBytes: received => { life.onBytes(received, this.clock.nowMs()) },
          onClose: () => { this.streams.delete(stream) }
        }
      },
      onClose: () => {
        this.connections.delete(id)
        this.liveness.input(machine => { machine.onClose(id) })
      }
    }
  }

  private onFault (error: Error): void {
    if (error instanceof GuardedConnectionError) {
      return // counted where it was made
    }
    const oversize = error instanceof OversizeFrameError || (error instanceof MessageBoundsError && error.fault === 'oversize')
    this.note(this.counters.faults, oversize ? 'oversize' : 'malformed')
  }

  private look (): void {
    const nowMs = this.clock.nowMs()
    this.short = isHeapShort(this.readHeap(), this.short)
    this.sockets.onOverload(this.short)
    for (const [stream, life] of this.streams) {
      const fault = life.fault(stream.protocol, nowMs)
      if (fault !== undefined) {
        this.streams.delete(stream)
        this.note(this.counters.streamsReset, fault)
        stream.abort(new GuardedConnectionError(`The stream is ${fault === 'idle' ? 'idle' : 'opened and not used'}`))
      }
    }
    this.cancelLook = this.clock.schedule(nowMs + LOOK_INTERVAL_MS, () => { this.look() })
  }

  private end (connection: GuardedConnection | undefined, reason: 'silent'): void {
    if (connection !== undefined) {
      this.note(this.counters.ended, reason)
      connection.abort(new GuardedConnectionError('Nothing came on the connection, nor an answer to a ping'))
    }
  }

  private note<R extends string> (counts: Partial<Record<R, number>>, reason: R): void {
    counts[reason] = (counts[reason] ?? 0) + 1
  }
}
