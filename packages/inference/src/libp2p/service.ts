/** The inference service of a libp2p node: answers requests with its backends, and asks other nodes. */
import { deadline, sleep } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { PROTOCOLS } from '@skein/records'
import { Admission } from '../admission.ts'
import { ModelTable } from '../model-table.ts'
import { Libp2pCall } from './call.ts'
import { Responder } from './responder.ts'
import { SpareStreams } from './spare-streams.ts'
import { StreamOpenings } from './stream-openings.ts'
import { pathOf } from './stream-path.ts'
import type { AbortOptions, ComponentLogger, Connection, Logger, Startable, Stream } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { Clock, Random } from '@skein/core'
import type { AdmissionInit } from '../admission.ts'
import type { EndedCall } from '../call-record.ts'
import type { Backend, BackendModel, InferenceRequest } from '../backend.ts'
import type { ServedModel } from '../model-table.ts'
import type { CallContext, CallOptions, CallTarget, InferenceCall } from './call.ts'
import type { ResponderContext } from './responder.ts'
import type { PathOf } from './stream-path.ts'

export interface InferenceInit extends AdmissionInit {
  /**
   * Streams at once on one connection from the other side. Keep it above `maxConcurrentPerCaller`: below that a caller is told
   * BUSY, above this its stream is reset without a word.
   *
   * @default 128
   */
  maxInboundStreams?: number
  /**
   * Streams at once on one connection to the other side.
   *
   * @default 256
   */
  maxOutboundStreams?: number
  /**
   * Largest request, sent or taken, bytes. Images travel in chat bodies.
   *
   * @default 4_194_304
   */
  maxRequestBytes?: number
  /**
   * Deepest nesting of a request body.
   *
   * @default 32
   */
  maxBodyDepth?: number
  /**
   * Most bytes of requests that have not come whole yet, over all streams; above it they are told BUSY.
   *
   * @default 67_108_864
   */
  maxPendingBytes?: number
  /**
   * Time for a request to arrive on an open stream, ms.
   *
   * @default 10_000
   */
  requestTimeoutMs?: number
  /**
   * Time for which a caller may leave no room for more of its answer, ms; then its stream is reset.
   *
   * @default 60_000
   */
  stallTimeoutMs?: number
  /** Told of each request of another peer when it is over, before that one can know; must not throw */
  onServed?: (call: EndedCall) => void
  /** Told of each request to another peer that went out, when it is over; must not throw */
  onCalled?: (call: EndedCall) => void
  /** How a connection came about @default relayed or direct, by its address */
  pathOf?: PathOf
  /** @default the machine's clock */
  clock?: Clock
  /** @default the platform's cryptographic randomness */
  random?: Random
}

export interface InferenceComponents {
  registrar: Registrar
  connectionManager: ConnectionManager
  logger: ComponentLogger
}

export interface InferenceService {
  /** Requests being served now */
  readonly active: number
  /** Requests being served now for one model */
  activeOf (model: string): number
  /** Serves what the backend serves, at once */
  addBackend (backend: Backend): void
  /** No new requests for it; those under way go on. False when it was not there */
  removeBackend (backend: Backend): boolean
  /** Asks the backends what they serve now. One that cannot say is left out */
  models (options?: AbortOptions): Promise<BackendModel[]>
  /** Sends a request; never throws, the error comes out of the iteration */
  call (target: CallTarget, request: InferenceRequest, options?: CallOptions): InferenceCall
  /** Takes no new requests and resolves when those under way are done or `signal` fires */
  drain (options?: AbortOptions): Promise<void>
}

/** Time for the backends to say what they serve. */
const MODELS_TIMEOUT_MS = 5_000
/** A model that is not known is looked for at most so often, whoever asks. */
const LOOK_INTERVAL_MS = 1_000
const DRAIN_POLL_MS = 20

export function inference (init: InferenceInit = {}): (components: InferenceComponents) => InferenceService {
  return components => new Libp2pInference(init, components)
}

class Libp2pInference implements InferenceService, Startable {
  readonly [Symbol.toStringTag] = '@skein/inference'
  private readonly init: InferenceInit
  private readonly registrar: Registrar
  private readonly log: Logger
  private readonly clock: Clock
  private readonly admission: Admission
  private readonly table: ModelTable
  private readonly calling: CallContext
  private readonly answering: ResponderContext
  private started = false
  private draining = false
  private looking?: Promise<void>
  private lookedMs = -Infinity

