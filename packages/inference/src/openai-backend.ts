/** A backend that is a server with OpenAI's HTTP interface: Ollama, llama.cpp, vLLM, LM Studio, OpenAI itself. */
import { systemClock } from '@skein/core/system'
import { InferenceError } from './errors.ts'
import { isJsonObject } from './json-text.ts'
import { MAX_MODEL_CHARS } from './limits.ts'
import { bodyOf, eventsOfChunk, eventsOfEmbedding, eventsOfResponse, headOf } from './openai-chunk.ts'
import { upstreamError } from './openai-error.ts'
import { SseParser } from './sse-parser.ts'
import type { Clock } from '@skein/core'
import type { Backend, BackendModel, BackendOptions, InferenceEvent, InferenceRequest, InferenceTask } from './backend.ts'
import type { JsonObject, JsonValue } from './json.ts'

export interface OpenaiBackendInit {
  /** Sent as `Authorization: Bearer …` */
  apiKey?: string
  /** More headers for each request */
  headers?: Record<string, string>
  /**
   * Which models to serve: ids, or ids with what the server does not say of them.
   *
   * @default all that the server lists
   */
  models?: Array<string | (Partial<BackendModel> & { id: string })>
  /**
   * Most requests at once for each model.
   *
   * @default 4
   */
  maxConcurrent?: number
  /**
   * Context of each model, tokens.
   *
   * @default what the server lists (`max_model_len`, `context_length`, `meta.n_ctx`), else 0, unknown
   */
  contextTokens?: number
  /**
   * Same request, same bytes on every peer: true only of servers known to be so.
   *
   * @default false
   */
  deterministic?: boolean
  /**
   * How long a list of models is good for, ms.
   *
   * @default 30_000
   */
  modelsTtlMs?: number
  /**
   * Largest answer that does not come as a stream (embeddings), bytes.
   *
   * @default 33_554_432
   */
  maxResponseBytes?: number
  /** @default the platform's */
  fetch?: typeof globalThis.fetch
  /** @default the machine's clock */
  clock?: Clock
}

type ListedModel = JsonObject & { id: string }

const PATHS: Record<InferenceTask, string> = { chat: '/chat/completions', completion: '/completions', embedding: '/embeddings' }
/** Ids of embedding models, by which they are told from the others when the server does not say. */
const EMBEDDING_ID = /embed|(^|[^a-z])(bge|gte|e5|minilm)([^a-z]|$)/i
const MAX_LIST_BYTES = 4 * 1024 * 1024
const MAX_ERROR_BYTES = 64 * 1024

/** @param baseUrl up to and with the version, e.g. `http://127.0.0.1:11434/v1` */
export function openaiBackend (baseUrl: string, init: OpenaiBackendInit = {}): Backend {
  return new OpenaiBackend(baseUrl, init)
}

class OpenaiBackend implements Backend {
  private readonly baseUrl: string
  private readonly init: OpenaiBackendInit
  private readonly clock: Clock
  private list?: { models: BackendModel[], untilMs: number }
  private listing?: Promise<BackendModel[]>
  /** Cleared for a server that refuses `stream_options` */
  private wantsUsage = true

  constructor (baseUrl: string, init: OpenaiBackendInit) {
    this.baseUrl = baseUrl.replace(/\/+$/, '')
    this.init = init
    this.clock = init.clock ?? systemClock()
  }

  async models (options: { signal?: AbortSignal } = {}): Promise<BackendModel[]> {
    if (this.list != null && this.clock.nowMs() < this.list.untilMs) {
      return this.list.models
    }
    this.listing ??= this.fetchModels(options.signal).finally(() => { this.listing = undefined })
    return this.listing
  }

  async * infer (request: InferenceRequest, options: BackendOptions): AsyncGenerator<InferenceEvent> {
    const { signal } = options
    try {
      const response = await this.ask(request, signal)
      const type = response.headers.get('content-type') ?? ''
      if (request.task === 'embedding') {
        yield * eventsOfEmbedding(await readText(response, this.init.maxResponseBytes ?? 32 * 1024 * 1024))
      } else if (type.includes('text/event-stream')) {
        yield * this.stream(request, response)
      } else {
        yield * eventsOfResponse(request.task, await readText(response, this.init.maxResponseBytes ?? 32 * 1024 * 1024))
      }
    } catch (error) {
      if (signal.aborted) {
        throw new InferenceError('cancelled', 'The request was cancelled', { cause: signal.reason })
      }
      throw error instanceof InferenceError ? error : new InferenceError('backend_failed', 'The model server broke off', { cause: error })
    }
  }

