/** The relay's side of `/skein/media/1.0.0`: peers of the mesh are players of the fan-out. */
import { MachineDriver } from '@skein/core'
import { PROTOCOLS } from '@skein/records'
import { IngestTable } from '../ingest-table.ts'
import { encodeMedia, MediaProtocolError, readMedia } from './media-message.ts'
import type { Libp2p, Stream } from '@libp2p/interface'
import type { Cancel, Clock } from '@skein/core'
import type { FanoutDriver, PlayerSink } from '../fanout/fanout-driver.ts'
import type { PlayerSession } from '../fanout/player-session.ts'
import type { IngestEffect, IngestTableInit } from '../ingest-table.ts'
import type { StreamTable } from '../stream-table.ts'
import type { MediaFields } from './media-message.ts'

export interface MediaSourceInit {
  libp2p: Pick<Libp2p, 'handle' | 'unhandle'>
  fanout: FanoutDriver
  clock: Clock
  /** Streams of viewers at once; more are told `overload` @default 100 */
  maxViewers?: number
  /** Takes streams in for peers that ask for it @default false: they play what the operator has made ids for */
  ingest?: false | MediaIngest
  /** For a viewer to say what it wants, ms @default 10_000 */
  requestTimeoutMs?: number
  /** A viewer that takes nothing for so long is let go, ms @default 15_000 */
  stallTimeoutMs?: number
  onConnected?: (session: PlayerSession, peer: string) => void
  onClosed?: (session: PlayerSession) => void
}

/** Where a relay takes streams in for peers that ask for it. */
export interface MediaIngest extends IngestTableInit {
  streams: StreamTable
  /** UDP port of SRTLA; left out where there is none */
  srtlaPort?: number
  /** UDP port of SRT */
  publisherPort: number
}

/** Streams of one peer: it may play several things. */
const MAX_STREAMS_PER_CONNECTION = 8

export class MediaSource {
  private readonly init: MediaSourceInit
  /** Bounded by `maxViewers` */
  private readonly viewers = new Set<Viewer>()
  private readonly ingests: MachineDriver<IngestEffect, IngestTable> | undefined

  constructor (init: MediaSourceInit) {
    const { ingest = false, fanout, clock } = init
    this.init = init
    this.ingests = ingest === false ? undefined : new MachineDriver({
      machine: new IngestTable(ingest.streams, ingest),
      clock,
      perform: ({ publisher }) => { fanout.onRevoked({ player: publisher, publisher }) }
    })
  }

  get viewerCount (): number {
    return this.viewers.size
  }

  /** Streams that are taken in for peers. */
  get ingestCount (): number {
    return this.ingests?.machine.size ?? 0
  }

  /** Whether a peer plays something here. */
  serves (peer: string): boolean {
    return [...this.viewers].some(viewer => viewer.peer === peer && viewer.isPlaying)
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
    this.ingests?.stop()
  }

  private onStream (stream: Stream, peer: string): void {
    if (this.viewers.size >= (this.init.maxViewers ?? 100)) {
      refuse(stream, 'overload')
      return
    }
    const viewer = new Viewer(this.init, stream, peer, this.ingests)
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
  readonly peer: string
  private readonly ingests: MachineDriver<IngestEffect, IngestTable> | undefined
  private ingested?: string
  private readonly init: MediaSourceInit
  private readonly stream: Stream
  private session?: PlayerSession
  private isBlocked = false
  private cancelTimeout: Cancel | undefined

  constructor (init: MediaSourceInit, stream: Stream, peer: string, ingests: MachineDriver<IngestEffect, IngestTable> | undefined) {
    this.init = init
    this.stream = stream
    this.peer = peer
    this.ingests = ingests
    this.expectWithin(init.requestTimeoutMs ?? 10_000, 'it asked for nothing')
    stream.addEventListener('drain', () => { this.onDrain() })
    // a viewer that closes its own end has gone: a relayed connection that was cut looks like that too
    stream.addEventListener('remoteCloseWrite', () => { this.end('the viewer ended it') })
    readMedia(stream, ({ player, publisher }) => {
      if (this.session !== undefined) {
        throw new MediaProtocolError('A viewer asks once')
      }
      this.cancelTimeout?.()
      if (publisher === '') {
        this.onPlayRequest(player)
      } else {
        this.onIngestRequest(publisher)
      }
    })
  }

  get isPlaying (): boolean {
    return this.session !== undefined
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
    if (this.ingested !== undefined) {
      const publisher = this.ingested
      this.ingests?.input((table, nowMs) => { table.onLeft(publisher, nowMs) })
    }
  }

  private onPlayRequest (player: string): void {
    const admission = this.init.fanout.admitPlayer(player)
    if (admission.type === 'refuse') {
      refuse(this.stream, admission.reason)
      return
    }
    this.play(admission.player, admission.publisher, { verdict: 'ok' })
  }

  private onIngestRequest (publisher: string): void {
    const { ingest = false, fanout } = this.init
    if (ingest === false || this.ingests === undefined) {
      refuse(this.stream, 'forbidden')
      return
    }
    let verdict: string = 'overload'
    if (fanout.hasRoomFor(publisher)) {
      this.ingests.input((table, nowMs) => { verdict = table.onAsked(publisher, this.peer, nowMs) })
    }
    if (verdict !== 'ok') {
      refuse(this.stream, verdict)
      return
    }
    this.ingested = publisher
    this.play(publisher, publisher, { verdict, srtlaPort: ingest.srtlaPort, publisherPort: ingest.publisherPort })
  }

  private play (player: string, publisher: string, answer: MediaFields): void {
    this.stream.send(encodeMedia(answer))
    this.session = this.init.fanout.addPlayer(player, publisher, this)
    this.init.onConnected?.(this.session, this.peer)
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