  constructor (init: InferenceInit, components: InferenceComponents) {
    const { maxRequestBytes, maxBodyDepth, requestTimeoutMs, stallTimeoutMs, maxRequestMs } = init
    const clock = init.clock ?? systemClock()
    this.init = init
    this.registrar = components.registrar
    this.log = components.logger.forComponent('skein:inference')
    this.clock = clock
    this.admission = new Admission(init)
    this.table = new ModelTable({ onBackendError: error => { this.log.error('a backend cannot say what it serves - %e', error) } })
    this.calling = {
      clock,
      random: init.random ?? systemRandom(),
      connectionManager: components.connectionManager,
      maxOutboundStreams: init.maxOutboundStreams ?? 256,
      openings: new StreamOpenings(),
      spares: new SpareStreams(clock),
      calls: new Set(),
      onCalled: init.onCalled,
      pathOf: init.pathOf ?? pathOf,
      maxRequestBytes,
      maxBodyDepth
    }
    this.answering = {
      clock,
      log: this.log,
      admission: this.admission,
      resolve: async model => this.resolve(model),
      responders: new Set(),
      onServed: init.onServed,
      pathOf: init.pathOf ?? pathOf,
      pending: { bytes: 0, maxBytes: init.maxPendingBytes ?? 64 * 1024 * 1024 },
      maxRequestBytes,
      maxBodyDepth,
      requestTimeoutMs,
      stallTimeoutMs,
      maxRequestMs
    }
  }

  get active (): number {
    return this.admission.active
  }

  activeOf (model: string): number {
    return this.admission.activeOf(model)
  }

  isStarted (): boolean {
    return this.started
  }

  async start (): Promise<void> {
    this.draining = false
    this.calling.spares.start()
    await this.registrar.handle(PROTOCOLS.inference, this.onStream, {
      maxInboundStreams: this.init.maxInboundStreams ?? 128,
      maxOutboundStreams: this.calling.maxOutboundStreams,
      runOnLimitedConnection: true
    })
    this.started = true
  }

  async stop (): Promise<void> {
    this.started = false
    await this.registrar.unhandle(PROTOCOLS.inference)
    this.calling.spares.stop()
    const reason = new Error('This node is stopping')
    for (const call of [...this.calling.calls]) {
      call.cancel(reason)
    }
    for (const responder of [...this.answering.responders]) {
      responder.abort(reason)
    }
  }

  addBackend (backend: Backend): void {
    this.table.add(backend)
    this.ask(this.looking) // after the look under way, which may have begun without it
  }

  removeBackend (backend: Backend): boolean {
    return this.table.remove(backend)
  }

  async models (options: AbortOptions = {}): Promise<BackendModel[]> {
    const { signal, clear } = deadline(this.clock, MODELS_TIMEOUT_MS, [options.signal])
    try {
      return await this.table.refresh({ signal })
    } finally {
      clear()
    }
  }

  call (target: CallTarget, request: InferenceRequest, options: CallOptions = {}): InferenceCall {
    return new Libp2pCall(this.calling, target, request, options)
  }

  async drain (options: AbortOptions = {}): Promise<void> {
    this.draining = true
    while (this.admission.active > 0 && options.signal?.aborted !== true) {
      await sleep(this.clock, DRAIN_POLL_MS)
    }
  }

  private readonly onStream = (stream: Stream, connection: Connection): void => {
    void new Responder(stream, connection, this.answering)
  }

  private async resolve (model: string): Promise<ServedModel | undefined> {
    if (this.draining) {
      return undefined
    }
    if (this.table.find(model) == null) {
      await this.look()
    }
    return this.table.find(model)
  }

  /** One look at a time, and none right after another: requests for unknown models must not become work for the backends. */
  private async look (): Promise<void> {
    const nowMs = this.clock.nowMs()
    if (this.looking == null && nowMs - this.lookedMs >= LOOK_INTERVAL_MS) {
      this.lookedMs = nowMs
      this.ask()
    }
    await this.looking
  }

  private ask (after?: Promise<void>): void {
    const look = (async (): Promise<void> => {
      await after
      await this.models()
    })().finally(() => {
      if (this.looking === look) {
        this.looking = undefined
      }
    })
    this.looking = look
  }
}
