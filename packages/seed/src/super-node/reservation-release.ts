/**
 * Lets those go who are reached through a relay that takes no more circuits, a few at a time: Circuit Relay v2 has no word for it, so their
 * connections are closed, and they reserve elsewhere. Those with a circuit stay until it has ended.
 */
import { deadline } from '@skein/core'
import type { Connection, PeerId } from '@libp2p/interface'
import type { Cancel, Clock } from '@skein/core'

export interface ReservationReleaseInit {
  connections: () => Array<Pick<Connection, 'remotePeer' | 'close'>>
  hasReservation: (peer: string) => boolean
  hasCircuit: (peer: string) => boolean
  clock: Clock
}

const TICK_MS = 250
const CLOSE_TIMEOUT_MS = 5_000

export class ReservationRelease {
  private readonly init: ReservationReleaseInit
  private readonly closing = new WeakSet<object>()
  private cancel?: Cancel
  private tickMs = Infinity
  private endMs = Infinity
  /** Left out, all that come meanwhile are let go too */
  private only?: WeakSet<object>

  constructor (init: ReservationReleaseInit) {
    this.init = init
  }

  /**
   * @param delayMs before the first, for those who hear of it otherwise to move by themselves
   * @param spreadMs until all are gone that have no circuit
   * @param options.onlyThose those that are there now, and not who comes meanwhile
   */
  start (delayMs: number, spreadMs: number, options: { onlyThose?: boolean } = {}): void {
    const nowMs = this.init.clock.nowMs()
    this.only = options.onlyThose === true ? new WeakSet(this.held()) : undefined
    this.endMs = Math.min(this.endMs, nowMs + delayMs + spreadMs)
    this.tickAt(Math.min(this.tickMs, nowMs + delayMs))
  }

  /** They may stay. */
  stop (): void {
    this.cancel?.()
    this.cancel = undefined
    this.tickMs = this.endMs = Infinity
  }

  /** Who is to be let go; those with a circuit are among them. */
  get waiting (): number {
    return this.held().length
  }

  private held (): Array<Pick<Connection, 'remotePeer' | 'close'>> {
    const { connections, hasReservation } = this.init
    return connections().filter(connection => !this.closing.has(connection) &&
      this.only?.has(connection) !== false && hasReservation(textOf(connection.remotePeer)))
  }

  private tick (): void {
    const { clock, hasCircuit } = this.init
    const free = this.held().filter(({ remotePeer }) => !hasCircuit(textOf(remotePeer)))
    const ticksLeft = Math.max(1, Math.ceil((this.endMs - clock.nowMs()) / TICK_MS))
    for (const connection of free.slice(0, Math.ceil(free.length / ticksLeft))) {
      this.closing.add(connection)
      const limit = deadline(clock, CLOSE_TIMEOUT_MS)
      // one that does not close has gone by itself
      connection.close({ signal: limit.signal }).catch(() => {}).finally(limit.clear)
    }
    this.tickMs = Infinity
    this.tickAt(clock.nowMs() + TICK_MS)
  }

  private tickAt (atMs: number): void {
    this.cancel?.()
    this.tickMs = atMs
    this.cancel = this.init.clock.schedule(atMs, () => { this.tick() })
  }
}

function textOf (peer: PeerId): string {
  return peer.toString()
}
