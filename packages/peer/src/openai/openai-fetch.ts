/** A `fetch` that answers OpenAI's HTTP API from a `ModelCaller`: no server, no socket, in a browser too. */
import { randomBytes, toHex } from '@skein/core'
import type { Clock, Random } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import type { InferenceEvent, JsonObject } from '@skein/inference'
import { Answer } from './answer.ts'
import type { AnswerHeadInit } from './answer-head.ts'
import { bodyText } from './body-text.ts'
import { ChunkWriter, failureEvent } from './chunk-writer.ts'
import { embeddingResponse } from './embedding.ts'
import { openAIFailure, RequestError } from './failure.ts'
import type { CallRoute, ModelCaller } from './model-caller.ts'
import { modelById, modelList } from './model-list.ts'
import { openAIRoute, parseRequest } from './request.ts'
import type { ParsedRequest } from './request.ts'

export interface OpenAIFetchInit {
  /**
   * Largest request body, bytes. A larger one costs memory on every peer that it is tried on.
   *
   * @default 4_194_304
   */
  maxBodyBytes?: number
  /**
   * Longest answer that is put together for a caller that did not ask for a stream, characters. Streams have no limit here.
   *
   * @default 33_554_432
   */
  maxAnswerChars?: number
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
}

/** What `fetch` takes, and one thing more, as other runtimes' `fetch` do. */
export interface OpenAIRequestInit extends RequestInit {
  /** Told of each event of the answer as it passes, for counting; must not throw */
  observe?: (event: InferenceEvent) => void
}

export type OpenAIFetch = (input: RequestInfo | URL, init?: OpenAIRequestInit) => Promise<Response>

/** Only the path of a URL matters; this stands in for the rest of a relative one. */
const ANY_BASE = 'http://skein.local'
const EVENT_STREAM = 'text/event-stream; charset=utf-8'

/**
 * Fulfils with a `Response` whatever happens but an abort of `init.signal`, which rejects with its reason as `fetch` does.
 * The response comes once the first event of the answer is in, so that a failure before it has its own status.
 */
export function openAIFetch (caller: ModelCaller, init: OpenAIFetchInit = {}): OpenAIFetch {
  const face = new OpenAIFace(caller, init)
  return async (input, requestInit) => await face.fetch(input, requestInit ?? {})
}

interface Exchange {
  requestId: string
  signal?: AbortSignal
  observe?: (event: InferenceEvent) => void
}

class OpenAIFace {
  private readonly caller: ModelCaller
  private readonly maxBodyBytes: number
  private readonly maxAnswerChars: number
  private readonly clock: Clock
  private readonly random: Random

  constructor (caller: ModelCaller, init: OpenAIFetchInit) {
    this.caller = caller
    this.maxBodyBytes = init.maxBodyBytes ?? 4 * 1024 * 1024
    this.maxAnswerChars = init.maxAnswerChars ?? 32 * 1024 * 1024
    this.clock = init.clock ?? systemClock()
    this.random = init.random ?? systemRandom()
  }

  async fetch (input: RequestInfo | URL, init: OpenAIRequestInit): Promise<Response> {
    const request = typeof input === 'object' && 'method' in input ? input : undefined
    const signal = init.signal ?? request?.signal ?? undefined
    const exchange: Exchange = { requestId: `req_${toHex(randomBytes(this.random, 12))}`, signal, observe: init.observe }

    signal?.throwIfAborted()
    try {
      const path = new URL(request?.url ?? String(input), ANY_BASE).pathname
      const route = openAIRoute((init.method ?? request?.method ?? 'GET').toUpperCase(), path)
      if (route.type !== 'infer') {
        const models = await abortable(this.caller.models({ signal }), signal)
        return json(route.type === 'models' ? modelList(models) : modelById(models, route.id), exchange)
      }
      const text = await abortable(bodyText(init.body ?? request?.body, this.maxBodyBytes), signal)
      return await this.infer(parseRequest(route.task, text), exchange)
    } catch (error) {
      signal?.throwIfAborted()
      return failure(error, exchange)
    }
  }

  private async infer (parsed: ParsedRequest, exchange: Exchange): Promise<Response> {
    const { request, stream, includeUsage } = parsed
    const running = new RunningCall(this.caller, parsed, exchange)
    try {
      const first = await running.next()
      const headers = routeHeaders(await running.route(first.done === true))
      if (stream) {
        const writer = new ChunkWriter({ ...this.headInit(parsed), includeUsage })
        return new Response(eventStream(running, first, writer, exchange.signal), { headers: { ...common(exchange, EVENT_STREAM), ...headers } })
      }

      if (request.task === 'embedding') {
        let text = ''
        for (let result = first; result.done !== true; result = await running.next()) {
          text += result.value.type === 'delta' ? result.value.text : ''
          if (text.length > this.maxAnswerChars) {
            throw new RequestError(502, 'answer_too_large', `The answer is longer than ${this.maxAnswerChars} characters`)
          }
        }
        return json(embeddingResponse(text, request.body), exchange, headers)
      }

      const answer = new Answer({ ...this.headInit(parsed), maxAnswerChars: this.maxAnswerChars })
      for (let result = first; result.done !== true; result = await running.next()) {
        answer.push(result.value)
      }
      return json(answer.response(), exchange, headers)
    } catch (error) {
      running.cancel(error)
      throw error
    }
  }

