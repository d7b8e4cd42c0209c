/** Puts the events of an answer together into the one response of a request that did not ask for a stream. */
import { InferenceError } from '@skein/inference'
import type { InferenceEvent, JsonObject, JsonValue } from '@skein/inference'
import { answerHead } from './answer-head.ts'
import type { AnswerHeadInit } from './answer-head.ts'
import { MAX_CHOICES } from './chunk-writer.ts'
import { isObject } from './request.ts'

export interface AnswerInit extends AnswerHeadInit {
  /** Most characters of an answer */
  maxAnswerChars: number
}

interface Choice {
  fields: JsonObject
  /** The chat message, or for a completion `{text}` */
  message: JsonObject
  tools: Array<{ index: number, call: JsonObject }>
  finishReason?: string
}

const MAX_TOOL_CALLS = 1024
/** How deep the objects of a delta are merged; deeper ones are taken as they come. */
const MAX_MERGE_DEPTH = 8
/** Strings that name a thing. All others are pieces of a longer text. */
const NAMES = new Set(['role', 'id', 'type', 'name', 'object', 'format'])

export class Answer {
  private readonly init: AnswerInit
  private readonly choices = new Map<number, Choice>()
  private extra: JsonObject = {}
  private usage?: JsonObject
  private charsLeft: number

  constructor (init: AnswerInit) {
    this.init = init
    this.charsLeft = init.maxAnswerChars
  }

  /** @throws {InferenceError} when the answer outgrows its bounds */
  push (event: InferenceEvent): void {
    switch (event.type) {
      case 'head':
        this.extra = { ...this.extra, ...event.head }
        break
      case 'delta':
        if (event.chunk == null) {
          this.spend(event.text.length)
          append(this.choice(0).message, this.init.task === 'chat' ? 'content' : 'text', event.text)
        } else {
          this.spend(JSON.stringify(event.chunk).length)
          this.chunk(event.chunk)
        }
        break
      case 'tool':
        this.spend(JSON.stringify(event.calls).length)
        this.toolCalls(this.choice(0), event.calls)
        break
      case 'usage':
        this.usage = event.usage
        break
      case 'finish':
        this.choice(0).finishReason ??= event.reason
    }
  }

  /** The whole answer, once the events have ended. */
  response (): JsonObject {
    this.choice(0)
    const choices = [...this.choices.entries()].sort(([a], [b]) => a - b).map(([index, choice]) => this.whole(index, choice))
    const response: JsonObject = { ...answerHead(this.init, this.extra, 'whole'), choices }
    if (this.usage != null) {
      response.usage = this.usage
    }
    return response
  }

  private whole (index: number, choice: Choice): JsonObject {
    const { fields, message, tools } = choice
    const reason = choice.finishReason ?? (tools.length > 0 ? 'tool_calls' : 'stop')
    if (this.init.task === 'completion') {
      return { index, text: message.text ?? '', logprobs: null, ...fields, finish_reason: reason }
    }

    const whole: JsonObject = { role: 'assistant', content: tools.length > 0 ? null : '', refusal: null, ...message }
    if (tools.length > 0) {
      tools.sort((a, b) => a.index - b.index)
      whole.tool_calls = tools.map(({ call }, i) => ({ id: `call_${this.init.id}_${index}_${i}`, type: 'function', ...call }))
    }
    return { index, message: whole, logprobs: null, ...fields, finish_reason: reason }
  }

  private chunk (chunk: JsonObject): void {
    const { choices, usage: _, ...extra } = chunk
    this.extra = { ...this.extra, ...extra }
    for (const value of Array.isArray(choices) ? choices : []) {
      if (!isObject(value)) {
        continue
      }
      const { index, delta, text, logprobs, finish_reason: reason, ...fields } = value
      const choice = this.choice(typeof index === 'number' ? index : 0)
      if (isObject(delta)) {
        const { tool_calls: calls, ...rest } = delta
        merge(choice.message, rest, 0)
        this.toolCalls(choice, Array.isArray(calls) ? calls : [])
      }
      if (typeof text === 'string') {
        append(choice.message, 'text', text)
      }
      if (typeof reason === 'string') {
        choice.finishReason = reason
      }
      merge(choice.fields, { ...fields, logprobs }, 0)
    }
  }

  private choice (index: number): Choice {
    let choice = this.choices.get(index)
    if (choice == null) {
      if (this.choices.size >= MAX_CHOICES) {
        throw new InferenceError('backend_failed', `The answer has more than ${MAX_CHOICES} choices`)
      }
      choice = { fields: {}, message: {}, tools: [] }
      this.choices.set(index, choice)
    }
    return choice
  }

  private toolCalls (choice: Choice, calls: JsonValue[]): void {
    for (const value of calls) {
      if (!isObject(value)) {
        continue
      }
      const { index, ...call } = value
      const known = typeof index === 'number'
        ? choice.tools.find((tool) => tool.index === index)
        // some servers send whole calls without an index, each with its own id
        : choice.tools.find((tool) => call.id != null && tool.call.id === call.id)
      if (known != null) {
        merge(known.call, call, 0)
        continue
      }
      if (choice.tools.length >= MAX_TOOL_CALLS) {
        throw new InferenceError('backend_failed', `The answer has more than ${MAX_TOOL_CALLS} tool calls`)
      }
      const tool = { index: typeof index === 'number' ? index : choice.tools.length, call: {} }
      merge(tool.call, call, 0)
      choice.tools.push(tool)
    }
  }

  private spend (chars: number): void {
    this.charsLeft -= chars
    if (this.charsLeft < 0) {
      throw new InferenceError('backend_failed', `The answer is longer than ${this.init.maxAnswerChars} characters`, { retryable: false })
    }
  }
}

/** Adds a delta to what came before it: text is joined, lists too, objects are merged; names and numbers are set. */
function merge (into: JsonObject, delta: JsonObject, depth: number): void {
  for (const [key, value] of Object.entries(delta)) {
    const known = into[key]
    if (value == null || key === '__proto__') {
      continue
    }
    if (typeof value === 'string' && typeof known === 'string') {
      if (!NAMES.has(key)) {
        append(into, key, value)
      } else if (known === '') {
        into[key] = value
      } // a name that is repeated in each delta is the same name
    } else if (Array.isArray(value) && Array.isArray(known)) {
      for (const item of value) {
        known.push(item)
      }
    } else if (isObject(value) && isObject(known) && depth < MAX_MERGE_DEPTH) {
      merge(known, value, depth + 1)
    } else {
      into[key] = Array.isArray(value) ? [...value] : isObject(value) ? { ...value } : value
    }
  }
}

/** V8 joins strings in constant time, so that an answer of many deltas costs no more than its length. */
function append (into: JsonObject, key: string, text: string): void {
  const known = into[key]
  into[key] = typeof known === 'string' ? known + text : text
}
