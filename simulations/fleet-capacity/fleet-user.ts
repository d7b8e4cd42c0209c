/** A user of a simulated fleet with one slot: the book of connections that ships, in an app that comes, goes, crashes, and sends when it can. */
import { MachineDriver } from '@skein/core'
import { ConnectionBook, SessionOverError, UnknownSessionError } from '@skein/fleet'
import type { Clock, Random } from '@skein/core'
import type { ConnectionEffect, SessionView } from '@skein/fleet'
import type { FleetFace } from './fleet-face.ts'
import type { SimulatedRelay } from './simulated-relay.ts'

const SLOT = 0

export interface FleetUserInit {
  id: string
  region: string
  clock: Clock
  random: Random
  face: FleetFace
  relays: Map<string, SimulatedRelay>
  /** In and out of the relay, of this user's stream */
  streamBps: number
}

export class FleetUser {
  readonly id: string
  readonly region: string
  /** The app is there, and its connection wanted since then */
  wantedMs: number | undefined
  /** It was told of its relay */
  readyMs: number | undefined
  session: SessionView | undefined
  private readonly init: FleetUserInit
  private driver: MachineDriver<ConnectionEffect, ConnectionBook> | undefined
  private readonly asked = new Set<string>()
  private sendingTo: { relay: SimulatedRelay, token: string } | undefined

  constructor (init: FleetUserInit) {
    this.init = init
    this.id = init.id
    this.region = init.region
  }

  get isWanted (): boolean {
    return this.wantedMs !== undefined
  }

  get isReady (): boolean {
    return this.readyMs !== undefined
  }

  /** The app starts, and knows its connection from before. */
  come (): void {
    const { clock, random, region } = this.init
    const driver: MachineDriver<ConnectionEffect, ConnectionBook> = new MachineDriver({
      machine: new ConnectionBook(random), clock, perform: effect => { this.perform(driver, effect) }
    })
    this.driver = driver
    this.asked.clear()
    this.wantedMs = clock.nowMs()
    driver.input((book, nowMs) => { book.onAppStarted([{ slot: SLOT, region }], nowMs) })
  }

  /** The connection is removed, and its relay given back. */
  leave (): void {
    this.driver?.input((book, nowMs) => { book.onRemoved(SLOT, nowMs) })
    this.beAway()
  }

  /** The app is gone without a word. */
  crash (): void {
    this.driver?.stop()
    this.driver = undefined
    this.beAway()
  }

  /** Asks for another region; what comes of it is told by the session. */
  async move (region: string): Promise<void> {
    const { driver, session } = this
    if (session !== undefined) {
      this.take(driver, await this.init.face.move(session.id, region))
    }
  }

  private beAway (): void {
    this.wantedMs = this.readyMs = this.session = undefined
    this.send()
  }

  private perform (driver: MachineDriver<ConnectionEffect, ConnectionBook>, effect: ConnectionEffect): void {
    const { face, id, region } = this.init
    switch (effect.type) {
      case 'start':
        this.ask('start', async () => {
          try {
            const session = await face.start(id, SLOT, region)
            driver.input((book, nowMs) => { book.onStarted(SLOT, session, nowMs) })
          } catch (error) {
            driver.input((book, nowMs) => { book.onStartFailed(SLOT, (error as Error).message, nowMs) })
          }
        })
        break
      case 'poll':
      case 'heartbeat':
        this.ask(effect.type, async () => {
          const { sessionId, type } = effect
          try {
            this.take(driver, type === 'poll' ? await face.session(sessionId) : await face.renew(sessionId))
          } catch (error) {
            const isOver = error instanceof SessionOverError || error instanceof UnknownSessionError
            driver.input((book, nowMs) => {
              book[isOver ? 'onSessionOver' : 'onUnanswered'](SLOT, sessionId, (error as Error).message, nowMs)
            })
          }
        })
        break
      case 'watch': {
        const { session } = this
        const relay = this.init.relays.get(session?.place?.instanceId ?? '')
        driver.input(book => { book.onStatistics(SLOT, session !== undefined && relay?.isLive(session.publishId) === true) })
        break
      }
      case 'stop':
        this.ask(`stop ${effect.sessionId}`, async () => {
          try {
            await face.stop(effect.sessionId)
            driver.input(book => { book.onStopped(effect.sessionId) })
          } catch {
            driver.input((book, nowMs) => { book.onStopFailed(effect.sessionId, nowMs) })
          }
        })
        break
      case 'changed':
        if (this.isWanted && driver === this.driver) {
          const { state, session } = effect.connection
          this.session = session
          this.readyMs = state === 'ready' || state === 'live' ? this.readyMs ?? this.init.clock.nowMs() : undefined
          this.send()
        }
        break
      case 'removed':
    }
  }

  private take (driver: MachineDriver<ConnectionEffect, ConnectionBook> | undefined, session: SessionView): void {
    driver?.input((book, nowMs) => { book.onRenewed(SLOT, session, nowMs) })
  }

  /** As `FleetClient`: the same is not asked twice at once, and a slow answer holds nothing else up. */
  private ask (what: string, question: () => Promise<void>): void {
    const { asked } = this
    if (!asked.has(what)) {
      asked.add(what)
      void question().finally(() => { asked.delete(what) })
    }
  }

  /** Who is ready sends, to where it was told. */
  private send (): void {
    const place = this.isReady ? this.session?.place : undefined
    const relay = this.init.relays.get(place?.instanceId ?? '')
    const token = this.session?.publishId
    if (this.sendingTo?.relay !== relay || this.sendingTo?.token !== token) {
      this.sendingTo?.relay.send(this.sendingTo.token, 0)
      this.sendingTo = undefined
      if (relay !== undefined && token !== undefined) {
        relay.send(token, this.init.streamBps)
        this.sendingTo = { relay, token }
      }
    }
  }
}
