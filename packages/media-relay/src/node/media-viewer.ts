/** Plays a stream of a relay in the mesh to players of this machine: an SRT port on loopback, fed over libp2p. */
import { systemClock } from '@skein/core/system'
import { FanoutDriver } from '../fanout/fanout-driver.ts'
import { watchMedia } from '../libp2p/media-watch.ts'
import { streamEntryProblem, StreamTable } from '../stream-table.ts'
import { PlayerPort } from './player-port.ts'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { FanoutInit } from '../fanout/fanout.ts'
import type { PlayerSession } from '../fanout/player-session.ts'
import type { WatchChange } from '../libp2p/media-watch.ts'

export interface MediaViewerInit {
  libp2p: Pick<Libp2p, 'dialProtocol'>
  /** The relay */
  target: PeerId | Multiaddr | Multiaddr[]
  /** The id of the player here and, unless `ingest` is given, there */
  player: string
  /**
   * Has the relay take a stream in for this peer, under this publisher's id: `live_` and a token of 16 characters or more, best random, as whoever
   * knows it may publish. `onChange` tells the ports. Super-nodes of the role `ingest` do it.
   */
  ingest?: string
  /** IP address of the port for players @default '127.0.0.1' */
  host?: string
  /** UDP port of players; 0 takes any free one @default 4000 */
  port?: number
  passphrase?: string
  fanout?: FanoutInit
  /** What becomes of the stream */
  onChange?: (change: WatchChange) => void
  onConnected?: (session: PlayerSession, address: string) => void
  onClosed?: (session: PlayerSession) => void
  /** @default systemClock() */
  clock?: Clock
}

export interface MediaViewer {
  /** UDP port of players */
  readonly port: number
  readonly fanout: FanoutDriver
  /** Rejects with a `MediaRefusedError` when the relay does not let it in; resolves when it was stopped */
  readonly ended: Promise<void>
  stop: () => Promise<void>
}

/** The same at each viewer, as nobody publishes there but the mesh. */
const PUBLISHER = 'live_mesh'

/** @throws {MediaListenError} */
export async function createMediaViewer (init: MediaViewerInit): Promise<MediaViewer> {
  const { libp2p, target, player, ingest, host = '127.0.0.1', passphrase, onChange } = init
  const problem = streamEntryProblem({ publisher: ingest ?? PUBLISHER, player })
  if (problem !== undefined) {
    throw new RangeError(`${problem.field} ${problem.message}`)
  }
  const clock = init.clock ?? systemClock()
  const streams = new StreamTable({ maxStreams: 1 })
  streams.add({ publisher: PUBLISHER, player, description: '' })
  const fanout = new FanoutDriver({ ...init.fanout, streams, clock })
  const ignore = (): void => {}
  const players = await PlayerPort.open({
    host,
    port: init.port ?? 4_000,
    passphrase,
    maxConnections: init.fanout?.maxPlayers ?? 500,
    driver: fanout,
    onConnected: init.onConnected ?? ignore,
    onClosed: init.onClosed ?? ignore,
    onRefused: ignore
  })
  const stopping = new AbortController()
  const ended = watchMedia({
    libp2p, clock, target, want: ingest === undefined ? { player } : { publisher: ingest }, fanout, publisher: PUBLISHER, onChange
  }, { signal: stopping.signal })
  ended.catch(ignore) // for whoever asks
  return {
    port: players.port,
    fanout,
    ended,
    stop: async () => {
      stopping.abort(new Error('The viewer was stopped'))
      await Promise.allSettled([ended, players.close()])
      fanout.stop()
    }
  }
}
