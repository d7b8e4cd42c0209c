/** Models that do one thing each, for tests of whatever stands between them and a client. */
import { sleep } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { InferenceError } from '@skein/inference'
import type { Backend, BackendModel, BackendOptions, InferenceEvent, InferenceRequest, InferenceTask } from '@skein/inference'
import type { ModelCaller } from '@skein/peer/openai'

/** What each model does. */
const MODELS: Record<string, { tasks: InferenceTask[], answer: (request: InferenceRequest, options: BackendOptions) => AsyncIterable<InferenceEvent> }> = {
  /** Repeats the last message, or the prompt, word by word */
  echo: { tasks: ['chat', 'completion'], answer: echo },
  /** Calls the first tool that it is given, in pieces */
  tools: { tasks: ['chat'], answer: callTool },
  /** Three numbers for each input; knows no base64 */
  vectors: { tasks: ['embedding'], answer: embed },
  busy: { tasks: ['chat'], answer: async function * () { throw new InferenceError('busy', 'All places are taken', { retryAfterMs: 1500 }) } },
  small: {
    tasks: ['chat'],
    answer: async function * () {
      throw new InferenceError('context_length_exceeded', 'Too long', { promptTokens: 9000, contextTokens: 4096 })
    }
  },
  /** Fails after two deltas */
  broken: { tasks: ['chat', 'completion'], answer: breakOff },
  /** Never ends by itself */
  endless: { tasks: ['chat'], answer: goOn }
}

/** Seen by a client as an exception, whatever came before. */
export const BREAK_MESSAGE = 'The model ran out of memory'
export const BUSY_RETRY_MS = 1500

export class ScriptedBackend implements Backend {
  /** Requests in the order they came */
  readonly requests: InferenceRequest[] = []
  /** Answers that were stopped before their end */
  cancelled = 0
  private readonly waiting: Array<() => void> = []

  async models (): Promise<BackendModel[]> {
    return Object.entries(MODELS).map(([id, { tasks }]) => ({
      id, tasks, contextTokens: 4096, deterministic: true, maxConcurrent: 32
    }))
  }

  async * infer (request: InferenceRequest, options: BackendOptions): AsyncGenerator<InferenceEvent> {
    this.requests.push(request)
    const model = MODELS[request.model]
    if (model == null || !model.tasks.includes(request.task)) {
      throw new InferenceError('model_not_found', `No model '${request.model}' here`)
    }
    let ended = false
    try {
      yield * model.answer(request, options)
      ended = true
    } catch (error) {
      ended = !options.signal.aborted
      throw error
    } finally {
      if (!ended) {
        this.cancelled++
        for (const resolve of this.waiting.splice(0)) {
          resolve()
        }
      }
    }
  }

  /** Resolves when `count` answers in all have been stopped before their end. */
  async whenCancelled (count: number): Promise<void> {
    while (this.cancelled < count) {
      await new Promise<void>((resolve) => { this.waiting.push(resolve) })
    }
  }
}

/** Calls the models of a backend without a mesh between. */
export function callerOf (backend: Backend): ModelCaller {
  return {
    call (request, options = {}) {
      const answer = backend.infer(request, { signal: options.signal ?? new AbortController().signal })
      return {
        route: Promise.resolve({ peer: 'self', path: 'local', attempts: 1 }),
        [Symbol.asyncIterator]: () => answer[Symbol.asyncIterator]()
      }
    },
    async models () {
      const models = await backend.models()
      return models.map(({ id, tasks, contextTokens }) => ({ id, tasks, contextTokens, providers: 1, regions: ['eu-west'] }))
    }
  }
}

function lastWords ({ task, body }: InferenceRequest): string {
  if (task === 'completion') {
    return String(body.prompt)
  }
  const messages = body.messages as Array<{ content: string | Array<{ text: string }> }>
  const content = messages.at(-1)?.content ?? ''
  return typeof content === 'string' ? content : content.map((part) => part.text).join('')
}

async function * echo (request: InferenceRequest): AsyncGenerator<InferenceEvent> {
  const words = lastWords(request).split(/(?<= )/)
  yield { type: 'head', head: { system_fingerprint: 'fp_echo' } }
  for (const text of words) {
    yield { type: 'delta', text }
  }
  yield { type: 'usage', usage: { prompt_tokens: 7, completion_tokens: words.length, total_tokens: 7 + words.length } }
  yield { type: 'finish', reason: 'stop' }
}

async function * callTool ({ body }: InferenceRequest): AsyncGenerator<InferenceEvent> {
  const tools = body.tools as Array<{ function: { name: string } }>
  const name = tools[0]?.function.name as string
  yield { type: 'tool', calls: [{ index: 0, id: 'call_1', type: 'function', function: { name, arguments: '' } }] }
  for (const piece of ['{"city"', ':"Łódź', '"}']) {
    yield { type: 'tool', calls: [{ index: 0, function: { arguments: piece } }] }
  }
  yield { type: 'usage', usage: { prompt_tokens: 20, completion_tokens: 9, total_tokens: 29 } }
  yield { type: 'finish', reason: 'tool_calls' }
}

async function * embed ({ body, model }: InferenceRequest): AsyncGenerator<InferenceEvent> {
  const inputs = Array.isArray(body.input) ? body.input : [body.input]
  const data = inputs.map((input, index) => ({ object: 'embedding', index, embedding: [String(input).length, 0.5, -0.25] }))
  const text = JSON.stringify({ object: 'list', model, data, usage: { prompt_tokens: 3, total_tokens: 3 } })
  for (let i = 0; i < text.length; i += 50) {
    yield { type: 'delta', text: text.slice(i, i + 50) }
  }
}

async function * breakOff (): AsyncGenerator<InferenceEvent> {
  yield { type: 'delta', text: 'so ' }
  yield { type: 'delta', text: 'far' }
  throw new InferenceError('backend_failed', BREAK_MESSAGE)
}

async function * goOn (_: InferenceRequest, { signal }: BackendOptions): AsyncGenerator<InferenceEvent> {
  for (let i = 0; ; i++) {
    yield { type: 'delta', text: `${i} ` }
    await sleep(systemClock(), 5, { signal })
  }
}
