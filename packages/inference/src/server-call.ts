/** The serving side of one request: the REQUEST in, the backend's events out as frames, END only after all of them. */
import { toHex } from '@skein/core'
import { AnswerWriter } from './answer-writer.ts'
import { broken, callRecord, refusedOrBroken } from './call-record.ts'
import { contextError } from './context-check.ts'
import { InferenceError } from './errors.ts'
import { decodeFrame, encodeFrame } from './frame-codec.ts'
import { FrameReader } from './frame-reader.ts'
import { DEFAULT_MAX_REQUEST_BYTES, DEFAULT_WINDOW_BYTES, MAX_FRAME_BYTES, MAX_UNKNOWN_FRAMES, MAX_WINDOW_BYTES } from './limits.ts'
import type { Machine } from '@skein/core'
import type { Admission, Place } from './admission.ts'
import type { BackendModel, InferenceEvent, InferenceRequest } from './backend.ts'
import type { CallOutcome, CallRecord } from './call-record.ts'
import type { FrameCodecLimits, RequestFrame } from './frame-codec.ts'

export interface ServerCallInit extends FrameCodecLimits {
  admission: Admission
  /** Who asks, as text */
  caller: string
  /** Time for the REQUEST to arrive, ms @default 10_000 */
  requestTimeoutMs?: number
  /** Longest life of a request, whatever the caller allows, ms @default 600_000 */
  maxRequestMs?: number
  /** Longest time that the caller may leave no room for more, ms @default 60_000 */
  stallTimeoutMs?: number
}

export type ServerCallEffect =
  /** Find the model and tell `onModel` */
  | { type: 'resolve', request: InferenceRequest }
  /** Ask the backend; tell `onEvent`, `onFinished`, `onFailed`, and `onStopped` when it holds no resources any more */
  | { type: 'start', request: InferenceRequest, model: BackendModel }
  | { type: 'send', bytes: Uint8Array }
  /** The backend must stop */
  | { type: 'stop', reason: InferenceError }
  /** All is sent: close the stream */
  | { type: 'close' }
  /** Give up on the stream */
  | { type: 'reset', reason: InferenceError }

type State = 'requested' | 'resolving' | 'answering' | 'over'

export class ServerCall implements Machine<ServerCallEffect> {
  private readonly init: ServerCallInit
  private readonly reader: FrameReader
  private readonly writer = new AnswerWriter()
  private readonly effects: ServerCallEffect[] = []
  private taken = 0
  private state: State = 'requested'
  private frame?: RequestFrame
  private place?: Place
  private outcome?: CallOutcome
  /** When the REQUEST was there, and the first content went out */
  private requestMs = 0
  private firstDeltaAtMs?: number
  private unknownFrames = 0
  private windowBytes = DEFAULT_WINDOW_BYTES
  private sentBytes = 0
  private creditedBytes = 0
  private deadlineMs: number
  private transportBlocked = false
  /** Since when there has been no room, or since the caller last made some that did not suffice */
  private fullSinceMs?: number

  constructor (init: ServerCallInit, nowMs: number) {
    this.init = init
    this.reader = new FrameReader(init.maxRequestBytes ?? DEFAULT_MAX_REQUEST_BYTES)
    this.deadlineMs = nowMs + (init.requestTimeoutMs ?? 10_000)
  }

  /** Bytes of a frame that has not come whole yet. */
  get bufferedBytes (): number {
    return this.reader.bufferedBytes
  }

  /** Whether the caller has room for more. When not, wait with the backend until it has. */
  get writable (): boolean {
    return this.sentBytes - this.creditedBytes < this.windowBytes
  }

  get over (): boolean {
    return this.state === 'over'
  }

