/** The seed's side of `/skein/signal/1.0.0`, as a libp2p service: drives `SignalHub` and `LocationKeeper` over streams, a registry and a bus. */
import { deadline, MachineDriver } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { peerIdBytesOf, peerNameOf, PROTOCOLS, signalOutcomeOf } from '@skein/records'
import { decodeFleetMessage, encodeFleetMessage } from './fleet-message.ts'
import { LocationKeeper } from './location-keeper.ts'
import { SessionStream } from './session-stream.ts'
import { SignalBusError } from './signal-bus.ts'
import { SignalHub } from './signal-hub.ts'
import type { LocationEffect } from './location-keeper.ts'
import type { SignalBus } from './signal-bus.ts'
import type { SignalCounters } from './signal-counters.ts'
import type { LocationVerdict, RegistrationVerdict, RemoteSignal, SessionId, SignalEffect } from './signal-effect.ts'
import type { SignalLimits } from './signal-limits.ts'
import type { Registry } from '../registry/registry.ts'
import type { ComponentLogger, Connection, Logger, PeerId, Startable, Stream } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import type { Clock, Random } from '@skein/core'
import type { SignalFrame } from '@skein/records'

export interface SignalServiceInit {
  /** Who is registered */
  registry: () => Pick<Registry, 'get'>
  /** The bus of the fleet, for this seed's peer id @default none: the peers of this seed alone */
  bus?: (seed: string) => SignalBus
  limits?: SignalLimits
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
}

export interface SignalServiceComponents {
  registrar: Registrar
  peerId: PeerId
  logger: ComponentLogger
}

export interface SignalStats {
  counters: SignalCounters
  /** Streams open now */
  sessions: number
  /** Peers that the fleet knows to be here, as far as this seed knows */
  claims: number
  /** Payloads that wait for a receiver connected here, or for its acknowledgement */
  queuedBytes: number
}

/** Two, so that a new one can take the place of one whose end has not been noticed. */
const MAX_STREAMS_PER_CONNECTION = 2
/** The registry or the bus has failed when it takes longer, ms: half of what a signal has. */
const LOOKUP_TIMEOUT_MS = 1_000
/** How long a stop waits for claims to be taken back, ms; those that are not end by themselves. */
const RELEASE_TIMEOUT_MS = 500

export function signalService (init: SignalServiceInit): (components: SignalServiceComponents) => SignalService {
  return components => new SignalService(components, init)
}

export class SignalService implements Startable {
  private readonly registrar: Registrar
  private readonly log: Logger
  private readonly clock: Clock
  private readonly registry: SignalServiceInit['registry']
  private readonly seed: string
  private readonly bus: SignalBus | undefined
  private readonly hub: MachineDriver<SignalEffect, SignalHub>
  private readonly keeper: MachineDriver<LocationEffect, LocationKeeper>
  private readonly streams = new Map<SessionId, SessionStream>()
  private lastSession = 0
  private started = false
  private serving = true

  constructor (components: SignalServiceComponents, init: SignalServiceInit) {
    this.registrar = components.registrar
    this.log = components.logger.forComponent('skein:signal')
    this.clock = init.clock ?? systemClock()
    this.registry = init.registry
    this.seed = components.peerId.toString()
    this.bus = init.bus?.(this.seed)
    const random = init.random ?? systemRandom()
    this.hub = new MachineDriver({
      // leaves room for 2^51 signals
      machine: new SignalHub({ ...init.limits, seed: this.seed, firstId: random.nextUint32() * 0x100000 }),
      clock: this.clock,
      perform: effect => { this.perform(effect) }
    })
    this.keeper = new MachineDriver({ machine: new LocationKeeper(), clock: this.clock, perform: effect => { void this.keep(effect) } })
  }

  async start (): Promise<void> {
    this.started = true
    this.bus?.start({
      onMessage: bytes => { this.onFleetMessage(bytes) },
      onRestored: () => { this.keeper.input((machine, nowMs) => { machine.onRestored(nowMs) }) }
    })
    await this.handle()
  }

