/** A model that devices at this seed serve, as a backend of the seed's peer: each request is relayed to one of them in a session of its own. */
import { BoundedMap } from '@skein/core'
import { eventsOfChunk, headOf, InferenceError } from '@skein/inference'
import { meshFailure } from './device-failure.ts'
import { SESSION_PROTOCOL_VERSION } from './session-message.ts'
import type { DevicePort } from './device-port.ts'
import type { DeviceEntry } from './device-table.ts'
import type { RelaySession } from './relay-session.ts'
import type { Clock } from '@skein/core'
import type { Backend, BackendModel, BackendOptions, InferenceEvent, InferenceRequest, JsonObject } from '@skein/inference'

export interface DeviceCallsInit {
  port: DevicePort
  clock: Clock
  /** A new session with a device, not yet opened @throws {InferenceError} `busy` when there are too many */
  session: (device: DeviceEntry) => RelaySession
  /** A name for a request that no other has */
  requestID: () => string
  /** What the seed says of itself in `hello` */
  deviceInfo: () => JsonObject
  /** The device that a request comes from: it is not asked what it asks */
  askerOf: (request: InferenceRequest) => string | undefined
}

/** From opening to `relayReady`, and from `hello` to `helloAck`, ms. */
const READY_TIMEOUT_MS = 5_000
/** Between two chunks, ms: prompts of a large context take their time on a small device. */
const CHUNK_TIMEOUT_MS = 120_000
/** Devices tried for one request; the caller's own failover goes on from there. */
const MAX_DEVICES_TRIED = 3
/** A device that could not be reached is left alone for this time, ms. */
const COOL_DOWN_MS = 30_000
const MAX_COOLING = 4_096

/** The calls to all devices: who is busy with how many, who has failed lately. */
export class DeviceCalls {
  private readonly init: DeviceCallsInit
  private readonly active = new Map<string, number>()
  private readonly coolUntilMs = new BoundedMap<string, number>({ maxSize: MAX_COOLING })

  constructor (init: DeviceCallsInit) {
    this.init = init
  }

  /** The backend of one model. */
  backend (model: string): Backend {
    return {
      models: async () => this.describe(model),
      infer: (request, options) => this.infer(request, options)
    }
  }

  private describe (id: string): BackendModel[] {
    const devices = this.available(id)
    if (devices.length === 0) {
      return []
    }
    const contexts = devices.flatMap(({ capabilities }) => capabilities.effectiveContext ?? 0)
    return [{
      id,
      tasks: ['chat'],
      // any of them may get the request
      contextTokens: contexts.includes(0) ? 0 : Math.min(...contexts),
      deterministic: false,
      maxConcurrent: devices.reduce((sum, device) => sum + placesOf(device), 0)
    }]
  }

  private async * infer (request: InferenceRequest, options: BackendOptions): AsyncGenerator<InferenceEvent, void, undefined> {
    if (request.task !== 'chat') {
      throw new InferenceError('invalid_request', 'Devices answer chat requests only')
    }
    const tried = new Set<string>()
    const asker = this.init.askerOf(request)
    if (asker != null) {
      tried.add(asker)
    }
    for (let last: unknown; ;) {
      const device = tried.size > MAX_DEVICES_TRIED ? undefined : this.choose(request.model, tried)
      if (device == null) {
        throw last ?? this.nobody(request.model, asker)
      }
      tried.add(device.nodeID.toLowerCase())
      let begun = false
      try {
        for await (const event of this.ask(device, request, options.signal)) {
          begun = true
          yield event
        }
        return
      } catch (error) {
        last = this.onFailure(device, error, options.signal)
        if (begun || options.signal.aborted || !(last as InferenceError).retryable) {
          throw last
        }
      }
    }
  }

  private async * ask (device: DeviceEntry, request: InferenceRequest, signal: AbortSignal): AsyncGenerator<InferenceEvent, void, undefined> {
    const key = device.nodeID.toLowerCase()
    const session = this.init.session(device)
    const requestID = this.init.requestID()
    this.active.set(key, (this.active.get(key) ?? 0) + 1)
    try {
      await this.greet(session, signal)
      await session.say('inferenceRequest', {
        requestID,
        request: { ...request.body, model: request.model, messages: messagesOf(request.body), stream: true },
        streaming: true
      })
      yield * answerOf(session, requestID, signal)
    } finally {
      // also what tells a device to stop when the caller has gone
      session.close()
      const left = (this.active.get(key) ?? 1) - 1
      if (left > 0) {
        this.active.set(key, left)
      } else {
        this.active.delete(key)
      }
    }
  }

