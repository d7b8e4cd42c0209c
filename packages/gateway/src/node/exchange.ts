/** One request of a gateway and its answer: from the socket to the fetch handler and back, at the client's pace. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { deadline, DeadlineError } from '@skein/core'
import type { Clock } from '@skein/core'
import { failureEvent, openAIFailure, RequestError } from '@skein/peer/openai'
import type { OpenAIFetch } from '@skein/peer/openai'
import type { GatewayMetrics, RouteLabel } from '../metrics.ts'
import { requestBody } from './request-body.ts'

export interface ExchangeInit {
  fetch: OpenAIFetch
  clock: Clock
  metrics: GatewayMetrics
  route: RouteLabel
  requestId: string
  maxBodyBytes: number
  requestTimeoutMs: number
  /** Headers of every answer */
  headers: Record<string, string>
  /** Fires when the gateway stops */
  signal: AbortSignal
}

/** nginx's status for a client that went away; never sent, only counted. */
const CLIENT_GONE = 499
/** How long a client that does not read may keep an answer that has failed, ms. */
export const LAST_WORDS_MS = 500
/** Between the last event of a stream that has failed and the end of its connection, ms. */
const BREAK_OFF_MS = 100

/** Answers one request of OpenAI's API; never throws. */
export async function exchange (request: IncomingMessage, response: ServerResponse, init: ExchangeInit): Promise<void> {
  const { clock, metrics, route } = init
  const startMs = clock.nowMs()
  const client = new AbortController()
  const limit = deadline(clock, init.requestTimeoutMs, [client.signal, init.signal])
  let status = CLIENT_GONE
  let attempts = 0
  let sawDelta = false

  response.on('close', () => {
    if (!response.writableFinished) {
      client.abort(new DOMException('The client went away', 'AbortError'))
    }
  })
  response.on('error', () => {}) // 'close' follows

  try {
    const body = request.method === 'POST' ? await requestBody(request, init.maxBodyBytes) : undefined
    const answer = await init.fetch(urlOf(request), {
      method: request.method,
      body,
      signal: limit.signal,
      observe (event) {
        metrics.onEvent(event)
        if (!sawDelta && (event.type === 'delta' || event.type === 'tool')) {
          sawDelta = true
          metrics.onFirstDelta(route, clock.nowMs() - startMs)
        }
      }
    })
    status = answer.status
    attempts = Number(answer.headers.get('x-skein-attempts') ?? 0)
    await send(answer, response, init.headers, limit.signal)
    await closed(response, limit.signal)
  } catch (error) {
    status = openAIFailure(cause(error)).status
    fail(response, cause(error), init)
    await lastWords(response, clock)
  } finally {
    limit.clear()
    metrics.onAnswered(route, client.signal.aborted ? CLIENT_GONE : status, clock.nowMs() - startMs, attempts)
  }
}

async function send (answer: Response, response: ServerResponse, extra: Record<string, string>, signal: AbortSignal): Promise<void> {
  const headers = { ...Object.fromEntries(answer.headers), ...extra }
  if (answer.body == null || !headers['content-type']?.startsWith('text/event-stream')) {
    const bytes = new Uint8Array(await answer.arrayBuffer())
    response.writeHead(answer.status, { ...headers, 'content-length': bytes.length })
    response.end(bytes)
    return
  }

  // a proxy such as nginx would hold events back until its buffer is full
  response.writeHead(answer.status, { ...headers, 'x-accel-buffering': 'no' })
  response.flushHeaders()
  const reader = answer.body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) {
        break
      }
      if (!response.write(value)) {
        await drained(response, signal)
      }
    }
    response.end()
  } catch (error) {
    void reader.cancel(error).catch(() => {})
    throw error
  }
}

/** All of the answer is with the system's network stack, or the connection is gone. */
async function closed (response: ServerResponse, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  await new Promise<void>((resolve, reject) => {
    if (response.closed) {
      resolve()
      return
    }
    const onAbort = (): void => { reject(signal?.reason) }
    response.once('close', () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/**
 * Ends an answer that has failed. A whole error has ended already; a stream breaks off, for an end would make it look whole, but
 * only when its last event had the time to be read: a client that sees the connection break throws away what it has not read.
 */
async function lastWords (response: ServerResponse, clock: Clock): Promise<void> {
  const nowMs = clock.nowMs()
  const breakOff = response.writableEnded ? () => {} : clock.schedule(nowMs + BREAK_OFF_MS, () => { response.socket?.destroySoon() })
  const giveUp = clock.schedule(nowMs + LAST_WORDS_MS, () => { response.destroy() })
  await closed(response)
  breakOff()
  giveUp()
}

async function drained (response: ServerResponse, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  await new Promise<void>((resolve, reject) => {
    const onDrain = (): void => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }
    const onAbort = (): void => {
      response.off('drain', onDrain)
      reject(signal.reason)
    }
    response.once('drain', onDrain)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

/** Before the headers: an error with its status. After them: an event, if nobody has told yet. */
export function fail (response: ServerResponse, error: unknown, init: Pick<ExchangeInit, 'headers' | 'requestId'>): void {
  if (response.destroyed) {
    return
  }
  if (!response.headersSent) {
    const { status, headers, body } = openAIFailure(error)
    const text = JSON.stringify(body)
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      'x-request-id': init.requestId,
      ...headers,
      ...init.headers
    })
    response.end(text)
    return
  }
  if (error instanceof RequestError) {
    response.write(failureEvent(error)) // the gateway's own doing: the fetch handler has not told
  }
}

function cause (error: unknown): unknown {
  return error instanceof DeadlineError
    ? new RequestError(504, 'deadline_exceeded', 'The gateway\'s time for a request is over', { cause: error })
    : error
}

/** Not resolved against a base: a path such as `//host/x` would become another host. */
function urlOf (request: IncomingMessage): string {
  const target = request.url ?? '/'
  return target.startsWith('/') ? `http://skein.local${target}` : target
}
