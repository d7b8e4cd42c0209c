/** Turns the events of an answer into OpenAI's stream of chunks, as server-sent events. */
import type { InferenceEvent, JsonObject, JsonValue } from '@skein/inference'
import { answerHead } from './answer-head.ts'
import type { AnswerHeadInit } from './answer-head.ts'
import { openAIFailure } from './failure.ts'
import { isObject } from './request.ts'

export interface ChunkWriterInit extends AnswerHeadInit {
  includeUsage: boolean
}

/** Most choices of one answer; OpenAI's own limit for `n`. */
export const MAX_CHOICES = 128

export class ChunkWriter {
  private readonly init: ChunkWriterInit
  /** What each chunk opens and closes with, as text: the deltas of a stream differ in little else */
  private opening = ''
  private readonly closing: string
  private readonly started = new Set<number>()
  private readonly finished = new Set<number>()
  private usage?: JsonObject
  private calledTools = false

  constructor (init: ChunkWriterInit) {
    this.init = init
    this.closing = init.includeUsage ? ',"usage":null}\n\n' : '}\n\n'
    this.open({})
  }

  /** The text that `event` adds to the stream; may be empty. */
  push (event: InferenceEvent): string {
    switch (event.type) {
      case 'head':
        this.open(event.head)
        return ''
      case 'delta':
        return event.chunk == null ? this.content(event.text) : this.chunk(event.chunk)
      case 'tool':
        this.calledTools = true
        return this.init.task === 'chat' ? this.start() + this.choice({ tool_calls: event.calls }) : ''
      case 'usage':
        this.usage = event.usage // goes last, whenever it came
        return ''
      case 'finish':
        return this.finish(event.reason)
    }
  }

  /** What closes the stream of a whole answer: without `[DONE]` no client takes it as whole. */
  end (): string {
    const finish = this.finish(this.calledTools ? 'tool_calls' : 'stop')
    const usage = this.init.includeUsage && this.usage != null
      ? `${this.opening},"choices":[],"usage":${JSON.stringify(this.usage)}}\n\n`
      : ''
    return `${finish}${usage}data: [DONE]\n\n`
  }

  private open (extra: JsonObject): void {
    this.opening = `data: ${JSON.stringify(answerHead(this.init, extra, 'chunk')).slice(0, -1)}`
  }

  private content (text: string): string {
    const json = JSON.stringify(text)
    return this.init.task === 'chat'
      ? `${this.start()}${this.opening},"choices":[{"index":0,"delta":{"content":${json}},"logprobs":null,"finish_reason":null}]${this.closing}`
      : `${this.opening},"choices":[{"index":0,"text":${json},"logprobs":null,"finish_reason":null}]${this.closing}`
  }

  /** The chunk that names the role, once, ahead of the first content. */
  private start (): string {
    if (this.started.has(0) || this.init.task !== 'chat') {
      return ''
    }
    this.started.add(0)
    return this.choice({ role: 'assistant', content: '' })
  }

  private choice (delta: JsonObject, reason: string | null = null): string {
    const choice = this.init.task === 'chat'
      ? { index: 0, delta, logprobs: null, finish_reason: reason }
      : { index: 0, text: '', logprobs: null, finish_reason: reason }
    return `${this.opening},"choices":[${JSON.stringify(choice)}]${this.closing}`
  }

  private chunk (chunk: JsonObject): string {
    const { choices, usage: _, ...rest } = chunk
    const whole = (Array.isArray(choices) ? choices : []).map((choice) => this.openChoice(choice))
    const extra = JSON.stringify(rest).slice(1, -1)
    return `${this.opening},"choices":${JSON.stringify(whole)}${extra === '' ? '' : ','}${extra}${this.closing}`
  }

  /** A choice of a passed-through chunk, with the role when it is the first of its index. */
  private openChoice (choice: JsonValue): JsonValue {
    if (!isObject(choice)) {
      return choice
    }
    const index = typeof choice.index === 'number' ? choice.index : 0
    if (typeof choice.finish_reason === 'string' && this.finished.size < MAX_CHOICES) {
      this.finished.add(index)
    }
    if (isObject(choice.delta) && Array.isArray(choice.delta.tool_calls)) {
      this.calledTools = true
    }
    if (this.init.task !== 'chat' || this.started.has(index) || this.started.size >= MAX_CHOICES) {
      return choice
    }
    this.started.add(index)
    return { ...choice, delta: { role: 'assistant', ...(isObject(choice.delta) ? choice.delta : {}) } }
  }

  private finish (reason: string): string {
    if (this.finished.has(0)) {
      return ''
    }
    this.finished.add(0)
    return this.start() + this.choice({}, reason)
  }
}

/** The event that ends a stream that failed after it had begun. No `[DONE]` follows. */
export function failureEvent (error: unknown): string {
  return `data: ${JSON.stringify(openAIFailure(error).body)}\n\n`
}
