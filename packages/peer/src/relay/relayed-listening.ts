/** Drives `RelayKeeper` over a libp2p node: asks the seeds for relays, reserves there, says where this peer is reached. */
import { BoundedMap, deadline, MachineDriver } from '@skein/core'
import { RelayKeeper } from './relay-keeper.ts'
import { RelayUnavailableError } from './relay-unavailable-error.ts'
import type { Logger } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { RelayClient } from './relay-client.ts'
import type { KnownRelay, RelayKeeperEffect, RelayKeeperInit } from './relay-keeper.ts'

export interface RelayedListeningInit extends RelayKeeperInit {
  client: RelayClient
  clock: Clock
  random: Random
  log: Logger
  /** Relays that the connected seeds name, best first */
  findRelays: (signal: AbortSignal) => Promise<KnownRelay[]>
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

export class RelayedListening {
  private readonly init: RelayedListeningInit
  private readonly driver: MachineDriver<RelayKeeperEffect, RelayKeeper>
  private readonly stopped = new AbortController()
  private readonly problems = new BoundedMap<string, string>({ maxSize: 8 })
  private readonly waiting = new Set<() => void>()

  constructor (init: RelayedListeningInit) {
    this.init = init
    this.driver = new MachineDriver({
      machine: new RelayKeeper(init, init.random),
      clock: init.clock,
      perform: effect => { void (effect.type === 'ask' ? this.ask() : this.reserve(effect.relay)) }
    })
    init.client.onLost = relay => {
      init.onChange({ relay, addresses: [], reserved: false })
      this.driver.input((machine, nowMs) => { machine.onLost(relay, nowMs) })
    }
  }

  get held (): HeldRelay[] {
    return this.driver.machine.relays.map(relay => ({ relay, addresses: this.init.client.addressesAt(relay) }))
  }

  /** So many reservations are kept from now on. */
  want (count: number): void {
    this.driver.input((machine, nowMs) => { machine.onWanted(count, nowMs) })
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

  private async ask (): Promise<void> {
    const relays = await this.init.findRelays(this.stopped.signal).catch(error => {
      this.init.log('asking for relays failed: %s', (error as Error).message)
      return []
    })
    this.driver.input((machine, nowMs) => { machine.onRelays(relays, nowMs) })
  }

  private async reserve (relay: KnownRelay): Promise<void> {
    const { client, clock, log, onChange } = this.init
    const limit = deadline(clock, RESERVE_TIMEOUT_MS, [this.stopped.signal])
    try {
      await client.reserve(relay, limit.signal)
      this.problems.delete(relay.peer)
      this.driver.input((machine, nowMs) => { machine.onReserved(relay.peer, nowMs) })
      onChange({ relay: relay.peer, addresses: client.addressesAt(relay.peer), reserved: true })
      this.waiting.forEach(resolve => { resolve() })
      this.waiting.clear()
    } catch (error) {
      log('no reservation at %s: %s', relay.peer, (error as Error).message)
      this.problems.set(relay.peer, (error as Error).message)
      this.driver.input((machine, nowMs) => { machine.onFailed(relay.peer, nowMs) })
    } finally {
      limit.clear()
    }
  }
}
