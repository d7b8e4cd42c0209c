/**
 * Where this peer is reached through others: drives `RelayKeeper` over a libp2p node, which asks the seeds for relays and reserves there, and makes
 * the reservations that are wanted of super-nodes, which take the place of those.
 */
import { BoundedMap, deadline, MachineDriver } from '@skein/core'
import { RelayKeeper } from './relay-keeper.ts'
import { RelayUnavailableError } from './relay-unavailable-error.ts'
import type { Logger } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { Reservations } from '@skein/supernode/libp2p'
import type { RelayClient } from './relay-client.ts'
import type { KnownRelay, RelayKeeperEffect, RelayKeeperInit } from './relay-keeper.ts'

export interface RelayedListeningInit extends RelayKeeperInit {
  client: RelayClient
  clock: Clock
  random: Random
  log: Logger
  /** Relays that the connected seeds name, best first */
  findRelays: (signal: AbortSignal) => Promise<KnownRelay[]>
  /** The network of an address, as relays are told apart by it */
  networkOf: (address: string) => KnownRelay['network']
  /** Ends the connection to a relay when nothing goes over it any more; says whether it did */
  closeUnused: (relay: string) => Promise<boolean>
  /** Told how many reservations are wanted */
  onWanted?: (count: number) => void
  /** Told when a reservation stands, and when it is gone */
  onChange: (change: { relay: string, addresses: string[], reserved: boolean }) => void
}

export interface ReserveRelayOptions {
  signal?: AbortSignal
  /**
   * How long to wait for a reservation, ms. It is sought on afterwards.
   *
   * @default 15_000
   */
  timeoutMs?: number
}

/** A relay through which this peer can be reached now. */
export interface HeldRelay {
  /** Peer id, as text */
  relay: string
  /** Multiaddr texts under which this peer is reached through it */
  addresses: string[]
}

const RESERVE_TIMEOUT_MS = 10_000
/** A relay that is not used any more is let go when its circuits have ended; it ends them itself after some time. */
const LOOK_AGAIN_MS = 5_000
const MAX_LOOKS = 120

export class RelayedListening {
  private readonly init: RelayedListeningInit
  private readonly driver: MachineDriver<RelayKeeperEffect, RelayKeeper>
  private readonly stopped = new AbortController()
  private readonly problems = new BoundedMap<string, string>({ maxSize: 8 })
  private readonly waiting = new Set<() => void>()
  /** Super-nodes at which a reservation stands, three at most, and their networks */
  private readonly superNodes = new Map<string, KnownRelay['network']>()
  private onSuperNodeLost: (peer: string) => void = () => {}

  constructor (init: RelayedListeningInit) {
    this.init = init
    this.driver = new MachineDriver({
      machine: new RelayKeeper(init, init.random),
      clock: init.clock,
      perform: effect => { void this.perform(effect) }
    })
    init.client.onLost = relay => { this.lost(relay) }
  }

  get held (): HeldRelay[] {
    return [...new Set([...this.superNodes.keys(), ...this.driver.machine.relays])]
      .map(relay => ({ relay, addresses: this.init.client.addressesAt(relay) }))
  }

  /** So many reservations are kept from now on, in as many networks. */
  want (count: number): void {
    this.driver.input((machine, nowMs) => { machine.onWanted(count, nowMs) })
    this.init.onWanted?.(count)
  }

  /** This peer is in another network. */
  networkChanged (): void {
    this.driver.input((machine, nowMs) => { machine.onNetworkChanged(nowMs) })
  }

  /** What the part that chooses super-nodes reserves with. */
  get atSuperNodes (): Reservations {
    return {
      reserve: async (peer, addresses, signal) => { await this.reserveAtSuperNode({ peer, addresses }, signal) },
      release: peer => { this.releaseSuperNode(peer) },
      onLost: lost => { this.onSuperNodeLost = lost }
    }
  }

  /** @throws {RelayUnavailableError} */
  async whenHeld (options: ReserveRelayOptions): Promise<HeldRelay> {
    const limit = deadline(this.init.clock, options.timeoutMs ?? 15_000, [options.signal, this.stopped.signal])
    try {
      for (;;) {
        const [held] = this.held
        if (held !== undefined) {
          return held
        }
        limit.signal.throwIfAborted()
        await new Promise<void>(resolve => {
          this.waiting.add(resolve)
          limit.signal.addEventListener('abort', () => { resolve() }, { once: true })
        })
      }
    } catch (cause) {
      options.signal?.throwIfAborted()
      throw new RelayUnavailableError(Object.fromEntries(this.problems), { cause })
    } finally {
      limit.clear()
    }
  }

