/** Errors of OpenAI-compatible servers, as the errors of this protocol. */
import { contextLengthError } from './context-check.ts'
import { InferenceError } from './errors.ts'
import { isJsonObject } from './json-text.ts'
import type { JsonObject, JsonValue } from './json.ts'

const CONTEXT = /context[ _-]?(length|size|window)|maximum context|exceed_context_size|too many tokens|prompt is too long|longer than the model/i

/** Where servers put the two numbers; the first that matches counts. */
const PROMPT_TOKENS = [
  /resulted in (\d+) tokens/i, // OpenAI
  /(?:you )?(?:requested|passed) (\d+) (?:input )?tokens/i, // OpenAI, vLLM
  /(?:prompt|input|request)[^.\d]*\(?(\d+)(?: input)? tokens/i, // llama.cpp, vLLM
  /(\d+)(?: tokens)? (?:>|exceeds?|is (?:longer|larger|greater) than)/i
]
const CONTEXT_TOKENS = [
  /(?:maximum context length|context length|context size|context window|max_model_len)[^.\d]*?(\d+)/i, // OpenAI, vLLM
  /(?:>|exceeds?|longer than|larger than|greater than)[^.\d]*(\d+)/i
]

export function upstreamError (status: number, headers: Headers, text: string): InferenceError {
  const error = errorIn(text)
  const message = typeof error.message === 'string' ? error.message : ''
  const about = `${message} ${textOf(error.code)} ${textOf(error.type)}`

  if (CONTEXT.test(about)) {
    return contextLengthError(numberIn(error.n_prompt_tokens, PROMPT_TOKENS, message), numberIn(error.n_ctx, CONTEXT_TOKENS, message))
  }
  if (status === 429 || (status === 503 && headers.has('retry-after'))) {
    return new InferenceError('busy', 'The model server is busy', { retryAfterMs: retryAfterMs(headers) ?? 1_000 })
  }
  if (status === 404) {
    return new InferenceError('model_not_found', 'The model server does not have the model')
  }
  if (status === 401 || status === 403) {
    // the serving peer's own credentials: nothing that this caller could mend
    return new InferenceError('backend_failed', 'The model server refused the credentials of this peer')
  }
  if (status === 413) {
    return new InferenceError('oversize', 'The request is too large for the model server')
  }
  if (status >= 400 && status < 500) {
    return new InferenceError('invalid_request', message === '' ? `The model server answered ${status}` : message)
  }
  return new InferenceError('backend_failed', `The model server failed (${status})`, { cause: message === '' ? undefined : new Error(message) })
}

/** `{error: {message}}` (OpenAI), `{error: "…"}` (Ollama), `{message}` or `{detail}` (vLLM). */
function errorIn (text: string): JsonObject {
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    return {}
  }
  if (!isJsonObject(value)) {
    return {}
  }
  const { error } = value
  if (isJsonObject(error)) {
    return error
  }
  return { ...value, message: typeof error === 'string' ? error : textOf(value.message) || textOf(value.detail) }
}

function numberIn (field: JsonValue | undefined, patterns: RegExp[], message: string): number | undefined {
  if (typeof field === 'number') {
    return field
  }
  for (const pattern of patterns) {
    const digits = pattern.exec(message)?.[1]
    if (digits != null) {
      return Number(digits)
    }
  }
  return undefined
}

/** In seconds, as servers send it; a date would need a clock that both sides share. */
function retryAfterMs (headers: Headers): number | undefined {
  const inMs = Number(headers.get('retry-after-ms') ?? NaN)
  const ms = Number.isNaN(inMs) ? Number(headers.get('retry-after') ?? NaN) * 1000 : inMs
  return ms >= 0 ? ms : undefined
}

function textOf (value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}
