/** Drives `DialRace` over libp2p's transports: one dial of one peer. */
import { deadline, MachineDriver, randomFloat } from '@skein/core'
import { isRelayed } from '@skein/records'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { DialRace } from './dial-race.ts'
import { relayAddress } from './dial-candidates.ts'
import type { Connection, OpenConnectionProgressEvents } from '@libp2p/interface'
import type { ConnectionManager, TransportManager } from '@libp2p/interface-internal'
import type { Cancel, Clock, Random } from '@skein/core'
import type { ReachabilityService } from '@skein/reachability/libp2p'
import type { DialCandidate } from './dial-candidates.ts'
import type { DialRaceEffect } from './dial-race.ts'

/** Tells whether connections carry: `ReachabilityService`. */
export type ConnectionPulse = Pick<ReachabilityService, 'isSilent' | 'use'>

export interface RacedDialInit {
  connectionManager: Pick<ConnectionManager, 'getConnections' | 'openConnection'>
  transportManager: Pick<TransportManager, 'dial'>
  clock: Clock
  random: Random
  signal: AbortSignal
  /** For one attempt, ms */
  attemptTimeoutMs: number
  pulse?: ConnectionPulse
  /** Handed to the transports */
  options: { onProgress?: (event: OpenConnectionProgressEvents) => void }
  /** Ways that others have named since it was last asked */
  more: () => Promise<DialCandidate[]>
  onFailure: (candidate: DialCandidate, error: Error) => void
}

/**
 * A network of this peer's own surroundings answers by then, or not at all, ms: time for a SYN and, a second later, another; where there are relays
 * too, for a SYN, as a peer that no relay reaches any more has most likely gone.
 */
const UNLIKELY_TIMEOUT_MS = { alone: 1_500, besideRelays: 300 } as const
/** How often it is asked whether others have named addresses of the peer since, ms. */
const MORE_INTERVAL_MS = 100
/** A relay that is full, or whose circuits this peer or the other has had, may give one in a second or so, ms. */
const RETRY_MS = 1_000
const REFUSED_FOR_NOW = /with status RESOURCE_LIMIT_EXCEEDED/
/** libp2p tells of it when a socket is connected, and when a relay has granted the circuit. */
const REACHED = 'upgrader:encrypt-outbound-connection'

export class RacedDial {
  private readonly init: RacedDialInit
  private readonly driver: MachineDriver<DialRaceEffect, DialRace>
  private readonly attempts = new Map<string, AbortController>()
  private readonly errors = new Map<string, Error>()
  private readonly outcome = Promise.withResolvers<Connection>()
  private cancelMore?: Cancel
  private isOver = false
  private hasRelays = false

  constructor (init: RacedDialInit) {
    this.init = init
    this.driver = new MachineDriver({
      machine: new DialRace({}, init.clock.nowMs()),
      clock: init.clock,
      perform: effect => { this.perform(effect) }
    })
  }

