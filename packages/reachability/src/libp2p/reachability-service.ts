/**
 * How this node reaches others, as a libp2p service: watches the connections, tells the path to each peer, tries better ways while a relayed one
 * carries, and closes relayed connections that are not needed any more. Streams in progress end whole: a connection is closed when the last has
 * ended.
 */
import { serviceCapabilities } from '@libp2p/interface'
import { BoundedMap, MachineDriver, TokenBucket } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { isRelayed, PROTOCOLS } from '@skein/records'
import { TypedEventEmitter } from 'main-event'
import { PathTable } from '../path-table.ts'
import { OpenCone } from '../open-cone.ts'
import { AddressChanges } from './address-changes.ts'
import { ConnectionRetirement } from './connection-retirement.ts'
import { isUsed } from './connection-use.ts'
import { ConnectionWatch } from './connection-watch.ts'
import { PunchExchange } from './punch-exchange.ts'
import { newReachabilityCounters, triedCounter, workedCounter } from './reachability-counters.ts'
import { attemptWay, dialDirectly, isCircuit } from './way-attempt.ts'
import type {
  ComponentLogger, Connection, Libp2pEvents, Logger, PeerStore, Startable, Stream, TypedEventTarget, Upgrader
} from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Cancel, Clock, Random } from '@skein/core'
import type { Silence } from '../connection-pulse.ts'
import type { DirectWay, Reach } from '../pair-ways.ts'
import type { Path, PathEffect, PathTableInit, PeerPath } from '../path-table.ts'
import type { HolePuncher } from './hole-puncher.ts'

export interface ReachabilityInit extends Omit<PathTableInit, 'self'> {
  /** Makes what this platform punches with @default nothing: it does not punch */
  puncher?: (components: ReachabilityComponents) => HolePuncher
  /** What is known of how others reach this node; whether it can be dialled, and its NAT @default nothing */
  standing?: () => Pick<Reach, 'dialable' | 'nat'>
  /** Resolves when as much is known of that as is worth waiting for before others are told @default at once */
  settled?: () => Promise<void>
  /** Reaches a peer over WebRTC, by signals through the connection that stands @default it does not speak it */
  webrtc?: (connection: Connection, signal: AbortSignal) => Promise<Connection>
  /** Whether there is a TURN server for it @default there is none */
  turn?: () => boolean
  /** Whether an address that a peer named for itself may be dialled or punched to now, which counts as a dial of it @default it may */
  mayDial?: (peer: string, address: Multiaddr) => boolean
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
}

export interface ReachabilityComponents {
  registrar: Registrar
  connectionManager: ConnectionManager
  addressManager: AddressManager
  peerStore: PeerStore
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
  upgrader: Upgrader
}

export interface ReachabilityEvents {
  /** The way to a peer is another one; `undefined`: not connected */
  'path:changed': CustomEvent<{ peer: string, from: Path | undefined, to: Path | undefined, why: string }>
}

/** How often streams on relayed connections are looked for, ms: those in use are worth a better path. */
const LOOK_MS = 2_000
/** A peer may ask this often for a punch, a dial or what this one can do. */
const QUESTIONS = { ratePerSecond: 0.2, burst: 12 }
const MAX_ASKERS = 1_024

export class ReachabilityService extends TypedEventEmitter<ReachabilityEvents> implements Startable {
  readonly [Symbol.toStringTag] = '@skein/reachability'
  readonly [serviceCapabilities]: string[] = ['@skein/reachability']
  readonly counters = newReachabilityCounters()

  private readonly components: ReachabilityComponents
  private readonly init: ReachabilityInit
  private readonly clock: Clock
  private readonly log: Logger
  private readonly driver: MachineDriver<PathEffect, PathTable>
  private readonly puncher: HolePuncher | undefined
  private readonly exchange: PunchExchange
  private readonly letsIn = new OpenCone(() => this.reach().nat, () => this.clock.nowMs())
  private readonly addressChanges: AddressChanges
  private readonly watch: ConnectionWatch
  private readonly retirement: ConnectionRetirement
  private readonly askers = new BoundedMap<string, TokenBucket>({ maxSize: MAX_ASKERS })
  private shutdown = new AbortController()
  private cancelLook?: Cancel

