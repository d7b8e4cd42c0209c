/** What this peer serves: backends behind the inference service, and an offer of each of their models kept current in the mesh. */
import { deadline, sleep } from '@skein/core'
import { InferenceError } from '@skein/inference'
import { MAX_OFFER_LIFE_MS } from '@skein/records'
import { MeasuredBackend } from './measured-backend.ts'
import type { SelfDescription } from './mesh-membership.ts'
import type { ModelListing } from './openai/model-caller.ts'
import type { Logger } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { Backend, BackendModel, BackendOptions, InferenceEvent, InferenceRequest } from '@skein/inference'
import type { InferenceService } from '@skein/inference/libp2p'
import type { Offer } from '@skein/records'
import type { ModelRouting } from '@skein/routing/libp2p'

/** What `serve` gives back: one backend or handler on offer. */
export interface Service {
  /** The models on offer now */
  readonly models: string[]
  /** Takes the offers back and refuses further requests; those under way go on */
  stop: () => Promise<void>
}

export interface ServedModelsInit {
  routing: ModelRouting
  inference: InferenceService
  clock: Clock
  self: SelfDescription
  /** This peer, as text */
  peer: string
  /** Whether anybody is there to store an offer */
  connected: () => boolean
  log: Logger
  onChange: (kind: 'served' | 'withdrawn', model: string) => void
  /** What is served, or its load, may have changed */
  onLoads?: () => void
  /** The load of a model may have changed */
  onLoad?: (model: string) => void
}

interface Entry {
  backend: MeasuredBackend
  models: Map<string, BackendModel>
}

/** How often the load goes into the offers, and how often a backend is asked for its models, ms. */
const LOAD_INTERVAL_MS = 5_000
const MODELS_INTERVAL_MS = 30_000
const MODELS_TIMEOUT_MS = 10_000
/** How long `serve` waits for its offers to be stored for the first time, ms; they are stored later too. */
const FIRST_ANNOUNCE_MS = 2_000
/** Most models one peer offers; a server with more offers the first ones. */
const MAX_MODELS = 64
/** What else is announced beside models, such as clusters, has names that begin so: no model is served under one. */
const RESERVED_PREFIX = '/skein/'

export class ServedModels {
  private readonly init: ServedModelsInit
  private readonly entries = new Set<Entry>()
  private readonly stopped = new AbortController()
  private refreshing = false

  constructor (init: ServedModelsInit) {
    this.init = init
  }

  get models (): string[] {
    return [...new Set([...this.entries].flatMap(entry => [...entry.models.keys()]))].sort()
  }

  async add (backend: Backend): Promise<Service> {
    this.stopped.signal.throwIfAborted()
    const entry: Entry = { backend: new MeasuredBackend(backend, this.init.clock, this.init.onLoad), models: new Map() }
    const models = await backend.models({ signal: this.stopped.signal })
    this.entries.add(entry)
    this.init.inference.addBackend(entry.backend)
    const announced = this.apply(entry, models)
    this.refreshInBackground()
    if (this.init.connected()) {
      await settled(announced, this.init.clock, FIRST_ANNOUNCE_MS)
    }
    return {
      get models () { return [...entry.models.keys()] },
      stop: async () => { await this.remove(entry) }
    }
  }

  async stop (): Promise<void> {
    this.stopped.abort(new Error('This peer has been stopped'))
    await Promise.all([...this.entries].map(async entry => { await this.remove(entry) }))
  }

  /** What this peer would tell of all its models. */
  get offers (): Offer[] {
    return this.models.flatMap(id => this.offerOf(id) ?? [])
  }

  /** What this peer would tell of a model of its own, for its own calls. */
  offerOf (model: string): Offer | undefined {
    const found = this.find(model)
    if (found == null) {
      return undefined
    }
    const nowMs = this.init.clock.nowMs()
    return {
      ...this.describe(found.model, found.backend),
      peer: this.init.peer,
      region: this.init.self.region,
      tier: this.init.self.tier,
      addresses: [],
      seq: 0,
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + MAX_OFFER_LIFE_MS,
      withdrawn: false
    }
  }

  /** All models together, as a registration tells of them. */
  summary (): Pick<SelfDescription, 'loadedModels' | 'tasks' | 'effectiveContext' | 'priceMicros' | 'queueDepth'> {
    const { offers } = this
    return {
      loadedModels: this.models.slice(0, MAX_MODELS),
      tasks: [...new Set(offers.flatMap(offer => offer.tasks))].sort(),
      effectiveContext: Math.max(0, ...offers.map(offer => offer.effectiveContext)),
      priceMicros: offers.length === 0 ? 0 : Math.min(...offers.map(offer => offer.priceMicros)),
      queueDepth: offers.reduce((sum, offer) => sum + offer.queueDepth, 0)
    }
  }

  listings (): ModelListing[] {
    return this.models.flatMap(id => {
      const model = this.find(id)?.model
      return model == null ? [] : [{
        id,
        tasks: model.tasks,
        providers: 1,
        contextTokens: model.contextTokens,
        regions: this.init.self.region === '' ? [] : [this.init.self.region],
        deterministic: model.deterministic
      }]
    })
  }

