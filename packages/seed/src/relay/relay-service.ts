/**
 * A Circuit Relay v2 relay (https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md), as a libp2p service:
 * `services: { relay: relayService() }`. Why it is not the one of `@libp2p/circuit-relay-v2`: docs/adr/0008.
 */
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { pbStream } from '@libp2p/utils'
import { deadline, MachineDriver, sleep } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { isRelayed } from '@skein/records'
import * as Digest from 'multiformats/hashes/digest'
import { CarriedBytes } from './carried-bytes.ts'
import { CircuitResetError } from './circuit-error.ts'
import { CircuitPipe } from './circuit-pipe.ts'
import {
  CIRCUIT_STATUS, connectStatus, HOP_PROTOCOL, HOP_TYPE, MAX_CIRCUIT_MESSAGE_BYTES, reserveStatus, STOP_PROTOCOL, STOP_TYPE
} from './hop-protocol.ts'
import { HopMessage, StopMessage } from './pb/circuit.ts'
import { RelayLedger } from './relay-ledger.ts'
import type { ComponentLogger, Connection, Libp2pEvents, Logger, PeerId, PeerStore, Startable, Stream, TypedEventTarget } from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { Cancel, Clock } from '@skein/core'
import type { CircuitLimit } from './pb/circuit.ts'
import type { Receipt, RelayLoad, RelayReceipt, VerifiedNetwork } from '@skein/records'
import type { PaceAnswer } from './circuit-pipe.ts'
import type { ByteAnswer, RelayAllowance } from './relay-allowance.ts'
import type { Circuit, CircuitEnd, ConnectDecision, RelayClosure, RelayEffect, RelayLedgerInit, RelayPlaces } from './relay-ledger.ts'
import type { MonthUsage } from './usage-period.ts'

export interface RelayServiceInit extends RelayLedgerInit {
  /**
   * An end of a circuit that takes nothing for so long is not coming back, ms.
   *
   * @default 30_000
   */
  maxStallMs?: number
  /**
   * What circuits hold in memory together, looked at each second; beyond it, those go that have stood still longest.
   *
   * @default 128 MiB
   */
  maxHeldBytes?: number
  /** Whether a peer may have a reservation @default every peer may */
  admits?: (peer: string) => boolean
  /** The networks that an address (a multiaddr) lies in, by which `networks` counts @default none is counted */
  networkOf?: (address: string) => VerifiedNetwork | undefined
  /** Told when reservations or circuits came or went */
  onLoad?: () => void
  /** What its owner allows besides; left out, the limits are all */
  allowance?: RelayAllowance
  /** @default systemClock() */
  clock?: Clock
}

export interface RelayServiceComponents {
  addressManager: AddressManager
  connectionManager: ConnectionManager
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
  peerStore: PeerStore
  registrar: Registrar
}

/** A request must be in and answered within this time, the destination's answer included, ms. */
const HANDSHAKE_TIMEOUT_MS = 10_000
/** A peer that asks for circuits faster than it may is made to wait for so long before it is refused, ms: less than its dial takes. */
const MAX_WAIT_MS = 4_000
/** Streams of one connection on which it asks, besides those that have become circuits. */
const MAX_PENDING_STREAMS = 4
/** How often circuits are looked at whose end does not take what came in for it, ms. */
const STALL_INTERVAL_MS = 1_000
const RESERVATION_TAG = 'skein-relay-reservation'

export function relayService (init: RelayServiceInit = {}): (components: RelayServiceComponents) => RelayService {
  return components => new RelayService(components, init)
}

export class RelayService implements Startable {
  readonly ledger: RelayLedger
  private readonly carried = new CarriedBytes()
  private readonly components: RelayServiceComponents
  private readonly clock: Clock
  private readonly log: Logger
  private readonly onLoad: () => void
  private readonly admits: NonNullable<RelayServiceInit['admits']>
  private readonly networkOf: NonNullable<RelayServiceInit['networkOf']>
  private readonly allowance: RelayAllowance | undefined
  private readonly driver: MachineDriver<RelayEffect, RelayLedger>
  private readonly pipes = new Map<Circuit, CircuitPipe>()
  /** Circuits that count against the allowance */
  private readonly allowed = new Set<Circuit>()
  /** By peer with a reservation: the connection on which it was made last, others may be dead without a word */
  private readonly reservedOn = new Map<string, Connection>()
  /** By peer that is being reached: told when it reserves over another connection. No more than there are circuits being made */
  private readonly reaching = new Map<string, Set<() => void>>()
  private readonly stalledSinceMs = new Map<Circuit, number>()
  private readonly maxStallMs: number
  private readonly maxHeldBytes: number
  private readonly limit: CircuitLimit
  private readonly stopped = new AbortController()
  private cancelLook?: Cancel
  private draining = false

