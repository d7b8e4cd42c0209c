/**
 * Plays the stream of a slot to players of this machine, wherever its relay is: it asks the control plane now and then, fetches the stream from the
 * new place beside the old one when it moves, and makes one stream of both without a gap.
 */
import { MachineDriver, sleep } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { FanoutDriver, StreamTable } from '@skein/media-relay'
import { PlayerPort } from '@skein/media-relay/node'
import { connect } from '@skein/srt/node'
import { TypedEventEmitter } from 'main-event'
import { FleetRequests } from '../client/fleet-requests.ts'
import { PAYLOAD_BYTES } from './encoder-port.ts'
import { FollowedTargets } from './followed-targets.ts'
import { StreamJoin } from './stream-join.ts'
import { playTarget, targetKey } from './stream-target.ts'
import type { Clock } from '@skein/core'
import type { Publication } from '@skein/media-relay'
import type { SessionView } from '../client/fleet-connection.ts'
import type { JoinEffect, JoinKind, StreamJoinInit } from './stream-join.ts'
import type { StreamTarget } from './stream-target.ts'

export interface FleetPlayerInit {
  /** `https://fleet.example.org` */
  url: string
  /** `skf_…`, of the user whose slot it is */
  key: string
  slot: number
  /** IP address of the port for players @default '127.0.0.1' */
  host?: string
  /** UDP port of players; 0 takes any free one @default 4000 */
  port?: number
  /** From the relay to here, ms @default 500 */
  latencyMs?: number
  /** What the relay wants, 10 to 79 characters; players of this machine need none */
  passphrase?: string
  /** From one question where the session is to the next, ms @default 1_000 */
  pollMs?: number
  /** The place before is kept for so long, ms, after the stream is played from the new one @default 3_000 */
  overlapMs?: number
  join?: StreamJoinInit
  /** @default systemClock() */
  clock?: Clock
  fetch?: typeof globalThis.fetch
}

export interface FleetPlayerEvents {
  /** The stream is played from there now; `joined`: it went on with the next packet */
  'source:switched': CustomEvent<StreamTarget & { how: JoinKind }>
  /** The relay could not be reached, or the connection was lost; it is tried again */
  'source:failed': CustomEvent<StreamTarget & { message: string }>
  /** The control plane did not answer, or refused; it is asked again, and what is played goes on */
  'fleet:failed': CustomEvent<{ message: string }>
  'player:connected': CustomEvent<{ address: string }>
}

/** Stream id of players of this machine. */
export const LOCAL_PLAYER = 'play_local'
const PUBLISHER = 'live_fleet'

export class FleetPlayer extends TypedEventEmitter<FleetPlayerEvents> {
  private readonly init: FleetPlayerInit
  private readonly clock: Clock
  private readonly requests: FleetRequests
  private readonly fanout: FanoutDriver
  private readonly publication: Publication
  private readonly join: MachineDriver<JoinEffect, StreamJoin>
  private readonly targets: FollowedTargets
  /** By key; bounded as the targets */
  private readonly known = new Map<string, StreamTarget>()
  private readonly stopping = new AbortController()
  private following: Promise<void> = Promise.resolve()
  private players!: PlayerPort

  private constructor (init: FleetPlayerInit) {
    super()
    const { url, key, fetch, clock = systemClock(), overlapMs = 3_000 } = init
    this.init = init
    this.clock = clock
    this.requests = new FleetRequests({ url, key, clock, fetch })
    const streams = new StreamTable({ maxStreams: 1 })
    streams.add({ publisher: PUBLISHER, player: LOCAL_PLAYER, description: '' })
    this.fanout = new FanoutDriver({ streams, clock })
    this.publication = this.fanout.addPublisher(PUBLISHER, { close: () => {} })
    this.join = new MachineDriver({ machine: new StreamJoin(init.join), clock, perform: effect => { this.perform(effect) } })
    this.targets = new FollowedTargets({
      clock,
      overlapMs,
      run: async (target, { signal }) => { await this.fetch(target, signal) },
      onFailed: (target, { message }) => { this.safeDispatchEvent('source:failed', { detail: { ...target, message } }) },
      onClosed: target => {
        this.known.delete(targetKey(target))
        this.join.input((join, nowMs) => { join.onEnded(targetKey(target), nowMs) })
      }
    })
  }

  /** @throws {MediaListenError} */
  static async open (init: FleetPlayerInit): Promise<FleetPlayer> {
    const player = new FleetPlayer(init)
    player.players = await PlayerPort.open({
      host: init.host ?? '127.0.0.1',
      port: init.port ?? 4_000,
      maxConnections: 100,
      driver: player.fanout,
      onConnected: (_session, address) => { player.safeDispatchEvent('player:connected', { detail: { address } }) },
      onClosed: () => {},
      onRefused: () => {}
    })
    player.following = player.follow()
    return player
  }

  /** UDP port of players. */
  get port (): number {
    return this.players.port
  }

  async stop (): Promise<void> {
    this.stopping.abort(new Error('The player was stopped'))
    await this.following
    await this.targets.stop()
    this.join.stop()
    await this.players.close()
    this.fanout.stop()
  }

  private async follow (): Promise<void> {
    const { signal } = this.stopping
    const { slot, pollMs = 1_000 } = this.init
    while (!signal.aborted) {
      try {
        const { sessions } = await this.requests.ask<{ sessions: SessionView[] }>('GET', '/v1/sessions', undefined, { signal })
        const target = playTarget(sessions.find(session => session.slot === slot && session.state === 'active'))
        if (target !== undefined) {
          this.join.input((join, nowMs) => { join.onPreferred(targetKey(target), nowMs) })
          this.targets.follow(target)
        }
      } catch (error) {
        if (!signal.aborted) {
          this.safeDispatchEvent('fleet:failed', { detail: { message: (error as Error).message } })
        }
      }
      await sleep(this.clock, pollMs, { signal }).catch(() => {})
    }
  }

  private async fetch (target: StreamTarget, signal: AbortSignal): Promise<void> {
    const { host, port, streamId } = target
    const { latencyMs = 500, passphrase } = this.init
    const socket = await connect({ host, port, streamId, passphrase, latencyMs, payloadBytes: PAYLOAD_BYTES, signal })
    const key = targetKey(target)
    this.known.set(key, target)
    const onAbort = (): void => { socket.abort() }
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      for (let packet = await socket.read({ signal }); packet !== undefined; packet = socket.readNow() ?? await socket.read({ signal })) {
        const next = packet
        this.join.input((join, nowMs) => { join.onPacket(key, next, nowMs) })
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      socket.abort()
    }
  }

  private perform (effect: JoinEffect): void {
    if (effect.type === 'packet') {
      this.fanout.onPacket(this.publication, effect.packet)
      return
    }
    const target = this.known.get(effect.source)
    if (target !== undefined) {
      this.targets.serving(target)
      this.safeDispatchEvent('source:switched', { detail: { ...target, how: effect.how } })
    }
  }
}