  /** Answers a request of this peer itself. */
  infer (request: InferenceRequest, options: BackendOptions): AsyncIterable<InferenceEvent> {
    const found = this.find(request.model)
    if (found == null) {
      throw new InferenceError('model_not_found', `This peer no longer serves ${request.model}`)
    }
    return found.backend.inferLocally(found.model, request, options)
  }

  private find (id: string): { model: BackendModel, backend: MeasuredBackend } | undefined {
    for (const { models, backend } of this.entries) {
      const model = models.get(id)
      if (model != null) {
        return { model, backend }
      }
    }
  }

  private async remove (entry: Entry): Promise<void> {
    if (!this.entries.delete(entry)) {
      return
    }
    this.init.inference.removeBackend(entry.backend)
    this.init.onLoads?.()
    await Promise.all([...entry.models.keys()].map(async id => { await this.withdraw(id) }))
  }

  /** Announces what is new, withdraws what is gone; the promise is for the first storing of the offers. */
  private async apply (entry: Entry, models: BackendModel[]): Promise<void> {
    const before = entry.models
    const announced: Array<Promise<void>> = []
    const own = models.filter(({ id }) => !id.startsWith(RESERVED_PREFIX)).slice(0, MAX_MODELS)
    entry.models = new Map(own.map(model => [model.id, model]))
    for (const model of entry.models.values()) {
      if (!before.has(model.id)) {
        announced.push(this.announce(model, entry.backend))
        this.init.onChange('served', model.id)
      }
    }
    for (const id of before.keys()) {
      if (!entry.models.has(id)) {
        void this.withdraw(id)
      }
    }
    this.init.onLoads?.()
    await Promise.all(announced)
  }

  private async announce (model: BackendModel, backend: MeasuredBackend): Promise<void> {
    try {
      await this.init.routing.announce({ ...this.describe(model, backend), region: this.init.self.region, tier: this.init.self.tier })
    } catch (error) {
      this.init.log('%s is not announced: %s', model.id, (error as Error).message)
    }
  }

  private async withdraw (id: string): Promise<void> {
    if (this.find(id) != null) {
      return
    }
    this.init.onChange('withdrawn', id)
    try {
      await this.init.routing.withdraw(id)
    } catch (error) {
      this.init.log('%s was not withdrawn: %s', id, (error as Error).message)
    }
  }

  private describe (model: BackendModel, backend: MeasuredBackend): Pick<Offer,
    'model' | 'tasks' | 'effectiveContext' | 'tokensPerSecond' | 'queueDepth' | 'maxConcurrent' | 'priceMicros' | 'deterministic'> {
    const { active, tokensPerSecond } = backend.load(model.id)
    return {
      model: model.id,
      tasks: model.tasks,
      effectiveContext: model.contextTokens,
      tokensPerSecond: tokensPerSecond > 0 ? tokensPerSecond : model.tokensPerSecond ?? 0,
      queueDepth: active,
      maxConcurrent: model.maxConcurrent,
      priceMicros: model.priceMicros ?? 0,
      deterministic: model.deterministic
    }
  }

  private refreshInBackground (): void {
    if (this.refreshing) {
      return
    }
    this.refreshing = true
    void this.refresh().catch(() => {}) // ends with the peer
  }

  private async refresh (): Promise<void> {
    const { clock } = this.init
    let modelsAtMs = clock.nowMs() + MODELS_INTERVAL_MS
    for (;;) {
      await sleep(clock, LOAD_INTERVAL_MS, { signal: this.stopped.signal })
      if (clock.nowMs() >= modelsAtMs) {
        modelsAtMs = clock.nowMs() + MODELS_INTERVAL_MS
        await Promise.all([...this.entries].map(async entry => { await this.refreshModels(entry) }))
      }
      for (const entry of this.entries) {
        for (const model of entry.models.values()) {
          const { queueDepth, tokensPerSecond } = this.describe(model, entry.backend)
          this.update(model.id, { queueDepth, tokensPerSecond })
          this.init.onLoad?.(model.id)
        }
      }
      this.init.onLoads?.()
    }
  }

  private update (id: string, change: { queueDepth: number, tokensPerSecond: number }): void {
    try {
      this.init.routing.update(id, change)
    } catch (error) {
      this.init.log('the offer of %s stays as it is: %s', id, (error as Error).message)
    }
  }

  /** A backend that does not answer has no models until it does. */
  private async refreshModels (entry: Entry): Promise<void> {
    const limit = deadline(this.init.clock, MODELS_TIMEOUT_MS, [this.stopped.signal])
    const models = await entry.backend.models({ signal: limit.signal }).catch(() => [])
    limit.clear()
    if (this.entries.has(entry)) {
      void this.apply(entry, models)
    }
  }
}

/** Waits for `work`, but not for long. */
async function settled (work: Promise<void>, clock: Clock, maxMs: number): Promise<void> {
  const enough = new AbortController()
  await Promise.race([work, sleep(clock, maxMs, { signal: enough.signal }).catch(() => {})])
  enough.abort()
}