  constructor (components: RelayServiceComponents, init: RelayServiceInit) {
    this.components = components
    this.clock = init.clock ?? systemClock()
    this.log = components.logger.forComponent('skein:relay')
    this.onLoad = init.onLoad ?? (() => {})
    this.admits = init.admits ?? (() => true)
    this.networkOf = init.networkOf ?? (() => undefined)
    this.allowance = init.allowance
    this.maxStallMs = init.maxStallMs ?? 30_000
    this.maxHeldBytes = init.maxHeldBytes ?? 128 * 2 ** 20
    this.ledger = new RelayLedger(init)
    this.driver = new MachineDriver({
      machine: this.ledger,
      clock: this.clock,
      perform: ({ circuit, reason }) => { this.pipes.get(circuit)?.reset(new CircuitResetError(reason)) }
    })
    const { circuitMs, circuitBytes } = this.ledger.limits
    this.limit = { duration: Math.max(1, Math.floor(circuitMs / 1000)), data: circuitBytes }
  }

  async start (): Promise<void> {
    // refused on a connection that is itself relayed: a circuit through two relays would be paid by both
    await this.components.registrar.handle(HOP_PROTOCOL, (stream, connection) => { void this.onHop(stream, connection) }, {
      maxInboundStreams: this.ledger.limits.circuitsPerPeer + MAX_PENDING_STREAMS
    })
    this.components.events.addEventListener('peer:disconnect', this.onDisconnect)
  }

  async stop (): Promise<void> {
    this.stopped.abort()
    this.cancelLook?.()
    this.components.events.removeEventListener('peer:disconnect', this.onDisconnect)
    await this.components.registrar.unhandle(HOP_PROTOCOL)
    for (const pipe of [...this.pipes.values()]) {
      pipe.reset(new CircuitResetError('stopped'))
    }
    this.driver.stop()
  }

  /** Takes nobody new, or (`undefined`) takes them again; circuits go on to their end. A drain is final. */
  close (reason: RelayClosure | undefined): void {
    if (!this.draining) {
      this.draining = reason === 'draining'
      this.driver.input(machine => { machine.onClosed(reason) })
      this.onLoad()
    }
  }

  /** So many places from now on, at most those of the limits. */
  setPlaces (places: RelayPlaces): void {
    this.ledger.onPlaces(places)
    this.onLoad()
  }

  /** The owner ends all circuits. */
  endCircuits (reason: CircuitEnd): void {
    for (const [circuit, pipe] of [...this.pipes]) {
      pipe.reset(new CircuitResetError(this.ledger.onOwnerEnds(circuit, reason)))
    }
  }

  /** What circuits hold in memory: received from one end and not yet taken by the other. */
  get heldBytes (): number {
    return [...this.pipes.values()].reduce((sum, pipe) => sum + pipe.heldBytes, 0)
  }

  load (): RelayLoad | undefined {
    return this.ledger.load(this.clock.nowMs())
  }

  /** What this relay measured of what a client offers a receipt of: `peer.trust.receipts?.judge('relay', relay.measured)`. */
  readonly measured = (offered: Receipt): RelayReceipt | undefined => this.carried.measured(offered, this.clock.nowMs())

  /** What this month has carried. */
  usage (): Readonly<MonthUsage> {
    return this.ledger.usage(this.clock.nowMs())
  }

  /** Its reservation ends now; circuits end with its connections. */
  expel (peer: string): void {
    const before = this.ledger.reserved
    this.reservedOn.delete(peer)
    this.driver.input(machine => { machine.onDisconnected(peer) })
    if (this.ledger.reserved !== before) {
      this.onLoad()
    }
  }

  private readonly onDisconnect = (event: CustomEvent<PeerId>): void => {
    this.expel(event.detail.toString())
  }

  private async onHop (stream: Stream, connection: Connection): Promise<void> {
    const limit = deadline(this.clock, HANDSHAKE_TIMEOUT_MS, [this.stopped.signal])
    const messages = pbStream(stream, { maxDataLength: MAX_CIRCUIT_MESSAGE_BYTES })
    const hop = messages.pb(HopMessage)
    const answer = async (status: number, rest: Partial<HopMessage> = {}): Promise<void> => {
      await hop.write({ type: HOP_TYPE.status, status, ...rest }, { signal: limit.signal })
    }
    try {
      const request = await hop.read({ signal: limit.signal })
      if (request.type === HOP_TYPE.connect) {
        await this.connect(connection.remotePeer, request, { stream, answer, release: () => { messages.unwrap() }, signal: limit.signal })
        return
      }
      await (request.type === HOP_TYPE.reserve ? this.reserve(connection, answer) : answer(CIRCUIT_STATUS.unexpectedMessage))
      await stream.close({ signal: limit.signal })
    } catch (error) {
      this.log('a request of %p failed: %s', connection.remotePeer, (error as Error).message)
      stream.abort(error as Error)
    } finally {
      limit.clear()
    }
  }

