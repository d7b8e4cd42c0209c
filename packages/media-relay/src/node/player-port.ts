/** The SRT port of players: gives each what the fan-out has for it. */
import { SocketSink } from './socket-sink.ts'
import { openSrtListener } from './srt-listener.ts'
import type { Refusal } from '../admission.ts'
import type { FanoutDriver } from '../fanout/fanout-driver.ts'
import type { PlayerSession } from '../fanout/player-session.ts'
import type { ConnectionEnd } from './publisher-port.ts'
import type { TrafficCount } from './traffic-count.ts'
import type { SrtListener, SrtSocket } from '@skein/srt/node'

export interface PlayerPortInit {
  host: string
  port: number
  passphrase?: string
  maxConnections: number
  driver: FanoutDriver
  /** Counts what goes through @default nothing does */
  traffic?: TrafficCount
  onConnected: (session: PlayerSession, address: string) => void
  onClosed: (session: PlayerSession, reason: ConnectionEnd) => void
  onRefused: (reason: Refusal, address: string) => void
}

/** What publishers may put into a packet at most, so that it need not be cut. */
const PAYLOAD_BYTES = 1_456

export class PlayerPort {
  private readonly init: PlayerPortInit
  private readonly listener: SrtListener

  private constructor (init: PlayerPortInit, listener: SrtListener) {
    this.init = init
    this.listener = listener
  }

  /** @throws {MediaListenError} */
  static async open (init: PlayerPortInit): Promise<PlayerPort> {
    const { driver, host, port, passphrase, maxConnections } = init
    const listener = await openSrtListener('players', {
      host,
      port,
      passphrase,
      maxConnections,
      payloadBytes: PAYLOAD_BYTES,
      onRequest: caller => {
        const admission = driver.admitPlayer(caller.streamId)
        if (admission.type === 'refuse') {
          init.onRefused(admission.reason, caller.address)
          return { type: 'reject', reason: admission.reason }
        }
        return { type: 'accept' }
      }
    })
    const opened = new PlayerPort(init, listener)
    void opened.serve()
    return opened
  }

  get port (): number {
    return this.listener.address.port
  }

  async close (): Promise<void> {
    await this.listener.close()
  }

  private async serve (): Promise<void> {
    for await (const socket of this.listener) {
      void this.take(socket)
    }
  }

  private async take (socket: SrtSocket): Promise<void> {
    const { driver, traffic, onConnected, onClosed } = this.init
    const admission = driver.admitPlayer(socket.streamId)
    if (admission.type === 'refuse') {
      socket.abort() // it was let in, and its id was taken back since
      return
    }
    let end: ConnectionEnd = 'ended'
    const sink = new SocketSink(socket, () => { driver.onWritable(session) }, reason => { end = reason })
    const session = driver.addPlayer(admission.player, admission.publisher, sink)
    traffic?.add(socket)
    onConnected(session, socket.remoteAddress)
    try {
      while (await socket.read() !== undefined) {
        // what a player sends is of no use, and must not pile up
      }
    } catch {
      end = end === 'ended' ? 'lost' : end
    } finally {
      socket.abort()
      driver.removePlayer(session)
      traffic?.onEnded(socket)
      onClosed(session, end)
    }
  }
}
