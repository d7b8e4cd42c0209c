/**
 * A device that calls models for as long as it is online, by the rules that ship: it asks the provider that the rule puts first, over the best
 * connection there is or else the first that can be made; `PathTable` looks for a better way while a relay carries; circuits that stand idle are
 * closed, and what comes through relays goes on its `RelayBudget`.
 */
import { RelayBudget } from '@skein/reachability'
import { CallerConnections } from './caller-connections.ts'
import { isRelayOnly } from './device-reach.ts'
import type { Cancel, Random } from '@skein/core'
import type { RelayBudgetInit } from '@skein/reachability'
import type { CallerConnection, ConnectionWorld } from './caller-connections.ts'
import type { Device } from './device-reach.ts'
import type { ChooseProvider, KnownProvider, RelayCircuit } from './relay-ports.ts'
import type { RelayProvider } from './relay-provider.ts'
import type { RelayTally } from './relay-tally.ts'

/** What a caller needs of the world. */
export interface CallerWorld extends ConnectionWorld {
  budget: RelayBudgetInit
  /** After a relayed answer the other providers of the model are connected too */
  scouting: boolean
  choose: ChooseProvider
  providersOf: (model: number) => RelayProvider[]
  /** Whether the circuit has carried them */
  carry: (circuit: RelayCircuit, bytes: number) => boolean
  /** While calls count */
  tally: () => RelayTally | undefined
}

interface Call {
  model: number
  bytes: number
  tokens: number
  startedMs: number
  tried: Set<string>
  onDone: () => void
}

const IDLE_CIRCUIT_MS = 10_000
const MAX_ATTEMPTS = 4
const MAX_SCOUTED = 2

export class RelayCaller {
  readonly peer: string
  private readonly world: CallerWorld
  private readonly serial: number
  private readonly device: Device
  private readonly random: Random
  private readonly budget: RelayBudget
  private readonly connections: CallerConnections
  private readonly ownRequests = new Map<string, number>()
  private readonly idle = new Map<string, Cancel>()
  private isStopped = false

  constructor (world: CallerWorld, serial: number, device: Device, random: Random) {
    this.world = world
    this.serial = serial
    this.peer = `c${serial}`
    this.device = device
    this.random = random
    this.budget = new RelayBudget(world.budget)
    this.connections = new CallerConnections(world, this.peer, serial, device, random)
  }

  call (model: number, answer: { bytes: number, tokens: number }, onDone: () => void): void {
    this.attempt({ model, ...answer, startedMs: this.world.clock.nowMs(), tried: new Set(), onDone })
  }

  stop (): void {
    this.isStopped = true
    this.connections.stop()
    this.idle.forEach(cancel => { cancel() })
  }

  private attempt (call: Call): void {
    const { choose, clock, providersOf, tally } = this.world
    const left = providersOf(call.model).filter(({ peer }) => !call.tried.has(peer))
    if (left.length === 0 || call.tried.size === MAX_ATTEMPTS) {
      const counted = tally()
      if (counted !== undefined) {
        counted.failed++
      }
      call.onDone()
      return
    }
    const nowMs = clock.nowMs()
    const best = choose(left.map(provider => this.view(provider)), {
      nowMs, isBudgetSpent: this.budget.state(nowMs).spent, hasIPv6: this.device.hasIPv6, random: this.random
    })
    const provider = left.find(({ peer }) => peer === best) as RelayProvider
    call.tried.add(best)
    this.connections.connect(provider, connection => {
      if (this.isStopped) {
        return
      }
      if (connection === undefined) {
        this.attempt(call)
      } else if (connection.path === 'relayed') {
        this.connections.wait(provider, () => { this.ask(call, provider, this.connections.best(provider) ?? connection) })
      } else {
        this.ask(call, provider, connection)
      }
    })
  }