  /** What the request came to; `undefined` while it is not over, and when there was none. */
  record (nowMs: number): CallRecord | undefined {
    const { frame, outcome, requestMs: startMs, firstDeltaAtMs, sentBytes: bytes, writer } = this
    if (frame === undefined || outcome === undefined) {
      return undefined
    }
    const { request, nonce } = frame
    return callRecord({ request, nonce, outcome, deltas: writer.count, bytes, usage: writer.usage, startMs, firstDeltaAtMs }, nowMs)
  }

  onBytes (chunk: Uint8Array, nowMs: number): void {
    if (this.state === 'over') {
      return
    }
    try {
      this.reader.push(chunk)
      for (let bytes = this.reader.next(); bytes != null; bytes = this.reader.next()) {
        this.onFrame(bytes.body, nowMs)
        if (this.over) {
          return
        }
      }
    } catch (error) {
      const refusal = error instanceof InferenceError ? error : new InferenceError('invalid_request', 'The request cannot be read')
      const { code, message } = refusal
      this.fail(code === 'stream_corrupt' ? new InferenceError('invalid_request', message) : refusal)
    }
  }

  /** What the driver found for the `resolve` effect. */
  onModel (model: BackendModel | undefined, nowMs: number): void {
    const { frame } = this
    if (this.state !== 'resolving' || frame == null) {
      return
    }
    const { request } = frame
    if (model == null) {
      this.fail(new InferenceError('model_not_found', `This peer does not serve the model ${request.model}`))
      return
    }
    if (!model.tasks.includes(request.task)) {
      this.fail(new InferenceError('invalid_request', `The model ${model.id} does not do ${request.task}`))
      return
    }
    if (nowMs >= this.deadlineMs) {
      this.expire()
      return
    }
    const tooLong = contextError(request, model)
    if (tooLong != null) {
      this.fail(tooLong)
      return
    }
    const place = this.init.admission.admit({ caller: this.init.caller, nonce: toHex(frame.nonce), model }, nowMs)
    if (place instanceof InferenceError) {
      this.fail(place)
      return
    }
    this.place = place
    this.state = 'answering'
    this.effects.push({ type: 'start', request, model })
  }

  onEvent (event: InferenceEvent, nowMs: number): void {
    if (this.state !== 'answering') {
      return
    }
    try {
      for (const bytes of this.writer.write(event)) {
        this.send(bytes, nowMs)
      }
      if (this.writer.count > 0) {
        this.firstDeltaAtMs ??= nowMs
      }
    } catch (error) {
      this.onFailed(new InferenceError('backend_failed', 'The backend gave a piece that cannot be sent', { cause: error }))
    }
  }

  /** The backend's answer is complete. */
  onFinished (nowMs: number): void {
    if (this.state !== 'answering') {
      return
    }
    let frames: Uint8Array[]
    try {
      frames = this.writer.end()
    } catch (error) {
      this.onFailed(new InferenceError('backend_failed', 'The backend gave a piece that cannot be sent', { cause: error }))
      return
    }
    for (const bytes of frames) {
      this.send(bytes, nowMs)
    }
    this.state = 'over'
    this.outcome = 'complete'
    this.effects.push({ type: 'close' })
  }

  /** The backend, or finding it, failed. What an unknown error says stays here: it may name files, addresses or keys. */
  onFailed (error: unknown): void {
    this.fail(error instanceof InferenceError ? error : new InferenceError('backend_failed', 'The backend failed'))
  }

  /** The backend holds no resources any more: its place is free. */
  onStopped (nowMs: number): void {
    if (this.place != null) {
      this.init.admission.release(this.place, this.outcome === 'complete', nowMs)
      this.place = undefined
    }
  }

  /** The caller reset the stream, or the connection is gone. */
  onClosed (cause: unknown): void {
    if (this.state !== 'over') { // each stream closes in the end: no error is made for nothing
      this.giveUp(new InferenceError('cancelled', 'The caller went away', { cause }), false)
    }
  }

