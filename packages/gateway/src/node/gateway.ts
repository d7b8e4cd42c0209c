/** The OpenAI-compatible HTTP server of a peer. */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { deadline, randomBytes, toHex } from '@skein/core'
import type { Clock, Random } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import type { JsonObject } from '@skein/inference'
import { openAIFetch, RequestError } from '@skein/peer/openai'
import type { ModelCaller, OpenAIFetch } from '@skein/peer/openai'
import type { Registry } from 'prom-client'
import { admit } from '../admission.ts'
import { GatewayListenError } from '../listen-error.ts'
import { GatewayMetrics, routeLabel } from '../metrics.ts'
import type { RouteLabel } from '../metrics.ts'
import { ApiKeys } from './api-keys.ts'
import { exchange, fail, LAST_WORDS_MS } from './exchange.ts'

/** What `/health` says beside the gateway's own figures; `status: 'failing'` makes it a 503. */
export type Health = JsonObject & { status?: 'ok' | 'degraded' | 'failing' }

export interface GatewayOptions {
  /**
   * 0 takes any free port.
   *
   * @default 8899
   */
  port?: number
  /**
   * The address to listen on. Beyond loopback everyone who reaches it may ask: set `apiKeys` then.
   *
   * @default '127.0.0.1'
   */
  host?: string
  /**
   * Keys of which a request must carry one as `Authorization: Bearer KEY`; at most 1024.
   *
   * @default [] (no key is asked for)
   */
  apiKeys?: readonly string[]
  /**
   * Origins whose pages may call the gateway, or `'*'` for all.
   *
   * @default undefined (only its own)
   */
  cors?: '*' | readonly string[]
  /**
   * More names it may be called by. When bound to loopback, a `Host` that is neither one of loopback's names nor one of these is
   * refused; elsewhere `Host` is checked only when there are any.
   *
   * @default []
   */
  allowedHosts?: readonly string[]
  /**
   * Most connections; one more is closed at once.
   *
   * @default 1024
   */
  maxConnections?: number
  /**
   * Most requests at once; one more gets 429. Each may hold `maxBodyBytes`.
   *
   * @default 256
   */
  maxConcurrentRequests?: number
  /**
   * Largest request body, bytes. With a `fetch` of one's own the smaller limit of both counts.
   *
   * @default 4_194_304
   */
  maxBodyBytes?: number
  /**
   * Largest request head, bytes.
   *
   * @default 16_384
   */
  maxHeaderBytes?: number
  /**
   * A connection that has not sent a whole request head by then is closed, ms.
   *
   * @default 10_000
   */
  headersTimeoutMs?: number
  /**
   * A connection that has not sent its whole request by then is closed, ms. More than `headersTimeoutMs`.
   *
   * @default 30_000
   */
  receiveTimeoutMs?: number
  /**
   * From the request to the end of its answer, ms; then 504, or a broken stream.
   *
   * @default 600_000 (as OpenAI's clients)
   */
  requestTimeoutMs?: number
  /**
   * How long an idle connection is kept, ms. Above the 60 s of usual proxies, which otherwise use one as it closes.
   *
   * @default 65_000
   */
  keepAliveTimeoutMs?: number
  /**
   * Where the metrics go.
   *
   * @default a registry of its own
   */
  metrics?: Registry
  /** Adds to `/health`: peer id, connected peers, … */
  health?: () => Health | Promise<Health>
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
}

/** What answers: a peer's `fetch`, or whatever calls models. */
export type GatewayInit = GatewayOptions & ({ fetch: OpenAIFetch, caller?: undefined } | { caller: ModelCaller, fetch?: undefined })

export interface StopOptions {
  /**
   * How long requests under way may go on, ms.
   *
   * @default 5_000
   */
  drainMs?: number
}

export interface Gateway {
  /** `http://HOST:PORT`, without a slash at its end */
  readonly url: string
  /** `url` and `/v1`: the base URL for OpenAI's clients */
  readonly baseURL: string
  readonly host: string
  readonly port: number
  readonly metrics: Registry
  /** Takes no more requests, lets those under way end within `drainMs`, cuts the rest. Safe to call twice */
  stop (options?: StopOptions): Promise<void>
}

