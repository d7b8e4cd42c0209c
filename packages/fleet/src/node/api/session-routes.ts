/** Sessions over HTTP: start or get, watch the steps, renew, stop; and the figures of the stream. */
import { deadline, sleep } from '@skein/core'
import { Type } from 'typebox'
import { UnknownRelayError } from '../../provision/provisioner.ts'
import { MoveRefusedError } from '../../session/move-rules.ts'
import { SessionLimitError, SessionOverError, UnknownProviderError, UnknownSessionError } from '../../session/session-error.ts'
import { HttpFailure } from '../http/http-failure.ts'
import { SECURED } from './api-parts.ts'
import { Failure, IdPath, MoveBody, Session, Sessions, StartBody, StreamFigures } from './api-schemas.ts'
import type { Static } from 'typebox'
import type { SessionRecord } from '../../store/session-record.ts'
import type { HttpServer } from '../http/http-server.ts'
import type { ApiParts } from './api-parts.ts'

/** The store is asked this often for those who follow the steps: another control plane may be at work. */
const FOLLOW_MS = 100
/** Longer than any provisioning takes that still comes to something. */
const FOLLOW_LIMIT_MS = 60_000
const MAX_FOLLOWERS = 1_000
/** Each follower is a question to the store ten times a second. */
const MAX_FOLLOWERS_OF_USER = 10

