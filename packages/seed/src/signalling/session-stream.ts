/** One stream of `/skein/signal/1.0.0` at a seed: frames in and out. Nothing more is read from a peer that does not take what it is sent. */
import { encodeSignalFrame, SignalFrameError, SignalFrameReader } from '@skein/records'
import type { SignalFrame } from '@skein/records'
import type { Stream, StreamMessageEvent } from '@libp2p/interface'

export interface SessionStreamHandlers {
  onFrame: (frame: SignalFrame) => void
  onWritable: (writable: boolean) => void
  /** Called once. `error`: the other side broke the protocol */
  onEnd: (error?: SignalFrameError) => void
}

/** What waits for a peer that does not read; beyond it the stream is reset. The machine stops long before, what is left are outcomes. */
const MAX_UNREAD_BYTES = 1024 * 1024

export class SessionStream {
  private readonly stream: Stream
  private readonly handlers: SessionStreamHandlers
  private readonly reader = new SignalFrameReader()
  private ended = false

  constructor (stream: Stream, handlers: SessionStreamHandlers) {
    this.stream = stream
    this.handlers = handlers
    stream.maxWriteBufferLength = MAX_UNREAD_BYTES
    stream.addEventListener('message', this.onMessage)
    stream.addEventListener('remoteCloseWrite', () => { this.close() })
    stream.addEventListener('close', () => { this.end() })
  }

  send (frame: Partial<SignalFrame>): void {
    if (this.ended) {
      return
    }
    try {
      if (!this.stream.send(encodeSignalFrame(frame)) && this.stream.readStatus === 'readable') {
        this.stream.pause()
        this.handlers.onWritable(false)
        this.stream.onDrain().then(() => {
          this.stream.resume()
          this.handlers.onWritable(true)
        }).catch(() => {})
      }
    } catch (error) {
      this.abort(error as Error)
    }
  }

  /** Lets what was sent arrive. */
  close (): void {
    this.end()
    this.stream.close().catch(error => { this.stream.abort(error as Error) })
  }

  abort (error: Error): void {
    this.end(error instanceof SignalFrameError ? error : undefined)
    this.stream.abort(error)
  }

  private readonly onMessage = (event: StreamMessageEvent): void => {
    try {
      for (const frame of this.reader.read(event.data.subarray())) {
        if (this.ended) {
          return
        }
        this.handlers.onFrame(frame)
      }
    } catch (error) {
      this.abort(error as Error)
    }
  }

  private end (error?: SignalFrameError): void {
    if (!this.ended) {
      this.ended = true
      this.handlers.onEnd(error)
    }
  }
}