  private async ask (request: InferenceRequest, signal: AbortSignal): Promise<Response> {
    const response = await this.post(request, signal)
    if (response.ok) {
      return response
    }
    const text = await readText(response, MAX_ERROR_BYTES).catch(() => '')
    if (response.status === 400 && this.wantsUsage && request.task !== 'embedding' && text.includes('stream_options')) {
      this.wantsUsage = false
      return this.ask(request, signal)
    }
    throw upstreamError(response.status, response.headers, text)
  }

  private async post (request: InferenceRequest, signal: AbortSignal): Promise<Response> {
    return this.fetch(PATHS[request.task], {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: request.task === 'embedding' ? 'application/json' : 'text/event-stream' },
      body: JSON.stringify(bodyOf(request, this.wantsUsage)),
      signal
    })
  }

  private async fetch (path: string, options: RequestInit): Promise<Response> {
    const { apiKey, headers, fetch = globalThis.fetch } = this.init
    const authorization = apiKey == null ? undefined : { authorization: `Bearer ${apiKey}` }
    try {
      return await fetch(this.baseUrl + path, { ...options, headers: { ...options.headers, ...authorization, ...headers } as Record<string, string> })
    } catch (error) {
      throw new InferenceError('backend_failed', 'The model server cannot be reached', { cause: error })
    }
  }

  private async * stream (request: InferenceRequest, response: Response): AsyncGenerator<InferenceEvent> {
    const parser = new SseParser()
    let headSent = false
    let finished = false
    for await (const bytes of bytesOf(response)) {
      for (const data of parser.push(bytes)) {
        if (data.trim() === '[DONE]') {
          return
        }
        const chunk = parseChunk(data)
        if (!headSent) {
          headSent = true
          yield { type: 'head', head: headOf(chunk) }
        }
        for (const event of eventsOfChunk(request.task, chunk)) {
          finished ||= event.type === 'finish'
          yield event
        }
      }
    }
    if (!finished) {
      throw new InferenceError('backend_failed', 'The model server ended the answer early')
    }
  }

  private async fetchModels (signal?: AbortSignal): Promise<BackendModel[]> {
    const response = await this.fetch('/models', { signal, headers: { accept: 'application/json' } })
    const text = await readText(response, MAX_LIST_BYTES)
    if (!response.ok) {
      throw upstreamError(response.status, response.headers, text)
    }
    const listed = parseList(text)
    const models = this.init.models == null
      ? listed.map(entry => this.describe(entry))
      : this.init.models.flatMap(wanted => {
          const extra = typeof wanted === 'string' ? { id: wanted } : wanted
          const entry = listed.find(({ id }) => id === extra.id)
          return entry == null ? [] : [{ ...this.describe(entry), ...extra }]
        })
    this.list = { models, untilMs: this.clock.nowMs() + (this.init.modelsTtlMs ?? 30_000) }
    return models
  }

  private describe (entry: ListedModel): BackendModel {
    const meta = isJsonObject(entry.meta) ? entry.meta : {}
    return {
      id: entry.id,
      tasks: EMBEDDING_ID.test(entry.id) ? ['embedding'] : ['chat', 'completion'],
      contextTokens: this.init.contextTokens ?? count(entry.max_model_len) ?? count(entry.context_length) ?? count(meta.n_ctx) ?? 0,
      deterministic: this.init.deterministic ?? false,
      maxConcurrent: this.init.maxConcurrent ?? 4
    }
  }
}

function parseChunk (data: string): JsonObject {
  let chunk: JsonValue
  try {
    chunk = JSON.parse(data) as JsonValue
  } catch (error) {
    throw new InferenceError('backend_failed', 'The model server sent an event that is not JSON', { cause: error })
  }
  if (!isJsonObject(chunk)) {
    throw new InferenceError('backend_failed', 'The model server sent an event that is not an object')
  }
  if (chunk.error != null) {
    throw upstreamError(500, new Headers(), data)
  }
  return chunk
}

function parseList (text: string): ListedModel[] {
  try {
    const list = JSON.parse(text) as JsonValue
    return isJsonObject(list) && Array.isArray(list.data) ? list.data.filter(isListedModel) : []
  } catch (error) {
    throw new InferenceError('backend_failed', 'The model server sent a list of models that is not JSON', { cause: error })
  }
}

function isListedModel (entry: JsonValue): entry is ListedModel {
  return isJsonObject(entry) && typeof entry.id === 'string' && entry.id.length >= 1 && entry.id.length <= MAX_MODEL_CHARS
}

async function readText (response: Response, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for await (const bytes of bytesOf(response)) {
    size += bytes.length
    if (size > maxBytes) {
      throw new InferenceError('backend_failed', `The model server sent more than ${maxBytes} bytes`)
    }
    text += decoder.decode(bytes, { stream: true })
  }
  return text + decoder.decode()
}

/** Leaving the loop cancels the request. Not `for await` over the body itself, which browsers came to late. */
async function * bytesOf (response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  if (reader == null) {
    return
  }
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) {
        return
      }
      yield value
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

function count (value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined
}
