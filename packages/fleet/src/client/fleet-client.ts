/**
 * Keeps a user's connections provided: drives `ConnectionBook` over the API. Each question is asked by itself, so that a slow answer holds no
 * heartbeat up.
 */
import { MachineDriver } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { TypedEventEmitter } from 'main-event'
import { ConnectionBook } from './connection-book.ts'
import { FleetRefusedError, FleetRequests } from './fleet-requests.ts'
import type { Clock, Random } from '@skein/core'
import type { ConnectionEffect } from './connection-book.ts'
import type { Connection, ConnectionSpec, SessionView } from './fleet-connection.ts'
import type { FleetRequestsInit, RequestOptions, SessionRequests } from './fleet-requests.ts'

/** Where the connections are kept while the app is not there. */
export interface ConnectionStore {
  load (): Promise<ConnectionSpec[]>
  save (connections: ConnectionSpec[]): Promise<void>
}

/** Who gives relays: the control plane at an address, or another, such as `MeshSessions`. */
export type FleetClientInit = FleetClientOptions & (
  | (Pick<FleetRequestsInit, 'url' | 'key'> & { requests?: undefined })
  | { requests: SessionRequests }
)

export interface FleetClientOptions {
  /** @default none: connections are forgotten with the app */
  store?: ConnectionStore
  /** An answer takes no longer, ms @default 10_000 */
  timeoutMs?: number
  /** Told that connections could not be saved @default () => {} */
  onProblem?: (error: Error) => void
  clock?: Clock
  random?: Random
  fetch?: typeof globalThis.fetch
}

export interface FleetClientEvents {
  'connection:changed': CustomEvent<Connection>
  'connection:removed': CustomEvent<{ slot: number }>
}

export class FleetClient extends TypedEventEmitter<FleetClientEvents> {
  private readonly requests: SessionRequests
  private readonly driver: MachineDriver<ConnectionEffect, ConnectionBook>
  private readonly book: ConnectionBook
  private readonly store?: ConnectionStore
  private readonly onProblem: (error: Error) => void
  private readonly closing = new AbortController()
  private readonly asking = new Set<Promise<void>>()
  /** Sessions with a question of that kind under way: the same is not asked twice at once */
  private readonly asked = new Set<string>()
  private saving: Promise<void> = Promise.resolve()

  /** @throws what `store.load()` throws */
  static async open (init: FleetClientInit): Promise<FleetClient> {
    const client = new FleetClient(init)
    const specs = await init.store?.load() ?? []
    client.driver.input((book, nowMs) => { book.onAppStarted(specs, nowMs) })
    return client
  }

  private constructor (init: FleetClientInit) {
    super()
    const { clock = systemClock(), random = systemRandom(), onProblem = () => {} } = init
    this.requests = init.requests ?? new FleetRequests({ ...init, clock })
    this.store = init.store
    this.onProblem = onProblem
    this.book = new ConnectionBook(random)
    this.driver = new MachineDriver({ machine: this.book, clock, perform: effect => { this.perform(effect) } })
  }

  connections (): Connection[] {
    return this.book.connections()
  }

  connection (slot: number): Connection | undefined {
    return this.connections().find(connection => connection.slot === slot)
  }

  /** From now on, and over restarts, this slot is provided. @throws {RangeError} at more than 100 */
  async add (spec: ConnectionSpec): Promise<void> {
    this.driver.input((book, nowMs) => { book.onAdded(spec, nowMs) })
    await this.save()
  }

  /** Its relay is given back; the slot and its name stay. */
  async remove (slot: number): Promise<void> {
    this.driver.input((book, nowMs) => { book.onRemoved(slot, nowMs) })
    await this.save()
  }

  /**
   * Moves a connection to another region while its stream goes on; what becomes of it is told by `connection:changed`.
   *
   * @throws {FleetRefusedError} with a code `move_…` that says why not, such as `move_cool_down`
   * @throws {FleetUnreachableError}
   */
  async move (slot: number, region: string, options: RequestOptions = {}): Promise<void> {
    const id = this.connection(slot)?.session?.id
    if (id === undefined) {
      throw new FleetRefusedError(409, { code: 'move_not_active', message: `Slot ${slot} has no session that could be moved`, field: 'slot' })
    }
    const session = await this.requests.move(id, region, options)
    this.driver.input((book, nowMs) => { book.onRenewed(slot, session, nowMs) })
  }

