/** Requests as OpenAI clients send them: which endpoint is meant, and a body that is checked as far as the mesh must understand it. */
import type { InferenceRequest, InferenceTask, JsonObject, JsonValue } from '@skein/inference'
import { RequestError } from './failure.ts'

export type OpenAIRoute =
  | { type: 'infer', task: InferenceTask }
  | { type: 'models' }
  | { type: 'model', id: string }

export interface ParsedRequest {
  request: InferenceRequest
  stream: boolean
  includeUsage: boolean
}

/** As a `BackendModel` limits it. */
const MAX_MODEL_CHARS = 128
const TASKS: Record<string, InferenceTask> = { 'chat/completions': 'chat', completions: 'completion', embeddings: 'embedding' }
const PATH = /^(?:.*?\/v1)?\/(chat\/completions|completions|embeddings|models(?:\/(.+?))?)\/?$/

/**
 * Whatever comes before `/v1` is the base URL's business, and a base URL without `/v1` works too.
 *
 * @throws {RequestError} 404 for a path that is none of OpenAI's, 405 for a wrong method
 */
export function openAIRoute (method: string, path: string): OpenAIRoute {
  const match = PATH.exec(path)
  const name = match?.[1]
  if (name == null) {
    throw new RequestError(404, 'unknown_url', `Unknown request URL: ${method} ${path}`)
  }

  const task = TASKS[name]
  const allowed = task == null ? 'GET' : 'POST'
  if (method !== allowed) {
    throw new RequestError(405, 'method_not_allowed', `${path} takes ${allowed}, not ${method}`, { headers: { allow: allowed } })
  }
  if (task != null) {
    return { type: 'infer', task }
  }
  return match?.[2] == null ? { type: 'models' } : { type: 'model', id: decode(match[2]) }
}

/**
 * Checks what the mesh itself acts on and leaves all else, unknown fields included, to the model's server.
 *
 * @throws {RequestError} 400
 */
export function parseRequest (task: InferenceTask, text: string): ParsedRequest {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (cause) {
    throw new RequestError(400, 'invalid_json', 'The request body is not valid JSON', { cause })
  }
  if (!isObject(body)) {
    throw new RequestError(400, 'invalid_json', 'The request body must be a JSON object')
  }

  const model = body.model
  if (typeof model !== 'string' || model === '' || model.length > MAX_MODEL_CHARS) {
    throw invalid('model', `must be a string of 1 to ${MAX_MODEL_CHARS} characters`)
  }
  checkInput(task, body)
  checkFlag(body, 'stream')
  if (body.n != null && !(Number.isInteger(body.n) && Number(body.n) >= 1)) {
    throw invalid('n', 'must be a whole number of at least 1')
  }
  if (body.stream_options != null && !isObject(body.stream_options)) {
    throw invalid('stream_options', 'must be an object')
  }
  const streamOptions = body.stream_options ?? {}
  checkFlag(streamOptions, 'include_usage', 'stream_options.include_usage')

  return {
    request: { task, model, body },
    stream: task !== 'embedding' && body.stream === true,
    includeUsage: streamOptions.include_usage === true
  }
}

function checkInput (task: InferenceTask, body: JsonObject): void {
  if (task === 'chat') {
    if (!Array.isArray(body.messages) || body.messages.length === 0) {
      throw invalid('messages', 'must be a non-empty array')
    }
    for (const [i, message] of body.messages.entries()) {
      if (!isObject(message) || typeof message.role !== 'string') {
        throw invalid(`messages[${i}]`, 'must be an object with a role')
      }
    }
    return
  }
  const param = task === 'completion' ? 'prompt' : 'input'
  const input = body[param]
  if (typeof input !== 'string' && !(Array.isArray(input) && input.length > 0)) {
    throw invalid(param, 'must be a string or a non-empty array')
  }
}

function checkFlag (object: JsonObject, key: string, param = key): void {
  if (object[key] != null && typeof object[key] !== 'boolean') {
    throw invalid(param, 'must be true or false')
  }
}

export function isObject (value: unknown): value is { [key: string]: JsonValue | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid (param: string, message: string): RequestError {
  return new RequestError(400, 'invalid_request', `'${param}' ${message}`, { param })
}

function decode (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new RequestError(400, 'invalid_url', 'The URL holds a broken escape', { cause })
  }
}
