/**
 * The libp2p service that drives `Neighbourhood`: it greets connected peers, measures round trips, and answers. A stream is kept for further
 * greetings: one for each costs 2.1 times the bytes and five times the processor. A round trip is what passes between sending a greeting on a stream
 * that is open and agreed on, and its answer, which must bring back a number that was in the greeting.
 */
import { serviceCapabilities, serviceDependencies } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { BoundedMap, deadline, MachineDriver } from '@skein/core'
import { monotonicMs, systemClock, systemRandom } from '@skein/core/system'
import { PROTOCOLS } from '@skein/records'
import { TypedEventEmitter } from 'main-event'
import { GreetingError } from '../greeting.ts'
import { Neighbourhood } from '../neighbourhood.ts'
import { GreetingStream } from './greeting-stream.ts'
import { KeptStreams } from './kept-streams.ts'
import type { Greeting } from '../greeting.ts'
import type { Coordinate } from '../network-coordinate.ts'
import type { NeighbourhoodCounters } from '../neighbourhood-counters.ts'
import type { NeighbourhoodEffect, NeighbourhoodInit } from '../neighbourhood.ts'
import type { ZoneAnchor } from '../zone.ts'
import type { Connection, PeerId, PeerStore, Startable, Stream } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { Clock, Random } from '@skein/core'

export interface CoordinatesComponents {
  peerId: PeerId
  registrar: Registrar
  connectionManager: ConnectionManager
  peerStore: PeerStore
}

export interface CoordinatesInit extends NeighbourhoodInit {
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
  /**
   * What round trips are measured with, ms.
   *
   * @default that of the platform
   */
  monotonicMs?: () => number
}

export interface CoordinatesEvents {
  /** This peer belongs to another zone now */
  'zone:changed': CustomEvent<{ zone: string }>
  /** This peer has gone elsewhere, by round trips */
  'coordinate:moved': CustomEvent<{ coordinate: Coordinate }>
  /** What the neighbours say of their clusters has changed */
  'claims:changed': CustomEvent<undefined>
  /** A peer did what no honest peer does */
  'peer:offended': CustomEvent<{ peer: string, reason: 'malformed' }>
}

/** Streams on which others greet; the one used longest ago is closed for a further one. */
const MAX_INBOUND = 1024
const GREET_TIMEOUT_MS = 10_000
/** For the first greeting on a stream that another opened, and between two: with 60 neighbours each is greeted twice an hour. */
const FIRST_TIMEOUT_MS = 10_000
const IDLE_TIMEOUT_MS = 3_600_000

export class CoordinatesService extends TypedEventEmitter<CoordinatesEvents> implements Startable {
  readonly [Symbol.toStringTag] = '@skein/coordinates'
  readonly [serviceCapabilities]: string[] = ['@skein/coordinates']
  readonly [serviceDependencies]: string[] = ['@libp2p/identify']
  private readonly components: CoordinatesComponents
  private readonly clock: Clock
  private readonly random: Random
  private readonly monotonicMs: () => number
  private readonly machine: Neighbourhood
  private readonly kept: KeptStreams
  private readonly inbound = new BoundedMap<GreetingStream, true>({ maxSize: MAX_INBOUND, onEvict: stream => { stream.close() } })
  /** Who waits for what the machine says to its greeting */
  private readonly asking = new Map<string, (answer: Greeting | undefined) => void>()
  private running: { driver: MachineDriver<NeighbourhoodEffect, Neighbourhood>, shutdown: AbortController, topology: string } | undefined

  constructor (components: CoordinatesComponents, init: CoordinatesInit) {
    super()
    this.components = components
    this.kept = new KeptStreams(components.connectionManager)
    this.clock = init.clock ?? systemClock()
    this.random = init.random ?? systemRandom()
    this.monotonicMs = init.monotonicMs ?? monotonicMs
    this.machine = new Neighbourhood(init, this.random, this.clock.nowMs())
  }

  get counters (): Readonly<NeighbourhoodCounters> {
    return this.machine.counters
  }