  private view ({ active, addresses, peer, serial, tokensPerSecond }: RelayProvider): KnownProvider {
    const standing = this.connections.pathTo(peer)
    const path = standing?.path ?? 'unconnected'
    return {
      peer,
      path,
      ...standing?.lastPath === undefined ? {} : { lastPath: standing.lastPath },
      ...path === 'direct' || path === 'punched' ? { roundTripMs: this.world.roundTripMs(this.serial, serial) } : {},
      ownRequests: this.ownRequests.get(peer) ?? 0,
      tokensPerSecond,
      queueDepth: active,
      maxConcurrent: 4,
      addresses,
      isStuck: standing?.isStuck === true
    }
  }

  private ask (call: Call, provider: RelayProvider, connection: CallerConnection): void {
    const { clock, relayedRoundTripMs, roundTripMs } = this.world
    const { peer } = provider
    const tripMs = connection.path === 'relayed' ? relayedRoundTripMs(this.serial, provider) : roundTripMs(this.serial, provider.serial)
    const firstTokenMs = clock.nowMs() + tripMs - call.startedMs
    connection.streams++
    provider.active++
    this.ownRequests.set(peer, (this.ownRequests.get(peer) ?? 0) + 1)
    this.idle.get(peer)?.()
    this.idle.delete(peer)
    this.connections.onUsed(peer)
    clock.schedule(clock.nowMs() + tripMs + 1_000 * call.tokens / provider.tokensPerSecond, () => {
      connection.streams--
      provider.active--
      this.release(peer)
      if (!this.isStopped) {
        this.onAnswer(call, connection, firstTokenMs)
      }
    })
  }

  private onAnswer (call: Call, connection: CallerConnection, firstTokenMs: number): void {
    const { carry, clock, isLucky, providersOf, skills, tally } = this.world
    const { circuit, path, provider } = connection
    const counted = tally()
    if (connection.state === 'open' && circuit !== undefined && !carry(circuit, call.bytes)) {
      this.connections.drop(connection, 'reset')
    }
    if (connection.state === 'closed') {
      this.attempt(call) // the provider went
      return
    }
    if (connection.state === 'reset') {
      if (counted !== undefined) {
        counted.cut++
      }
    } else {
      const nowMs = clock.nowMs()
      this.budget.onBytes(path, call.bytes, nowMs)
      this.connections.onUsed(provider.peer)
      const isOnly = (other: RelayProvider): boolean => isRelayOnly(this.device, other.device, isLucky(this.serial, other.serial), skills)
      counted?.onAnswer({
        path,
        bytes: call.bytes,
        firstTokenMs,
        wholeMs: nowMs - call.startedMs,
        isRelayOnly: providersOf(call.model).every(isOnly),
        isPairRelayOnly: isOnly(provider)
      })
      this.connections.retire(connection)
      if (path === 'relayed' && this.world.scouting) {
        this.scout(call.model)
      }
    }
    call.onDone()
  }

  /** A relay carried an answer: those who were never reached are, so that the next call has a choice. */
  private scout (model: number): void {
    const reached = (provider: RelayProvider): string | undefined => this.connections.pathTo(provider.peer)?.lastPath
    const all = this.world.providersOf(model)
    for (const provider of all.filter(provider => reached(provider) === undefined).slice(0, MAX_SCOUTED)) {
      this.connections.connect(provider, () => { this.release(provider.peer) })
    }
  }

  private release (peer: string): void {
    const { clock } = this.world
    const left = (this.ownRequests.get(peer) ?? 1) - 1
    if (left > 0) {
      this.ownRequests.set(peer, left)
      return
    }
    this.ownRequests.delete(peer)
    this.idle.get(peer)?.()
    this.idle.set(peer, clock.schedule(clock.nowMs() + IDLE_CIRCUIT_MS, () => {
      this.idle.delete(peer)
      for (const connection of this.connections.circuitsTo(peer)) {
        this.connections.drop(connection, 'closed')
      }
    }))
  }
}
