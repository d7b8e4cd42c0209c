/** OpenAI's bodies, chunks and responses, to and from the events of an answer. */
import { InferenceError } from './errors.ts'
import { isJsonObject } from './json-text.ts'
import type { InferenceEvent, InferenceRequest, InferenceTask } from './backend.ts'
import type { JsonObject, JsonValue } from './json.ts'

/** Pieces of an embedding's JSON, UTF-16 units. */
const PIECE_UNITS = 16 * 1024
/** Said by the protocol in its own way, or by the gateway for each chunk. */
const NOT_IN_CHUNK: ReadonlySet<string> = new Set(['id', 'object', 'created', 'model', 'usage', 'system_fingerprint', 'service_tier'])
const NOT_IN_HEAD: ReadonlySet<string> = new Set(['object', 'model', 'choices', 'usage'])

/** The body for the server: the caller's, streamed. */
export function bodyOf (request: InferenceRequest, wantsUsage: boolean): JsonObject {
  const { body, model, task } = request
  if (task === 'embedding') {
    return { ...body, model, stream: undefined, stream_options: undefined }
  }
  const options = isJsonObject(body.stream_options) ? body.stream_options : {}
  return { ...body, model, stream: true, stream_options: wantsUsage ? { ...options, include_usage: true } : undefined }
}

/** What comes before any content. */
export function headOf (chunk: JsonObject): JsonObject {
  return without(chunk, NOT_IN_HEAD)
}

/** The events of one streamed chunk. */
export function eventsOfChunk (task: InferenceTask, chunk: JsonObject): InferenceEvent[] {
  const events: InferenceEvent[] = []
  const choices = Array.isArray(chunk.choices) ? chunk.choices.filter(isJsonObject) : []
  const first = choices.find(choice => (choice.index ?? 0) === 0)
  const delta = isJsonObject(first?.delta) ? first.delta : {}
  const text = stringOf(task === 'chat' ? delta.content : first?.text)

  if (choices.some(choice => saysMore(choice, task))) {
    events.push({ type: 'delta', text, chunk: chunkOf(chunk, choices, first) })
  } else if (text !== '') {
    events.push({ type: 'delta', text })
  }
  if (Array.isArray(delta.tool_calls) && delta.tool_calls.length > 0) {
    events.push({ type: 'tool', calls: delta.tool_calls })
  }
  if (isJsonObject(chunk.usage)) {
    events.push({ type: 'usage', usage: chunk.usage })
  }
  if (typeof first?.finish_reason === 'string') {
    events.push({ type: 'finish', reason: first.finish_reason })
  }
  return events
}

/** The events of a whole response, from a server that does not stream. */
export function * eventsOfResponse (task: InferenceTask, text: string): Generator<InferenceEvent> {
  const response = parse(text)
  const choices = (Array.isArray(response.choices) ? response.choices.filter(isJsonObject) : []).map(choice => asStreamed(choice, task))
  if (choices.length === 0) {
    throw new InferenceError('backend_failed', 'The model server sent a response without choices')
  }
  yield { type: 'head', head: headOf(response) }
  yield * eventsOfChunk(task, { ...response, choices })
}

/** An embedding's response as pieces of its JSON. */
export function * eventsOfEmbedding (text: string): Generator<InferenceEvent> {
  const response = parse(text)
  if (!Array.isArray(response.data)) {
    throw new InferenceError('backend_failed', 'The model server sent a response without embeddings')
  }
  for (let from = 0; from < text.length; from += PIECE_UNITS) {
    yield { type: 'delta', text: text.slice(from, from + PIECE_UNITS) }
  }
  if (isJsonObject(response.usage)) {
    yield { type: 'usage', usage: response.usage }
  }
}

/** Whether a choice says more than its text, tool calls and finish reason. */
function saysMore (choice: JsonObject, task: InferenceTask): boolean {
  if ((choice.index ?? 0) !== 0) {
    return true
  }
  const delta = isJsonObject(choice.delta) ? choice.delta : {}
  const known = task === 'chat' ? ['index', 'delta', 'finish_reason'] : ['index', 'text', 'finish_reason']
  return Object.entries(choice).some(([key, value]) => !known.includes(key) && !isEmpty(value)) ||
    Object.entries(delta).some(([key, value]) => !['role', 'content', 'tool_calls'].includes(key) && !isEmpty(value))
}

/** The chunk for the gateway: without what travels as events of its own. */
function chunkOf (chunk: JsonObject, choices: JsonObject[], first: JsonObject | undefined): JsonObject {
  return {
    ...without(chunk, NOT_IN_CHUNK),
    choices: choices.map(choice => choice !== first
      ? choice
      : { ...choice, finish_reason: null, ...(isJsonObject(choice.delta) && { delta: without(choice.delta, new Set(['tool_calls'])) }) })
  }
}

function asStreamed (choice: JsonObject, task: InferenceTask): JsonObject {
  const { message, ...rest } = choice
  if (task !== 'chat' || !isJsonObject(message)) {
    return choice
  }
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls : []
  const numbered = calls.map((call, index): JsonValue => isJsonObject(call) ? { index, ...call } : call)
  return { ...rest, delta: { ...message, tool_calls: numbered.length > 0 ? numbered : undefined } }
}

function parse (text: string): JsonObject {
  try {
    const value = JSON.parse(text) as JsonValue
    if (isJsonObject(value)) {
      return value
    }
  } catch { /* said below */ }
  throw new InferenceError('backend_failed', 'The model server sent a response that is not a JSON object')
}

function without (object: JsonObject, keys: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.has(key)))
}

function isEmpty (value: JsonValue | undefined): boolean {
  return value == null || value === '' || (Array.isArray(value) && value.length === 0)
}

function stringOf (value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}
