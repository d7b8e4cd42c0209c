/** The model as a caller sees it: text to tokens, tokens to text, and a continuation of a prompt. */
import { Generation } from './generation.ts'
import { seedOf } from './sampler.ts'
import { END_TOKEN, Tokenizer } from './tokenizer.ts'
import { Transformer } from './transformer.ts'
import type { FinishReason, GeneratedPiece } from './generation.ts'
import type { Weights } from './weights.ts'

export const SMOKE_MODEL_ID = 'skein-smoke-1'

const DEFAULT_TEMPERATURE = 0.8
const DEFAULT_TOP_K = 40
const DEFAULT_MAX_TOKENS = 128

export interface GenerateOptions {
  /** Most tokens to add; the context may end the text before @default 128 */
  maxTokens?: number
  /** 0 takes the likeliest token always @default 0.8 */
  temperature?: number
  /** Only so many of the likeliest tokens are considered @default 40 */
  topK?: number
  /** Only as many of the likeliest tokens as together reach this probability @default 1 */
  topP?: number
  /** The same seed and prompt give the same text on every machine @default a hash of the prompt */
  seed?: number
  /** Strings that end the text and are no part of it @default none */
  stop?: readonly string[]
  /** Checked before each token; its reason is thrown */
  signal?: AbortSignal
}

export class SmokeModel {
  readonly id = SMOKE_MODEL_ID
  /** Longest prompt plus answer, tokens */
  readonly contextTokens: number
  /** Changes with the weights */
  readonly fingerprint: string
  readonly tokenizer: Tokenizer
  private readonly transformer: Transformer

  constructor (weights: Weights) {
    this.contextTokens = weights.shape.contextTokens
    this.fingerprint = `${SMOKE_MODEL_ID}-${weights.checksum.toString(16).padStart(8, '0')}`
    this.tokenizer = new Tokenizer(weights.merges)
    this.transformer = new Transformer(weights)
  }

  /** Tokens of a text that stands at a beginning: the end mark of the text before it, then its own. */
  encode (text: string): number[] {
    return [END_TOKEN, ...this.tokenizer.encode(text)]
  }

  decode (tokens: Iterable<number>): string {
    return this.tokenizer.decode(tokens)
  }

  /**
   * A continuation, token by token. Reading the prompt takes as long per token as writing; use `begin` to do other things meanwhile.
   *
   * @throws {RangeError} when the prompt is empty or leaves no room in the context
   */
  * generate (prompt: readonly number[], options: GenerateOptions = {}): Generator<GeneratedPiece, FinishReason> {
    const generation = this.begin(prompt, options)
    for (;;) {
      options.signal?.throwIfAborted()
      const step = generation.next()
      if (step.type === 'piece') {
        yield step.piece
      } else if (step.type === 'end') {
        return step.reason
      }
    }
  }

  /** As `generate`, for a caller who takes each step on their own. */
  begin (prompt: readonly number[], options: Omit<GenerateOptions, 'signal'> = {}): Generation {
    return new Generation({
      transformer: this.transformer,
      tokenizer: this.tokenizer,
      prompt,
      maxTokens: options.maxTokens ?? DEFAULT_MAX_TOKENS,
      temperature: options.temperature ?? DEFAULT_TEMPERATURE,
      topK: options.topK ?? DEFAULT_TOP_K,
      topP: options.topP ?? 1,
      seed: options.seed ?? seedOf(prompt),
      stop: options.stop ?? []
    })
  }

  /** The logits after a prompt: for tests of determinism. */
  predict (prompt: readonly number[]): Float64Array {
    const sequence = this.transformer.begin(prompt.length)
    for (const token of prompt) {
      sequence.push(token)
    }
    return sequence.predict()
  }
}
