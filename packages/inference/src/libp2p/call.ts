/** Drives a `ClientCall` over a libp2p stream and hands its events to one consumer. */
import { MachineDriver, randomBytes } from '@skein/core'
import { PROTOCOLS } from '@skein/records'
import { ClientCall } from '../client-call.ts'
import { NONCE_BYTES } from '../limits.ts'
import { asBytes, closeStream } from './stream-end.ts'
import type { PathOf } from './stream-path.ts'
import type { SpareStreams } from './spare-streams.ts'
import type { StreamOpenings } from './stream-openings.ts'
import type { AbortOptions, Connection, PeerId, Stream } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Clock, Random } from '@skein/core'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { InferenceEvent, InferenceRequest } from '../backend.ts'
import type { EndedCall } from '../call-record.ts'
import type { CallSummary, ClientCallEffect } from '../client-call.ts'
import type { InferenceError } from '../errors.ts'
import type { FrameCodecLimits } from '../frame-codec.ts'

/** Whom to ask: a peer, an open connection, or addresses of one peer. */
export type CallTarget = PeerId | Connection | Multiaddr | Multiaddr[]

export interface CallOptions extends AbortOptions {
  /** When the answer must be complete, ms since the epoch. The earlier of this and `timeoutMs` holds */
  deadlineMs?: number
  /**
   * Time for the whole answer, ms.
   *
   * @default 600_000
   */
  timeoutMs?: number
  /**
   * Time for the first content to arrive, dialling included, ms. Short moves a request off a slow peer early; too short gives
   * up on a peer that still reads a long prompt.
   *
   * @default 60_000
   */
  firstDeltaTimeoutMs?: number
  /**
   * Longest silence between two pieces of the answer, ms.
   *
   * @default 60_000
   */
  idleTimeoutMs?: number
  /**
   * Most bytes that may lie unread at this side; then the server waits.
   *
   * @default 1_048_576
   */
  windowBytes?: number
}

/**
 * One request under way: it starts when it is made, not when it is read. Iterate it once. The iteration ends only after a
 * complete answer and throws an `InferenceError` after anything else; leaving it early cancels the request.
 */
export interface InferenceCall extends AsyncIterable<InferenceEvent> {
  /** Who answers; set once connected, when not before */
  readonly peer?: PeerId
  /** The connection that carries the answer */
  readonly connection?: Connection
  /** What the answer came to, once complete */
  readonly summary?: CallSummary
  /** Resets the stream; the iteration throws `cancelled`, or `reason` where that is an `InferenceError` */
  cancel (reason?: unknown): void
}

export interface CallContext extends FrameCodecLimits {
  clock: Clock
  random: Random
  connectionManager: ConnectionManager
  maxOutboundStreams: number
  openings: StreamOpenings
  spares: SpareStreams
  calls: Set<InferenceCall>
  onCalled?: (call: EndedCall) => void
  pathOf: PathOf
}

interface Queued {
  event: InferenceEvent
  bytes: number
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }

export class Libp2pCall implements InferenceCall, AsyncIterator<InferenceEvent, undefined> {
  peer?: PeerId
  connection?: Connection
  summary?: CallSummary
  private readonly context: CallContext
  private readonly driver: MachineDriver<ClientCallEffect, ClientCall>
  private readonly opening = new AbortController()
  private readonly signal?: AbortSignal
  private stream?: Stream
  /** Bounded by the window, after which the server waits */
  private queue: Queued[] = []
  private taken = 0
  private error?: InferenceError
  private waiting?: { resolve: (result: IteratorResult<InferenceEvent, undefined>) => void, reject: (error: InferenceError) => void }

  constructor (context: CallContext, target: CallTarget, request: InferenceRequest, options: CallOptions) {
    const { clock, random } = context
    const nowMs = clock.nowMs()
    const machine = new ClientCall({
      request,
      nonce: randomBytes(random, NONCE_BYTES),
      deadlineMs: Math.min(options.deadlineMs ?? Infinity, nowMs + (options.timeoutMs ?? 600_000)),
      firstDeltaTimeoutMs: options.firstDeltaTimeoutMs ?? 60_000,
      idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
      windowBytes: options.windowBytes,
      maxRequestBytes: context.maxRequestBytes,
      maxBodyDepth: context.maxBodyDepth
    }, nowMs)
    this.context = context
    this.signal = options.signal
    this.driver = new MachineDriver({ machine, clock, perform: effect => { this.perform(effect) } })
    this.know(target)
    context.calls.add(this)
    if (options.signal?.aborted === true) {
      this.cancel(options.signal.reason)
      return
    }
    options.signal?.addEventListener('abort', this.onAbort, { once: true })
    this.driver.input((machine, nowMs) => { machine.onTimeout(nowMs) }) // arms the timer, and shows at once what failed already
    if (!machine.over) {
      void this.open(target)
    }
  }