  private headInit ({ request }: ParsedRequest): AnswerHeadInit {
    const task = request.task === 'completion' ? 'completion' : 'chat'
    return {
      task,
      model: request.model,
      id: `${task === 'chat' ? 'chatcmpl' : 'cmpl'}-${toHex(randomBytes(this.random, 12))}`,
      createdSeconds: Math.floor(this.clock.nowMs() / 1000)
    }
  }
}

/** One call and its iteration, tied to the signal of whoever asked. Ends once: by its end, its failure or its cancel. */
class RunningCall {
  private readonly controller = new AbortController()
  private readonly iterator: AsyncIterator<InferenceEvent>
  private readonly routed: Promise<CallRoute>
  private readonly exchange: Exchange
  private rejectWaiting?: (reason: unknown) => void
  private over = false

  constructor (caller: ModelCaller, parsed: ParsedRequest, exchange: Exchange) {
    this.exchange = exchange
    const call = caller.call(parsed.request, { signal: this.controller.signal })
    this.routed = call.route
    this.routed.catch(() => {}) // the iteration throws the same
    this.iterator = call[Symbol.asyncIterator]()
    exchange.signal?.addEventListener('abort', this.onAbort, { once: true })
    if (exchange.signal?.aborted === true) {
      this.onAbort()
    }
  }

  /** Rejects at once when the asker's signal fires, whether the caller heeds it or not. */
  async next (): Promise<IteratorResult<InferenceEvent>> {
    if (this.over) {
      throw this.controller.signal.reason
    }
    try {
      const result = await new Promise<IteratorResult<InferenceEvent>>((resolve, reject) => {
        this.rejectWaiting = reject
        this.iterator.next().then(resolve, reject)
      })
      if (result.done === true) {
        this.finish()
      } else {
        this.exchange.observe?.(result.value)
      }
      return result
    } catch (error) {
      this.finish()
      throw error
    }
  }

  /** An answer without any event may have no route. */
  async route (empty: boolean): Promise<CallRoute | undefined> {
    return await (empty ? Promise.race([this.routed, Promise.resolve(undefined)]).catch(() => undefined) : this.routed)
  }

  cancel (reason: unknown): void {
    if (this.over) {
      return
    }
    this.finish()
    this.controller.abort(reason)
    this.rejectWaiting?.(reason)
    this.iterator.return?.().catch(() => {}) // may wait for a pending next(): nobody waits for it here
  }

  private readonly onAbort = (): void => { this.cancel(this.exchange.signal?.reason) }

  private finish (): void {
    this.over = true
    this.exchange.signal?.removeEventListener('abort', this.onAbort)
  }
}

/**
 * The server-sent events of an answer, pulled one by one: a reader that stops reading stops the far side. A failure is an
 * event of its own and then an error of the stream, never an end.
 */
function eventStream (
  running: RunningCall, first: IteratorResult<InferenceEvent>, writer: ChunkWriter, signal: AbortSignal | undefined
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let pending: IteratorResult<InferenceEvent> | undefined = first
  let failed: { error: unknown } | undefined
  let cancelled = false

  return new ReadableStream<Uint8Array>({
    async pull (controller) {
      if (failed != null) {
        controller.error(failed.error)
        return
      }
      try {
        for (;;) {
          const result: IteratorResult<InferenceEvent> = pending ?? await running.next()
          pending = undefined
          if (result.done === true) {
            controller.enqueue(encoder.encode(writer.end()))
            controller.close()
            return
          }
          const text = writer.push(result.value)
          if (text !== '') {
            controller.enqueue(encoder.encode(text))
            return
          }
        }
      } catch (error) {
        running.cancel(error)
        if (cancelled) {
          return
        }
        if (signal?.aborted === true) {
          controller.error(signal.reason) // as a fetch that was aborted: OpenAI's clients take this for the abort they asked for
          return
        }
        failed = { error }
        // error() would throw away what is queued, so the event goes out now and the error with the next pull
        controller.enqueue(encoder.encode(failureEvent(error)))
      }
    },
    cancel (reason) {
      cancelled = true
      running.cancel(reason)
    }
  }, { highWaterMark: 0 })
}

function common (exchange: Exchange, contentType: string): Record<string, string> {
  return { 'content-type': contentType, 'cache-control': 'no-store', 'x-request-id': exchange.requestId }
}

function routeHeaders (route: CallRoute | undefined): Record<string, string> {
  return route == null
    ? {}
    : { 'x-skein-peer': printable(route.peer), 'x-skein-path': printable(route.path), 'x-skein-attempts': String(route.attempts) }
}

function json (body: JsonObject | string, exchange: Exchange, headers: Record<string, string> = {}): Response {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return new Response(text, { headers: { ...common(exchange, 'application/json'), ...headers } })
}

function failure (error: unknown, exchange: Exchange): Response {
  const { status, headers, body } = openAIFailure(error)
  const peer = body.error.peer
  const route: Record<string, string> = typeof peer === 'string' ? { 'x-skein-peer': printable(peer) } : {}
  return new Response(JSON.stringify(body), { status, headers: { ...common(exchange, 'application/json'), ...route, ...headers } })
}

/** A header may not hold what a peer made up. */
function printable (text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 256)
}

async function abortable<T> (promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal == null) {
    return await promise
  }
  signal.throwIfAborted()
  return await new Promise<T>((resolve, reject) => {
    const onAbort = (): void => { reject(signal.reason) }
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => { signal.removeEventListener('abort', onAbort) })
  })
}
