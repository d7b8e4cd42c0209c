/** Drives a `ServerCall` over a libp2p stream: pulls the backend's events and sends them as soon as the stream takes them. */
import { concatBytes, MachineDriver, sleep } from '@skein/core'
import { continued } from '../continued-answer.ts'
import { InferenceError } from '../errors.ts'
import { ServerCall } from '../server-call.ts'
import { asBytes, closeStream } from './stream-end.ts'
import type { Connection, Logger, Stream } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { Admission } from '../admission.ts'
import type { Backend, InferenceRequest } from '../backend.ts'
import type { EndedCall } from '../call-record.ts'
import type { ServedModel } from '../model-table.ts'
import type { ServerCallEffect, ServerCallInit } from '../server-call.ts'
import type { PathOf } from './stream-path.ts'

export interface ResponderContext extends Omit<ServerCallInit, 'admission' | 'caller'> {
  clock: Clock
  log: Logger
  admission: Admission
  resolve: (model: string) => Promise<ServedModel | undefined>
  responders: Set<Responder>
  onServed?: (call: EndedCall) => void
  pathOf: PathOf
  /** Bytes of requests that have not come whole yet, over all streams, and their bound */
  pending: { bytes: number, maxBytes: number }
}

/** What is ready goes out at the latest when it is so long. */
const FLUSH_BYTES = 32 * 1024
/**
 * Turns of the microtask queue for which a backend is given the chance to say more before what it said goes out. Events that
 * are ready (a network chunk with several tokens) come within a few turns each and share one send, which is one encryption;
 * a turn takes about 0.1 µs, so a single token waits for nothing that could be measured.
 */
const COALESCE_TURNS = 16
/** A backend that never waits would keep the event loop to itself: it pauses for the others after so long. */
const BURST_MS = 20
/** How long a backend may take to stop before its place is given away all the same. */
const STOP_GRACE_MS = 30_000

export class Responder {
  private readonly context: ResponderContext
  private readonly stream: Stream
  private readonly connection: Connection
  private readonly driver: MachineDriver<ServerCallEffect, ServerCall>
  private readonly stopping = new AbortController()
  private backend?: Backend
  private outbox: Uint8Array[] = []
  private outboxBytes = 0
  private pendingBytes = 0
  private blocked = false
  private wake?: () => void
  private reported = false

  constructor (stream: Stream, connection: Connection, context: ResponderContext) {
    const { clock } = context
    const machine = new ServerCall({ ...context, caller: connection.remotePeer.toString() }, clock.nowMs())
    this.context = context
    this.stream = stream
    this.connection = connection
    this.driver = new MachineDriver({ machine, clock, perform: effect => { this.perform(effect) } })
    context.responders.add(this)

    stream.addEventListener('message', event => { this.onBytes(asBytes(event.data)) })
    stream.addEventListener('drain', () => {
      this.blocked = false
      this.wake?.()
    })
    // a caller that only closed its own end still waits for the answer
    stream.addEventListener('close', event => { this.onClosed(event.error) })
    this.driver.input((machine, nowMs) => { machine.onTimeout(nowMs) }) // arms the timer
    if (stream.status !== 'open') {
      this.onClosed()
    }
  }

  /** Resets the stream and stops the backend. */
  abort (reason: Error): void {
    this.stream.abort(reason)
    this.onClosed(reason)
  }

  private onBytes (bytes: Uint8Array): void {
    const { pending } = this.context
    this.driver.input((machine, nowMs) => { machine.onBytes(bytes, nowMs) })
    this.notePending(this.driver.machine.over ? 0 : this.driver.machine.bufferedBytes)
    if (pending.bytes > pending.maxBytes) {
      const error = new InferenceError('busy', 'Too many requests are being received', { retryAfterMs: 1_000 })
      this.driver.input(machine => { machine.onFailed(error) })
      this.notePending(0)
    }
    this.wake?.()
  }

  private onClosed (cause?: Error): void {
    this.notePending(0)
    this.context.responders.delete(this)
    this.driver.input(machine => { machine.onClosed(cause) })
    this.report()
    this.wake?.()
  }

  private perform (effect: ServerCallEffect): void {
    switch (effect.type) {
      case 'resolve': {
        void this.resolve(effect.request)
        break
      }
      case 'start': {
        void this.answer(effect.request)
        break
      }
      case 'send': {
        this.outbox.push(effect.bytes)
        this.outboxBytes += effect.bytes.length
        break
      }
      case 'stop': {
        this.stopping.abort(effect.reason)
        this.wake?.()
        break
      }
      case 'close': {
        this.report() // before the caller can know of the end
        this.flush()
        closeStream(this.stream, this.context.clock)
        break
      }
      case 'reset': {
        this.report()
        this.stream.abort(effect.reason)
        break
      }
    }
  }

