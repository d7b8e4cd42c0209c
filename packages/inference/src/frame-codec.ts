/** Frames of /skein/inference/1.0.0 (`pb/frame.proto`) to bytes and back, with what a frame must keep to. */
import { InferenceError } from './errors.ts'
import { prefixLength } from './frame-reader.ts'
import { isJsonObject, parseJson, parseJsonObject, writeJson } from './json-text.ts'
import {
  DEFAULT_MAX_BODY_DEPTH, DEFAULT_MAX_REQUEST_BYTES, HASH_BYTES, MAX_FRAME_BYTES, MAX_JSON_DEPTH, MAX_MESSAGE_CHARS, MAX_MODEL_CHARS,
  MAX_RETRY_AFTER_MS, NONCE_BYTES
} from './limits.ts'
import { Frame as ProtoFrame } from './pb/frame.ts'
import type { InferenceRequest, InferenceTask } from './backend.ts'
import type { InferenceErrorCode } from './errors.ts'
import type { JsonObject, JsonValue } from './json.ts'
import type { Failure } from './pb/frame.ts'

export interface RequestFrame {
  kind: 'request'
  request: InferenceRequest
  /** 16 bytes */
  nonce: Uint8Array
  /** Time left for the whole answer from the arrival of the frame */
  timeoutMs: number
  /** Bytes of frames that may be unread at the caller; 0 means the default */
  windowBytes: number
}

export interface DeltaFrame {
  kind: 'delta'
  seq: number
  text: string
  chunk?: JsonObject
}

export interface ToolFrame {
  kind: 'tool'
  seq: number
  calls: JsonValue[]
}

export interface EndFrame {
  kind: 'end'
  count: number
  hash: Uint8Array
  reason?: string
}

export type Frame =
  | RequestFrame
  | DeltaFrame
  | ToolFrame
  | EndFrame
  | { kind: 'head', head: JsonObject, continued?: number }
  | { kind: 'usage', usage: JsonObject }
  | { kind: 'error', error: InferenceError }
  | { kind: 'credit', bytes: number }
  /** Set by a newer version: skip it */
  | { kind: 'unknown' }

export interface FrameCodecLimits {
  /** @default 4 MiB */
  maxRequestBytes?: number
  /** @default 32 */
  maxBodyDepth?: number
}

/** Codes that a server has a use for; another one, from a newer or a strange server, is read as `backend_failed`. */
const WIRE_CODES: ReadonlySet<string> = new Set<InferenceErrorCode>([
  'busy', 'context_length_exceeded', 'model_not_found', 'invalid_request', 'deadline_exceeded', 'backend_failed', 'unauthorized', 'oversize'
])

const TASKS: ReadonlySet<string> = new Set<InferenceTask>(['chat', 'completion', 'embedding'])

/**
 * A frame with its length prefix.
 *
 * @throws {InferenceError} `oversize` or `invalid_request` when a reader would refuse it
 */
export function encodeFrame (frame: Frame, limits: FrameCodecLimits = {}): Uint8Array<ArrayBuffer> {
  let body: Uint8Array
  try {
    body = ProtoFrame.encode(toProto(frame, limits))
  } catch (error) {
    throw new InferenceError('invalid_request', `Cannot be written as a frame: ${messageOf(error)}`, { cause: error })
  }
  const maxBytes = frame.kind === 'request' ? limits.maxRequestBytes ?? DEFAULT_MAX_REQUEST_BYTES : MAX_FRAME_BYTES
  if (body.length > maxBytes) {
    throw new InferenceError('oversize', `A ${frame.kind.toUpperCase()} of ${body.length} bytes is longer than the ${maxBytes} allowed`)
  }
  return prefixLength(body)
}

/**
 * The frame in the message `body` (without its length prefix).
 *
 * @throws {InferenceError} `stream_corrupt`; of a REQUEST that can be read but not served, `invalid_request`
 */
export function decodeFrame (body: Uint8Array, limits: FrameCodecLimits = {}): Frame {
  let proto: ProtoFrame
  try {
    proto = ProtoFrame.decode(body)
  } catch (error) {
    throw corrupt('is not a protobuf message', error)
  }
  const { request, head, delta, tool, usage, error, end, credit } = proto
  if (delta != null && only(proto)) {
    // first, since nearly all frames are one
    return delta.chunk == null
      ? { kind: 'delta', seq: delta.seq, text: delta.text }
      : { kind: 'delta', seq: delta.seq, text: delta.text, chunk: objectIn(delta.chunk, 'DELTA') }
  }
  only(proto)
  if (request != null) {
    return { kind: 'request', ...decodeRequest(request, limits) }
  }
  if (head != null) {
    const { continued } = head
    return { kind: 'head', head: objectIn(head.json, 'HEAD'), ...continued === undefined ? {} : { continued } }
  }
  if (tool != null) {
    return { kind: 'tool', seq: tool.seq, calls: arrayIn(tool.calls, 'TOOL') }
  }
  if (usage != null) {
    return { kind: 'usage', usage: objectIn(usage.json, 'USAGE') }
  }
  if (error != null) {
    return { kind: 'error', error: decodeError(error) }
  }
  if (end != null) {
    if (end.hash.length !== HASH_BYTES) {
      throw corrupt(`END has a hash of ${end.hash.length} bytes`)
    }
    return { kind: 'end', count: end.count, hash: end.hash, reason: end.reason }
  }
  if (credit != null) {
    return { kind: 'credit', bytes: credit.bytes }
  }
  return { kind: 'unknown' }
}