  private async greet (session: RelaySession, signal: AbortSignal): Promise<void> {
    session.signalTo('relayOpen')
    await session.next(READY_TIMEOUT_MS, signal)
    await session.say('hello', { deviceInfo: this.init.deviceInfo(), protocolVersion: SESSION_PROTOCOL_VERSION, loadedModels: [] })
    for (;;) {
      const message = await session.next(READY_TIMEOUT_MS, signal)
      if (message !== 'ready' && message.kind === 'helloAck') {
        return
      }
    }
  }

  private onFailure (device: DeviceEntry, error: unknown, signal: AbortSignal): InferenceError {
    if (signal.aborted) {
      return new InferenceError('cancelled', 'The request was cancelled', { cause: signal.reason })
    }
    const failure = error instanceof InferenceError ? error : new InferenceError('backend_failed', 'The device failed', { cause: error })
    if (failure.code === 'connection_failed') {
      this.coolUntilMs.set(device.nodeID.toLowerCase(), this.init.clock.nowMs() + COOL_DOWN_MS)
    }
    return failure
  }

  /** The least busy device for a model, counted in its own places. */
  private choose (model: string, tried: Set<string>): DeviceEntry | undefined {
    let best: DeviceEntry | undefined
    let bestLoad = 1
    for (const device of this.available(model)) {
      const key = device.nodeID.toLowerCase()
      const load = (this.active.get(key) ?? 0) / placesOf(device)
      if (!tried.has(key) && load < bestLoad) {
        best = device
        bestLoad = load
      }
    }
    return best
  }

  private nobody (model: string, asker: string | undefined): InferenceError {
    return this.available(model).some(({ nodeID }) => nodeID.toLowerCase() !== asker)
      ? new InferenceError('busy', `All devices that have ${model} are busy`, { retryAfterMs: 1_000 })
      : new InferenceError('model_not_found', `No other device has ${model} now`)
  }

  private available (model: string): DeviceEntry[] {
    const nowMs = this.init.clock.nowMs()
    return [...this.init.port.devicesWith(model)].filter(({ nodeID, capabilities }) =>
      capabilities.isAvailable && placesOf({ capabilities }) > 0 && (this.coolUntilMs.get(nodeID.toLowerCase()) ?? 0) <= nowMs)
  }
}

async function * answerOf (session: RelaySession, requestID: string, signal: AbortSignal): AsyncGenerator<InferenceEvent, void, undefined> {
  let headGiven = false
  let finished = false
  for (;;) {
    const message = await session.next(CHUNK_TIMEOUT_MS, signal)
    if (message === 'ready' || !('requestID' in message.payload) || message.payload.requestID !== requestID) {
      continue
    }
    if (message.kind === 'inferenceError') {
      throw meshFailure(message.payload)
    }
    if (message.kind === 'inferenceComplete') {
      if (!finished) {
        yield { type: 'finish', reason: 'stop' }
      }
      return
    }
    if (message.kind === 'inferenceChunk') {
      const chunk = message.payload.chunk as JsonObject
      if (!headGiven) {
        headGiven = true
        yield { type: 'head', head: headOf(chunk) }
      }
      for (const event of eventsOfChunk('chat', chunk)) {
        // one finish and one usage are all that an answer may have
        if (!(event.type === 'finish' && finished)) {
          yield event
        }
        finished ||= event.type === 'finish'
      }
    }
  }
}

function messagesOf (body: JsonObject): unknown[] {
  if (!Array.isArray(body.messages)) {
    throw new InferenceError('invalid_request', 'A chat request needs messages')
  }
  return body.messages
}

function placesOf ({ capabilities }: Pick<DeviceEntry, 'capabilities'>): number {
  return capabilities.maxConcurrentRequests ?? 1
}
