/** The HTTP port of a receiver or a sender: `/stats` for operators' tools, `/metrics` for Prometheus, `/health`. */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import type { ReceiverStats } from '../receiver/group-stats.ts'
import type { SenderStats } from '../sender/sender-stats.ts'

/** A `ReceiverService` or a `SenderService`. */
export interface StatsSource {
  stats: () => ReceiverStats | SenderStats
  metrics: () => Registry
}

export interface StatsPortInit {
  service: StatsSource
  /**
   * TCP port; 0 for a free one.
   *
   * @default 5080
   */
  port?: number
  /**
   * Address to listen at. Statistics tell the addresses of those who send: others than this machine need not know them.
   *
   * @default '127.0.0.1'
   */
  host?: string
}

/** The port of statistics could not be had: another program listens there, or the address is not one of this machine. */
export class StatsListenError extends Error {
  static override name = 'StatsListenError'
  override readonly name = 'StatsListenError'
  readonly host: string
  readonly port: number

  constructor (host: string, port: number, options: ErrorOptions) {
    super(`TCP port ${port} of ${host} cannot be listened at for statistics: choose another`, options)
    this.host = host
    this.port = port
  }
}

const DEFAULT_PORT = 5_080
const MAX_CONNECTIONS = 64
const TIMEOUT_MS = 10_000
const JSON_TYPE = 'application/json'

export class StatsPort {
  private readonly service: StatsSource
  private readonly metrics: Registry
  private readonly server: Server

  private constructor ({ service }: StatsPortInit) {
    this.service = service
    this.metrics = service.metrics()
    this.server = createServer({ headersTimeout: TIMEOUT_MS, requestTimeout: TIMEOUT_MS, maxHeaderSize: 8_192 }, (request, response) => {
      void this.answer(request, response)
    })
    this.server.maxConnections = MAX_CONNECTIONS
  }

  /** @throws {StatsListenError} */
  static async open (init: StatsPortInit): Promise<StatsPort> {
    const { host = '127.0.0.1', port = DEFAULT_PORT } = init
    const stats = new StatsPort(init)
    await new Promise<void>((resolve, reject) => {
      stats.server.once('error', cause => { reject(new StatsListenError(host, port, { cause })) })
      stats.server.listen(port, host, resolve)
    })
    return stats
  }

  /** `http://HOST:PORT` */
  get url (): string {
    const { address, port } = this.server.address() as AddressInfo
    return `http://${address.includes(':') ? `[${address}]` : address}:${port}`
  }

  async close (): Promise<void> {
    const closed = new Promise(resolve => { this.server.close(resolve) })
    this.server.closeAllConnections()
    await closed
  }

  private async answer (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?', 1)[0]
    response.on('error', () => {}) // the client went away
    try {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        send(response, 405, JSON_TYPE, `${JSON.stringify({ error: 'Only GET is known here' })}\n`)
      } else if (path === '/stats' || path === '/') {
        send(response, 200, JSON_TYPE, `${JSON.stringify(this.service.stats())}\n`)
      } else if (path === '/metrics') {
        send(response, 200, this.metrics.contentType, await this.metrics.metrics())
      } else if (path === '/health') {
        send(response, 200, JSON_TYPE, `${JSON.stringify({ status: 'ok' })}\n`)
      } else {
        send(response, 404, JSON_TYPE, `${JSON.stringify({ error: 'There is /stats, /metrics and /health' })}\n`)
      }
    } catch (error) {
      send(response, 500, JSON_TYPE, `${JSON.stringify({ error: (error as Error).message })}\n`)
    }
  }
}

function send (response: ServerResponse, status: number, type: string, body: string): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store' })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