  /** Nothing is asked any more. Sessions go on until their lease runs out, so that the app finds them when it starts again before. */
  async close (): Promise<void> {
    this.driver.stop()
    this.closing.abort(new Error('The client is closed'))
    await Promise.all(this.asking)
    await this.saving
  }

  /** Resolves when what was asked is answered: a removed connection is given back. */
  async settled (): Promise<void> {
    while (this.asking.size > 0) {
      await Promise.all(this.asking)
    }
  }

  private perform (effect: ConnectionEffect): void {
    switch (effect.type) {
      case 'changed':
        this.dispatchEvent(new CustomEvent('connection:changed', { detail: effect.connection }))
        break
      case 'removed':
        this.dispatchEvent(new CustomEvent('connection:removed', { detail: { slot: effect.slot } }))
        break
      case 'start':
        this.ask(`start ${effect.spec.slot}`, async options => { await this.start(effect.spec, options) })
        break
      case 'poll':
        this.ask(`poll ${effect.sessionId}`, async options => { await this.renew(effect.slot, effect.sessionId, 'session', options) })
        break
      case 'heartbeat':
        this.ask(`heartbeat ${effect.sessionId}`, async options => { await this.renew(effect.slot, effect.sessionId, 'heartbeat', options) })
        break
      case 'watch':
        this.ask(`watch ${effect.sessionId}`, async options => { await this.watch(effect.slot, effect.sessionId, options) })
        break
      case 'stop':
        this.ask(`stop ${effect.sessionId}`, async options => { await this.stop(effect.sessionId, options) })
    }
  }

  private ask (what: string, question: (options: RequestOptions) => Promise<void>): void {
    if (this.asked.has(what)) {
      return
    }
    this.asked.add(what)
    const task = question({ signal: this.closing.signal })
      .catch((error: Error) => {
        if (!this.closing.signal.aborted) {
          this.onProblem(error)
        }
      })
      .finally(() => {
        this.asked.delete(what)
        this.asking.delete(task)
      })
    this.asking.add(task)
  }

  private async start (spec: ConnectionSpec, options: RequestOptions): Promise<void> {
    try {
      const session = await this.requests.start(spec, options)
      this.driver.input((book, nowMs) => { book.onStarted(spec.slot, session, nowMs) })
    } catch (error) {
      this.driver.input((book, nowMs) => { book.onStartFailed(spec.slot, (error as Error).message, nowMs) })
    }
  }

  private async renew (slot: number, id: string, how: 'session' | 'heartbeat', options: RequestOptions): Promise<void> {
    let session: SessionView
    try {
      session = await this.requests[how](id, options)
    } catch (error) {
      const { message } = error as Error
      const isOver = error instanceof FleetRefusedError && (error.status === 404 || error.status === 410)
      this.driver.input((book, nowMs) => {
        if (isOver) {
          book.onSessionOver(slot, id, message, nowMs)
        } else {
          book.onUnanswered(slot, id, message, nowMs)
        }
      })
      return
    }
    this.driver.input((book, nowMs) => { book.onRenewed(slot, session, nowMs) })
  }

  private async watch (slot: number, id: string, options: RequestOptions): Promise<void> {
    const watched = await this.requests.watch(id, options)
    if (watched === undefined) {
      return // not known: as it was
    }
    const { live: isLive, instanceId } = watched
    if (instanceId !== this.connection(slot)?.session?.place?.instanceId) {
      this.driver.input((book, nowMs) => { book.onElsewhere(slot, nowMs) })
    }
    this.driver.input(book => { book.onStatistics(slot, isLive) })
  }

  private async stop (id: string, options: RequestOptions): Promise<void> {
    try {
      await this.requests.stop(id, options)
      this.driver.input(book => { book.onStopped(id) })
    } catch (error) {
      const isOver = error instanceof FleetRefusedError && error.status === 404
      this.driver.input((book, nowMs) => {
        if (isOver) {
          book.onStopped(id)
        } else {
          book.onStopFailed(id, nowMs)
        }
      })
    }
  }

  /** One after the other, each with what there is by then. */
  private async save (): Promise<void> {
    this.saving = this.saving.then(async () => {
      await this.store?.save(this.connections().map(({ slot, region, provider, relayId }) => ({ slot, region, provider, relayId })))
    }).catch((error: Error) => { this.onProblem(error) })
    await this.saving
  }
}