  /**
   * The first connection that stands.
   *
   * @throws {AggregateError} of what came of each address, or the error of the only one; the reason of the signal when it fires
   */
  async run (candidates: DialCandidate[]): Promise<Connection> {
    const { signal } = this.init
    const onAbort = (): void => { this.outcome.reject(signal.reason) }
    signal.throwIfAborted()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      this.take(candidates)
      this.askForMore()
      return await this.outcome.promise
    } finally {
      this.isOver = true
      signal.removeEventListener('abort', onAbort)
      this.cancelMore?.()
      this.driver.stop()
      this.attempts.forEach(attempt => { attempt.abort(new Error('The dial is over')) })
    }
  }

  private take (candidates: DialCandidate[]): void {
    this.hasRelays ||= candidates.some(({ kind }) => kind === 'circuit')
    this.driver.input((race, nowMs) => { race.onCandidates(candidates, nowMs) })
  }

  private perform (effect: DialRaceEffect): void {
    switch (effect.type) {
      case 'dial':
        void this.attempt(effect.candidate)
        break
      case 'cancel':
        this.attempts.get(effect.key)?.abort(new Error('Another address answered first'))
        break
      case 'lost':
        void this.collect(true)
        break
    }
  }

  private async attempt (candidate: DialCandidate): Promise<void> {
    const { clock, signal, attemptTimeoutMs, onFailure, random } = this.init
    const { key, kind } = candidate
    const attempt = new AbortController()
    this.attempts.set(key, attempt)
    const limit = deadline(clock, attemptTimeoutMs, [signal, attempt.signal])
    const patienceMs = UNLIKELY_TIMEOUT_MS[this.hasRelays ? 'besideRelays' : 'alone']
    const giveUp = kind === 'unlikely'
      ? clock.schedule(clock.nowMs() + patienceMs, () => { attempt.abort(new Error(`Nobody answers at ${key}`)) })
      : undefined
    const onReached = (): void => {
      giveUp?.()
      this.driver.input((race, nowMs) => { race.onConnected(key, nowMs) })
    }
    try {
      this.stands(await this.connect(candidate, onReached, limit.signal), key)
    } catch (error) {
      if (!this.isOver) {
        this.errors.set(key, error as Error)
        onFailure(candidate, error as Error)
        const retryAfterMs = error instanceof RelaySilentError
          ? 0
          : REFUSED_FOR_NOW.test((error as Error).message) ? RETRY_MS * (1 + randomFloat(random) / 2) : undefined
        this.driver.input((race, nowMs) => { race.onFailed(key, nowMs, retryAfterMs) })
      }
    } finally {
      giveUp?.()
      limit.clear()
      this.attempts.delete(key)
    }
  }

  private stands (connection: Connection, key: string): void {
    if (this.isOver) {
      // both handshakes ended in the same moment; a direct connection beside a circuit is welcome
      if (isRelayed(connection) || this.init.connectionManager.getConnections(connection.remotePeer).some(other => isBeside(other, connection))) {
        connection.close().catch(error => { connection.abort(error as Error) })
      }
      return
    }
    this.isOver = true
    this.driver.input(race => { race.onWon(key) })
    this.outcome.resolve(connection)
  }

  private async connect ({ key, kind, addresses }: DialCandidate, onReached: () => void, signal: AbortSignal): Promise<Connection> {
    const [first = key] = addresses
    return kind === 'circuit' ? await this.connectThrough(addresses, onReached, signal) : await this.dial(first, onReached, signal)
  }

  private async dial (address: string, onReached: () => void, signal: AbortSignal): Promise<Connection> {
    const { transportManager, options } = this.init
    return await transportManager.dial(multiaddr(address), {
      ...options,
      signal,
      onProgress: event => {
        if ((event.type as string) === REACHED) {
          onReached()
        }
        options.onProgress?.(event)
      }
    })
  }

  /** By way of the address at which the relay is connected; connects to it, at all of its addresses, where it is not, or nothing comes from it. */
  private async connectThrough (addresses: string[], onReached: () => void, signal: AbortSignal): Promise<Connection> {
    const { connectionManager, pulse } = this.init
    const [first = ''] = addresses
    const [, relay] = /\/p2p\/([^/]+)$/.exec(relayAddress(first)) ?? []
    if (relay === undefined) {
      return await this.dial(first, onReached, signal)
    }
    const standing = connectionManager.getConnections(peerIdFromString(relay)).filter(({ status }) => status === 'open')
    const connection = standing.find(connection => !isRelayed(connection) && pulse?.isSilent(connection) !== true) ??
      await connectionManager.openConnection(addresses.map(address => multiaddr(relayAddress(address))), { signal, force: standing.length > 0 })
    const address = addresses.find(address => relayAddress(address).startsWith(connection.remoteAddr.toString())) ?? first
    const silent = new AbortController()
    const release = pulse?.use(connection, () => { silent.abort(new RelaySilentError()) })
    try {
      return await this.dial(address, onReached, AbortSignal.any([signal, silent.signal]))
    } catch (error) {
      throw silent.signal.aborted ? silent.signal.reason as RelaySilentError : error
    } finally {
      release?.()
    }
  }

  private askForMore (): void {
    const { clock } = this.init
    this.cancelMore = clock.schedule(clock.nowMs() + MORE_INTERVAL_MS, () => {
      void this.collect(false)
      this.askForMore()
    })
  }

  private async collect (isLost: boolean): Promise<void> {
    const more = await this.init.more().catch(() => [])
    if (more.length > 0) {
      this.take(more)
    } else if (isLost) {
      const errors = [...this.errors.values()]
      this.outcome.reject(errors.length === 1 ? errors[0] : new AggregateError(errors, 'All multiaddr dials failed'))
    }
  }
}

function isBeside (other: Connection, connection: Connection): boolean {
  return other.id !== connection.id && other.status === 'open' && !isRelayed(other)
}

/** The relay is asked again over another connection. */
class RelaySilentError extends Error {
  static override name = 'RelaySilentError'
  override readonly name = 'RelaySilentError'

  constructor () {
    super('Nothing comes from the relay any more')
  }
}