  private async reserve (connection: Connection, answer: Answer): Promise<void> {
    if (isRelayed(connection)) {
      await answer(CIRCUIT_STATUS.permissionDenied)
      return
    }
    const peer = connection.remotePeer.toString()
    const request = { network: this.networkOf(connection.remoteAddr.toString()), admitted: this.admits(peer) }
    const decision = this.input((ledger, nowMs) => ledger.onReserve(peer, nowMs, request))
    if (!decision.granted) {
      await answer(reserveStatus(decision.reason))
      return
    }
    const isElsewhere = this.reservedOn.get(peer) !== connection
    this.reservedOn.set(peer, connection)
    if (isElsewhere) {
      this.reaching.get(peer)?.forEach(again => { again() })
    }
    this.onLoad()
    // a connection that others come through is not the one to prune
    const tag = { value: 50, ttl: this.ledger.limits.reservationMs }
    await this.components.peerStore.merge(connection.remotePeer, { tags: { [RESERVATION_TAG]: tag } })
    const addresses = this.components.addressManager.getAddresses().filter(address => !address.toString().includes('/p2p-circuit'))
    await answer(CIRCUIT_STATUS.ok, {
      reservation: { expire: Math.floor(decision.expiresAtMs / 1000), addrs: addresses.map(address => address.bytes) },
      limit: this.limit
    })
  }

  private async connect (source: PeerId, request: HopMessage, { stream, answer, release, signal }: HopExchange): Promise<void> {
    const destination = destinationOf(request)
    const refuse = async (status: number): Promise<void> => {
      await answer(status)
      await stream.close({ signal })
    }
    if (destination === undefined) {
      await refuse(CIRCUIT_STATUS.malformedMessage)
      return
    }
    await this.pass(source.toString(), destination.toString(), signal)
    const decision = this.decide(source.toString(), destination.toString())
    if (!decision.granted) {
      await refuse(connectStatus(decision.reason))
      return
    }
    const { circuit } = decision
    let far: Stream | undefined
    try {
      far = await this.reach(destination, source, signal).catch(error => {
        this.log('%p was not reached for %p: %s', destination, source, (error as Error).message)
        return undefined
      })
      if (far === undefined) {
        await refuse(CIRCUIT_STATUS.connectionFailed)
        return
      }
      await answer(CIRCUIT_STATUS.ok, { limit: this.limit })
      release()
      if (circuit.ended || this.stopped.signal.aborted) {
        throw new CircuitResetError(circuit.ended ? 'circuit_time' : 'stopped')
      }
      this.open(circuit, stream, far)
      this.onLoad()
    } catch (error) {
      far?.abort(error as Error)
      throw error
    } finally {
      if (!this.pipes.has(circuit)) {
        this.ended(circuit)
      }
    }
  }

  /** Its turn, or as long as it may wait for that; those that wait are bounded by the streams of a connection. */
  private async pass (source: string, destination: string, signal: AbortSignal): Promise<void> {
    const endMs = this.clock.nowMs() + MAX_WAIT_MS
    for (;;) {
      const nowMs = this.clock.nowMs()
      const waitMs = this.ledger.waitMs(source, destination, nowMs)
      if (waitMs === 0 || nowMs + waitMs > endMs) {
        return
      }
      await sleep(this.clock, waitMs, { signal })
    }
  }

  private decide (source: string, destination: string): ConnectDecision {
    const decision = this.input((ledger, nowMs) => ledger.onConnect(source, destination, nowMs))
    if (!decision.granted || this.allowance === undefined) {
      return decision
    }
    if (!this.allowance.onCircuit(source)) {
      return this.ledger.onDisallowed(decision.circuit)
    }
    this.allowed.add(decision.circuit)
    return decision
  }

  private ended (circuit: Circuit): void {
    this.driver.input(machine => { machine.onCircuitEnded(circuit) })
    if (this.allowed.delete(circuit)) {
      this.allowance?.onCircuitEnded()
    }
  }

  private pace (circuit: Circuit, answer: ByteAnswer): PaceAnswer {
    return answer.type === 'stop'
      ? { type: 'stop', error: new CircuitResetError(this.ledger.onOwnerEnds(circuit, answer.why)) }
      : answer
  }

