/** The HTTP port of a seed: `/metrics`, `/health`, `/ready`, and whatever upgrades are mounted on it, such as `/ws`. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import { SeedListenError } from './listen-error.ts'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DeviceFigures } from './device-figures.ts'
import type { Duplex } from 'node:stream'
import type { Registry } from 'prom-client'
import type { AdmittedSockets } from '../admission/admitted-sockets.ts'
import type { Endpoint } from '../config/option-table.ts'

/** What takes over a socket after `Upgrade: websocket`. */
export interface UpgradeTarget {
  handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** The seed is about to stop: tell those who are connected, end their sockets within that time */
  drain?: (drainMs: number) => void | Promise<void>
  /** Refusals so far by reason, for metrics */
  refused?: () => Record<string, number>
  /** What devices do, for metrics */
  devices?: () => DeviceFigures
}

/** Whether all is well, and what a person would want to read about it. */
export interface Verdict {
  ok: boolean
  body: Record<string, unknown>
}

export interface HttpPortInit {
  endpoint: Endpoint
  /** The option that names the endpoint, for errors @default '--http' */
  option?: string
  metrics: Registry
  /** The process works; `false` asks a supervisor to start it anew */
  health: () => Verdict
  /** New clients may be sent here */
  ready: () => Verdict
  /** By path, `/ws` */
  upgrades?: Record<string, UpgradeTarget>
  /** What a reader of `/metrics` must send as bearer token @default undefined (everyone may read) */
  metricsToken?: string
  /** Told of each request that was answered; `path` is one of few */
  onRequest?: (path: string, status: number) => void
  /** Decides on each connection before anything of it is read; upgraded ones keep their places @default all are taken, up to 8_192 */
  admission?: AdmittedSockets
  /** A connection that has not sent a whole head by then is closed, ms @default 10_000 */
  headersTimeoutMs?: number
}

/** The port once it is open. */
export interface HttpPort {
  /** `http://HOST:PORT` */
  readonly url: string
  /** Opens no more connections and ends those that wait; upgraded sockets are their owner's */
  stop (): Promise<void>
}

const MAX_HEADER_BYTES = 8_192
const MAX_HEADERS = 64
const MAX_CONNECTIONS = 8_192
const REQUEST_TIMEOUT_MS = 10_000
/** Above the 60 s of usual proxies, which otherwise use a connection as it closes. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000
const SLOW_CHECK_MS = 500
/** Scrapes at once; each collects all figures. */
const MAX_SCRAPES = 4
const JSON_TYPE = 'application/json'

/** @throws {SeedListenError} */
export async function openHttpPort (init: HttpPortInit): Promise<HttpPort> {
  const port = new SeedHttpPort(init)
  await port.listen()
  return port
}

class SeedHttpPort implements HttpPort {
  private readonly init: HttpPortInit
  private readonly server: Server
  private readonly upgrades: Map<string, UpgradeTarget>
  private boundPort: number
  private scrapes = 0

  constructor (init: HttpPortInit) {
    this.init = init
    this.boundPort = init.endpoint.port
    this.upgrades = new Map(Object.entries(init.upgrades ?? {}))
    this.server = createServer({
      keepAlive: true,
      noDelay: true,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      headersTimeout: init.headersTimeoutMs ?? 10_000,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: SLOW_CHECK_MS,
      maxHeaderSize: MAX_HEADER_BYTES
    }, (request, response) => { void this.onRequest(request, response) })
    this.server.maxHeadersCount = MAX_HEADERS
    this.server.maxConnections = MAX_CONNECTIONS
    init.admission?.guard(this.server, 'http')
    this.server.on('upgrade', (request, socket, head) => { this.onUpgrade(request, socket, head) })
  }

  get url (): string {
    const { host } = this.init.endpoint
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.boundPort}`
  }

  async listen (): Promise<void> {
    const { host, port } = this.init.endpoint
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (error: NodeJS.ErrnoException) => {
        reject(new SeedListenError(error.code ?? 'unknown', this.url.slice('http://'.length), this.init.option ?? '--http', { cause: error }))
      })
      this.server.listen(port, host, resolve)
    })
    this.boundPort = (this.server.address() as AddressInfo).port
  }

  async stop (): Promise<void> {
    const closed = new Promise(resolve => { this.server.close(resolve) })
    this.server.closeAllConnections()
    await closed
  }

  private async onRequest (request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.init.admission?.onRequest(request.socket)
    const path = pathOf(request)
    const known = path === '/metrics' || path === '/health' || path === '/ready' || this.upgrades.has(path)
    response.on('error', () => {}) // the client went away
    response.once('finish', () => { this.init.onRequest?.(known ? path : 'other', response.statusCode) })
    try {
      await this.answer(path, request, response)
    } catch (error) {
      if (!response.headersSent) {
        refuse(response, 500, (error as Error).message)
      } else {
        response.destroy()
      }
    }
  }

  private async answer (path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.upgrades.has(path)) {
      refuse(response, 426, `${path} is a WebSocket`, { upgrade: 'websocket', connection: 'Upgrade, close' })
    } else if (path !== '/metrics' && path !== '/health' && path !== '/ready') {
      refuse(response, 404, `There is ${['/metrics', '/health', '/ready', ...this.upgrades.keys()].join(', ')}`)
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      refuse(response, 405, `${path} takes GET`, { allow: 'GET, HEAD' })
    } else if (path === '/metrics') {
      await this.scrape(request, response)
    } else {
      const { ok, body } = path === '/health' ? this.init.health() : this.init.ready()
      send(response, ok ? 200 : 503, JSON_TYPE, `${JSON.stringify(body)}\n`)
    }
  }

  private async scrape (request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isToken(request.headers.authorization, this.init.metricsToken)) {
      refuse(response, 401, 'Send the metrics token as "Authorization: Bearer TOKEN"', { 'www-authenticate': 'Bearer' })
      return
    }
    if (this.scrapes >= MAX_SCRAPES) {
      refuse(response, 429, `${MAX_SCRAPES} scrapes are under way`, { 'retry-after': '1' })
      return
    }
    this.scrapes++
    try {
      send(response, 200, this.init.metrics.contentType, await this.init.metrics.metrics())
    } finally {
      this.scrapes--
    }
  }

  private onUpgrade (request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.init.admission?.onRequest(request.socket)
    const path = pathOf(request)
    const target = this.upgrades.get(path)
    socket.on('error', () => {}) // 'close' follows
    const ready = this.init.ready()
    const status = target == null ? '404 Not Found' : ready.ok ? undefined : '503 Service Unavailable'
    if (target == null || status != null) {
      this.init.onRequest?.(target == null ? 'other' : path, Number(status?.slice(0, 3)))
      socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
      return
    }
    this.init.onRequest?.(path, 101)
    target.handleUpgrade(request, socket, head)
  }
}

function pathOf (request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] as string
}

function refuse (response: ServerResponse, status: number, message: string, headers: Record<string, string> = {}): void {
  // what else the client sends is not read
  send(response, status, JSON_TYPE, `${JSON.stringify({ error: message })}\n`, { connection: 'close', ...headers })
}

function send (response: ServerResponse, status: number, type: string, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store', ...headers })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

/** Compared as digests, in a time that tells nothing about the token. */
function isToken (authorization: string | undefined, token: string | undefined): boolean {
  const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? ''
  return token == null || timingSafeEqual(digest(given), digest(token))
}

function digest (text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