  async stop (): Promise<void> {
    this.started = false
    await this.registrar.unhandle(PROTOCOLS.signal)
    this.hub.input((machine, nowMs) => { machine.onDrain(nowMs) })
    for (const stream of [...this.streams.values()]) {
      stream.close()
    }
    await this.claimsTakenBack()
    this.hub.stop()
    this.keeper.stop()
    await this.bus?.stop()
  }

  /** Takes no more signals, and sends peers to other seeds once theirs are settled. */
  drain (): void {
    this.hub.input((machine, nowMs) => { machine.onDrain(nowMs) })
  }

  /** Whether this seed signals: at the last stage of a network it does not. */
  async serve (serving: boolean): Promise<void> {
    if (serving === this.serving) {
      return
    }
    this.serving = serving
    this.hub.input((machine, nowMs) => {
      if (serving) {
        machine.onResume()
      } else {
        machine.onDrain(nowMs)
      }
    })
    if (this.started) {
      await (serving ? this.handle() : this.registrar.unhandle(PROTOCOLS.signal))
    }
  }

  stats (): SignalStats {
    const { counters, sessionCount, queuedBytes } = this.hub.machine
    return { counters, sessions: sessionCount, claims: this.keeper.machine.held, queuedBytes }
  }

  private async handle (): Promise<void> {
    if (this.serving) {
      await this.registrar.handle(PROTOCOLS.signal, (stream, connection) => { this.onStream(stream, connection) }, {
        maxInboundStreams: MAX_STREAMS_PER_CONNECTION,
        runOnLimitedConnection: true
      })
    }
  }

  private onStream (stream: Stream, connection: Connection): void {
    const id = ++this.lastSession
    this.streams.set(id, new SessionStream(stream, {
      onFrame: frame => { this.onFrame(id, frame) },
      onWritable: writable => { this.hub.input((machine, nowMs) => { machine.onWritable(id, writable, nowMs) }) },
      onEnd: error => {
        this.streams.delete(id)
        this.hub.machine.counters.malformed += error === undefined ? 0 : 1
        this.hub.input((machine, nowMs) => { machine.onClosed(id, nowMs) })
      }
    }))
    this.hub.input((machine, nowMs) => { machine.onOpen(id, connection.remotePeer.toString(), nowMs) })
  }

  private onFrame (session: SessionId, frame: SignalFrame): void {
    const { id, kind, payload, timeoutMs, outcome } = frame
    if (outcome !== '') {
      this.hub.input((machine, nowMs) => { machine.onOutcome(session, id, signalOutcomeOf(outcome), nowMs) })
      return
    }
    let to: string | undefined
    try {
      to = peerNameOf(frame.to)
    } catch {
      // refused by its number
    }
    this.hub.input((machine, nowMs) => { machine.onSignal(session, { id, to, kind, payload, timeoutMs }, nowMs) })
  }

  private onFleetMessage (bytes: Uint8Array): void {
    try {
      const { seed, signal } = decodeFleetMessage(bytes)
      this.hub.input((machine, nowMs) => { machine.onRemote(seed, signal, nowMs) })
    } catch (error) {
      this.hub.machine.counters.malformed++
      this.log('a message of the fleet is not understood: %s', (error as Error).message)
    }
  }

  private perform (effect: SignalEffect): void {
    switch (effect.type) {
      case 'signal': {
        const { id, from, kind, payload } = effect
        this.streams.get(effect.session)?.send({ id, from: peerIdBytesOf(from), kind, payload })
        return
      }
      case 'outcome': {
        const { id, outcome, retryAfterMs } = effect
        this.streams.get(effect.session)?.send({ id, outcome, retryAfterMs })
        return
      }
      case 'close': {
        this.log('a stream is closed: %s', effect.reason)
        this.streams.get(effect.session)?.close()
        return
      }
      case 'check': return void this.check(effect.peer)
      case 'locate': return void this.locate(effect.peer)
      case 'publish': return void this.publish(effect.seed, effect.signal)
      case 'present': return this.claim(machine => { machine.onPresent(effect.peer, this.clock.nowMs()) })
      case 'absent': return this.claim(machine => { machine.onAbsent(effect.peer, this.clock.nowMs()) })
    }
  }

