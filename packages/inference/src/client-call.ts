/**
 * The caller's side of one request: frames in, events out, and in the end either all of the answer or one error. Nothing but
 * END makes an answer complete.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { DeadlineError, equalBytes } from '@skein/core'
import { broken, callRecord, refusedOrBroken } from './call-record.ts'
import { InferenceError } from './errors.ts'
import { decodeFrame, encodeFrame } from './frame-codec.ts'
import { FrameReader } from './frame-reader.ts'
import { DEFAULT_WINDOW_BYTES, MAX_FRAME_BYTES, MAX_UNKNOWN_FRAMES, MAX_WINDOW_BYTES } from './limits.ts'
import type { Machine } from '@skein/core'
import type { InferenceEvent, InferenceRequest } from './backend.ts'
import type { CallOutcome, CallRecord } from './call-record.ts'
import type { InferenceErrorCode, InferenceErrorInit } from './errors.ts'
import type { EndFrame, FrameCodecLimits } from './frame-codec.ts'
import type { FrameBytes } from './frame-reader.ts'
import type { JsonObject } from './json.ts'

export interface ClientCallInit extends FrameCodecLimits {
  request: InferenceRequest
  /** 16 random bytes */
  nonce: Uint8Array
  /** When the answer must be complete, ms since the epoch */
  deadlineMs: number
  /** Time for the first content to arrive from the start of the call, ms @default none but the deadline */
  firstDeltaTimeoutMs?: number
  /** Longest silence after the first content, while nothing that came is unread, ms @default none but the deadline */
  idleTimeoutMs?: number
  /** Most bytes of frames unread at this side @default 1 MiB */
  windowBytes?: number
}

/** What a complete answer came to. */
export interface CallSummary {
  /** Content frames */
  deltas: number
  /** SHA-256 over them as both sides saw them */
  hash: Uint8Array
  nonce: Uint8Array
  /** From the start of the call, ms */
  firstDeltaMs?: number
  /** From the start of the call, ms */
  totalMs: number
}

export type ClientCallEffect =
  | { type: 'send', bytes: Uint8Array }
  /** Hand `event` to the consumer; tell `onConsumed(bytes)` when it took it */
  | { type: 'event', event: InferenceEvent, bytes: number }
  /** The answer is complete: close the stream */
  | { type: 'end', summary: CallSummary }
  /** The call failed: reset the stream */
  | { type: 'fail', error: InferenceError }

type State = 'opening' | 'waiting' | 'receiving' | 'over'

export class ClientCall implements Machine<ClientCallEffect> {
  /** Named in the error, once known */
  peer?: string
  private readonly init: ClientCallInit
  private readonly startMs: number
  private readonly windowBytes: number
  private readonly reader = new FrameReader(MAX_FRAME_BYTES)
  private readonly hash = sha256.create()
  private readonly effects: ClientCallEffect[] = []
  private taken = 0
  private state: State = 'opening'
  private deltas = 0
  private unknownFrames = 0
  private headSeen = false
  private usage?: JsonObject
  private outcome?: CallOutcome
  /** When the request went out */
  private sentMs?: number
  private receivedBytes = 0
  private consumedBytes = 0
  private creditedBytes = 0
  private firstDeltaMs?: number
  /** When the last frame came or the consumer last caught up */
  private lastMs: number
  /** May lie before the real one: moving a timer with each frame would cost more than waking up once too often */
  private timerMs: number

  constructor (init: ClientCallInit, nowMs: number) {
    this.init = init
    this.startMs = nowMs
    this.lastMs = nowMs
    this.windowBytes = Math.min(MAX_WINDOW_BYTES, Math.max(1, init.windowBytes ?? DEFAULT_WINDOW_BYTES))
    this.timerMs = this.dueMs()
    try {
      this.encodeRequest(nowMs)
    } catch (error) {
      this.failWith(error as InferenceError)
    }
  }

  /** Content frames so far. */
  get deltaCount (): number {
    return this.deltas
  }

  get over (): boolean {
    return this.state === 'over'
  }

  /** What the call came to; `undefined` while it is not over, and when the request never went out. */
  record (nowMs: number): CallRecord | undefined {
    const { init: { request, nonce }, outcome, deltas, receivedBytes: bytes, usage, sentMs, startMs, firstDeltaMs } = this
    if (sentMs === undefined || outcome === undefined) {
      return undefined
    }
    const firstDeltaAtMs = firstDeltaMs === undefined ? undefined : startMs + firstDeltaMs
    return callRecord({ request, nonce, outcome, deltas, bytes, usage, startMs: sentMs, firstDeltaAtMs }, nowMs)
  }

