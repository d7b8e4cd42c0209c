/** Drives `SeedNames`: looks the names of seeds up, tells what they stand for, and says when one leads nowhere. */
import { deadline, MachineDriver } from '@skein/core'
import { lookUpSeeds } from './seed-lookup.ts'
import { SeedNameError } from './seed-name-error.ts'
import { SeedNames } from './seed-names.ts'
import type { Clock, Random } from '@skein/core'
import type { NameResolver } from './name-resolver.ts'
import type { SeedName } from './seed-address.ts'
import type { FoundSeeds } from './seed-lookup.ts'
import type { SeedNamesEffect, SeedNamesInit } from './seed-names.ts'

export interface SeedDirectoryInit extends Pick<SeedNamesInit, 'defaultTtlMs'> {
  names: SeedName[]
  resolver: NameResolver
  clock: Clock
  random: Random
  /** Whether an address is this peer's own; such a one is left out */
  isOwn: (address: string) => boolean
  isDialable: (address: string) => Promise<boolean>
  /** Told whenever a name was answered: all that the names stand for */
  onAddresses: (addresses: string[]) => void
  /** Told of each lookup that failed; `isNew` when the one before did not fail, or in another way */
  onFailure: (error: SeedNameError, isNew: boolean) => void
}

/** All lookups of one name, nested ones included, ms. */
const LOOKUP_TIMEOUT_MS = 10_000

export class SeedDirectory {
  private readonly init: SeedDirectoryInit
  private readonly names: Map<string, SeedName>
  private readonly driver: MachineDriver<SeedNamesEffect, SeedNames>
  private readonly stopped = new AbortController()
  /** What is wrong with a name at present, in words */
  private readonly failing = new Map<string, string>()

  constructor (init: SeedDirectoryInit) {
    this.init = init
    this.names = new Map(init.names.map(name => [name.text, name]))
    this.driver = new MachineDriver({
      machine: new SeedNames({ names: [...this.names.keys()], defaultTtlMs: init.defaultTtlMs }, init.random),
      clock: init.clock,
      perform: effect => { this.perform(effect) }
    })
  }

  /** Whether there is a name that has had no answer yet, neither good nor bad. */
  get pending (): boolean {
    return this.driver.machine.pending
  }

  start (): void {
    this.driver.input((machine, nowMs) => { machine.onStart(nowMs) })
  }

  stop (): void {
    this.stopped.abort()
    this.driver.stop()
  }

  /** No seed that is known answers. */
  onSeedsFail (): void {
    this.driver.input((machine, nowMs) => { machine.onSeedsFail(nowMs) })
  }

  private perform (effect: SeedNamesEffect): void {
    if (effect.type === 'addresses') {
      this.init.onAddresses(effect.addresses)
    } else {
      void this.lookUp(effect.name)
    }
  }

  private async lookUp (text: string): Promise<void> {
    const { clock, onFailure } = this.init
    const limit = deadline(clock, LOOKUP_TIMEOUT_MS, [this.stopped.signal])
    try {
      const found = await this.dialable(this.names.get(text) as SeedName, limit.signal)
      this.failing.delete(text)
      this.driver.input((machine, nowMs) => { machine.onFound(text, found, nowMs) })
    } catch (error) {
      if (!this.stopped.signal.aborted) {
        this.driver.input((machine, nowMs) => { machine.onFailed(text, nowMs) })
        const failure = error instanceof SeedNameError
          ? error
          : new SeedNameError('unavailable', text, `${text} could not be looked up: ${(error as Error).message}`, { cause: error })
        const isNew = this.failing.get(text) !== failure.message
        this.failing.set(text, failure.message)
        onFailure(failure, isNew)
      }
    } finally {
      limit.clear()
    }
  }

  private async dialable (name: SeedName, signal: AbortSignal): Promise<FoundSeeds> {
    const { resolver, random, isOwn, isDialable } = this.init
    const found = await lookUpSeeds(name, resolver, random, signal)
    // a fleet's first seed finds nobody but itself behind their name
    const others = found.addresses.filter(address => !isOwn(address))
    const dialable = await Promise.all(others.map(isDialable))
    const addresses = others.filter((_, i) => dialable[i])
    if (addresses.length === 0 && others.length > 0) {
      throw new SeedNameError('no_addresses', name.text,
        `${name.text} stands for ${others.length} addresses that this peer has no transport for, such as ${others[0]}`)
    }
    return { ...found, addresses }
  }
}
