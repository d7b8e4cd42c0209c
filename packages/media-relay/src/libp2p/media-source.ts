/** The relay's side of `/skein/media/1.0.0`: peers of the mesh are players of the fan-out. */
import { PROTOCOLS } from '@skein/records'
import { encodeMedia, MediaProtocolError, readMedia } from './media-message.ts'
import type { Libp2p, Stream } from '@libp2p/interface'
import type { Cancel, Clock } from '@skein/core'
import type { FanoutDriver, PlayerSink } from '../fanout/fanout-driver.ts'
import type { PlayerSession } from '../fanout/player-session.ts'

export interface MediaSourceInit {
  libp2p: Pick<Libp2p, 'handle' | 'unhandle'>
  fanout: FanoutDriver
  clock: Clock
  /** Streams of viewers at once; more are told `overload` @default 100 */
  maxViewers?: number
  /** For a viewer to say what it wants, ms @default 10_000 */
  requestTimeoutMs?: number
  /** A viewer that takes nothing for so long is let go, ms @default 15_000 */
  stallTimeoutMs?: number
  onConnected?: (session: PlayerSession, peer: string) => void
  onClosed?: (session: PlayerSession) => void
}

/** Streams of one peer: it may play several things. */
const MAX_STREAMS_PER_CONNECTION = 8

export class MediaSource {
  private readonly init: MediaSourceInit
  /** Bounded by `maxViewers` */
  private readonly viewers = new Set<Viewer>()

  constructor (init: MediaSourceInit) {
    this.init = init
  }

  get viewerCount (): number {
    return this.viewers.size
  }

  async start (): Promise<void> {
    await this.init.libp2p.handle(PROTOCOLS.media, (stream, connection) => { this.onStream(stream, connection.remotePeer.toString()) }, {
      maxInboundStreams: MAX_STREAMS_PER_CONNECTION
    })
  }

  async stop (): Promise<void> {
    await this.init.libp2p.unhandle(PROTOCOLS.media)
    for (const viewer of this.viewers) {
      viewer.end('the relay ends')
    }
  }

  private onStream (stream: Stream, peer: string): void {
    if (this.viewers.size >= (this.init.maxViewers ?? 100)) {
      refuse(stream, 'overload')
      return
    }
    const viewer = new Viewer(this.init, stream, peer)
    this.viewers.add(viewer)
    stream.addEventListener('close', () => {
      this.viewers.delete(viewer)
      viewer.onClosed()
    })
  }
}

/** Takes packets as long as the stream does: whoever reads it too slowly loses packets in the fan-out's queue. */
class Viewer implements PlayerSink {
  readonly isOfMesh = true
  private readonly init: MediaSourceInit
  private readonly stream: Stream
  private session?: PlayerSession
  private isBlocked = false
  private cancelTimeout: Cancel | undefined

  constructor (init: MediaSourceInit, stream: Stream, peer: string) {
    this.init = init
    this.stream = stream
    this.expectWithin(init.requestTimeoutMs ?? 10_000, 'it asked for nothing')
    stream.addEventListener('drain', () => { this.onDrain() })
    // a viewer that closes its own end has gone: a relayed connection that was cut looks like that too
    stream.addEventListener('remoteCloseWrite', () => { this.end('the viewer ended it') })
    readMedia(stream, ({ player }) => {
      if (this.session !== undefined) {
        throw new MediaProtocolError('A viewer asks once')
      }
      this.onRequest(player, peer)
    })
  }

  send (packet: Uint8Array): boolean {
    if (this.isBlocked) {
      return false
    }
    if (this.stream.status === 'open') {
      this.isBlocked = !this.stream.send(encodeMedia({ packet, dropped: this.session?.queue.droppedPackets }))
      if (this.isBlocked) {
        this.expectWithin(this.init.stallTimeoutMs ?? 15_000, 'it takes nothing')
      }
    }
    return true
  }

  close (reason: string): void {
    this.end(reason)
  }

  end (reason: string): void {
    if (this.stream.status === 'open') {
      this.stream.abort(new Error(`The stream of media is over: ${reason}`))
    }
  }

  onClosed (): void {
    this.cancelTimeout?.()
    if (this.session !== undefined) {
      this.init.fanout.removePlayer(this.session)
      this.init.onClosed?.(this.session)
    }
  }

  private onRequest (player: string, peer: string): void {
    const admission = this.init.fanout.admitPlayer(player)
    this.cancelTimeout?.()
    if (admission.type === 'refuse') {
      refuse(this.stream, admission.reason)
      return
    }
    this.stream.send(encodeMedia({ verdict: 'ok' }))
    this.session = this.init.fanout.addPlayer(admission.player, admission.publisher, this)
    this.init.onConnected?.(this.session, peer)
  }

  private onDrain (): void {
    this.cancelTimeout?.()
    this.isBlocked = false
    if (this.session !== undefined) {
      this.init.fanout.onWritable(this.session)
    }
  }

  private expectWithin (timeoutMs: number, otherwise: string): void {
    const { clock } = this.init
    this.cancelTimeout?.()
    this.cancelTimeout = clock.schedule(clock.nowMs() + timeoutMs, () => { this.end(otherwise) })
  }
}

function refuse (stream: Stream, verdict: string): void {
  stream.send(encodeMedia({ verdict }))
  stream.close().catch(error => { stream.abort(error) })
}