  /** As of `Neighbourhood`. */
  get coordinate (): Coordinate {
    return this.machine.coordinate
  }

  get zone (): string {
    return this.machine.zone
  }

  /** Connected peers that are greeted. */
  get neighbours (): number {
    return this.machine.neighbours
  }

  /** Streams that are kept, for greeting and for being greeted. */
  get streams (): number {
    return this.kept.size + this.inbound.size
  }

  /** As of `Neighbourhood`. */
  claims (region: string, zone: string): number[] {
    return this.machine.claims(region, zone, this.clock.nowMs())
  }

  /** As of `Neighbourhood`. */
  coordinators (scope: string): string[] {
    return this.machine.coordinators(scope, this.clock.nowMs())
  }

  /** As of `Neighbourhood`. */
  roundTripMs (peer: string): number | undefined {
    return this.machine.roundTripMs(peer, this.clock.nowMs())
  }

  /** As of `Neighbourhood`. */
  predictRoundTripMs (coordinate: Coordinate): number | undefined {
    return this.machine.predictRoundTripMs(coordinate)
  }

  /** Where peers of this region stand that this one knows: of them anchors of zones are chosen. */
  standing (): ZoneAnchor[] {
    return this.machine.standing(this.components.peerId.toString(), this.clock.nowMs())
  }

  /** The anchors of this peer's region, as its coordinator tells them. */
  setAnchors (anchors: Iterable<ZoneAnchor>): void {
    this.machine.onAnchors(anchors)
    this.input(() => {})
  }

  /** The cluster of this peer. @throws {RangeError} when there is none of such a depth */
  setCluster (cluster: { depth: number, coordinator?: string }): void {
    this.machine.onCluster(cluster)
  }

  isStarted (): boolean {
    return this.running !== undefined
  }

  async start (): Promise<void> {
    if (this.running !== undefined) {
      return
    }
    const { registrar } = this.components
    const driver = new MachineDriver({ machine: this.machine, clock: this.clock, perform: (effect: NeighbourhoodEffect) => { this.perform(effect) } })
    this.running = { driver, shutdown: new AbortController(), topology: '' }
    await registrar.handle(PROTOCOLS.coordinates, (stream, connection) => { void this.accept(stream, connection) }, {
      maxInboundStreams: 2,
      maxOutboundStreams: 2
    })
    // not over limited connections: what a relay has for them is for the peers' own use
    this.running.topology = await registrar.register(PROTOCOLS.coordinates, {
      onConnect: peer => { this.input((machine, nowMs) => { machine.onConnected(peer.toString(), nowMs) }) },
      onDisconnect: peer => { this.forget(peer.toString()) }
    })
    await this.greetConnected()
  }

  async stop (): Promise<void> {
    const running = this.running
    if (running === undefined) {
      return
    }
    this.running = undefined
    running.driver.stop()
    running.shutdown.abort(new Error('The service is stopping'))
    this.components.registrar.unregister(running.topology)
    await this.components.registrar.unhandle(PROTOCOLS.coordinates)
    for (const stream of this.inbound.keys()) {
      stream.close()
    }
    this.inbound.clear()
    this.kept.clear()
    this.machine.onStopped()
  }

  /** Of those that were connected before the start, the registrar says nothing. */
  private async greetConnected (): Promise<void> {
    const { connectionManager, peerStore } = this.components
    const peers = new Map(connectionManager.getConnections().map(({ remotePeer }) => [remotePeer.toString(), remotePeer]))
    await Promise.all([...peers].map(async ([name, peer]) => {
      const known = await peerStore.get(peer).catch(() => undefined)
      if (known?.protocols.includes(PROTOCOLS.coordinates) === true && this.kept.connectionTo(peer) !== undefined) {
        this.input((machine, nowMs) => { machine.onConnected(name, nowMs) })
      }
    }))
  }

  private input (feed: (machine: Neighbourhood, nowMs: number) => void): void {
    this.running?.driver.input(feed)
  }

