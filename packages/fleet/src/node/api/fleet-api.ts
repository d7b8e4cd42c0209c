/** The API of the fleet over HTTP, with the OpenAPI document that it serves of itself. */
import swagger from '@fastify/swagger'
import { Type } from 'typebox'
import { HttpFailure } from '../http/http-failure.ts'
import { httpServer } from '../http/http-server.ts'
import { nodeRoutes } from './node-routes.ts'
import { sessionRoutes } from './session-routes.ts'
import { slotRoutes } from './slot-routes.ts'
import { fleetMetrics } from './fleet-metrics.ts'
import { Failure } from './api-schemas.ts'
import { SECURED } from './api-parts.ts'
import type { HttpServer } from '../http/http-server.ts'
import type { ApiGuard } from './api-guard.ts'
import type { ApiParts } from './api-parts.ts'

export interface FleetApiInit extends Omit<ApiParts, 'admit' | 'user'> {
  guard: ApiGuard
  onProblem: (error: Error, requestId: string) => void
  /** In front of it @default none */
  proxies?: string[]
}

/** However many ask whether it is ready, without a key, the store is asked once in this. */
const READY_MS = 1_000

export async function fleetApi ({ guard, onProblem, proxies, ...init }: FleetApiInit): Promise<HttpServer> {
  const server = httpServer({ onProblem, proxies })
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Skein relay fleet',
        version: '1',
        description: 'Relays that are always ready behind one name. Errors have one shape, and name the field.'
      },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'skf_ID_SECRET' } } }
    }
  })
  const parts: ApiParts = {
    ...init,
    admit: async (request, scope) => await guard.admit(request.headers.authorization, request.ip, scope),
    user: async request => {
      const { userId } = await guard.admit(request.headers.authorization, request.ip, 'sessions')
      if (userId === undefined) {
        throw new HttpFailure(403, 'forbidden', 'This key is no user\'s', { field: 'header.authorization' })
      }
      return userId
    }
  }

  sessionRoutes(server, parts)
  slotRoutes(server, parts)
  nodeRoutes(server, parts)

  const Status = Type.Object({ status: Type.String() })
  server.get('/health', { schema: { tags: ['operation'], summary: 'The process works', response: { 200: Status } } }, async () => ({ status: 'ok' }))
  let ready: { atMs: number, answer: Promise<unknown> } | undefined
  server.get('/ready', {
    schema: { tags: ['operation'], summary: 'The store answers', response: { 200: Status, 503: Failure } }
  }, async () => {
    if (ready === undefined || init.clock.nowMs() - ready.atMs >= READY_MS) {
      ready = { atMs: init.clock.nowMs(), answer: init.store.nowMs() }
    }
    await ready.answer.catch(() => { throw new HttpFailure(503, 'not_ready', 'The store does not answer') })
    return { status: 'ready' }
  })
  server.get('/metrics', {
    schema: { tags: ['operation'], security: SECURED, summary: 'Figures for Prometheus', response: { 200: Type.String(), '4xx': Failure } }
  }, async (request, reply) => {
    await parts.admit(request, 'metrics')
    const { text, contentType } = await fleetMetrics(init)
    return await reply.type(contentType).send(text)
  })
  server.get('/openapi.json', { schema: { hide: true } }, async () => server.swagger())
  return server
}
