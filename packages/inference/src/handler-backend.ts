/** A backend made of one function. */
import { InferenceError } from './errors.ts'
import type { Backend, BackendModel, BackendOptions, InferenceEvent, InferenceRequest } from './backend.ts'

/** Text, events, or pieces of either as they come. */
export type Answer = string | Iterable<string | InferenceEvent> | AsyncIterable<string | InferenceEvent>

/** Answers a request. `options.signal` fires when nobody wants the answer any more. */
export type Handler = (request: InferenceRequest, options: BackendOptions) => Answer | Promise<Answer>

/** All but the id, which comes on its own. */
export interface HandlerBackendOptions {
  /** @default ['chat', 'completion'] */
  tasks?: BackendModel['tasks']
  /** @default 0, unknown: nothing is refused for its length */
  contextTokens?: number
  /** @default false */
  deterministic?: boolean
  /**
   * Most requests at once; above it a caller is told BUSY.
   *
   * @default 4
   */
  maxConcurrent?: number
  /** @default 0, unknown */
  tokensPerSecond?: number
}

export function handlerBackend (model: string, handler: Handler, options: HandlerBackendOptions = {}): Backend {
  const served: BackendModel = {
    id: model,
    tasks: options.tasks ?? ['chat', 'completion'],
    contextTokens: options.contextTokens ?? 0,
    deterministic: options.deterministic ?? false,
    maxConcurrent: options.maxConcurrent ?? 4,
    tokensPerSecond: options.tokensPerSecond ?? 0
  }

  return {
    async models () {
      return [served]
    },
    async * infer (request, options) {
      let finished = false
      for await (const piece of pieces(handler, request, options)) {
        const event: InferenceEvent = typeof piece === 'string' ? { type: 'delta', text: piece } : piece
        finished ||= event.type === 'finish'
        yield event
      }
      if (!finished && request.task !== 'embedding') {
        yield { type: 'finish', reason: 'stop' }
      }
    }
  }
}

/** Ends with an error as soon as the signal fires, whether the handler heeds it or not. */
async function * pieces (handler: Handler, request: InferenceRequest, options: BackendOptions): AsyncGenerator<string | InferenceEvent> {
  const { signal } = options
  const cancelled = (): InferenceError => new InferenceError('cancelled', 'The request was cancelled', { cause: signal.reason })
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => { reject(cancelled()) }
  aborted.catch(() => {})
  if (signal.aborted) {
    throw cancelled()
  }
  signal.addEventListener('abort', onAbort, { once: true })

  let iterator: AsyncIterator<string | InferenceEvent> | Iterator<string | InferenceEvent> | undefined
  try {
    const answer = await Promise.race([handler(request, options), aborted])
    if (typeof answer === 'string') {
      yield answer
      return
    }
    iterator = Symbol.asyncIterator in answer ? answer[Symbol.asyncIterator]() : answer[Symbol.iterator]()
    for (;;) {
      const next = iterator.next()
      const result = next instanceof Promise ? await firstOf(next, aborted) : next
      if (signal.aborted) {
        throw cancelled()
      }
      if (result.done === true) {
        iterator = undefined
        return
      }
      yield result.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    // not awaited: a handler that ignores the signal may never come back from where it waits
    Promise.resolve(iterator?.return?.()).catch(() => {})
  }
}

async function firstOf<T> (promise: Promise<T>, aborted: Promise<never>): Promise<T> {
  return Promise.race([promise, aborted])
}