  private perform (effect: NeighbourhoodEffect): void {
    switch (effect.type) {
      case 'greet':
        void this.greet(effect.peer, effect.greeting)
        break
      case 'answer':
        this.asking.get(effect.peer)?.(effect.greeting)
        break
      case 'refuse':
        this.asking.get(effect.peer)?.(undefined)
        break
      case 'moved':
        this.safeDispatchEvent('coordinate:moved', { detail: { coordinate: effect.coordinate } })
        break
      case 'zone':
        this.safeDispatchEvent('zone:changed', { detail: { zone: effect.zone } })
        break
      case 'claims':
        this.safeDispatchEvent('claims:changed')
        break
      case 'penalize':
        this.safeDispatchEvent('peer:offended', { detail: { peer: effect.peer, reason: effect.reason } })
    }
  }

  private async greet (peer: string, greeting: Greeting): Promise<void> {
    const connection = this.kept.connectionTo(peerIdFromString(peer))
    if (connection === undefined) {
      this.forget(peer) // none, or a limited one only
      return
    }
    const limit = deadline(this.clock, GREET_TIMEOUT_MS, [this.running?.shutdown.signal])
    try {
      const stream = await this.kept.streamTo(peer, connection, limit)
      const nonce = this.random.nextUint32()
      const sentMs = this.monotonicMs()
      await stream.write(greeting, nonce, limit)
      const answer = await stream.read(limit)
      const roundTripMs = this.monotonicMs() - sentMs
      if (answer.nonce !== nonce) {
        throw new GreetingError('An answer to another greeting')
      }
      this.input((machine, nowMs) => { machine.onAnswer(peer, answer.greeting, { roundTripMs, relayed: !connection.direct }, nowMs) })
    } catch (error) {
      this.kept.abort(peer, error as Error)
      this.input((machine, nowMs) => {
        if (error instanceof GreetingError) {
          machine.onMalformed(peer)
        }
        machine.onGreetFailed(peer, nowMs)
      })
    } finally {
      limit.clear()
    }
  }

  private async accept (stream: Stream, connection: Connection): Promise<void> {
    const greetings = new GreetingStream(stream, connection)
    const peer = connection.remotePeer.toString()
    const signal = this.running?.shutdown.signal
    let waitMs = FIRST_TIMEOUT_MS
    this.inbound.set(greetings, true)
    try {
      while (this.running !== undefined) {
        const limit = deadline(this.clock, waitMs, [signal])
        const asked = await greetings.read(limit).finally(() => { limit.clear() })
        const answer = this.answerTo(peer, asked.greeting)
        if (answer === undefined) {
          throw new Error(`${peer} is not answered`)
        }
        await greetings.write(answer, asked.nonce, { signal })
        this.inbound.delete(greetings)
        this.inbound.set(greetings, true)
        waitMs = IDLE_TIMEOUT_MS
      }
    } catch (error) {
      if (error instanceof GreetingError) {
        this.input(machine => { machine.onMalformed(peer) })
      }
      // who has closed its side is answered in kind, everybody else is reset
      if (stream.remoteWriteStatus !== 'writable') {
        greetings.close()
      } else {
        greetings.abort(error as Error)
      }
    } finally {
      this.inbound.delete(greetings)
    }
  }

  private answerTo (peer: string, greeting: Greeting): Greeting | undefined {
    let answer: Greeting | undefined
    this.asking.set(peer, given => { answer = given })
    this.input((machine, nowMs) => {
      machine.onConnected(peer, nowMs) // it speaks the protocol, whatever identify has found by now
      machine.onGreeting(peer, greeting, nowMs)
    })
    this.asking.delete(peer)
    return answer
  }

  private forget (peer: string): void {
    this.kept.forget(peer)
    this.input((machine, nowMs) => { machine.onDisconnected(peer, nowMs) })
  }
}

/** Where this peer stands by round trips, and what its neighbours say: `services: { coordinates: coordinates({ region: 'eu-west' }) }`. */
export function coordinates (init: CoordinatesInit): (components: CoordinatesComponents) => CoordinatesService {
  return components => new CoordinatesService(components, init)
}
