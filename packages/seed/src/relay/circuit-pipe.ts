/** Two streams as one circuit: what comes in at one end goes out at the other, after it has been counted. */
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { RelayDirection } from './relay-ledger.ts'

export interface CircuitPipeInit {
  source: Stream
  destination: Stream
  /** Asked before bytes pass on; an error resets the circuit */
  onBytes: (direction: RelayDirection, bytes: number) => Error | undefined
  /** Both ends are closed, or reset for this error */
  onEnd: (error?: Error) => void
  /** An end takes no more for now; from the other end nothing is read until it does */
  onStall: (stalled: boolean) => void
}

/** More than a yamux window of the mesh (4 MiB), which is what may still come in after a stream was paused. */
const MAX_READ_BUFFER_BYTES = 5 * 2 ** 20

export class CircuitPipe {
  private readonly init: CircuitPipeInit
  private readonly stalledFor = new Set<Stream>()
  private readonly closed = new Set<Stream>()
  private ended = false

  constructor (init: CircuitPipeInit) {
    this.init = init
    this.join(init.source, init.destination, 'to_destination')
    this.join(init.destination, init.source, 'to_source')
  }

  /** Bytes in memory: read and not yet sent, or received and not yet read. */
  get heldBytes (): number {
    return [this.init.source, this.init.destination].reduce((sum, stream) => sum + stream.readBufferLength + stream.writeBufferLength, 0)
  }

  /** Both ends are reset. */
  reset (error: Error): void {
    if (!this.ended) {
      this.end(error)
      this.init.source.abort(error)
      this.init.destination.abort(error)
    }
  }

  private join (from: Stream, to: Stream, direction: RelayDirection): void {
    from.maxReadBufferLength = Math.max(from.maxReadBufferLength, MAX_READ_BUFFER_BYTES)
    const onIdle = (): void => {
      // the stream's own listener sends what waits in a microtask that is queued before this one
      queueMicrotask(() => { this.resume(from, to) })
    }
    from.addEventListener('end', () => { this.passEnd(from, to) })
    from.addEventListener('close', (event: StreamCloseEvent) => { this.onClose(from, event.error) })
    to.addEventListener('drain', onIdle)
    to.addEventListener('idle', onIdle)
    // last: what has been read with the handshake is emitted from here on
    from.addEventListener('message', ({ data }: StreamMessageEvent) => { this.pass(from, to, direction, data) })
    if (from.readableEnded) {
      this.passEnd(from, to)
    }
    if (from.status !== 'open') {
      this.onClose(from, from.status === 'closed' ? undefined : new Error('The stream was reset'))
    }
  }

  private pass (from: Stream, to: Stream, direction: RelayDirection, data: StreamMessageEvent['data']): void {
    if (this.ended) {
      return
    }
    const error = this.init.onBytes(direction, data.byteLength)
    if (error !== undefined) {
      this.reset(error)
      return
    }
    try {
      if (!to.send(data) && from.readStatus === 'readable') {
        from.pause()
        this.stalledFor.add(from)
        this.init.onStall(true)
      }
    } catch (cause) {
      this.reset(cause as Error)
    }
  }

  private resume (from: Stream, to: Stream): void {
    if (this.ended || to.writeBufferLength > 0 || to.writableNeedsDrain || !this.stalledFor.delete(from)) {
      return
    }
    if (this.stalledFor.size === 0) {
      this.init.onStall(false)
    }
    try {
      if (from.readStatus === 'paused') {
        from.resume() // writes to its connection, which may have gone
      }
    } catch (cause) {
      this.reset(cause as Error)
    }
  }

  /** A reset also ends what can be read; it must not look like an orderly end at the other side. */
  private passEnd (from: Stream, to: Stream): void {
    if (from.status !== 'aborted' && from.status !== 'reset') {
      to.close().catch(error => { this.reset(error as Error) })
    }
  }

  private onClose (stream: Stream, error: Error | undefined): void {
    if (error !== undefined) {
      this.reset(error)
      return
    }
    this.closed.add(stream)
    if (this.closed.size === 2) {
      this.end()
    }
  }

  private end (error?: Error): void {
    if (!this.ended) {
      this.ended = true
      this.init.onStall(false)
      this.init.onEnd(error)
    }
  }
}