  constructor (components: ReachabilityComponents, init: ReachabilityInit = {}) {
    super()
    this.components = components
    this.init = init
    this.clock = init.clock ?? systemClock()
    this.log = components.logger.forComponent('skein:reachability')
    this.puncher = init.puncher?.(components)
    this.driver = new MachineDriver({
      machine: new PathTable({ ...init, self: () => this.reach() }, init.random ?? systemRandom()),
      clock: this.clock,
      perform: effect => { this.perform(effect) }
    })
    this.retirement = new ConnectionRetirement({
      clock: this.clock,
      find: (peer, id) => this.connectionsTo(peer).find(open => open.id === id),
      isRetired: (peer, id) => this.driver.machine.isRetired(peer, id),
      signal: () => this.shutdown.signal
    })
    this.watch = new ConnectionWatch({
      clock: this.clock,
      isIdle: connection => !isUsed(connection),
      onSilence: (connection, silence) => { this.onSilence(connection, silence) }
    })
    this.exchange = new PunchExchange({
      self: () => this.reach(),
      settled: async () => { await init.settled?.() },
      ownAddresses: () => components.addressManager.getAddresses().filter(address => !isCircuit(address)),
      puncher: this.puncher,
      dial: async (connection, addresses, signal) => {
        const { connectionManager } = components
        await dialDirectly({ connectionManager, mayDial: init.mayDial }, connection.remotePeer.toString(), addresses, signal)
      },
      mayPunch: (connection, address) => init.mayDial?.(connection.remotePeer.toString(), address) ?? true,
      letsIn: this.letsIn,
      clock: this.clock
    })
    this.addressChanges = new AddressChanges(components.events, peer => {
      this.driver.input((table, nowMs) => { table.onAddressesChanged(peer, nowMs) })
    })
  }

  /** How a peer is reached, and since when; `undefined` of one that was never connected. */
  pathTo (peer: string): PeerPath | undefined {
    return this.driver.machine.pathTo(peer)
  }

  /** How the peers are reached that are connected, or were lately. */
  get paths (): Array<PeerPath & { peer: string }> {
    const { machine } = this.driver
    return machine.peers.flatMap(peer => {
      const path = machine.pathTo(peer)
      return path === undefined ? [] : [{ peer, ...path }]
    })
  }

  /** The connection that new streams to a peer should use; `undefined` when there is none, or none over which anything comes. */
  connectionTo (peer: string): Connection | undefined {
    const open = this.connectionsTo(peer).filter(connection => !this.isSilent(connection))
    const best = this.driver.machine.bestConnection(peer)
    return open.find(({ id }) => id === best) ?? open.find(connection => this.pathOf(connection) !== 'relayed') ?? open[0]
  }

  /** The path of a connection. */
  pathOf (connection: Pick<Connection, 'id' | 'remoteAddr' | 'limits'>): Path {
    const address = connection.remoteAddr
    if (isRelayed(connection)) {
      return 'relayed'
    }
    return address.toString().includes('/srtla')
      ? 'bonded'
      : this.puncher?.isPunched(connection as Connection) === true || /\/webrtc(\/|$)/.test(address.toString()) ? 'punched' : 'direct'
  }

  /** Nothing has come over this connection since something was to come. */
  isSilent (connection: Connection): boolean {
    return this.watch.silenceOf(connection) !== undefined
  }

  /** Something depends on this connection until the returned function is called: when silent it is pinged, and `onSilence` told how that goes on. */
  use (connection: Connection, onSilence: (silence: Silence) => void): () => void {
    return this.watch.use(connection, onSilence)
  }

  /** What is known of this node's own network has changed: what failed may work, and what worked may not, where `addresses` are other ones. */
  networkChanged (addresses?: readonly string[]): void {
    if (addresses !== undefined) {
      this.watch.networkChanged(addresses)
    }
    this.driver.input((table, nowMs) => { table.onNetworkChanged(nowMs) })
  }

  async start (): Promise<void> {
    const { registrar, events, connectionManager } = this.components
    this.shutdown = new AbortController()
    await registrar.handle(PROTOCOLS.punch, (stream, connection) => { this.onStream(stream, connection) }, {
      maxInboundStreams: 4,
      maxOutboundStreams: 4,
      runOnLimitedConnection: true
    })
    events.addEventListener('connection:open', this.onOpen)
    events.addEventListener('connection:close', this.onClose)
    this.addressChanges.start()
    connectionManager.getConnections().forEach(connection => { this.opened(connection) })
    this.look()
  }

  async stop (): Promise<void> {
    const { registrar, events } = this.components
    this.shutdown.abort(new Error('This node is stopping'))
    this.cancelLook?.()
    events.removeEventListener('connection:open', this.onOpen)
    events.removeEventListener('connection:close', this.onClose)
    this.addressChanges.stop()
    this.driver.stop()
    this.watch.stop()
    await registrar.unhandle(PROTOCOLS.punch)
  }

  private readonly onOpen = ({ detail }: CustomEvent<Connection>): void => { this.opened(detail) }

  private readonly onClose = ({ detail }: CustomEvent<Connection>): void => {
    this.watch.closed(detail)
    this.driver.input((table, nowMs) => { table.onClosed(detail.remotePeer.toString(), detail.id, nowMs) })
  }

  private opened (connection: Connection): void {
    const peer = connection.remotePeer.toString()
    const path = this.pathOf(connection)
    this.watch.opened(connection)
    // who dialled the circuit leads: with two that lead a punch would not meet
    const leads = path === 'relayed' && connection.direction === 'outbound'
    this.driver.input((table, nowMs) => { table.onConnected({ id: connection.id, peer, path, leads }, nowMs) })
    this.replaceSilent(connection)
  }