const DEFAULT_DRAIN_MS = 5000
/** How often node:http looks for connections that are too slow, ms. */
const SLOW_CHECK_MS = 2000
const MAX_HEADERS = 100

/** @throws {GatewayListenError} when the port cannot be opened */
export async function createGateway (init: GatewayInit): Promise<Gateway> {
  const gateway = new HttpGateway(init)
  await gateway.listen()
  return gateway
}

class HttpGateway implements Gateway {
  host: string
  port: number
  private readonly init: GatewayInit
  private readonly fetch: OpenAIFetch
  private readonly clock: Clock
  private readonly random: Random
  private readonly keys: ApiKeys
  private readonly counts: GatewayMetrics
  private readonly server: Server
  private readonly maxConcurrentRequests: number
  private readonly cut = new AbortController()
  /** Bounded by `maxConcurrentRequests` */
  private readonly underWay = new Set<Promise<void>>()
  private stopped?: Promise<void>

  constructor (init: GatewayInit) {
    this.init = init
    this.host = init.host ?? '127.0.0.1'
    this.port = init.port ?? 8899
    this.clock = init.clock ?? systemClock()
    this.random = init.random ?? systemRandom()
    this.keys = new ApiKeys(init.apiKeys ?? [])
    this.counts = new GatewayMetrics(init.metrics)
    this.maxConcurrentRequests = init.maxConcurrentRequests ?? 256
    this.fetch = init.fetch ?? openAIFetch(init.caller, { clock: this.clock, random: this.random, maxBodyBytes: init.maxBodyBytes })

    this.server = createServer({
      noDelay: true, // a delta that waits for the next one is a delta late
      keepAlive: true,
      keepAliveTimeout: init.keepAliveTimeoutMs ?? 65_000,
      headersTimeout: init.headersTimeoutMs ?? 10_000,
      requestTimeout: init.receiveTimeoutMs ?? 30_000,
      connectionsCheckingInterval: SLOW_CHECK_MS,
      maxHeaderSize: init.maxHeaderBytes ?? 16_384
    }, (request, response) => { void this.onRequest(request, response) })
    this.server.maxHeadersCount = MAX_HEADERS
    this.server.maxConnections = init.maxConnections ?? 1024
    this.server.on('drop', () => { this.counts.droppedConnections.inc() })
  }

  get url (): string {
    return `http://${this.host.includes(':') ? `[${this.host}]` : this.host}:${this.port}`
  }

  get baseURL (): string {
    return `${this.url}/v1`
  }

  get metrics (): Registry {
    return this.counts.registry
  }