  stop (): void {
    this.init.client.onLost = () => {}
    this.stopped.abort(new Error('This peer has been stopped'))
    this.driver.stop()
  }

  private async perform (effect: RelayKeeperEffect): Promise<void> {
    switch (effect.type) {
      case 'ask':
        await this.ask()
        break
      case 'reserve':
        await this.reserve(effect.relay)
        break
      case 'release':
        this.release(effect.peer)
        break
    }
  }

  private async ask (): Promise<void> {
    const { findRelays, networkOf, log } = this.init
    const relays = await findRelays(this.stopped.signal).catch(error => {
      log('asking for relays failed: %s', (error as Error).message)
      return []
    })
    const placed = relays.map(relay => ({ ...relay, network: relay.addresses.map(networkOf).find(network => network !== undefined) }))
    this.driver.input((machine, nowMs) => { machine.onRelays(placed, nowMs) })
  }

  private async reserve (relay: KnownRelay): Promise<void> {
    const { client, clock, log } = this.init
    const limit = deadline(clock, RESERVE_TIMEOUT_MS, [this.stopped.signal])
    try {
      await client.reserve(relay, limit.signal)
      this.problems.delete(relay.peer)
      this.driver.input((machine, nowMs) => { machine.onReserved(relay.peer, nowMs) })
      this.reserved(relay.peer)
    } catch (error) {
      log('no reservation at %s: %s', relay.peer, (error as Error).message)
      this.problems.set(relay.peer, (error as Error).message)
      this.driver.input((machine, nowMs) => { machine.onFailed(relay.peer, nowMs) })
    } finally {
      limit.clear()
    }
  }

  private async reserveAtSuperNode (relay: KnownRelay, signal: AbortSignal): Promise<void> {
    const { client, networkOf } = this.init
    const ending = AbortSignal.any([signal, this.stopped.signal])
    try {
      await client.reserve(relay, ending)
      ending.throwIfAborted()
    } catch (error) {
      this.problems.set(relay.peer, (error as Error).message)
      this.release(relay.peer) // it may be given still
      throw error
    }
    this.problems.delete(relay.peer)
    this.superNodes.set(relay.peer, relay.addresses.map(networkOf).find(network => network !== undefined))
    this.tellElsewhere()
    this.reserved(relay.peer)
  }

  private releaseSuperNode (peer: string): void {
    this.superNodes.delete(peer)
    this.tellElsewhere()
    this.release(peer)
  }

  private reserved (relay: string): void {
    this.init.onChange({ relay, addresses: this.init.client.addressesAt(relay), reserved: true })
    this.waiting.forEach(resolve => { resolve() })
    this.waiting.clear()
  }

  /** Unless it is used in another role. */
  private release (relay: string): void {
    const { client, log, onChange } = this.init
    if (this.superNodes.has(relay) || this.driver.machine.relays.includes(relay) || client.addressesAt(relay).length === 0) {
      return
    }
    client.release(relay).catch((error: Error) => { log('%s was not released: %s', relay, error.message) })
    onChange({ relay, addresses: [], reserved: false })
    this.closeLater(relay, MAX_LOOKS)
  }

  private closeLater (relay: string, looks: number): void {
    const { client, clock, closeUnused, log } = this.init
    const cancel = clock.schedule(clock.nowMs() + LOOK_AGAIN_MS, () => {
      this.stopped.signal.removeEventListener('abort', cancel)
      if (looks > 0 && client.addressesAt(relay).length === 0) {
        closeUnused(relay).then(closed => {
          if (!closed && !this.stopped.signal.aborted) {
            this.closeLater(relay, looks - 1)
          }
        }, (error: Error) => { log('%s was not closed: %s', relay, error.message) })
      }
    })
    this.stopped.signal.addEventListener('abort', cancel, { once: true })
  }

  private lost (relay: string): void {
    const known = this.superNodes.delete(relay) || this.driver.machine.relays.includes(relay)
    if (known) {
      this.init.onChange({ relay, addresses: [], reserved: false })
    }
    this.tellElsewhere()
    this.driver.input((machine, nowMs) => { machine.onLost(relay, nowMs) })
    this.onSuperNodeLost(relay)
  }

  private tellElsewhere (): void {
    this.driver.input((machine, nowMs) => { machine.onElsewhere([...this.superNodes.values()], nowMs) })
  }
}
