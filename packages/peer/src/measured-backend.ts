/** A backend as its peer sees it: who is being served now, how fast one stream runs. Offers tell of both. */
import { InferenceError } from '@skein/inference'
import type { Clock } from '@skein/core'
import type { Backend, BackendModel, BackendOptions, InferenceEvent, InferenceRequest } from '@skein/inference'

export interface ModelLoad {
  /** Requests being answered now, for this peer and others */
  active: number
  /** Measured speed of one stream, tokens/s; 0 before the first whole answer */
  tokensPerSecond: number
  /** Answers begun, and pieces of content given, since the start */
  answersTotal: number
  deltasTotal: number
}

/** Weight of the newest answer in the measured speed. */
const SPEED_WEIGHT = 0.3
/** An answer shorter than this says little about speed. */
const MIN_MEASURED_DELTAS = 8
/** Most models of which the load is kept; a backend has no more. */
const MAX_MODELS = 1_024

export class MeasuredBackend implements Backend {
  private readonly backend: Backend
  private readonly clock: Clock
  private readonly onLoad: (model: string) => void
  private readonly loads = new Map<string, ModelLoad>()

  /** @param onLoad told when an answer begins or has ended */
  constructor (backend: Backend, clock: Clock, onLoad: (model: string) => void = () => {}) {
    this.backend = backend
    this.clock = clock
    this.onLoad = onLoad
  }

  async models (options?: { signal?: AbortSignal }): Promise<BackendModel[]> {
    return await this.backend.models(options)
  }

  load (model: string): Readonly<ModelLoad> {
    return this.loads.get(model) ?? { active: 0, tokensPerSecond: 0, answersTotal: 0, deltasTotal: 0 }
  }

  async * infer (request: InferenceRequest, options: BackendOptions): AsyncGenerator<InferenceEvent, void, undefined> {
    const load = this.loadOf(request.model)
    let deltas = 0
    let firstMs = 0
    load.active++
    load.answersTotal++
    this.onLoad(request.model)
    try {
      for await (const event of this.backend.infer(request, options)) {
        if (event.type === 'delta' || event.type === 'tool') {
          if (deltas === 0) {
            firstMs = this.clock.nowMs()
          }
          deltas++
          load.deltasTotal++
        }
        yield event
      }
      const tookMs = this.clock.nowMs() - firstMs
      if (deltas >= MIN_MEASURED_DELTAS && tookMs > 0 && request.task !== 'embedding') {
        const speed = (deltas - 1) / tookMs * 1000
        load.tokensPerSecond = load.tokensPerSecond === 0 ? speed : load.tokensPerSecond * (1 - SPEED_WEIGHT) + speed * SPEED_WEIGHT
      }
    } finally {
      load.active--
      this.onLoad(request.model)
    }
  }

  /** Answers a request of this very peer, under the same bound as those of others. */
  inferLocally (model: BackendModel, request: InferenceRequest, options: BackendOptions): AsyncIterable<InferenceEvent> {
    if (this.load(model.id).active >= model.maxConcurrent) {
      throw new InferenceError('busy', `All ${model.maxConcurrent} places for ${model.id} on this peer are taken`, { retryAfterMs: 1_000 })
    }
    return this.infer(request, options)
  }

  private loadOf (model: string): ModelLoad {
    let load = this.loads.get(model)
    if (load == null) {
      if (this.loads.size >= MAX_MODELS) {
        this.loads.clear() // only a backend that makes up new names gets here
      }
      load = { active: 0, tokensPerSecond: 0, answersTotal: 0, deltasTotal: 0 }
      this.loads.set(model, load)
    }
    return load
  }
}