export function sessionRoutes (server: HttpServer, parts: ApiParts): void {
  const { store, keeper, names, time, clock, statistics, user, stopping } = parts
  const tags = ['sessions']
  let followers = 0
  const followersOf = new Map<string, number>()

  server.post('/v1/sessions', {
    schema: {
      tags, security: SECURED, summary: 'Start a session, or get the one of the slot', body: StartBody,
      response: { 200: Session, '4xx': Failure }
    }
  }, async request => {
    const userId = await user(request)
    if ((request.body.provider === 'own') !== (request.body.relayId !== undefined)) {
      throw new HttpFailure(400, 'bad_request', 'relayId goes with provider "own", and with no other', { field: 'relayId' })
    }
    return view(await failing(keeper.start({ ...request.body, userId })))
  })

  server.get('/v1/sessions', {
    schema: { tags, security: SECURED, summary: 'Your sessions that are not over', response: { 200: Sessions, '4xx': Failure } }
  }, async request => {
    const userId = await user(request)
    const sessions = await store.sessions({ userId, states: ['provisioning', 'active'], limit: 1_000 })
    return { sessions: sessions.map(view) }
  })

  server.get('/v1/sessions/:id', {
    schema: { tags, security: SECURED, summary: 'A session, with its steps', params: IdPath, response: { 200: Session, '4xx': Failure } }
  }, async request => view(await own(request.params.id, await user(request))))

  server.get('/v1/sessions/:id/progress', {
    schema: {
      tags, security: SECURED, summary: 'The session each time that it changes, until it is provisioned or over (server-sent events)', params: IdPath,
      response: { '4xx': Failure }
    }
  }, async (request, reply) => {
    const userId = await user(request)
    const first = await own(request.params.id, userId)
    const followed = followersOf.get(userId) ?? 0
    if (followers >= MAX_FOLLOWERS || followed >= MAX_FOLLOWERS_OF_USER) {
      throw new HttpFailure(429, 'too_many_requests', 'Too many follow their sessions here now: poll the session instead',
        { field: 'path.id', retryAfterSeconds: 1 })
    }
    followers++
    followersOf.set(userId, followed + 1)
    const gone = new AbortController()
    reply.raw.once('close', () => { gone.abort() })
    const limit = deadline(clock, FOLLOW_LIMIT_MS, [gone.signal, stopping])
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-request-id': request.id })
    try {
      for (let session: SessionRecord | undefined = first, version = 0; session !== undefined; session = await store.session(first.id)) {
        if (session.version !== version) {
          version = session.version
          reply.raw.write(`data: ${JSON.stringify(view(session))}\n\n`)
        }
        if (session.state !== 'provisioning') {
          break
        }
        await sleep(clock, FOLLOW_MS, { signal: limit.signal })
      }
    } catch {
      // gone, or at its limit: who still follows asks again
    } finally {
      followers--
      const left = (followersOf.get(userId) as number) - 1
      if (left === 0) {
        followersOf.delete(userId)
      } else {
        followersOf.set(userId, left)
      }
      limit.clear()
      reply.raw.end()
    }
  })

  server.post('/v1/sessions/:id/heartbeat', {
    schema: { tags, security: SECURED, summary: 'Renew the lease of a session', params: IdPath, response: { 200: Session, '4xx': Failure } }
  }, async request => {
    return view(await failing(keeper.renew(await own(request.params.id, await user(request)))))
  })

  server.post('/v1/sessions/:id/move', {
    schema: {
      tags, security: SECURED, summary: 'Move a session to another region while its stream goes on', params: IdPath, body: MoveBody,
      response: { 200: Session, '4xx': Failure }
    }
  }, async request => view(await failing(keeper.startMove(await own(request.params.id, await user(request)), request.body.region))))

  server.delete('/v1/sessions/:id', {
    schema: {
      tags, security: SECURED, summary: 'Stop a session; harmless when it is over', params: IdPath, response: { 204: Type.Null(), '4xx': Failure }
    }
  }, async (request, reply) => {
    await failing(keeper.stop(await own(request.params.id, await user(request))))
    return await reply.code(204).send(null)
  })

  server.get('/v1/sessions/:id/statistics', {
    schema: {
      tags, security: SECURED, summary: 'The stream of a session, and its links', params: IdPath, response: { 200: StreamFigures, '4xx': Failure }
    }
  }, async request => {
    const session = await own(request.params.id, await user(request))
    const node = session.place && await store.node(session.place.instanceId)
    const stream = node?.manageUrl === undefined
      ? undefined
      : (await statistics(node).catch(() => undefined))?.streams.find(({ sessionId }) => session.provider === 'own' || sessionId === session.id)
    if (node === undefined || stream === undefined) {
      throw new HttpFailure(409, 'no_statistics', 'The relay of this session has no figures of it now', { field: 'path.id' })
    }
    return { ...stream, instanceId: node.id }
  })

  async function own (id: string, userId: string): Promise<SessionRecord> {
    const session = await store.session(id)
    if (session === undefined || session.userId !== userId) {
      throw asFailure(new UnknownSessionError(id))
    }
    return session
  }

  function view (session: SessionRecord): Static<typeof Session> {
    const { id, slot, name, provider, state, steps, place, streamToken, move, moveFailure, endReason, failure, createdMs, leaseUntilMs } = session
    return {
      id,
      slot,
      name,
      hostname: names.zone === undefined ? undefined : `${name}.${names.zone}`,
      provider,
      state,
      steps,
      place,
      publishId: `live_${streamToken}`,
      playId: `play_${streamToken}`,
      leaseRemainingMs: Math.max(0, leaseUntilMs - time.nowMs()),
      heartbeatMs: keeper.times.heartbeatMs,
      move,
      moveFailure,
      endReason,
      failure,
      createdMs
    }
  }
}

async function failing<T> (work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw asFailure(error as Error)
  }
}

function asFailure (error: Error): Error {
  if (error instanceof UnknownSessionError) {
    return new HttpFailure(404, 'unknown_session', error.message, { field: 'path.id' })
  }
  if (error instanceof SessionOverError) {
    return new HttpFailure(410, 'session_over', error.message, { field: 'path.id' })
  }
  if (error instanceof MoveRefusedError) {
    return new HttpFailure(409, `move_${error.reason}`, error.message, {
      field: error.reason === 'same_region' ? 'region' : 'path.id',
      retryAfterSeconds: error.retryAfterMs === undefined ? undefined : error.retryAfterMs / 1_000
    })
  }
  if (error instanceof SessionLimitError) {
    return new HttpFailure(409, 'session_limit', error.message, { field: 'slot' })
  }
  if (error instanceof UnknownProviderError) {
    return new HttpFailure(400, 'unknown_provider', error.message, { field: 'provider' })
  }
  return error instanceof UnknownRelayError ? new HttpFailure(400, 'unknown_relay', error.message, { field: 'relayId' }) : error
}