  /** The stream is open: the request goes out. */
  onOpen (nowMs: number): void {
    if (this.state !== 'opening') {
      return
    }
    this.state = 'waiting'
    this.sentMs = nowMs
    this.effects.push({ type: 'send', bytes: this.encodeRequest(nowMs) })
  }

  onBytes (chunk: Uint8Array, nowMs: number): void {
    if (this.state === 'over') {
      return
    }
    try {
      this.reader.push(chunk)
      for (let frame = this.reader.next(); frame != null; frame = this.reader.next()) {
        this.onFrame(frame, nowMs)
        if (this.over) {
          return
        }
      }
    } catch (error) {
      const { code, message } = asInferenceError(error)
      this.fail(code === 'oversize' ? 'oversize' : 'stream_corrupt', message, { retryable: true, cause: error })
    }
  }

  /** The stream ended, for whatever reason and however politely; `cause` is what the network says. */
  onClosed (cause: unknown): void {
    const where = this.deltas === 0 ? 'before the first delta' : `after ${this.deltas} deltas`
    this.fail('stream_truncated', `The stream ended ${where} without END`, { cause })
  }

  /** The peer could not be reached. */
  onUnreachable (cause: unknown): void {
    this.fail('connection_failed', `The peer could not be reached: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }

  onCancel (reason: unknown): void {
    if (reason instanceof InferenceError) {
      this.failWith(reason) // the caller found out by itself that the answer will not come
      return
    }
    // a caller's deadline says that the answer was not there in time; any other reason says nothing of who answers
    const outcome = reason instanceof DeadlineError ? broken(this.deltas) : 'abandoned'
    this.fail('cancelled', 'The caller cancelled', { cause: reason }, outcome)
  }

  /** The consumer took what came in with an effect of so many bytes. */
  onConsumed (bytes: number, nowMs: number): void {
    this.consumedBytes += bytes
    if (this.state === 'over') {
      return
    }
    if (this.consumedBytes === this.receivedBytes) {
      this.lastMs = nowMs
    }
    const creditBytes = this.consumedBytes - this.creditedBytes
    if (creditBytes >= this.windowBytes / 2) {
      this.creditedBytes = this.consumedBytes
      this.effects.push({ type: 'send', bytes: encodeFrame({ kind: 'credit', bytes: creditBytes }) })
    }
  }

  onTimeout (nowMs: number): void {
    if (this.state === 'over' || nowMs < this.timerMs) {
      return
    }
    const { deadlineMs, firstDeltaTimeoutMs, idleTimeoutMs } = this.init
    if (nowMs >= deadlineMs) {
      this.fail('deadline_exceeded', `The deadline passed after ${Math.round(nowMs - this.startMs)} ms`)
    } else if (this.deltas === 0 && firstDeltaTimeoutMs != null && nowMs >= this.startMs + firstDeltaTimeoutMs) {
      this.fail('first_delta_timeout', `No delta within ${firstDeltaTimeoutMs} ms`)
    } else if (this.deltas > 0 && idleTimeoutMs != null && this.caughtUp() && nowMs >= this.lastMs + idleTimeoutMs) {
      this.fail('stream_truncated', `Nothing came for ${idleTimeoutMs} ms after ${this.deltas} deltas`)
    } else {
      this.timerMs = Math.max(this.dueMs(), nowMs + 1)
    }
  }

  poll (): ClientCallEffect | undefined {
    const effect = this.effects[this.taken]
    if (effect === undefined) {
      this.effects.length = 0
      this.taken = 0
    } else {
      this.taken++
    }
    return effect
  }

  nextTimeoutMs (): number | undefined {
    return this.state === 'over' ? undefined : this.timerMs
  }

  private onFrame (bytes: FrameBytes, nowMs: number): void {
    const frame = decodeFrame(bytes.body)
    const size = bytes.wire.length
    this.lastMs = nowMs
    this.receivedBytes += size

    switch (frame.kind) {
      case 'delta':
      case 'tool': {
        if (frame.seq !== this.deltas) {
          throw new InferenceError('stream_corrupt', `Content frame ${frame.seq} came where ${this.deltas} was due`)
        }
        this.deltas++
        this.hash.update(bytes.wire)
        if (this.firstDeltaMs == null) {
          this.firstDeltaMs = nowMs - this.startMs
          this.state = 'receiving'
          this.timerMs = this.dueMs()
        }
        this.event(frame.kind === 'tool' ? { type: 'tool', calls: frame.calls } : deltaEvent(frame.text, frame.chunk), size)
        break
      }
      case 'head': {
        if (this.headSeen || this.deltas > 0) {
          throw new InferenceError('stream_corrupt', 'HEAD came twice or after content')
        }
        this.headSeen = true
        this.event({ type: 'head', head: frame.head, ...frame.continued === undefined ? {} : { continued: frame.continued } }, size)
        break
      }
      case 'usage': {
        if (this.usage !== undefined) {
          throw new InferenceError('stream_corrupt', 'USAGE came twice')
        }
        this.usage = frame.usage
        this.event({ type: 'usage', usage: frame.usage }, size)
        break
      }
      case 'error': {
        this.failWith(frame.error, refusedOrBroken(frame.error.code, this.deltas))
        break
      }
      case 'end': {
        this.onEnd(frame, nowMs)
        break
      }
      default: { // unknown kinds, and those that only a caller sends
        if (++this.unknownFrames > MAX_UNKNOWN_FRAMES) {
          throw new InferenceError('stream_corrupt', `More than ${MAX_UNKNOWN_FRAMES} frames of unknown kinds`)
        }
        this.onConsumed(size, nowMs)
      }
    }
    if (this.receivedBytes - this.consumedBytes > this.windowBytes + MAX_FRAME_BYTES) {
      throw new InferenceError('stream_corrupt', `The server sent more than the window of ${this.windowBytes} bytes`)
    }
  }

  private onEnd (frame: EndFrame, nowMs: number): void {
    const hash = this.hash.digest()
    if (frame.count !== this.deltas) {
      throw new InferenceError('stream_corrupt', `END counts ${frame.count} deltas, ${this.deltas} came`)
    }
    if (!equalBytes(frame.hash, hash)) {
      throw new InferenceError('stream_corrupt', 'The hash in END is not that of what came')
    }
    if (this.reader.bufferedBytes > 0) {
      throw new InferenceError('stream_corrupt', `${this.reader.bufferedBytes} bytes came after END`)
    }
    if (frame.reason != null) {
      this.event({ type: 'finish', reason: frame.reason }, 0)
    }
    this.state = 'over'
    this.outcome = 'complete'
    const { firstDeltaMs, deltas, init } = this
    this.effects.push({ type: 'end', summary: { deltas, hash, nonce: init.nonce, firstDeltaMs, totalMs: nowMs - this.startMs } })
  }

  private event (event: InferenceEvent, bytes: number): void {
    this.effects.push({ type: 'event', event, bytes })
  }

  private fail (code: InferenceErrorCode, message: string, init?: InferenceErrorInit, outcome?: CallOutcome): void {
    if (this.state !== 'over') { // each stream closes in the end: no error is made for nothing
      this.failWith(new InferenceError(code, message, init), outcome)
    }
  }

  private failWith (error: InferenceError, outcome: CallOutcome = broken(this.deltas)): void {
    if (this.state === 'over') {
      return
    }
    this.state = 'over'
    this.outcome = outcome
    const { code, message, retryable, retryAfterMs, promptTokens, contextTokens, cause } = error
    const { deltas, peer } = this
    const init = { retryable, retryAfterMs, promptTokens, contextTokens, cause, deltas, peer }
    this.effects.push({ type: 'fail', error: new InferenceError(code, message, init) })
  }

  private encodeRequest (nowMs: number): Uint8Array {
    const { request, nonce, deadlineMs } = this.init
    const timeoutMs = Math.min(0xffffffff, Math.max(0, Math.ceil(deadlineMs - nowMs)))
    return encodeFrame({ kind: 'request', request, nonce, timeoutMs, windowBytes: this.windowBytes }, this.init)
  }

  private caughtUp (): boolean {
    return this.consumedBytes === this.receivedBytes
  }

  private dueMs (): number {
    const { deadlineMs, firstDeltaTimeoutMs, idleTimeoutMs } = this.init
    if (this.deltas === 0) {
      return Math.min(deadlineMs, this.startMs + (firstDeltaTimeoutMs ?? Infinity))
    }
    return Math.min(deadlineMs, this.lastMs + (idleTimeoutMs ?? Infinity))
  }
}

function deltaEvent (text: string, chunk: Extract<InferenceEvent, { type: 'delta' }>['chunk']): InferenceEvent {
  return chunk == null ? { type: 'delta', text } : { type: 'delta', text, chunk }
}

function asInferenceError (error: unknown): InferenceError {
  return error instanceof InferenceError ? error : new InferenceError('stream_corrupt', 'A frame cannot be read', { cause: error })
}
