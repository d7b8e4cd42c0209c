/**
 * Refuses a prompt that is far beyond a model's context where the backend has no tokenizer to say so exactly.
 *
 * The estimate counts 4 characters a token, which is usual for English prose with current tokenizers and less than most other
 * text takes (code about 3, Chinese about 1). A request is refused only when even half of the estimate is more than the
 * context: 8 characters a token is rarer than any real text, so what is refused could not have been served.
 */
import { InferenceError } from './errors.ts'
import { isJsonObject } from './json-text.ts'
import type { BackendModel, InferenceRequest } from './backend.ts'
import type { JsonValue } from './json.ts'

const CHARS_PER_TOKEN = 4
/** What chat templates put around a message. */
const TOKENS_PER_MESSAGE = 4
const FAR_BEYOND = 2

/** Tokens that the request's prompt takes, roughly; exact where it comes as token ids. Images and sound are not counted. */
export function estimatePromptTokens (request: Pick<InferenceRequest, 'task' | 'body'>): number {
  const { body, task } = request
  if (task === 'chat') {
    const messages = Array.isArray(body.messages) ? body.messages : []
    return Math.ceil(messages.reduce<number>((sum, message) => sum + messageTokens(message), 0) + jsonTokens(body.tools))
  }
  if (task === 'completion') {
    return Math.ceil(Math.max(0, ...inputs(body.prompt).map(inputTokens)))
  }
  // each input of an embedding stands alone: the longest one must fit
  return Math.ceil(Math.max(0, ...inputs(body.input).map(inputTokens)))
}

/** The error when the prompt cannot fit, with both numbers (the first an estimate). */
export function contextError (request: InferenceRequest, model: Pick<BackendModel, 'contextTokens'>): InferenceError | undefined {
  const { contextTokens } = model
  if (contextTokens <= 0) {
    return undefined
  }
  const promptTokens = estimatePromptTokens(request)
  return promptTokens <= FAR_BEYOND * contextTokens ? undefined : contextLengthError(promptTokens, contextTokens, 'about ')
}

export function contextLengthError (promptTokens: number | undefined, contextTokens: number | undefined, about = ''): InferenceError {
  const message = `The prompt of ${about}${promptTokens ?? 'too many'} tokens does not fit the model's context of ${contextTokens ?? 'fewer'} tokens`
  return new InferenceError('context_length_exceeded', message, { promptTokens, contextTokens })
}

function messageTokens (message: JsonValue): number {
  if (!isJsonObject(message)) {
    return 0
  }
  const { content } = message
  const parts = Array.isArray(content) ? content : [content]
  const chars = parts.reduce<number>((sum, part) => sum + textLength(isJsonObject(part) ? part.text : part), 0)
  return TOKENS_PER_MESSAGE + chars / CHARS_PER_TOKEN + jsonTokens(message.tool_calls)
}

/** A prompt is a string, token ids, or a list of either. */
function inputs (value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) && typeof value[0] !== 'number' ? value.slice(0, 4096) : value == null ? [] : [value]
}

function inputTokens (value: JsonValue): number {
  return Array.isArray(value) ? value.length : textLength(value) / CHARS_PER_TOKEN
}

function textLength (value: JsonValue | undefined): number {
  return typeof value === 'string' ? value.length : 0
}

function jsonTokens (value: JsonValue | undefined): number {
  return value == null ? 0 : JSON.stringify(value).length / CHARS_PER_TOKEN
}