  private claim (feed: (machine: LocationKeeper) => void): void {
    if (this.bus !== undefined) {
      this.keeper.input(feed)
    }
  }

  private async check (peer: string): Promise<void> {
    let verdict: RegistrationVerdict
    try {
      const registration = await this.within(this.registry().get(peer, this.clock.nowMs()))
      verdict = registration === undefined ? { registered: false } : { registered: true, untilMs: registration.expiresAtMs }
    } catch (error) {
      this.log('whether %s is registered is not known: %s', peer, (error as Error).message)
    }
    this.hub.input((machine, nowMs) => { machine.onRegistration(peer, verdict, nowMs) })
  }

  private async locate (peer: string): Promise<void> {
    let verdict: LocationVerdict
    try {
      const locations = await this.bus?.locate(peer) ?? []
      const registered = locations.length > 0 || await this.within(this.registry().get(peer, this.clock.nowMs())) !== undefined
      verdict = { seeds: locations.map(({ seed }) => seed), registered }
    } catch (error) {
      this.failed('locate', error)
    }
    this.hub.input((machine, nowMs) => { machine.onLocated(peer, verdict, nowMs) })
  }

  private async publish (seed: string, signal: RemoteSignal): Promise<void> {
    let why: 'nobody' | 'failed' | 'unknown'
    try {
      if (await this.bus?.publish(seed, encodeFleetMessage(this.seed, signal)) !== 'nobody') {
        return
      }
      why = 'nobody'
    } catch (error) {
      this.failed('publish', error)
      why = error instanceof SignalBusError && !error.mayBeDone ? 'failed' : 'unknown'
    }
    if (signal.outcome === undefined) {
      this.hub.input((machine, nowMs) => { machine.onUnpublished(seed, signal.id, why, nowMs) })
    }
  }

  private async keep (effect: LocationEffect): Promise<void> {
    const { peer } = effect
    let answer: number | boolean | undefined
    try {
      if (effect.type === 'claim') {
        answer = await this.bus?.claim(peer, effect.floor)
      } else if (effect.type === 'renew') {
        answer = await this.bus?.renew(peer, effect.token)
      } else {
        answer = await this.bus?.release(peer, effect.token)
      }
    } catch (error) {
      this.failed(effect.type, error)
    }
    this.keeper.input((machine, nowMs) => {
      switch (effect.type) {
        case 'claim': return machine.onClaimed(peer, answer as number | undefined, nowMs)
        case 'renew': return machine.onRenewed(peer, answer as boolean | undefined, nowMs)
        case 'release': return machine.onReleased(peer, nowMs)
      }
    })
  }

  private failed (what: string, error: unknown): void {
    this.hub.machine.counters.busFailures++
    this.log('%s failed: %s', what, (error as Error).message)
  }

  private async within<T> (work: Promise<T>): Promise<T> {
    const limit = deadline(this.clock, LOOKUP_TIMEOUT_MS)
    try {
      return await Promise.race([
        work,
        new Promise<never>((_resolve, reject) => { limit.signal.addEventListener('abort', () => { reject(limit.signal.reason) }, { once: true }) })
      ])
    } finally {
      limit.clear()
    }
  }

  private async claimsTakenBack (): Promise<void> {
    const untilMs = this.clock.nowMs() + RELEASE_TIMEOUT_MS
    while (this.keeper.machine.size > 0 && this.clock.nowMs() < untilMs) {
      await new Promise<void>(resolve => { this.clock.schedule(this.clock.nowMs() + 10, resolve) })
    }
  }
}
