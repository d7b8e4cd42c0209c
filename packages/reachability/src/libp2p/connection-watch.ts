/**
 * Drives `ConnectionPulse` over the connections of a libp2p node: bytes that come are seen below the streams, where a ping of the muxer is answered
 * too. What has no such ping, as WebRTC, which has its own consent checks (RFC 7675), is never found silent here.
 */
import { MachineDriver } from '@skein/core'
import { ConnectionPulse } from '../connection-pulse.ts'
import type { Connection } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { ConnectionPulseInit, PulseEffect, Silence } from '../connection-pulse.ts'

export interface ConnectionWatchInit extends ConnectionPulseInit {
  clock: Clock
  /** Nothing goes over a connection that would be missed */
  isIdle: (connection: Connection) => boolean
  /** A connection is silent, or (`undefined`) is heard again */
  onSilence: (connection: Connection, silence: Silence | undefined) => void
}

/** Nothing comes over a connection any more. */
export class SilentConnectionError extends Error {
  static override name = 'SilentConnectionError'
  override readonly name = 'SilentConnectionError'
  /** The address at the other end */
  readonly address: string
  readonly silentMs: number

  constructor (address: string, silentMs: number) {
    super(`Nothing has come from ${address} for ${Math.round(silentMs)} ms, and it answers no ping`)
    this.address = address
    this.silentMs = silentMs
  }
}

/** This machine has the address no more to which a connection is bound. */
export class LostAddressError extends Error {
  static override name = 'LostAddressError'
  override readonly name = 'LostAddressError'
  readonly address: string

  constructor (address: string) {
    super(`This machine does not have the address ${address} any more`)
    this.address = address
  }
}

/** What a connection of libp2p has but does not declare. */
interface ConnectionInside {
  maConn?: EventTarget & { socket?: { localAddress?: string } }
  muxer?: {
    ping?: () => Promise<number>
    /** Of the last ping, ms; less than 0 when there was none */
    getRTT?: () => number
  }
}

/** Loopback and link-local addresses, which are not told of and do not come and go. */
const OF_NO_NETWORK = /^(127\.|169\.254\.|::1$|fe[89ab])/i

interface Watched {
  connection: Connection
  isMeasured: boolean
  watchers: Set<(silence: Silence) => void>
}

export class ConnectionWatch {
  private readonly init: ConnectionWatchInit
  private readonly driver: MachineDriver<PulseEffect, ConnectionPulse>
  private readonly watched = new Map<string, Watched>()

  constructor (init: ConnectionWatchInit) {
    this.init = init
    this.driver = new MachineDriver({ machine: new ConnectionPulse(init), clock: init.clock, perform: effect => { this.perform(effect) } })
  }

  opened (connection: Connection): void {
    const { maConn, muxer } = insideOf(connection)
    if (maConn === undefined || muxer?.ping === undefined || this.watched.has(connection.id)) {
      return
    }
    this.watched.set(connection.id, { connection, isMeasured: false, watchers: new Set() })
    this.driver.input((pulse, nowMs) => { pulse.onOpen(connection.id, nowMs) })
    maConn.addEventListener('message', () => { this.driver.input((pulse, nowMs) => { pulse.onHeard(connection.id, nowMs) }) })
  }

  closed (connection: Connection): void {
    this.watched.delete(connection.id)
    this.driver.input(pulse => { pulse.onClosed(connection.id) })
  }

  silenceOf (connection: Connection): Silence | undefined {
    return this.driver.machine.silenceOf(connection.id)
  }

  /** Something depends on this connection until the returned function is called; `onSilence` is told each step of its silence meanwhile. */
  use (connection: Connection, onSilence: (silence: Silence) => void): () => void {
    const watched = this.watched.get(connection.id)
    if (watched === undefined) {
      return () => {}
    }
    watched.watchers.add(onSilence)
    const roundTripMs = insideOf(connection).muxer?.getRTT?.() ?? -1
    if (!watched.isMeasured && roundTripMs >= 0) {
      // yamux measures as the connection is made
      this.measured(watched, roundTripMs)
    }
    this.driver.input((pulse, nowMs) => { pulse.onUse(connection.id, nowMs) })
    return () => {
      if (watched.watchers.delete(onSilence)) {
        this.driver.input(pulse => { pulse.onSettled(connection.id) })
      }
    }
  }

  /**
   * This machine's addresses are others now: every connection is to be heard, and one that is bound to an address that is not among them is as good
   * as lost, unless the address comes back at once. It is given up now where nothing goes over it, as what is kept by it, such as a reservation, is
   * to be had again soon.
   */
  networkChanged (addresses: readonly string[]): void {
    const here = new Set(addresses)
    for (const [id, { connection }] of this.watched) {
      const local = insideOf(connection).maConn?.socket?.localAddress?.replace(/^::ffff:/, '')
      const isGone = local !== undefined && here.size > 0 && !here.has(local) && !OF_NO_NETWORK.test(local)
      if (isGone && this.init.isIdle(connection)) {
        connection.abort(new LostAddressError(local))
        continue
      }
      this.driver.input((pulse, nowMs) => {
        if (isGone) {
          pulse.onGone(id, nowMs)
        } else {
          pulse.onDoubt(id, nowMs)
        }
      })
    }
  }

  stop (): void {
    this.driver.stop()
    this.watched.clear()
  }

  private measured (watched: Watched, roundTripMs: number): void {
    watched.isMeasured = true
    this.driver.input(pulse => { pulse.onRoundTrip(watched.connection.id, roundTripMs) })
  }

  private perform (effect: PulseEffect): void {
    const watched = this.watched.get(effect.connection)
    if (watched === undefined) {
      return
    }
    const { connection, watchers } = watched
    switch (effect.type) {
      case 'ping': {
        // what comes back is heard like all else; given up it would be an answer to no question, which ends the connection
        insideOf(connection).muxer?.ping?.().then(roundTripMs => {
          this.measured(watched, roundTripMs)
        }, () => {})
        break
      }
      case 'heard': {
        this.init.onSilence(connection, undefined)
        break
      }
      case 'silence': {
        this.init.onSilence(connection, effect.silence)
        watchers.forEach(watcher => { watcher(effect.silence) })
        if (effect.silence === 'dead') {
          connection.abort(new SilentConnectionError(connection.remoteAddr.toString(), this.init.clock.nowMs() - effect.sinceMs))
        }
      }
    }
  }
}

function insideOf (connection: Connection): ConnectionInside {
  return connection as unknown as ConnectionInside
}
