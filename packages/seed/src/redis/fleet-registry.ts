/** The registry of a seed in a fleet: shared through Redis while that answers, the seed's own memory while it does not. */
import { MachineDriver } from '@skein/core'
import { MAX_CAPABILITIES_LIFE_MS, readCapabilities } from '@skein/records'
import { Backfill } from './backfill.ts'
import { CircuitBreaker } from './circuit-breaker.ts'
import { RedisFailure, RedisFullError } from './redis-failure.ts'
import type { BackfillEffect, BackfillInit } from './backfill.ts'
import type { CircuitBreakerEffect, CircuitBreakerInit } from './circuit-breaker.ts'
import type { RelayQuery } from '../registry/relay-rank.ts'
import type {
  DiscoverPage, DiscoverQuery, RegionTierCount, RegisterOptions, RegisterOutcome, Registration, Registry
} from '../registry/registry.ts'
import type { Clock, Random } from '@skein/core'
import type { Capabilities, SeedModel } from '@skein/records'

/** What this seed was told itself; it can list it. */
export interface LocalRegistry extends Registry {
  envelopesFrom: (from: number, count: number, nowMs: number) => { envelopes: Uint8Array[], next: number | undefined }
}

/** What all seeds were told. Fails with `RedisFailure`. */
export interface SharedRegistry extends Registry {
  ping: () => Promise<void>
}

export interface FleetRegistryInit {
  local: LocalRegistry
  shared: SharedRegistry
  clock: Clock
  random: Random
  breaker?: CircuitBreakerInit
  backfill?: BackfillInit
  /** Told when the shared registry is asked again, or not any more */
  onState?: (state: FleetState) => void
}

/** `degraded`: from the seed's own memory; peers that registered at other seeds are not found meanwhile. */
export type FleetState = 'up' | 'degraded'

/** Registrations that are on their way to the shared registry at once. */
const PUSHES_AT_ONCE = 16
const MAX_OPERATIONS = 64

export class FleetRegistry implements Registry {
  /** Commands of the shared registry that failed, by operation */
  readonly failures: Record<string, number> = {}
  private readonly init: FleetRegistryInit
  private readonly local: LocalRegistry
  private readonly shared: SharedRegistry
  private readonly clock: Clock
  private readonly breaker: MachineDriver<CircuitBreakerEffect, CircuitBreaker>
  private readonly backfill: MachineDriver<BackfillEffect, Backfill>
  /** A size that was true within the last life: registrations are not gone because Redis is */
  private remembered = { size: 0, untilMs: 0 }
  private stopped = false

  constructor (init: FleetRegistryInit) {
    const { clock, random } = init
    this.init = init
    this.local = init.local
    this.shared = init.shared
    this.clock = clock
    this.breaker = new MachineDriver({
      machine: new CircuitBreaker(init.breaker ?? {}, random),
      clock,
      perform: effect => {
        if (effect.type === 'probe') {
          void this.probe()
        } else {
          this.onState(effect.up)
        }
      }
    })
    this.backfill = new MachineDriver({
      machine: new Backfill(init.backfill),
      clock,
      perform: ({ from, count }) => { void this.push(from, count) }
    })
  }

  get state (): FleetState {
    return this.breaker.machine.up ? 'up' : 'degraded'
  }

  get size (): number {
    const remembered = this.clock.nowMs() < this.remembered.untilMs ? this.remembered.size : 0
    return Math.max(this.local.size, this.state === 'up' ? this.shared.size : 0, remembered)
  }

  /** Whether the shared registry knows all that this seed does, as far as it can tell. */
  get settled (): boolean {
    return this.state === 'up' && !this.backfill.machine.busy
  }

  start (): void {
    this.breaker.input(machine => { machine.onStart() })
  }

  stop (): void {
    this.stopped = true
    this.breaker.stop()
    this.backfill.stop()
  }

  /** The connection has come back. */
  onReachable (): void {
    this.breaker.input(machine => { machine.onReachable() })
  }

  /** The shared registry has forgotten everything. */
  onEmpty (): void {
    this.remember()
    this.backfill.input((machine, nowMs) => { machine.onEmpty(nowMs) })
  }

  /** The seed's own memory first: what is replayed here needs no question, and what the fleet refuses is taken back. */
  async register (capabilities: Capabilities, envelope: Uint8Array, nowMs: number, options: RegisterOptions = {}): Promise<RegisterOutcome> {
    const own = await this.local.register(capabilities, envelope, nowMs, options)
    if (!own.registered && own.reason !== 'full') {
      return own
    }
    const shared = await this.attempt('register', async () => await this.shared.register(capabilities, envelope, nowMs, options))
    if (shared === undefined) {
      this.backfill.input((machine, atMs) => { machine.onMissed(atMs) })
      return own
    }
    if (!shared.registered && own.registered) {
      await this.local.remove(capabilities.peer)
    }
    return shared
  }

