/** A session that a device opened with the seed: its requests go to the mesh, the answers come back in chunks. */
import { InferenceError } from '@skein/inference'
import { AnswerChunks, WholeAnswer } from './answer-chunks.ts'
import { deviceFailure } from './device-failure.ts'
import { SESSION_PROTOCOL_VERSION } from './session-message.ts'
import { dateOf } from './tagged-message.ts'
import type { AnswerChunksInit } from './answer-chunks.ts'
import type { RelaySession } from './relay-session.ts'
import type { SessionPayload } from './session-message.ts'
import type { Clock } from '@skein/core'
import type { InferenceEvent, InferenceRequest, JsonObject } from '@skein/inference'

export interface MeshSessionInit {
  session: RelaySession
  clock: Clock
  call: (request: InferenceRequest, options: { signal: AbortSignal }) => AsyncIterable<InferenceEvent>
  /** Told of each request before it is made */
  onRequest: (request: InferenceRequest) => void
  /** A place for one more request, to be given back; `undefined` when all are taken */
  takePlace: () => (() => void) | undefined
  deviceInfo: () => JsonObject
  deviceID: string
  models: () => string[]
  active: () => number
}

/** Longer than the idle time of a session, which its owner ends. */
const MESSAGE_TIMEOUT_MS = 24 * 60 * 60 * 1000

/** Serves a session until it ends; does not throw. */
export async function serveMesh (init: MeshSessionInit): Promise<void> {
  const { session } = init
  const underWay = new Set<string>()
  try {
    for (;;) {
      const message = await session.next(MESSAGE_TIMEOUT_MS)
      if (message === 'ready') {
        continue
      }
      if (message.kind === 'hello') {
        const greeting = { deviceInfo: init.deviceInfo(), protocolVersion: SESSION_PROTOCOL_VERSION, loadedModels: init.models() }
        await session.say('helloAck', greeting)
      } else if (message.kind === 'heartbeat') {
        await session.say('heartbeatAck', beat(init))
      } else if (message.kind === 'inferenceRequest') {
        const { requestID } = message.payload
        if (underWay.has(requestID)) {
          await session.say('inferenceError', deviceFailure(requestID, new InferenceError('invalid_request', 'This requestID is under way')))
          continue
        }
        underWay.add(requestID)
        void answer(init, message.payload).finally(() => { underWay.delete(requestID) })
      }
      // answers belong to requests, of which the seed makes none here
    }
  } catch {
    session.close() // it has ended, or the device does not read
  }
}

function beat (init: MeshSessionInit): SessionPayload<'heartbeatAck'> {
  return {
    deviceID: init.deviceID,
    timestamp: dateOf(init.clock.nowMs()),
    thermalLevel: 'nominal',
    throttleLevel: 0,
    loadedModels: init.models(),
    isGenerating: init.active() > 0,
    queueDepth: init.active()
  }
}

async function answer (init: MeshSessionInit, payload: SessionPayload<'inferenceRequest'>): Promise<void> {
  const { session } = init
  const { requestID, request: body, streaming } = payload
  const leave = init.takePlace()
  try {
    if (leave == null) {
      throw new InferenceError('busy', 'All places for requests of devices are taken', { retryAfterMs: 1_000 })
    }
    const request: InferenceRequest = { task: 'chat', model: body.model, body: { ...body, stream: true } as JsonObject }
    const form: AnswerChunksInit = { model: body.model, id: `chatcmpl-${requestID}`, createdSeconds: Math.floor(init.clock.nowMs() / 1000) }
    init.onRequest(request)
    const events = init.call(request, { signal: session.signal })
    if (streaming) {
      await stream(session, requestID, events, new AnswerChunks(form))
    } else {
      await session.say('inferenceChunk', { requestID, chunk: await whole(events, form) as SessionPayload<'inferenceChunk'>['chunk'] })
    }
    await session.say('inferenceComplete', { requestID })
  } catch (error) {
    await session.say('inferenceError', deviceFailure(requestID, error)).catch(() => {}) // gone: nobody is left to be told
  } finally {
    leave?.()
  }
}

async function stream (session: RelaySession, requestID: string, events: AsyncIterable<InferenceEvent>, chunks: AnswerChunks): Promise<void> {
  const say = async (chunk: JsonObject | undefined): Promise<void> => {
    if (chunk != null) {
      await session.say('inferenceChunk', { requestID, chunk: chunk as SessionPayload<'inferenceChunk'>['chunk'] })
    }
  }
  for await (const event of events) {
    await say(chunks.push(event))
  }
  await say(chunks.end())
}

async function whole (events: AsyncIterable<InferenceEvent>, form: AnswerChunksInit): Promise<JsonObject> {
  const answer = new WholeAnswer()
  for await (const event of events) {
    if (!answer.push(event)) {
      throw new InferenceError('oversize', 'The answer is too long for one message: ask with streaming')
    }
  }
  return answer.chunk(form)
}
