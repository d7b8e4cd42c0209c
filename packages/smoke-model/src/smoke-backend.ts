/** The smoke-test model behind the interface that a peer serves. */
import { InferenceError } from '@skein/inference'
import { sleep } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { END_TOKEN, splitPieces } from './tokenizer.ts'
import { readRequest } from './request.ts'
import { SMOKE_MODEL_ID } from './smoke-model.ts'
import { Turns } from './turns.ts'
import { loadSmokeModel } from './weight-loader.ts'
import type { Clock } from '@skein/core'
import type { Backend, BackendModel, BackendOptions, InferenceEvent, InferenceRequest } from '@skein/inference'
import type { GenerateOptions, SmokeModel } from './smoke-model.ts'

const DEFAULT_MAX_CONCURRENT = 4
/** A delay of this length is not felt by anything else on the same event loop. */
const DEFAULT_SLICE_MS = 5
const RETRY_AFTER_MS = 1_000

export interface SmokeBackendOptions {
  /** @default the model that ships with the package, loaded when first needed */
  model?: SmokeModel
  /** Most requests at once; each holds up to 1.3 MB of keys and values and gets its share of one core @default 4 */
  maxConcurrent?: number
  /** Holds each stream to this speed, for tests and benches that want a known one @default as fast as it goes */
  tokensPerSecond?: number
  /** @default the system's clock */
  clock?: Clock
  /** Lets the event loop turn @default a sleep of 0 ms on `clock` */
  breathe?: () => Promise<void>
  /** Longest stretch of work between two turns of the event loop, ms; more is faster, and rougher on others @default 5 */
  sliceMs?: number
}

export function smokeBackend (options: SmokeBackendOptions = {}): Backend {
  return new SmokeBackend(options)
}

class SmokeBackend implements Backend {
  private readonly clock: Clock
  private readonly turns: Turns
  private readonly maxConcurrent: number
  private readonly tokensPerSecond: number | undefined
  private readonly given: SmokeModel | undefined
  private running = 0

  constructor (options: SmokeBackendOptions) {
    const clock = options.clock ?? systemClock()
    this.clock = clock
    this.turns = new Turns({
      clock,
      breathe: options.breathe ?? (async () => { await sleep(clock, 0) }),
      sliceMs: options.sliceMs ?? DEFAULT_SLICE_MS
    })
    this.maxConcurrent = options.maxConcurrent ?? DEFAULT_MAX_CONCURRENT
    this.tokensPerSecond = options.tokensPerSecond
    this.given = options.model
  }

  async models (): Promise<BackendModel[]> {
    const { id, contextTokens } = await this.model()
    return [{
      id, tasks: ['chat', 'completion'], contextTokens, deterministic: true, maxConcurrent: this.maxConcurrent, tokensPerSecond: this.tokensPerSecond
    }]
  }

  async * infer (request: InferenceRequest, { signal }: BackendOptions): AsyncGenerator<InferenceEvent> {
    if (request.model !== SMOKE_MODEL_ID) {
      throw new InferenceError('model_not_found', `The model here is ${SMOKE_MODEL_ID}, not ${request.model}`)
    }
    const { prompt, options } = readRequest(request)
    if (this.running >= this.maxConcurrent) {
      throw new InferenceError('busy', `All ${this.maxConcurrent} places are taken`, { retryAfterMs: RETRY_AFTER_MS })
    }
    this.running++
    try {
      yield * this.continue(prompt, options, signal)
    } catch (error) {
      throw signal.aborted ? new InferenceError('cancelled', 'The caller cancelled', { cause: error }) : error
    } finally {
      this.running--
    }
  }

  private async * continue (prompt: string, options: GenerateOptions, signal: AbortSignal): AsyncGenerator<InferenceEvent> {
    const model = await this.model()
    const tokens = await this.encode(model, prompt, signal)
    if (tokens.length >= model.contextTokens) {
      const { contextTokens } = model
      throw new InferenceError('context_length_exceeded', `The prompt has ${tokens.length} tokens, the context ${contextTokens}`, {
        promptTokens: tokens.length, contextTokens
      })
    }
    yield { type: 'head', head: { system_fingerprint: model.fingerprint } }

    const generation = model.begin(tokens, options)
    const startedMs = this.clock.nowMs()
    let produced = 0
    for (;;) {
      await this.turns.take()
      signal.throwIfAborted()
      const step = this.turns.work(() => generation.next())
      if (step.type === 'end') {
        yield { type: 'usage', usage: { prompt_tokens: tokens.length, completion_tokens: produced, total_tokens: tokens.length + produced } }
        yield { type: 'finish', reason: step.reason }
        return
      }
      if (step.type === 'piece') {
        const { token, text } = step.piece
        produced += token === END_TOKEN ? 0 : 1
        if (this.tokensPerSecond != null) {
          await this.waitUntil(startedMs + produced * 1_000 / this.tokensPerSecond, signal)
        }
        if (text !== '') {
          yield { type: 'delta', text }
        }
      }
    }
  }

  private async waitUntil (atMs: number, signal: AbortSignal): Promise<void> {
    const delayMs = atMs - this.clock.nowMs()
    if (delayMs > 0) {
      await sleep(this.clock, delayMs, { signal })
    }
  }

  /** As the model's `encode`, but a very long prompt does not hold up the event loop. */
  private async encode (model: SmokeModel, prompt: string, signal: AbortSignal): Promise<number[]> {
    const tokens = [END_TOKEN]
    const pieces = splitPieces(prompt)
    const encodeSome = (): boolean => {
      for (let i = 0; i < 256; i++) {
        const { done, value } = pieces.next()
        if (done === true) {
          return false
        }
        tokens.push(...model.tokenizer.encodePiece(value as Uint8Array))
      }
      return true
    }
    do {
      await this.turns.take()
      signal.throwIfAborted()
    } while (this.turns.work(encodeSome))
    return tokens
  }

  private async model (): Promise<SmokeModel> {
    try {
      return this.given ?? await loadSmokeModel()
    } catch (error) {
      throw new InferenceError('backend_failed', 'The weights of the smoke-test model could not be loaded', { cause: error, retryable: true })
    }
  }
}
