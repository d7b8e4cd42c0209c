/** Keeps a seed that relays in its own registry, and so in that of its fleet: drives `SelfRenewal`. */
import { MachineDriver } from '@skein/core'
import { SelfRenewal } from './self-renewal.ts'
import type { Logger } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { RelayLoad, SignedCapabilities } from '@skein/records'
import type { Peer } from '@skein/peer'
import type { Registry } from './registry.ts'
import type { SelfRenewalEffect } from './self-renewal.ts'

export interface SelfRegistrationInit {
  peer: Peer
  registry: Registry
  /** `undefined` while the relay takes nobody */
  load: () => RelayLoad | undefined
  clock: Clock
  log: Logger
}

export class SelfRegistration {
  private readonly init: SelfRegistrationInit
  private readonly driver: MachineDriver<SelfRenewalEffect, SelfRenewal>
  private registered?: SignedCapabilities
  private stopped = false

  constructor (init: SelfRegistrationInit) {
    this.init = init
    this.driver = new MachineDriver({
      machine: new SelfRenewal(),
      clock: init.clock,
      perform: ({ changed }) => { void this.register(changed) }
    })
  }

  /** The record that is in the registry; whoever asks the seed for others need not be told of the seed. */
  get record (): SignedCapabilities | undefined {
    return this.registered
  }

  start (): void {
    this.driver.input((machine, nowMs) => { machine.onStart(nowMs) })
  }

  onLoad (): void {
    this.driver.input((machine, nowMs) => { machine.onLoad(this.init.load(), nowMs) })
  }

  /** Takes it out of the registry. */
  async stop (): Promise<void> {
    this.stopped = true
    this.driver.stop()
    const { registry, peer, log } = this.init
    try {
      await registry.remove(peer.id)
    } catch (error) {
      log.error('this seed stays in the registry until its registration ends: %s', (error as Error).message)
    }
  }

  private async register (changed: boolean): Promise<void> {
    const { peer, registry, clock, log } = this.init
    try {
      const signed = await peer.signSelf()
      const { capabilities, envelope } = signed
      if (this.stopped) {
        return
      }
      const outcome = await registry.register(capabilities, envelope, clock.nowMs())
      if (!outcome.registered) {
        throw new Error(outcome.message)
      }
      this.registered = signed
      this.driver.input((machine, nowMs) => { machine.onRegistered(capabilities.relay, outcome.lifeMs, nowMs) })
      this.onLoad() // it may have changed meanwhile
      if (changed) {
        peer.descriptionChanged()
      }
    } catch (error) {
      log.error('this seed is not in its own registry: %s', (error as Error).message)
      this.driver.input((machine, nowMs) => { machine.onFailed(nowMs) })
    }
  }
}
