/** A `ModelCaller` that answers from a script, and remembers what it was asked. */
import type { InferenceEvent, InferenceRequest } from '@skein/inference'
import type { CallRoute, ModelCaller, ModelListing } from '../../src/openai/index.ts'

/** An event to give, an error to throw, or `wait` for the signal to fire. */
export type Step = InferenceEvent | Error | 'wait'

export interface ScriptedCaller extends ModelCaller {
  requests: InferenceRequest[]
  signals: AbortSignal[]
  /** Steps taken so far, over all calls */
  taken: number
  /** Iterations that were returned before their end */
  returned: number
}

export const ROUTE: CallRoute = { peer: '12D3KooWPeer', path: 'direct', attempts: 2 }

export function scriptedCaller (steps: Step[], models: ModelListing[] = [], route: CallRoute = ROUTE): ScriptedCaller {
  const caller: ScriptedCaller = {
    requests: [],
    signals: [],
    taken: 0,
    returned: 0,
    call (request, options = {}) {
      const signal = options.signal ?? new AbortController().signal
      const routed = Promise.withResolvers<CallRoute>()
      routed.promise.catch(() => {})
      caller.requests.push(request)
      caller.signals.push(signal)

      const play = async function * (): AsyncGenerator<InferenceEvent> {
        let ended = false
        try {
          for (const step of steps) {
            caller.taken++
            if (step === 'wait') {
              await new Promise((_, reject) => { signal.addEventListener('abort', () => { reject(signal.reason) }) })
            } else if (step instanceof Error) {
              routed.reject(step)
              throw step
            } else {
              routed.resolve(route)
              yield step
            }
          }
          ended = true
        } catch (error) {
          ended = true
          throw error
        } finally {
          caller.returned += ended ? 0 : 1
        }
      }
      return { route: routed.promise, [Symbol.asyncIterator]: play }
    },
    async models () {
      return models
    }
  }
  return caller
}
