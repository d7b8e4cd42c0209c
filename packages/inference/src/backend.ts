/** What answers a request on the serving side, and the events an answer is made of. */
import type { JsonObject, JsonValue } from './json.ts'

/** The three OpenAI endpoints a model can stand behind. */
export type InferenceTask = 'chat' | 'completion' | 'embedding'

export interface InferenceRequest {
  task: InferenceTask
  /** Model id as the offer names it */
  model: string
  /** The OpenAI request body as the caller sent it; unknown fields pass through */
  body: JsonObject
  /** The caller has the beginning of the answer already, and wants the rest; of a deterministic model */
  from?: Continuation
}

/** The beginning of an answer's text. */
export interface Continuation {
  /** UTF-16 code units */
  chars: number
  /** SHA-256 of its UTF-8 */
  hash: Uint8Array
}

/**
 * One piece of an answer. An answer is: at most one `head`, any number of `delta` and `tool`, at most one `usage`, at most
 * one `finish`; then the iterable ends. An iterable that throws has failed, whatever it gave before.
 */
export type InferenceEvent =
  /** Fields of the OpenAI response that come before any content (`id`, `created`, `system_fingerprint`, …) */
  | {
      type: 'head'
      head: JsonObject
      /** The answer goes on after so many UTF-16 code units, as was asked */
      continued?: number
    }
  /**
   * Content. `text` is the content of choice 0 (chat, completion) or a piece of the JSON of the whole response (embedding).
   * `chunk`, when set, is a whole OpenAI chunk (without `id`, `object`, `created`, `model`) that says more than text can:
   * several choices, log probabilities, reasoning, a refusal; then `text` still holds what choice 0 adds to the answer.
   */
  | { type: 'delta', text: string, chunk?: JsonObject }
  /** `delta.tool_calls` of choice 0 as OpenAI streams them */
  | { type: 'tool', calls: JsonValue[] }
  /** OpenAI's `usage` object */
  | { type: 'usage', usage: JsonObject }
  /** OpenAI's `finish_reason` of choice 0 */
  | { type: 'finish', reason: string }

export interface BackendModel {
  /** Model id, 1 to 128 characters */
  id: string
  tasks: InferenceTask[]
  /** The longest prompt plus answer that is really served, tokens; 0 when unknown */
  contextTokens: number
  /** The same request with temperature 0 or the same seed gives the same bytes on every peer that offers this id */
  deterministic: boolean
  /** Most requests served at once; above it a caller gets BUSY */
  maxConcurrent: number
  /** Measured or declared speed of one stream, tokens/s; 0 when unknown */
  tokensPerSecond?: number
  /** Price of a million generated tokens, in millionths of a US dollar @default 0 */
  priceMicros?: number
}

export interface BackendOptions {
  /** Fires when the caller cancelled, went away, or the deadline passed: stop computing */
  signal: AbortSignal
}

export interface Backend {
  /** The models that can be asked for now */
  models (options?: { signal?: AbortSignal }): Promise<BackendModel[]>
  /** Answers one request; throws an `InferenceError` that says what went wrong */
  infer (request: InferenceRequest, options: BackendOptions): AsyncIterable<InferenceEvent>
}