function toProto (frame: Frame, limits: FrameCodecLimits): Partial<ProtoFrame> {
  switch (frame.kind) {
    case 'request': {
      const { request, nonce, timeoutMs, windowBytes } = frame
      const { task, model, from } = request
      const body = writeJson(request.body, limits.maxBodyDepth ?? DEFAULT_MAX_BODY_DEPTH)
      const beginning = from && { chars: from.chars, hash: copy(from.hash) }
      return { request: { task, model, body, nonce: copy(nonce), timeoutMs, windowBytes, from: beginning } }
    }
    case 'head': return { head: { json: writeJson(frame.head, MAX_JSON_DEPTH), continued: frame.continued } }
    case 'delta': return { delta: { seq: frame.seq, text: frame.text, chunk: frame.chunk && writeJson(frame.chunk, MAX_JSON_DEPTH) } }
    case 'tool': return { tool: { seq: frame.seq, calls: writeJson(frame.calls, MAX_JSON_DEPTH) } }
    case 'usage': return { usage: { json: writeJson(frame.usage, MAX_JSON_DEPTH) } }
    case 'error': return { error: encodeError(frame.error) }
    case 'end': return { end: { count: frame.count, hash: copy(frame.hash), reason: frame.reason } }
    case 'credit': return { credit: { bytes: frame.bytes } }
    case 'unknown': return {}
  }
}

function decodeRequest (proto: NonNullable<ProtoFrame['request']>, limits: FrameCodecLimits): Omit<RequestFrame, 'kind'> {
  const { task, model, nonce, timeoutMs, windowBytes, from } = proto
  if (from !== undefined && from.hash.length !== HASH_BYTES) {
    throw new InferenceError('invalid_request', `The beginning of the answer has a hash of ${from.hash.length} bytes, not ${HASH_BYTES}`)
  }
  if (nonce.length !== NONCE_BYTES) {
    throw new InferenceError('invalid_request', `The nonce has ${nonce.length} bytes, not ${NONCE_BYTES}`)
  }
  if (!TASKS.has(task)) {
    throw new InferenceError('invalid_request', `Unknown task ${JSON.stringify(task.slice(0, 32))}`)
  }
  if (model.length < 1 || model.length > MAX_MODEL_CHARS) {
    throw new InferenceError('invalid_request', `A model id has 1 to ${MAX_MODEL_CHARS} characters, not ${model.length}`)
  }
  let body: JsonObject
  try {
    body = parseJsonObject(proto.body, limits.maxBodyDepth ?? DEFAULT_MAX_BODY_DEPTH)
  } catch (error) {
    throw new InferenceError('invalid_request', `The request body cannot be read: ${messageOf(error)}`, { cause: error })
  }
  const beginning = from === undefined ? {} : { from: { chars: from.chars, hash: copy(from.hash) } }
  return { request: { task: task as InferenceTask, model, body, ...beginning }, nonce: copy(nonce), timeoutMs, windowBytes }
}

function encodeError (error: InferenceError): Failure {
  return {
    code: error.code,
    message: error.message.slice(0, MAX_MESSAGE_CHARS).toWellFormed(),
    retryable: error.retryable,
    retryAfterMs: whole(error.retryAfterMs, MAX_RETRY_AFTER_MS),
    promptTokens: whole(error.promptTokens, 0xffffffff),
    contextTokens: whole(error.contextTokens, 0xffffffff)
  }
}

function decodeError (proto: Failure): InferenceError {
  const code = WIRE_CODES.has(proto.code) ? proto.code as InferenceErrorCode : 'backend_failed'
  return new InferenceError(code, proto.message.slice(0, MAX_MESSAGE_CHARS), {
    retryable: proto.retryable,
    retryAfterMs: whole(proto.retryAfterMs, MAX_RETRY_AFTER_MS),
    promptTokens: proto.promptTokens,
    contextTokens: proto.contextTokens
  })
}

/** @throws {InferenceError} when more than one kind is set */
function only (proto: ProtoFrame): boolean {
  let kinds = 0
  for (const key in proto) {
    if (proto[key as keyof ProtoFrame] != null) {
      kinds++
    }
  }
  if (kinds > 1) {
    throw corrupt('has more than one kind')
  }
  return true
}

function objectIn (bytes: Uint8Array, name: string): JsonObject {
  const value = jsonIn(bytes, name)
  if (!isJsonObject(value)) {
    throw corrupt(`${name} does not hold a JSON object`)
  }
  return value
}

function arrayIn (bytes: Uint8Array, name: string): JsonValue[] {
  const value = jsonIn(bytes, name)
  if (!Array.isArray(value)) {
    throw corrupt(`${name} does not hold a JSON array`)
  }
  return value
}

function jsonIn (bytes: Uint8Array, name: string): JsonValue {
  try {
    return parseJson(bytes, MAX_JSON_DEPTH)
  } catch (error) {
    throw corrupt(`${name} does not hold JSON that can be read`, error)
  }
}

function corrupt (what: string, cause?: unknown): InferenceError {
  return new InferenceError('stream_corrupt', `A frame ${what}`, { cause })
}

function copy (bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes)
}

function whole (value: number | undefined, max: number): number | undefined {
  return value == null || Number.isNaN(value) ? undefined : Math.min(max, Math.max(0, Math.ceil(value)))
}

function messageOf (error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
