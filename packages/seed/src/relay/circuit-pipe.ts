/** Two streams as one circuit: what comes in at one end goes out at the other, after it has been counted. */
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { Cancel } from '@skein/core'
import type { RelayDirection } from './relay-ledger.ts'

export type PaceAnswer = { type: 'pass' } | { type: 'wait', waitMs: number } | { type: 'stop', error: Error }

export interface CircuitPipeInit {
  source: Stream
  destination: Stream
  /** Asked before bytes pass on; an error resets the circuit */
  onBytes: (direction: RelayDirection, bytes: number) => Error | undefined
  /** Asked first, in pieces of at most 64 KiB; what has to wait stays unread in its stream. Left out, all passes at once */
  pace?: (bytes: number) => PaceAnswer
  /** Runs a task after so long; needed with `pace` */
  schedule?: (delayMs: number, task: () => void) => Cancel
  /** Both ends are closed, or reset for this error */
  onEnd: (error?: Error) => void
  /** An end takes no more for now; from the other end nothing is read until it does */
  onStall: (stalled: boolean) => void
}

/** More than a yamux window of the mesh (4 MiB), which is what may still come in after a stream was paused. */
const MAX_READ_BUFFER_BYTES = 5 * 2 ** 20
/** What is asked for at once where bytes are paced: who sends much must not always find less left than who sends little. */
const MAX_PIECE_BYTES = 65_536

export class CircuitPipe {
  private readonly init: CircuitPipeInit
  private readonly stalledFor = new Set<Stream>()
  /** Ends from which nothing is read until there is bandwidth for it */
  private readonly waitingFor = new Map<Stream, Cancel>()
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
    if (this.init.pace === undefined) {
      this.passOn(from, to, direction, data)
      return
    }
    for (let at = 0; at < data.byteLength && !this.ended; at += MAX_PIECE_BYTES) {
      const piece = data.subarray(at, Math.min(data.byteLength, at + MAX_PIECE_BYTES))
      const answer = this.init.pace(piece.byteLength)
      if (answer.type === 'wait') {
        this.wait(from, to, data.subarray(at), answer.waitMs)
        return
      }
      if (answer.type === 'stop') {
        this.reset(answer.error)
        return
      }
      this.passOn(from, to, direction, piece)
    }
  }

  private passOn (from: Stream, to: Stream, direction: RelayDirection, data: StreamMessageEvent['data']): void {
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

  /** The bytes go back into their stream, which keeps its end behind them and its sender from sending more than a window. */
  private wait (from: Stream, to: Stream, data: Uint8Array, waitMs: number): void {
    try {
      if (from.readStatus === 'readable') {
        from.pause()
      }
      from.unshift(data)
    } catch (cause) {
      this.reset(cause as Error)
      return
    }
    this.waitingFor.get(from)?.()
    const cancel = this.init.schedule?.(waitMs, () => {
      this.waitingFor.delete(from)
      if (!this.stalledFor.has(from)) {
        this.read(from)
      } else {
        this.resume(from, to)
      }
    })
    if (cancel !== undefined) {
      this.waitingFor.set(from, cancel)
    }
  }

  private resume (from: Stream, to: Stream): void {
    if (this.ended || to.writeBufferLength > 0 || to.writableNeedsDrain || !this.stalledFor.delete(from)) {
      return
    }
    if (this.stalledFor.size === 0) {
      this.init.onStall(false)
    }
    if (!this.waitingFor.has(from)) {
      this.read(from)
    }
  }

  private read (from: Stream): void {
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
      this.waitingFor.forEach(cancel => { cancel() })
      this.waitingFor.clear()
      this.init.onStall(false)
      this.init.onEnd(error)
    }
  }
}
