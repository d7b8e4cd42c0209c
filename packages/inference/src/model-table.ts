/** Which backend answers for which model. Where two serve the same id, the one added first does. */
import type { Backend, BackendModel } from './backend.ts'

export interface ServedModel {
  backend: Backend
  model: BackendModel
}

export interface ModelTableInit {
  /**
   * Most models of one backend; the rest is left out.
   *
   * @default 1_024
   */
  maxModelsPerBackend?: number
  /** Told when a backend cannot say what it serves; its models are left out until it can */
  onBackendError?: (error: unknown) => void
}

export class ModelTable {
  private readonly maxModelsPerBackend: number
  private readonly onBackendError?: (error: unknown) => void
  private readonly backends = new Map<Backend, BackendModel[]>()

  constructor (init: ModelTableInit = {}) {
    this.maxModelsPerBackend = init.maxModelsPerBackend ?? 1_024
    this.onBackendError = init.onBackendError
  }

  add (backend: Backend): void {
    this.backends.set(backend, this.backends.get(backend) ?? [])
  }

  remove (backend: Backend): boolean {
    return this.backends.delete(backend)
  }

  /** Asks every backend what it serves now. */
  async refresh (options: { signal?: AbortSignal } = {}): Promise<BackendModel[]> {
    await Promise.all([...this.backends.keys()].map(async backend => {
      let models: BackendModel[] = []
      try {
        models = await withSignal(backend.models(options), options.signal)
      } catch (error) {
        this.onBackendError?.(error)
      }
      if (this.backends.has(backend)) { // it may have been removed meanwhile
        this.backends.set(backend, models.slice(0, this.maxModelsPerBackend))
      }
    }))
    return this.list()
  }

  /** What was served at the last refresh. */
  list (): BackendModel[] {
    const models = new Map<string, BackendModel>()
    for (const model of [...this.backends.values()].flat()) {
      if (!models.has(model.id)) {
        models.set(model.id, model)
      }
    }
    return [...models.values()]
  }

  find (id: string): ServedModel | undefined {
    for (const [backend, models] of this.backends) {
      const model = models.find(model => model.id === id)
      if (model != null) {
        return { backend, model }
      }
    }
    return undefined
  }
}

/** A backend may not heed the signal: the others shall not wait for it. */
async function withSignal<T> (promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal == null) {
    return promise
  }
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => { reject(signal.reason) }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