  cancel (reason?: unknown): void {
    this.driver.input(machine => { machine.onCancel(reason) })
  }

  [Symbol.asyncIterator] (): AsyncIterator<InferenceEvent, undefined> {
    return this
  }

  async next (): Promise<IteratorResult<InferenceEvent, undefined>> {
    const queued = this.queue[this.taken]
    if (queued != null) {
      this.taken++
      if (this.taken === this.queue.length) {
        this.queue = []
        this.taken = 0
      }
      this.driver.input((machine, nowMs) => { machine.onConsumed(queued.bytes, nowMs) })
      return { done: false, value: queued.event }
    }
    if (this.error != null) {
      throw this.error
    }
    if (this.summary != null) {
      return DONE
    }
    if (this.waiting != null) {
      throw new Error('A call has one consumer, which asks for one event at a time')
    }
    return new Promise((resolve, reject) => { this.waiting = { resolve, reject } })
  }

  async return (): Promise<IteratorResult<InferenceEvent, undefined>> {
    this.cancel()
    this.queue = []
    this.taken = 0
    return DONE
  }

  private readonly onAbort = (): void => { this.cancel(this.signal?.reason) }

  private async open (target: CallTarget): Promise<void> {
    const { connectionManager, maxOutboundStreams, openings, spares } = this.context
    const { signal } = this.opening
    try {
      const connection = isConnection(target) ? target : await connectionManager.openConnection(target, { signal })
      this.know(connection)
      const options = { signal, maxOutboundStreams, runOnLimitedConnection: true }
      const stream = spares.take(connection) ??
        await openings.open(connection, async () => connection.newStream(PROTOCOLS.inference, options))
      if (this.driver.machine.over) {
        stream.abort(new Error('The call is over'))
        return
      }
      this.attach(stream)
      spares.refill(connection, async () => connection.newStream(PROTOCOLS.inference, { maxOutboundStreams }))
    } catch (error) {
      this.driver.input(machine => { machine.onUnreachable(error) })
    }
  }

  private attach (stream: Stream): void {
    this.stream = stream
    stream.addEventListener('message', event => {
      this.driver.input((machine, nowMs) => { machine.onBytes(asBytes(event.data), nowMs) })
    })
    const onClosed = (cause?: Error): void => { this.driver.input(machine => { machine.onClosed(cause) }) }
    // a relay's limit and a killed peer look like a polite end here: only END tells them from one
    stream.addEventListener('remoteCloseWrite', () => { onClosed() })
    stream.addEventListener('close', event => { onClosed(event.error) })
    this.driver.input((machine, nowMs) => { machine.onOpen(nowMs) })
    if (stream.status !== 'open') {
      onClosed() // before the listeners were there
    }
  }

  private perform (effect: ClientCallEffect): void {
    switch (effect.type) {
      case 'send': {
        try {
          this.stream?.send(effect.bytes)
        } catch (error) {
          this.driver.machine.onClosed(error)
        }
        break
      }
      case 'event': {
        this.deliver(effect)
        break
      }
      case 'end': {
        this.summary = effect.summary
        this.finish()
        this.report()
        this.waiting?.resolve(DONE)
        if (this.stream != null) {
          closeStream(this.stream, this.context.clock)
        }
        break
      }
      case 'fail': {
        const { error } = effect
        this.error = error
        if (error.code === 'cancelled') {
          this.queue = []
          this.taken = 0
        }
        this.finish()
        this.report()
        this.waiting?.reject(error)
        this.opening.abort(error)
        this.stream?.abort(error)
        break
      }
    }
  }

  private deliver (queued: Queued): void {
    const { waiting } = this
    if (waiting == null) {
      this.queue.push(queued)
      return
    }
    this.waiting = undefined
    this.driver.machine.onConsumed(queued.bytes, this.context.clock.nowMs()) // within a drain, which picks up what comes of it
    waiting.resolve({ done: false, value: queued.event })
  }

  private finish (): void {
    this.signal?.removeEventListener('abort', this.onAbort)
    this.context.calls.delete(this)
  }

  private report (): void {
    const { connection, context: { clock, onCalled, pathOf }, driver: { machine } } = this
    const record = connection === undefined ? undefined : machine.record(clock.nowMs())
    if (connection !== undefined && record !== undefined) {
      onCalled?.({ ...record, peer: connection.remotePeer.toString(), path: pathOf(connection) })
    }
  }

  private know (target: CallTarget): void {
    if (isConnection(target)) {
      this.connection = target
      this.peer = target.remotePeer
    } else if (isPeerId(target)) {
      this.peer = target
    }
    this.driver.machine.peer = this.peer?.toString()
  }
}

function isConnection (target: CallTarget): target is Connection {
  return 'newStream' in target
}

function isPeerId (target: CallTarget): target is PeerId {
  return 'toMultihash' in target
}