  private async ask (peer: string): Promise<void> {
    await this.init.settled?.()
    const connection = this.connectionsTo(peer)
      .findLast(open => this.pathOf(open) === 'relayed' && open.direction === 'outbound' && !this.isSilent(open))
    let reach: Reach | undefined
    try {
      reach = connection && await this.exchange.askReach(connection, this.shutdown.signal)
    } catch (error) {
      this.log('%s does not say what it can do: %s', peer, (error as Error).message)
    }
    this.driver.input((table, nowMs) => {
      if (reach === undefined) {
        table.onReachFailed(peer, nowMs)
      } else {
        table.onReach(peer, reach, nowMs)
      }
    })
  }

  private onSilence (connection: Connection, silence: Silence | undefined): void {
    const peer = connection.remotePeer.toString()
    this.driver.input((table, nowMs) => {
      if (silence === undefined) {
        table.onHeard(peer, connection.id, nowMs)
      } else {
        table.onSilent(peer, connection.id, nowMs)
      }
    })
    this.replaceSilent(connection)
  }

  /**
   * The other side answered the several round trips of a handshake while it answered no ping on an older connection of the same kind: that one is
   * gone, and libp2p is not to take it for streams of its own. What may only be slow, and carries something, has until it is lost.
   */
  private replaceSilent (connection: Connection): void {
    const those = this.connectionsTo(connection.remotePeer.toString()).filter(other => this.pathOf(other) === this.pathOf(connection))
    const newest = Math.max(...those.filter(other => !this.isSilent(other)).map(({ timeline }) => timeline.open))
    for (const older of those.filter(({ timeline }) => timeline.open < newest)) {
      const silence = this.watch.silenceOf(older)
      if (silence !== undefined && (silence !== 'silent' || !isUsed(older))) {
        older.abort(new Error('Another connection stands where nothing came over this one'))
      }
    }
  }

  private onStream (stream: Stream, connection: Connection): void {
    const peer = connection.remotePeer.toString()
    const nowMs = this.clock.nowMs()
    const bucket = this.askers.touch(peer) ?? new TokenBucket(QUESTIONS, nowMs)
    this.askers.set(peer, bucket)
    if (!bucket.take(1, nowMs)) {
      this.counters.refused_total++
      stream.abort(new Error('Asked too often'))
      return
    }
    void this.exchange.answer(stream, connection)
  }

  private reach (): Reach {
    const { standing, webrtc } = this.init
    const hasTurn = this.init.turn?.() === true
    return { dialable: false, ...standing?.(), tcp: this.puncher !== undefined, webrtc: webrtc !== undefined, ...hasTurn ? { turn: true } : {} }
  }

  private perform (effect: PathEffect): void {
    switch (effect.type) {
      case 'changed': {
        const { type, ...detail } = effect
        this.safeDispatchEvent('path:changed', { detail })
        break
      }
      case 'ask': {
        void this.ask(effect.peer)
        break
      }
      case 'try': {
        void this.try(effect.peer, effect.way)
        break
      }
      case 'retire': {
        this.retirement.retire(effect.peer, effect.connection)
      }
    }
  }

  private async try (peer: string, way: DirectWay): Promise<void> {
    this.counters[triedCounter(way)]++
    const connection = this.connectionsTo(peer).find(open => this.pathOf(open) === 'relayed' && !this.isSilent(open))
    let worked = false
    try {
      if (connection !== undefined) {
        const { connectionManager, peerStore } = this.components
        const { webrtc, mayDial } = this.init
        await attemptWay({ connectionManager, peerStore, exchange: this.exchange, webrtc, mayDial }, connection, way, this.shutdown.signal)
        worked = true
        this.counters[workedCounter(way)]++
      }
    } catch (error) {
      this.log('%s to %s did not work: %s', way, peer, (error as Error).message)
    }
    this.driver.input((table, nowMs) => { table.onTried(peer, way, worked, nowMs) })
  }

  private look (): void {
    for (const connection of this.components.connectionManager.getConnections()) {
      if (this.pathOf(connection) === 'relayed' && isUsed(connection)) {
        this.driver.input((table, nowMs) => { table.onUsed(connection.remotePeer.toString(), nowMs) })
      }
    }
    this.cancelLook = this.clock.schedule(this.clock.nowMs() + LOOK_MS, () => { this.look() })
  }

  private connectionsTo (peer: string): Connection[] {
    return this.components.connectionManager.getConnections().filter(({ remotePeer, status }) => remotePeer.toString() === peer && status === 'open')
  }
}

/** Watches paths and finds better ones: `services: { reachability: reachability({ puncher }) }`. */
export function reachability (init: ReachabilityInit = {}): (components: ReachabilityComponents) => ReachabilityService {
  return components => new ReachabilityService(components, init)
}
