/** One continuation of a prompt, computed a token at a time, so that whoever drives it can breathe in between. */
import { sample } from './sampler.ts'
import { TextStream } from './text-stream.ts'
import { END_TOKEN } from './tokenizer.ts'
import type { SamplingOptions } from './sampler.ts'
import type { Tokenizer } from './tokenizer.ts'
import type { TokenSequence, Transformer } from './transformer.ts'

/** `stop`: the model or a stop string ended the text. `length`: the limit or the context did. */
export type FinishReason = 'stop' | 'length'

/** A token and the text that it made visible: empty while a character or a stop string is incomplete. */
export interface GeneratedPiece {
  token: number
  text: string
}

export type GenerationStep =
  /** A token of the prompt was read */
  | { type: 'prompt' }
  | { type: 'piece', piece: GeneratedPiece }
  | { type: 'end', reason: FinishReason }

export interface GenerationInit extends SamplingOptions {
  transformer: Transformer
  tokenizer: Tokenizer
  /** At least one token and fewer than the context has */
  prompt: readonly number[]
  /** At least 1; the context may end the text before */
  maxTokens: number
  stop: readonly string[]
}

export class Generation {
  private readonly init: GenerationInit
  private readonly sequence: TokenSequence
  private readonly text: TextStream
  private readonly limit: number
  private produced = 0
  private reason: FinishReason | undefined

  constructor (init: GenerationInit) {
    const { transformer, prompt, maxTokens, stop } = init
    const room = transformer.shape.contextTokens - prompt.length
    if (prompt.length === 0 || room < 1 || !(maxTokens >= 1)) {
      throw new RangeError(`Cannot generate ${maxTokens} tokens after ${prompt.length} in a context of ${transformer.shape.contextTokens}`)
    }
    this.init = init
    this.limit = Math.min(maxTokens, room)
    this.sequence = transformer.begin(prompt.length + this.limit)
    this.text = new TextStream(stop)
  }

  /** One token's worth of work; after `end` it gives `end` again. */
  next (): GenerationStep {
    const { sequence, init: { prompt, tokenizer } } = this
    if (this.reason != null) {
      return { type: 'end', reason: this.reason }
    }
    if (sequence.position < prompt.length) {
      sequence.push(prompt[sequence.position] as number)
      return { type: 'prompt' }
    }
    const token = sample(sequence.predict(), sequence.position, this.init)
    this.produced++
    let text = this.text.push(tokenizer.bytesOf(token))
    if (this.text.stopped || token === END_TOKEN) {
      this.reason = 'stop'
    } else if (this.produced === this.limit) {
      this.reason = 'length'
    } else {
      sequence.push(token)
    }
    if (this.reason != null) {
      text += this.text.end()
      this.reason = this.text.stopped ? 'stop' : this.reason
    }
    return { type: 'piece', piece: { token, text } }
  }
}
