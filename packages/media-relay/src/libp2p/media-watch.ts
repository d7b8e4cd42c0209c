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
  /** What is wanted there: the stream of a player's id, or one that the relay is to take in under a publisher's id of 16 characters and more */
  want: { player: string } | { publisher: string }
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

/** Where a relay takes a stream in, at the addresses of its machine. */
export interface IngestPorts {
  /** UDP port of SRTLA; left out where it has none */
  srtlaPort?: number
  /** UDP port of SRT */
  publisherPort?: number
}

export type WatchChange =
  | { type: 'connected', ingest?: IngestPorts }
  /** The connection ended, or there is none; it is tried again in `pauseMs` */
  | { type: 'interrupted', error: Error, pauseMs: number }
  /** The relay dropped so many datagrams since it was last told, as they were not taken in time */
  | { type: 'dropped', packets: number }

/** libp2p's error where nobody speaks the protocol. */
const UNSUPPORTED = 'UnsupportedProtocolError'
/** Of the reasons to be refused those that end by themselves; an id that another peer has may be this one's own, from before it was started anew. */
const PASSING = ['overload', 'conflict']

/** The relay does not let this player in: its id is wrong, or it has too many. */
export class MediaRefusedError extends Error {
  static override name = 'MediaRefusedError'
  override readonly name = 'MediaRefusedError'
  /** As of SRT: `not-found`, `bad-request`, `bad-mode`, `overload`; `forbidden`: it takes nothing in, `conflict`: another peer has that id */
  readonly reason: string

  constructor (reason: string) {
    super(`The relay refused the player: ${reason}`)
    this.reason = reason
  }
}

/** The peer is no media relay, or a super-node that takes no streams in: name another. */
export class NoMediaRelayError extends Error {
  static override name = 'NoMediaRelayError'
  override readonly name = 'NoMediaRelayError'

  constructor (options: ErrorOptions = {}) {
    super('The peer hands no streams of media on: it is no media relay, and no super-node that takes streams in', options)
  }
}

/**
 * Plays the stream until the signal fires, and connects again when it is interrupted.
 *
 * @throws {MediaRefusedError | NoMediaRelayError} when another attempt would change nothing
 */
export async function watchMedia (init: MediaWatchInit, { signal }: AbortOptions = {}): Promise<void> {
  const { clock, leastPauseMs = 500, longestPauseMs = 15_000, onChange } = init
  const isStopped = (): boolean => signal?.aborted === true
  for (let pauseMs = leastPauseMs, isRelay = false; !isStopped();) {
    let wasConnected = false
    try {
      await watchOnce(init, ingest => {
        wasConnected = isRelay = true
        onChange?.({ type: 'connected', ...ingest !== undefined && { ingest } })
      }, signal)
    } catch (error) {
      if (error instanceof MediaRefusedError && !PASSING.includes(error.reason)) {
        throw error
      }
      if (!isRelay && (error as Error).name === UNSUPPORTED) {
        throw new NoMediaRelayError({ cause: error }) // one that was a relay may be so again
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
async function watchOnce (init: MediaWatchInit, onConnected: (ingest?: IngestPorts) => void, outer?: AbortSignal): Promise<never> {
  const limit = deadline(init.clock, init.connectTimeoutMs ?? 15_000, [outer])
  try {
    const stream = await init.libp2p.dialProtocol(init.target, PROTOCOLS.media, { signal: limit.signal })
    return await new Promise<never>((_resolve, reject) => {
      const onAbort = (): void => { stream.abort(limit.signal.reason) }
      limit.signal.addEventListener('abort', onAbort, { once: true })
      const play = new Play(init, stream, ingest => {
        limit.set(undefined)
        onConnected(ingest)
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

  constructor (init: MediaWatchInit, stream: Stream, onAdmitted: (ingest?: IngestPorts) => void) {
    this.init = init
    this.stream = stream
    readMedia(stream, ({ verdict, packet, dropped, srtlaPort, publisherPort }) => {
      if (this.publication === undefined) {
        const ports = { ...srtlaPort > 0 && { srtlaPort }, ...publisherPort > 0 && { publisherPort } }
        this.onVerdict(verdict, () => { onAdmitted('publisher' in init.want ? ports : undefined) })
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
    stream.send(encodeMedia(init.want))
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
