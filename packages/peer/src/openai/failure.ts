/** Failures in OpenAI's shape: status, headers and `{error: {message, type, param, code}}`. */
import { InferenceError } from '@skein/inference'
import type { InferenceErrorCode, JsonObject } from '@skein/inference'

/** A failed request as an HTTP client sees it. */
export interface OpenAIFailure {
  status: number
  headers: Record<string, string>
  body: { error: JsonObject }
}

export interface RequestErrorInit extends ErrorOptions {
  /** The field of the request that is wrong */
  param?: string
  headers?: Record<string, string>
}

/** The request was refused before it reached a model. */
export class RequestError extends Error {
  static override name = 'RequestError'
  override readonly name = 'RequestError'
  readonly status: number
  /** OpenAI's `code`, such as `invalid_json` */
  readonly code: string
  readonly param?: string
  readonly headers: Record<string, string>

  constructor (status: number, code: string, message: string, init: RequestErrorInit = {}) {
    super(message, init)
    this.status = status
    this.code = code
    this.param = init.param
    this.headers = init.headers ?? {}
  }
}

interface Mapping {
  status: number
  type: string
  code: string
  param?: string
}

/** 499 is nginx's "client closed request": there is no standard status for it. */
const MAPPINGS: Record<InferenceErrorCode, Mapping> = {
  busy: { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  context_length_exceeded: { status: 400, type: 'invalid_request_error', code: 'context_length_exceeded', param: 'messages' },
  model_not_found: { status: 404, type: 'invalid_request_error', code: 'model_not_found', param: 'model' },
  no_provider: { status: 404, type: 'invalid_request_error', code: 'model_not_found', param: 'model' },
  invalid_request: { status: 400, type: 'invalid_request_error', code: 'invalid_request' },
  oversize: { status: 413, type: 'invalid_request_error', code: 'request_too_large' },
  unauthorized: { status: 403, type: 'permission_error', code: 'provider_unauthorized' },
  deadline_exceeded: { status: 504, type: 'timeout_error', code: 'deadline_exceeded' },
  first_delta_timeout: { status: 504, type: 'timeout_error', code: 'first_delta_timeout' },
  stream_truncated: { status: 502, type: 'server_error', code: 'stream_truncated' },
  stream_corrupt: { status: 502, type: 'server_error', code: 'stream_corrupt' },
  connection_failed: { status: 502, type: 'server_error', code: 'connection_failed' },
  relay_limit: { status: 503, type: 'server_error', code: 'relay_limit' },
  backend_failed: { status: 502, type: 'server_error', code: 'backend_failed' },
  cancelled: { status: 499, type: 'request_cancelled', code: 'cancelled' }
}

/** How long a client waits after BUSY when the server named no time: shorter than a usual answer, longer than a round trip. */
const DEFAULT_RETRY_AFTER_MS = 1000

/** What a client gets to see of `error`. */
export function openAIFailure (error: unknown): OpenAIFailure {
  if (error instanceof InferenceError) {
    return inferenceFailure(error)
  }
  if (error instanceof RequestError) {
    const type = error.status === 429
      ? 'rate_limit_error'
      : error.status === 401 ? 'authentication_error' : error.status >= 500 ? 'server_error' : 'invalid_request_error'
    return {
      status: error.status,
      headers: { ...error.headers },
      body: { error: { message: error.message, type, param: error.param ?? null, code: error.code } }
    }
  }
  return {
    status: 500,
    headers: {},
    body: {
      error: {
        message: error instanceof Error ? error.message : String(error), type: 'server_error', param: null, code: 'internal_error'
      }
    }
  }
}

function inferenceFailure (error: InferenceError): OpenAIFailure {
  const { status, type, code, param } = MAPPINGS[error.code] ?? MAPPINGS.backend_failed
  const retryAfterMs = error.code === 'busy' ? error.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS : error.retryAfterMs
  const headers: Record<string, string> = {}

  if (retryAfterMs != null) {
    headers['retry-after'] = String(Math.ceil(retryAfterMs / 1000))
    headers['retry-after-ms'] = String(Math.ceil(retryAfterMs))
  }
  if (status >= 500 && !error.retryable) {
    headers['x-should-retry'] = 'false' // OpenAI's clients retry every 5xx unless told
  }
  return {
    status,
    headers,
    body: {
      error: {
        message: messageOf(error),
        type,
        param: param ?? null,
        code,
        // beyond OpenAI's four, for a caller that knows the mesh
        skein_code: error.code,
        retryable: error.retryable,
        retry_after_ms: retryAfterMs,
        prompt_tokens: error.promptTokens,
        context_tokens: error.contextTokens,
        deltas: error.deltas === 0 ? undefined : error.deltas,
        peer: error.peer
      }
    }
  }
}

/** A client that reads only the message must find both numbers of a context overflow there. */
function messageOf (error: InferenceError): string {
  const { message, promptTokens, contextTokens } = error
  if (error.code !== 'context_length_exceeded' || promptTokens == null || contextTokens == null ||
    (message.includes(String(promptTokens)) && message.includes(String(contextTokens)))) {
    return message
  }
  return `${message} (this model's maximum context length is ${contextTokens} tokens, the request takes ${promptTokens})`
}
