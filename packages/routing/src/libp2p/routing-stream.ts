/**
 * One stream of `/skein/routing/1.0.0`: frames in and out. Both ends ask and answer on it, so that two peers need one stream, whoever opened
 * it; each end numbers its own requests.
 */
import { idField } from './protobuf-field.ts'
import { encodeFrame, FrameReader, RoutingProtocolError } from './frame.ts'
import { RoutingMessage } from '../pb/routing.ts'
import type { KnownPeer } from './peer-directory.ts'
import type { Connection, Stream, StreamMessageEvent } from '@libp2p/interface'

export interface RoutingStreamHandlers {
  /** May throw a `RoutingProtocolError`: the stream is reset then */
  onRequest: (stream: RoutingStream, message: RoutingMessage) => void
  /** May throw a `RoutingProtocolError`: the stream is reset then */
  onAnswer: (stream: RoutingStream, message: RoutingMessage) => void
  /** Called once. `error` when the other side broke the protocol */
  onEnd: (stream: RoutingStream, error?: RoutingProtocolError) => void
}

/** What waits for a reader that does not read; beyond it the stream is reset. */
const MAX_UNREAD_BYTES = 1024 * 1024
const LIMITS = { store: { entries: 64 }, found: { offers: 128, closer: 128 } }

export class RoutingStream {
  readonly peer: KnownPeer
  readonly connection: Connection
  readonly isInbound: boolean
  /** When something last went over it */
  usedMs: number
  /** Whether a message has come */
  heard = false
  /** Requests of the other side that are being worked on */
  underWay = 0
  private readonly stream: Stream
  private readonly handlers: RoutingStreamHandlers
  private readonly reader = new FrameReader()
  private ended = false

  constructor (stream: Stream, connection: Connection, peer: KnownPeer, nowMs: number, handlers: RoutingStreamHandlers) {
    this.stream = stream
    this.connection = connection
    this.peer = peer
    this.isInbound = stream.direction === 'inbound'
    this.usedMs = nowMs
    this.handlers = handlers
    stream.maxWriteBufferLength = MAX_UNREAD_BYTES
    stream.addEventListener('message', this.onMessage)
    stream.addEventListener('remoteCloseWrite', () => {
      this.end()
      stream.close().catch(error => { stream.abort(error as Error) })
    })
    stream.addEventListener('close', () => { this.end() })
  }

  get isOpen (): boolean {
    return !this.ended && this.stream.status === 'open'
  }

  /** Sends a message. `false` when the stream can take no more: it has ended then. */
  send (id: number, body: Uint8Array): boolean {
    if (!this.isOpen) {
      this.end()
      return false
    }
    try {
      if (!this.stream.send(encodeFrame(idField(id), body)) && this.stream.readStatus === 'readable') {
        // the other side reads more slowly than it asks: nothing more is read from it until it has taken this
        this.stream.pause()
        this.stream.onDrain().then(() => { this.stream.resume() }).catch(() => {})
      }
      return true
    } catch (error) {
      this.abort(error as Error)
      return false
    }
  }

  /** Lets what was sent arrive. */
  close (): void {
    this.end()
    this.stream.close().catch(error => { this.stream.abort(error as Error) })
  }

  abort (error: Error): void {
    this.end(error instanceof RoutingProtocolError ? error : undefined)
    this.stream.abort(error)
  }

  private readonly onMessage = (event: StreamMessageEvent): void => {
    try {
      for (const frame of this.reader.read(event.data.subarray())) {
        if (this.ended) {
          return
        }
        this.heard = true
        const message = decode(frame)
        if (message.find !== undefined || message.store !== undefined) {
          this.handlers.onRequest(this, message)
        } else {
          this.handlers.onAnswer(this, message)
        }
      }
    } catch (error) {
      this.abort(error as Error)
    }
  }

  private end (error?: RoutingProtocolError): void {
    if (!this.ended) {
      this.ended = true
      this.handlers.onEnd(this, error)
    }
  }
}

function decode (frame: Uint8Array): RoutingMessage {
  try {
    return RoutingMessage.decode(frame, { limits: LIMITS })
  } catch (cause) {
    throw new RoutingProtocolError('malformed', 'Not a message', { cause })
  }
}