  async listen (): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (error: NodeJS.ErrnoException) => {
        reject(new GatewayListenError(error.code ?? 'unknown', this.host, this.port, { cause: error }))
      })
      this.server.listen(this.port, this.host, resolve)
    })
    this.port = (this.server.address() as AddressInfo).port
  }

  async stop (options: StopOptions = {}): Promise<void> {
    this.stopped ??= this.drain(options.drainMs ?? DEFAULT_DRAIN_MS)
    await this.stopped
  }

  private async drain (drainMs: number): Promise<void> {
    const closed = new Promise((resolve) => { this.server.close(resolve) })
    await this.settle(drainMs)
    this.cut.abort(new RequestError(503, 'shutting_down', 'The gateway is shutting down'))
    await this.settle(2 * LAST_WORDS_MS)
    this.server.closeAllConnections()
    await closed
  }

  /** Waits until no request is under way, `forMs` at most. */
  private async settle (forMs: number): Promise<void> {
    const limit = deadline(this.clock, forMs)
    await Promise.race([
      Promise.allSettled(this.underWay),
      new Promise((resolve) => { limit.signal.addEventListener('abort', resolve, { once: true }) })
    ])
    limit.clear()
  }

  private async onRequest (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startMs = this.clock.nowMs()
    const path = (request.url ?? '/').split('?', 1)[0] as string
    const route = routeLabel(path)
    const admission = admit(request.headers, {
      boundHost: this.host, allowedHosts: this.init.allowedHosts ?? [], cors: this.init.cors
    })
    const headers: Record<string, string> = admission.type === 'admit' ? admission.headers : {}
    if (this.stopped != null) {
      headers.connection = 'close'
    }

    try {
      if (admission.type === 'refuse') {
        throw new RequestError(403, admission.code, admission.message)
      }
      if (request.method === 'OPTIONS' && 'access-control-allow-origin' in headers) {
        preflight(request, response, headers)
      } else if (route === 'health' || route === 'metrics') {
        await this.tell(route, request, response, headers)
      } else {
        await this.infer(request, response, route, headers)
        return // counted there
      }
      this.counts.onAnswered(route, response.statusCode, this.clock.nowMs() - startMs, 0)
    } catch (error) {
      fail(response, error, { headers, requestId: this.requestId() })
      this.counts.onAnswered(route, response.statusCode, this.clock.nowMs() - startMs, 0)
    }
  }

  private async infer (request: IncomingMessage, response: ServerResponse, route: RouteLabel, headers: Record<string, string>): Promise<void> {
    this.authorize(request)
    if (this.stopped != null) {
      throw new RequestError(503, 'shutting_down', 'The gateway is shutting down')
    }
    if (this.underWay.size >= this.maxConcurrentRequests) {
      throw new RequestError(429, 'rate_limit_exceeded', `The gateway serves ${this.maxConcurrentRequests} requests at once and has no place left`, {
        headers: { 'retry-after': '1', 'retry-after-ms': '1000' }
      })
    }

    const running = exchange(request, response, {
      fetch: this.fetch,
      clock: this.clock,
      metrics: this.counts,
      route,
      headers,
      requestId: this.requestId(),
      maxBodyBytes: this.init.maxBodyBytes ?? 4 * 1024 * 1024,
      requestTimeoutMs: this.init.requestTimeoutMs ?? 600_000,
      signal: this.cut.signal
    })
    this.underWay.add(running)
    this.counts.inFlight.inc()
    await running
    this.underWay.delete(running)
    this.counts.inFlight.dec()
  }

  /** `/health` without a key says no more than that the gateway is there. */
  private async tell (
    route: 'health' | 'metrics', request: IncomingMessage, response: ServerResponse, headers: Record<string, string>
  ): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw new RequestError(405, 'method_not_allowed', `/${route} takes GET, not ${request.method}`, { headers: { allow: 'GET, HEAD' } })
    }
    if (route === 'metrics') {
      this.authorize(request)
      respond(response, 200, { ...headers, 'content-type': this.metrics.contentType }, await this.metrics.metrics())
      return
    }
    const health = await this.health()
    const shown = this.keys.accepts(request.headers.authorization) ? health : { status: health.status }
    const status = health.status === 'failing' || health.status === 'stopping' ? 503 : 200
    respond(response, status, { ...headers, 'content-type': 'application/json', 'cache-control': 'no-store' }, JSON.stringify(shown))
  }

  private async health (): Promise<JsonObject> {
    const figures = { in_flight_requests: this.underWay.size, max_concurrent_requests: this.maxConcurrentRequests }
    if (this.stopped != null) {
      return { status: 'stopping', ...figures }
    }
    try {
      return { status: 'ok', ...figures, ...await this.init.health?.() }
    } catch (error) {
      return { status: 'failing', ...figures, message: error instanceof Error ? error.message : String(error) }
    }
  }

  private authorize (request: IncomingMessage): void {
    if (!this.keys.accepts(request.headers.authorization)) {
      throw new RequestError(401, 'invalid_api_key', 'The API key is missing or wrong: send one as "Authorization: Bearer KEY"', {
        headers: { 'www-authenticate': 'Bearer' }
      })
    }
  }

  private requestId (): string {
    return `req_${toHex(randomBytes(this.random, 12))}`
  }
}

function preflight (request: IncomingMessage, response: ServerResponse, headers: Record<string, string>): void {
  response.writeHead(204, {
    ...headers,
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': request.headers['access-control-request-headers'] ?? 'authorization, content-type',
    'access-control-max-age': '600'
  })
  response.end()
}

function respond (response: ServerResponse, status: number, headers: Record<string, string>, text: string): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) })
  response.end(text)
}