  async discover (query: DiscoverQuery, nowMs: number): Promise<DiscoverPage> {
    return await this.attempt('discover', async () => await this.shared.discover(query, nowMs)) ?? await this.local.discover(query, nowMs)
  }

  async get (peer: string, nowMs: number): Promise<Registration | undefined> {
    return await this.attempt('get', async () => await this.shared.get(peer, nowMs)) ?? await this.local.get(peer, nowMs)
  }

  async remove (peer: string): Promise<boolean> {
    const own = await this.local.remove(peer)
    return await this.attempt('remove', async () => await this.shared.remove(peer)) === true || own
  }

  async sample (count: number, asker: string, nowMs: number, random: Random): Promise<Array<Uint8Array<ArrayBuffer>>> {
    return await this.attempt('sample', async () => await this.shared.sample(count, asker, nowMs, random)) ??
      await this.local.sample(count, asker, nowMs, random)
  }

  async models (count: number, nowMs: number): Promise<SeedModel[]> {
    return await this.attempt('models', async () => await this.shared.models(count, nowMs)) ?? await this.local.models(count, nowMs)
  }

  async countBy (): Promise<RegionTierCount[]> {
    return await this.attempt('countBy', async () => await this.shared.countBy()) ?? await this.local.countBy()
  }

  async relays (query: RelayQuery, nowMs: number): Promise<Array<Uint8Array<ArrayBuffer>>> {
    return await this.attempt('relays', async () => await this.shared.relays(query, nowMs)) ?? await this.local.relays(query, nowMs)
  }

  async sweep (nowMs: number): Promise<void> {
    await this.local.sweep(nowMs)
    await this.attempt('sweep', async () => { await this.shared.sweep(nowMs) })
  }

  /** `undefined` when the shared registry is not asked, or does not answer. */
  private async attempt<T> (operation: string, ask: () => Promise<T>): Promise<T | undefined> {
    if (this.state === 'degraded') {
      return undefined
    }
    try {
      const answer = await ask()
      this.breaker.input(machine => { machine.onSuccess() })
      return answer
    } catch (error) {
      if (!(error instanceof RedisFailure || error instanceof RedisFullError)) {
        throw error
      }
      this.count(operation)
      if (error instanceof RedisFailure) {
        this.breaker.input((machine, nowMs) => { machine.onFailure(nowMs) })
      }
      return undefined
    }
  }

  private async probe (): Promise<void> {
    try {
      await this.shared.ping()
      this.breaker.input(machine => { machine.onSuccess() })
    } catch {
      this.count('probe')
      this.breaker.input((machine, nowMs) => { machine.onFailure(nowMs) })
    }
  }

  private onState (up: boolean): void {
    if (up) {
      this.backfill.input((machine, nowMs) => { machine.onUp(nowMs) })
    } else {
      this.remember()
      this.backfill.input(machine => { machine.onDown() })
    }
    this.init.onState?.(up ? 'up' : 'degraded')
  }

  private async push (from: number, count: number): Promise<void> {
    const { envelopes, next } = this.local.envelopesFrom(from, count, this.clock.nowMs())
    for (let at = 0; at < envelopes.length && !this.stopped; at += PUSHES_AT_ONCE) {
      await Promise.all(envelopes.slice(at, at + PUSHES_AT_ONCE).map(async envelope => { await this.pushOne(envelope) }))
    }
    this.backfill.input((machine, nowMs) => { machine.onPushed(next, nowMs) })
  }

  /** What the fleet refuses it has already, or has newer. The network it came from is not known any more: it is counted at the next renewal. */
  private async pushOne (envelope: Uint8Array): Promise<void> {
    const nowMs = this.clock.nowMs()
    let capabilities: Capabilities
    try {
      capabilities = readCapabilities(envelope)
    } catch {
      return // somebody put what is none into the memory: nobody could use it
    }
    const outcome = await this.attempt('push', async () => await this.shared.register(capabilities, envelope, nowMs))
    if (outcome === undefined) {
      this.backfill.input((machine, atMs) => { machine.onMissed(atMs) })
    }
  }

  private remember (): void {
    const nowMs = this.clock.nowMs()
    const size = Math.max(this.local.size, this.shared.size)
    // what was remembered before ends in its time, however often Redis comes and goes
    if (size >= this.remembered.size || nowMs >= this.remembered.untilMs) {
      this.remembered = { size, untilMs: nowMs + MAX_CAPABILITIES_LIFE_MS }
    }
  }

  private count (operation: string): void {
    if (operation in this.failures || Object.keys(this.failures).length < MAX_OPERATIONS) {
      this.failures[operation] = (this.failures[operation] ?? 0) + 1
    }
  }
}
