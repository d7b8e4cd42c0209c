/** An HTTP port that answers with JSON, with bounds on all that a client sends. */
import { createServer } from 'node:http'
import { JsonRefusal, refusalAnswer } from '../http/json-exchange.ts'
import { MediaListenError } from './listen-error.ts'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JsonAnswer, JsonHandler } from '../http/json-exchange.ts'

export interface JsonPortInit {
  host: string
  /** 0 takes any free one */
  port: number
  /** What the port is for, in errors */
  purpose: string
  handler: JsonHandler
  /** Largest body, bytes @default 16_384 */
  maxBodyBytes?: number
  /** Pages of any origin may read the answers @default false */
  isPublic?: boolean
}

export interface JsonPort {
  /** `http://HOST:PORT` */
  readonly url: string
  readonly port: number
  stop: () => Promise<void>
}

const MAX_HEADER_BYTES = 8_192
const MAX_HEADERS = 64
const MAX_CONNECTIONS = 256
const REQUEST_TIMEOUT_MS = 10_000
/** Above the 60 s of usual proxies, which otherwise use a connection as it closes. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000
const SLOW_CHECK_MS = 500

/** @throws {MediaListenError} when the port cannot be opened */
export async function openJsonPort (init: JsonPortInit): Promise<JsonPort> {
  const { host, purpose } = init
  const server = createServer({
    keepAlive: true,
    noDelay: true,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    headersTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: SLOW_CHECK_MS,
    maxHeaderSize: MAX_HEADER_BYTES
  }, (request, response) => { void onRequest(init, request, response) })
  server.maxHeadersCount = MAX_HEADERS
  server.maxConnections = MAX_CONNECTIONS
  await listen(server, init, purpose)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    stop: async () => {
      const closed = new Promise(resolve => { server.close(resolve) })
      server.closeAllConnections()
      await closed
    }
  }
}

async function listen (server: Server, { host, port }: JsonPortInit, purpose: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new MediaListenError(error.code ?? 'unknown', host, port, purpose, { cause: error }))
    })
    server.listen(port, host, resolve)
  })
}

async function onRequest (init: JsonPortInit, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.on('error', () => {}) // the client went away
  const answer = await answerOf(init, request)
  if (response.headersSent || response.destroyed) {
    return
  }
  const text = answer.textType === undefined ? JSON.stringify(answer.body) : String(answer.body)
  response.writeHead(answer.status, {
    'content-type': answer.textType ?? 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...init.isPublic === true && { 'access-control-allow-origin': '*' },
    // what else the client sends is not read
    ...!request.complete && { connection: 'close' },
    ...answer.headers
  })
  response.end(request.method === 'HEAD' ? undefined : text)
}

async function answerOf (init: JsonPortInit, request: IncomingMessage): Promise<JsonAnswer> {
  const [path, query] = (request.url ?? '/').split('?', 2) as [string, string | undefined]
  try {
    return await init.handler({
      method: request.method ?? 'GET',
      path,
      query: new URLSearchParams(query),
      authorization: request.headers.authorization,
      body: async () => await readBody(request, init.maxBodyBytes ?? 16_384)
    })
  } catch (error) {
    return refusalAnswer(error instanceof JsonRefusal ? error : new JsonRefusal(500, (error as Error).message))
  }
}

async function readBody (request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = new JsonRefusal(413, `The body is larger than ${maxBytes} bytes`)
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
    throw tooLarge
  }
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes) {
        request.pause()
        reject(tooLarge)
      } else {
        chunks.push(chunk)
      }
    })
    request.on('end', () => { resolve(Buffer.concat(chunks)) })
    request.on('error', reject)
    request.on('close', () => { reject(new JsonRefusal(400, 'The request ended before its body did')) })
  })
}
