/** What the HTTP servers of the fleet have in common: bounds, request ids, failures in one shape. */
import { randomUUID } from 'node:crypto'
import { fastify } from 'fastify'
import { callersFault, HttpFailure } from './http-failure.ts'
import type {
  FastifyBaseLogger, FastifyError, FastifyInstance, FastifyTypeProvider, RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerDefault
} from 'fastify'
import type { Static, TSchema } from 'typebox'
import type { FailureBody } from './http-failure.ts'

/** What a schema lets through is what a handler gets. */
interface SchemaTypes extends FastifyTypeProvider {
  validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown
  serializer: this['schema'] extends TSchema ? Static<this['schema']> : unknown
}

export type HttpServer = FastifyInstance<
  RawServerDefault, RawRequestDefaultExpression, RawReplyDefaultExpression, FastifyBaseLogger, SchemaTypes>

/** Where an HTTP server of the fleet listens. */
export interface HttpAddress {
  /** @default '127.0.0.1' */
  host?: string
  /** 0 for any free one */
  port: number
}

/** The server could not be opened. */
export class FleetListenError extends Error {
  static override name = 'FleetListenError'
  override readonly name = 'FleetListenError'
  readonly host: string
  readonly port: number

  constructor (host: string, port: number, cause: Error & { code?: string }) {
    const why = cause.code === 'EADDRINUSE'
      ? 'something listens there already'
      : cause.code === 'EACCES' ? 'ports below 1024 are for the administrator' : cause.message
    super(`Cannot listen on ${host}, port ${port}: ${why}. Choose another port, or 0 for any free one`, { cause })
    this.host = host
    this.port = port
  }
}

const MAX_BODY_BYTES = 64 * 1024
const MAX_HEADER_BYTES = 16 * 1024
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 15_000
/** Above the 60 s of usual proxies, which otherwise use a connection as it closes. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000
const MAX_CONNECTIONS = 8_192
const MAX_PARAM_LENGTH = 200

export interface HttpServerInit {
  /** Told of what is this server's own fault; the caller is told nothing but that */
  onProblem: (error: Error, requestId: string) => void
  /** Addresses, or networks as `192.0.2.0/24`, of proxies in front, whose word on who asks is believed (X-Forwarded-For) @default none */
  proxies?: string[]
}

export function httpServer ({ onProblem, proxies = [] }: HttpServerInit): HttpServer {
  const server = fastify({
    trustProxy: proxies.length === 0 ? false : proxies,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: true,
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS },
    // what is wrong is said, not mended: "5" is no number, and an unknown field is a mistake
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: true, allErrors: false } }
  }).withTypeProvider<SchemaTypes>()
  server.server.maxConnections = MAX_CONNECTIONS

  server.addHook('onRequest', async (request, reply) => { reply.header('x-request-id', request.id) })
  server.setNotFoundHandler(async (request, reply) => {
    const failure = new HttpFailure(404, 'not_found', `There is no ${request.method} ${request.url.slice(0, 200)}`)
    return await reply.code(404).send(failureBody(failure, request.id))
  })
  server.setErrorHandler(async (error: FastifyError, request, reply) => {
    const fault = callersFault(error)
    if (fault === undefined) {
      onProblem(error, request.id)
      return await reply.code(500).send(failureBody(new HttpFailure(500, 'internal', 'Something is wrong here; it has been noted'), request.id))
    }
    if (fault.retryAfterSeconds !== undefined) {
      reply.header('retry-after', String(Math.max(1, Math.ceil(fault.retryAfterSeconds))))
    }
    return await reply.code(fault.status).send(failureBody(fault, request.id))
  })
  return server
}

/** @returns its URL @throws {FleetListenError} */
export async function listen (server: HttpServer, { host = '127.0.0.1', port }: HttpAddress): Promise<string> {
  try {
    return await server.listen({ host, port })
  } catch (error) {
    throw new FleetListenError(host, port, error as Error)
  }
}

function failureBody ({ code, message, field }: HttpFailure, requestId: string): FailureBody {
  return { error: { code, message, ...field === undefined ? {} : { field }, requestId } }
}
