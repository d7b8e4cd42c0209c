/** What an OpenAI body asks of the smoke-test model, checked. */
import { InferenceError } from '@skein/inference'
import type { InferenceRequest, JsonObject, JsonValue } from '@skein/inference'
import type { GenerateOptions } from './smoke-model.ts'

const MAX_STOPS = 4
const MAX_STOP_CHARACTERS = 64
const MAX_TEMPERATURE = 2
const MAX_MESSAGES = 1024

export interface CompletionRequest {
  /** The text that is continued */
  prompt: string
  options: Omit<GenerateOptions, 'signal'>
}

/** @throws {InferenceError} `invalid_request` that names the field */
export function readRequest ({ task, body }: InferenceRequest): CompletionRequest {
  if (task === 'embedding') {
    throw invalid('this model does not embed')
  }
  if ((body.n ?? 1) !== 1) {
    throw invalid('n must be 1')
  }
  const maxTokens = readNumber(body, 'max_completion_tokens') ?? readNumber(body, 'max_tokens')
  const temperature = readNumber(body, 'temperature')
  const topP = readNumber(body, 'top_p')
  const seed = readNumber(body, 'seed')
  if (maxTokens != null && !(Number.isSafeInteger(maxTokens) && maxTokens >= 1)) {
    throw invalid('max_tokens must be a whole number of at least 1')
  }
  if (temperature != null && !(temperature >= 0 && temperature <= MAX_TEMPERATURE)) {
    throw invalid(`temperature must be 0 to ${MAX_TEMPERATURE}`)
  }
  if (topP != null && !(topP >= 0 && topP <= 1)) {
    throw invalid('top_p must be 0 to 1')
  }
  if (seed != null && !Number.isSafeInteger(seed)) {
    throw invalid('seed must be a whole number')
  }
  return {
    prompt: task === 'chat' ? promptOfMessages(body.messages) : promptOfCompletion(body.prompt),
    options: { maxTokens, temperature, topP, seed, stop: readStops(body.stop) }
  }
}

/**
 * The template: the contents of all messages as paragraphs, and a new paragraph begins. There are no roles in it, because the
 * model has never seen any.
 */
function promptOfMessages (messages: JsonValue | undefined): string {
  if (!Array.isArray(messages) || messages.length === 0 || messages.length > MAX_MESSAGES) {
    throw invalid(`messages must be a list of 1 to ${MAX_MESSAGES} messages`)
  }
  return messages.map(message => `${contentOf(message)}\n\n`).join('')
}

function contentOf (message: JsonValue): string {
  if (!isObject(message) || typeof message.role !== 'string') {
    throw invalid('a message must have a role')
  }
  const { content } = message
  if (content == null) {
    return ''
  }
  if (typeof content === 'string') {
    return content
  }
  if (!Array.isArray(content)) {
    throw invalid('the content of a message must be text')
  }
  return content.map(part => {
    if (!isObject(part) || part.type !== 'text' || typeof part.text !== 'string') {
      throw invalid('this model reads text only')
    }
    return part.text
  }).join('')
}

function promptOfCompletion (prompt: JsonValue | undefined): string {
  const text = Array.isArray(prompt) && prompt.length === 1 ? prompt[0] : prompt
  if (typeof text !== 'string') {
    throw invalid('prompt must be a text, or a list of one')
  }
  return text
}

function readStops (stop: JsonValue | undefined): string[] {
  const stops = stop == null ? [] : Array.isArray(stop) ? stop : [stop]
  const isValid = (value: JsonValue): value is string => typeof value === 'string' && value.length <= MAX_STOP_CHARACTERS
  if (stops.length > MAX_STOPS || !stops.every(isValid)) {
    throw invalid(`stop must be at most ${MAX_STOPS} texts of at most ${MAX_STOP_CHARACTERS} characters`)
  }
  return stops
}

/** OpenAI's clients send null for what is not set. */
function readNumber (body: JsonObject, name: string): number | undefined {
  const value = body[name] ?? undefined
  if (value !== undefined && typeof value !== 'number') {
    throw invalid(`${name} must be a number`)
  }
  return value
}

function isObject (value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid (message: string): InferenceError {
  return new InferenceError('invalid_request', message)
}
