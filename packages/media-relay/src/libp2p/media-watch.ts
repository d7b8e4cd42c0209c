/** The viewer's side of `/skein/media/1.0.0`: plays a stream of a relay, and publishes it in a fan-out of its own. */
import { deadline, sleep } from '@skein/core'
import { PROTOCOLS } from '@skein/records'
import { encodeMedia, MediaProtocolError, readMedia } from './media-message.ts'
import type { AbortOptions, Libp2p, PeerId, Stream } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { FanoutDriver } from '../fanout/fanout-driver.ts'
import type { Publication } from '../fanout/publication.ts'

export interface MediaWatchInit {
  libp2p: Pick<Libp2p, 'dialProtocol'>
  clock: Clock
  /** The relay */
  target: PeerId | Multiaddr | Multiaddr[]
  /** The id of the player there */
  player: string
  /** Where it is published here */
  fanout: FanoutDriver
  /** Under which id */
  publisher: string
  /** To connect and be let in, ms @default 15_000 */
  connectTimeoutMs?: number
  /** From the end of a connection to the next attempt, ms; twice as long after each that fails @default 500 */
  leastPauseMs?: number
  /** @default 15_000 */
  longestPauseMs?: number
  /** What becomes of it */
  onChange?: (change: WatchChange) => void
}

export type WatchChange =
  | { type: 'connected' }
  /** The connection ended, or there is none; it is tried again in `pauseMs` */
  | { type: 'interrupted', error: Error, pauseMs: number }
  /** The relay dropped so many datagrams since it was last told, as they were not taken in time */
  | { type: 'dropped', packets: number }

/** The relay does not let this player in: its id is wrong, or it has too many. */
export class MediaRefusedError extends Error {
  static override name = 'MediaRefusedError'
  override readonly name = 'MediaRefusedError'
  /** As of SRT: `not-found`, `bad-request`, `bad-mode`, `overload` */
  readonly reason: string

  constructor (reason: string) {
    super(`The relay refused the player: ${reason}`)
    this.reason = reason
  }
}

/**
 * Plays the stream until the signal fires, and connects again when it is interrupted.
 *
 * @throws {MediaRefusedError} when another attempt would change nothing
 */
export async function watchMedia (init: MediaWatchInit, { signal }: AbortOptions = {}): Promise<void> {
  const { clock, leastPauseMs = 500, longestPauseMs = 15_000, onChange } = init
  const isStopped = (): boolean => signal?.aborted === true
  for (let pauseMs = leastPauseMs; !isStopped();) {
    let wasConnected = false
    try {
      await watchOnce(init, () => {
        wasConnected = true
        onChange?.({ type: 'connected' })
      }, signal)
    } catch (error) {
      if (error instanceof MediaRefusedError && error.reason !== 'overload') {
        throw error
      }
      pauseMs = wasConnected ? leastPauseMs : pauseMs
      if (!isStopped()) {
        onChange?.({ type: 'interrupted', error: error as Error, pauseMs })
        await sleep(clock, pauseMs, { signal }).catch(() => {})
      }
      pauseMs = Math.min(2 * pauseMs, longestPauseMs)
    }
  }
}

/** Rejects when the connection ends, or there is none. */
async function watchOnce (init: MediaWatchInit, onConnected: () => void, outer?: AbortSignal): Promise<never> {
  const limit = deadline(init.clock, init.connectTimeoutMs ?? 15_000, [outer])
  try {
    const stream = await init.libp2p.dialProtocol(init.target, PROTOCOLS.media, { signal: limit.signal })
    return await new Promise<never>((_resolve, reject) => {
      const onAbort = (): void => { stream.abort(limit.signal.reason) }
      limit.signal.addEventListener('abort', onAbort, { once: true })
      const play = new Play(init, stream, () => {
        limit.set(undefined)
        onConnected()
      })
      stream.addEventListener('remoteCloseWrite', () => { stream.abort(play.error ?? new Error('The relay ended the stream')) })
      stream.addEventListener('close', ({ error }) => {
        play.end()
        reject(play.error ?? error ?? new Error('The stream ended'))
      })
      if (limit.signal.aborted) {
        onAbort()
      }
    })
  } finally {
    limit.clear()
  }
}

/** What comes over one stream. */
class Play {
  error?: Error
  private readonly init: MediaWatchInit
  private readonly stream: Stream
  private publication?: Publication
  private dropped = 0

  constructor (init: MediaWatchInit, stream: Stream, onAdmitted: () => void) {
    this.init = init
    this.stream = stream
    readMedia(stream, ({ verdict, packet, dropped }) => {
      if (this.publication === undefined) {
        this.onVerdict(verdict, onAdmitted)
        return
      }
      if (packet.length === 0) {
        throw new MediaProtocolError('A message without a packet')
      }
      if (dropped > this.dropped) {
        init.onChange?.({ type: 'dropped', packets: dropped - this.dropped })
        this.dropped = dropped
      }
      init.fanout.onPacket(this.publication, packet)
    })
    stream.send(encodeMedia({ player: init.player }))
  }

  end (): void {
    if (this.publication !== undefined) {
      this.init.fanout.removePublisher(this.publication)
    }
  }

  private onVerdict (verdict: string, onAdmitted: () => void): void {
    if (verdict !== 'ok') {
      this.error = verdict === '' ? new MediaProtocolError('A message without a verdict') : new MediaRefusedError(verdict)
      this.stream.abort(this.error)
      return
    }
    this.publication = this.init.fanout.addPublisher(this.init.publisher, { close: reason => { this.stream.abort(new Error(reason)) } })
    onAdmitted()
  }
}