  onTimeout (nowMs: number): void {
    if (this.state === 'over') {
      return
    }
    if (nowMs >= this.deadlineMs) {
      this.expire()
    } else if (this.fullSinceMs != null && nowMs >= this.fullSinceMs + this.stallTimeoutMs()) {
      this.giveUp(new InferenceError('deadline_exceeded', `The caller took nothing for ${this.stallTimeoutMs()} ms`), true)
    }
  }

  /** The transport has no room (`true`) or has room again. */
  onBlocked (blocked: boolean, nowMs: number): void {
    this.transportBlocked = blocked
    this.noteRoom(this.fullSinceMs ?? nowMs)
  }

  poll (): ServerCallEffect | undefined {
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
    if (this.state === 'over') {
      return undefined
    }
    return this.fullSinceMs == null ? this.deadlineMs : Math.min(this.deadlineMs, this.fullSinceMs + this.stallTimeoutMs())
  }

  private onFrame (body: Uint8Array, nowMs: number): void {
    const frame = decodeFrame(body, this.init)
    if (frame.kind === 'request') {
      this.onRequest(frame, nowMs)
    } else if (frame.kind === 'credit' && this.frame != null) {
      // never more than was sent: a caller cannot save up room
      this.creditedBytes = Math.min(this.sentBytes, this.creditedBytes + frame.bytes)
      this.noteRoom(nowMs)
    } else if (this.frame == null && frame.kind !== 'unknown') {
      throw new InferenceError('invalid_request', `The first frame is ${frame.kind.toUpperCase()}, not REQUEST`)
    } else if (++this.unknownFrames > MAX_UNKNOWN_FRAMES) {
      throw new InferenceError('invalid_request', `More than ${MAX_UNKNOWN_FRAMES} frames of unknown kinds`)
    }
  }

  private onRequest (frame: RequestFrame, nowMs: number): void {
    if (this.frame != null) {
      throw new InferenceError('invalid_request', 'A second REQUEST came on the stream')
    }
    this.frame = frame
    this.requestMs = nowMs
    this.reader.maxFrameBytes = MAX_FRAME_BYTES
    this.windowBytes = Math.min(MAX_WINDOW_BYTES, frame.windowBytes === 0 ? DEFAULT_WINDOW_BYTES : frame.windowBytes)
    this.deadlineMs = nowMs + Math.min(frame.timeoutMs, this.init.maxRequestMs ?? 600_000)
    if (frame.timeoutMs === 0) {
      this.expire()
      return
    }
    this.state = 'resolving'
    this.effects.push({ type: 'resolve', request: frame.request })
  }

  private send (bytes: Uint8Array, nowMs: number): void {
    this.sentBytes += bytes.length
    this.effects.push({ type: 'send', bytes })
    this.noteRoom(this.fullSinceMs ?? nowMs)
  }

  private noteRoom (sinceMs: number): void {
    this.fullSinceMs = this.transportBlocked || !this.writable ? sinceMs : undefined
  }

  private expire (): void {
    const what = this.frame == null ? 'No REQUEST came in time' : 'The deadline of the request passed'
    this.fail(new InferenceError('deadline_exceeded', what))
  }

  /** Tells the caller, in place of END. */
  private fail (error: InferenceError): void {
    if (this.state === 'over') {
      return
    }
    if (this.state === 'answering') {
      this.effects.push({ type: 'stop', reason: error })
    }
    this.state = 'over'
    this.outcome = refusedOrBroken(error.code, this.writer.count)
    this.effects.push({ type: 'send', bytes: encodeFrame({ kind: 'error', error }) }, { type: 'close' })
  }

  private giveUp (reason: InferenceError, reset: boolean): void {
    if (this.state === 'answering') {
      this.effects.push({ type: 'stop', reason })
    }
    this.state = 'over'
    this.outcome = reset ? broken(this.writer.count) : 'abandoned'
    if (reset) {
      this.effects.push({ type: 'reset', reason })
    }
  }

  private stallTimeoutMs (): number {
    return this.init.stallTimeoutMs ?? 60_000
  }
}