  private report (): void {
    const { connection, context: { clock, onServed, pathOf }, driver: { machine } } = this
    if (onServed === undefined || this.reported || !machine.over) {
      return
    }
    this.reported = true
    const record = machine.record(clock.nowMs())
    if (record !== undefined) {
      onServed({ ...record, peer: connection.remotePeer.toString(), path: pathOf(connection) })
    }
  }

  private async resolve (request: InferenceRequest): Promise<void> {
    try {
      const found = await this.context.resolve(request.model)
      this.backend = found?.backend
      this.driver.input((machine, nowMs) => { machine.onModel(found?.model, nowMs) })
    } catch (error) {
      this.driver.input(machine => { machine.onFailed(error) })
    }
  }

  private async answer (request: InferenceRequest): Promise<void> {
    const { clock, log } = this.context
    const { machine } = this.driver
    const stopped = (): void => { machine.onStopped(clock.nowMs()) }
    this.stopping.signal.addEventListener('abort', () => {
      const cancel = clock.schedule(clock.nowMs() + STOP_GRACE_MS, () => {
        log.error('a backend has not stopped %d ms after it was told to', STOP_GRACE_MS)
        stopped()
      })
      void answering.finally(cancel)
    }, { once: true })

    const answering = this.pump(request)
    await answering
    stopped()
  }

  /** Never rejects. */
  private async pump (request: InferenceRequest): Promise<void> {
    let iterator: AsyncIterator<unknown> | undefined
    try {
      const events = continued((this.backend as Backend).infer(request, { signal: this.stopping.signal }), request.from)[Symbol.asyncIterator]()
      iterator = events
      await this.pull(events)
    } catch (error) {
      if (!this.stopping.signal.aborted) {
        this.context.log.error('a backend failed - %e', error)
        this.driver.input(machine => { machine.onFailed(error) })
      }
    }
    try {
      await iterator?.return?.()
    } catch (error) {
      this.context.log.error('a backend failed to stop - %e', error)
    }
  }

  private async pull (events: ReturnType<ReturnType<Backend['infer']>[typeof Symbol.asyncIterator]>): Promise<void> {
    const { clock } = this.context
    const { machine } = this.driver
    let burstMs = clock.nowMs()

    while (!machine.over) {
      const next = events.next()
      const ready = await this.settlesSoon(next)
      if (!ready) {
        this.flush()
      }
      const result = await next
      if (result.done === true) {
        this.driver.input((machine, nowMs) => { machine.onFinished(nowMs) })
        return
      }
      this.driver.input((machine, nowMs) => { machine.onEvent(result.value, nowMs) })
      if (!ready) {
        burstMs = clock.nowMs()
      } else if (clock.nowMs() - burstMs > BURST_MS) {
        this.flush()
        await sleep(clock, 0)
        burstMs = clock.nowMs()
      }
      if (this.outboxBytes >= FLUSH_BYTES) {
        this.flush()
      }
      await this.room()
    }
  }

  /** Whether the promise settles within a few turns of the microtask queue. */
  private async settlesSoon (promise: Promise<unknown>): Promise<boolean> {
    let settled = false
    const settle = (): void => { settled = true }
    promise.then(settle, settle)
    for (let turn = 0; turn < COALESCE_TURNS && !settled; turn++) {
      await undefined
    }
    return settled
  }

  /** Waits while the caller or the transport has no room: the backend is not asked for more meanwhile. */
  private async room (): Promise<void> {
    const { machine } = this.driver
    if (machine.over || (machine.writable && !this.blocked)) {
      return
    }
    this.flush()
    while (!machine.over && (this.blocked || !machine.writable)) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.wake = resolve
      this.driver.input((machine, nowMs) => { machine.onBlocked(this.blocked, nowMs) })
      await promise
    }
    this.wake = undefined
    this.driver.input((machine, nowMs) => { machine.onBlocked(false, nowMs) })
  }

  private flush (): void {
    const { outbox } = this
    if (outbox.length === 0) {
      return
    }
    this.outbox = []
    this.outboxBytes = 0
    try {
      // not `stream.onDrain()`: in @libp2p/utils 7.4 its promise is resolved once and then stays so
      this.blocked = !this.stream.send(outbox.length === 1 ? outbox[0] as Uint8Array : concatBytes(...outbox))
    } catch (error) {
      this.driver.input(machine => { machine.onClosed(error) })
    }
  }

  private notePending (bytes: number): void {
    this.context.pending.bytes += bytes - this.pendingBytes
    this.pendingBytes = bytes
  }
}