  /** A stream to the destination on which it has agreed to the circuit; over another connection when it comes back over one meanwhile. */
  private async reach (destination: PeerId, source: PeerId, signal: AbortSignal): Promise<Stream | undefined> {
    const peer = destination.toString()
    for (;;) {
      const moved = new AbortController()
      const again = (): void => { moved.abort(new Error('It has come back over another connection')) }
      const waiting = this.reaching.get(peer) ?? new Set()
      this.reaching.set(peer, waiting.add(again))
      try {
        return await this.ask(destination, source, AbortSignal.any([signal, moved.signal]))
      } catch (error) {
        if (!moved.signal.aborted || signal.aborted) {
          throw error
        }
      } finally {
        waiting.delete(again)
        if (waiting.size === 0) {
          this.reaching.delete(peer)
        }
      }
    }
  }

  private async ask (destination: PeerId, source: PeerId, signal: AbortSignal): Promise<Stream | undefined> {
    const reserved = this.reservedOn.get(destination.toString())
    const connection = reserved?.status === 'open'
      ? reserved
      : this.components.connectionManager.getConnections(destination).find(one => !isRelayed(one))
    const maxOutboundStreams = this.ledger.limits.circuitsPerPeer + MAX_PENDING_STREAMS
    const far = await connection?.newStream(STOP_PROTOCOL, { signal, maxOutboundStreams })
    if (far === undefined) {
      return undefined
    }
    try {
      const stop = pbStream(far, { maxDataLength: MAX_CIRCUIT_MESSAGE_BYTES }).pb(StopMessage)
      await stop.write({ type: STOP_TYPE.connect, peer: { id: source.toMultihash().bytes, addrs: [] }, limit: this.limit }, { signal })
      const { status } = await stop.read({ signal })
      if (status !== CIRCUIT_STATUS.ok) {
        throw new Error(`It answered with status ${status ?? 'none'}`)
      }
      stop.unwrap().unwrap()
      return far
    } catch (error) {
      far.abort(error as Error)
      throw error
    }
  }

  private open (circuit: Circuit, source: Stream, destination: Stream): void {
    let over = false
    const { allowance, clock } = this
    const pipe = new CircuitPipe({
      source,
      destination,
      pace: allowance && (bytes => this.pace(circuit, allowance.onBytes(bytes))),
      schedule: (delayMs, task) => clock.schedule(clock.nowMs() + delayMs, task),
      onBytes: (direction, bytes) => {
        const nowMs = this.clock.nowMs()
        const reason = this.ledger.onBytes(circuit, direction, bytes, nowMs)
        if (reason !== undefined) {
          return new CircuitResetError(reason)
        }
        this.carried.onBytes(circuit.source, bytes, nowMs)
        this.carried.onBytes(circuit.destination, bytes, nowMs)
        return undefined
      },
      onStall: stalled => { this.onStall(circuit, stalled) },
      onEnd: () => {
        over = true
        this.pipes.delete(circuit)
        this.ended(circuit)
        this.onLoad()
      }
    })
    if (!over) {
      this.pipes.set(circuit, pipe)
    }
  }

  private onStall (circuit: Circuit, stalled: boolean): void {
    if (!stalled) {
      this.stalledSinceMs.delete(circuit)
    } else if (!this.stalledSinceMs.has(circuit)) {
      this.stalledSinceMs.set(circuit, this.clock.nowMs())
      this.cancelLook ??= this.clock.schedule(this.clock.nowMs() + STALL_INTERVAL_MS, () => { this.lookAtStalled() })
    }
  }

  /** In the order in which they came to stand. */
  private lookAtStalled (): void {
    const nowMs = this.clock.nowMs()
    this.cancelLook = undefined
    let held = this.heldBytes
    for (const [circuit, sinceMs] of [...this.stalledSinceMs]) {
      const pipe = this.pipes.get(circuit)
      if (pipe !== undefined && (nowMs - sinceMs >= this.maxStallMs || held > this.maxHeldBytes)) {
        held -= pipe.heldBytes
        pipe.reset(new CircuitResetError(this.ledger.onStalled(circuit)))
      }
    }
    if (this.stalledSinceMs.size > 0 && !this.stopped.signal.aborted) {
      this.cancelLook = this.clock.schedule(nowMs + STALL_INTERVAL_MS, () => { this.lookAtStalled() })
    }
  }

  private input<T> (ask: (ledger: RelayLedger, nowMs: number) => T): T {
    let answer: T | undefined
    this.driver.input((machine, nowMs) => { answer = ask(machine, nowMs) })
    if (answer === undefined) {
      throw new CircuitResetError('stopped')
    }
    return answer
  }
}

interface HopExchange {
  stream: Stream
  answer: Answer
  /** Gives the stream back as it came, with what was read too far */
  release: () => void
  signal: AbortSignal
}

type Answer = (status: number, rest?: Partial<HopMessage>) => Promise<void>

function destinationOf ({ peer }: HopMessage): PeerId | undefined {
  try {
    return peer === undefined ? undefined : peerIdFromMultihash(Digest.decode(peer.id) as Parameters<typeof peerIdFromMultihash>[0])
  } catch {
    return undefined
  }
}
