/** Which answers can be compared at all, and what of them has to be equal. */
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import type { InferenceEvent, InferenceRequest } from '@skein/inference'
import type { Offer } from '@skein/records'

/**
 * Whether two honest providers of a deterministic model have to give the same text for it: the sampling is settled, there is one answer, and it is
 * text.
 */
export function isComparable ({ task, body }: InferenceRequest): boolean {
  const settled = body.temperature === 0 || typeof body.seed === 'number'
  const one = body.n === undefined || body.n === 1
  return task !== 'embedding' && settled && one && body.tools === undefined && body.logprobs !== true && typeof body.logprobs !== 'number'
}

/**
 * Whether another provider's answer can be held against this one's: the same model, deterministic, with the same context (else one may have to stop
 * earlier), at no higher price.
 */
export function isComparableOffer (first: Offer, second: Offer): boolean {
  return second.model === first.model && second.deterministic && second.effectiveContext === first.effectiveContext &&
    second.priceMicros <= first.priceMicros && !second.withdrawn
}

/** A longer answer is not compared. */
const MAX_BYTES = 1024 * 1024

/** Takes in an answer as it comes; what has to be equal is its text, however it was cut into pieces. */
export class ComparedText {
  private readonly hash = sha256.create()
  private bytes = 0
  private plain = true

  onEvent (event: InferenceEvent): void {
    if (event.type === 'tool' || (event.type === 'delta' && event.chunk !== undefined)) {
      this.plain = false
    } else if (event.type === 'delta' && this.plain && this.bytes <= MAX_BYTES) {
      const bytes = utf8ToBytes(event.text)
      this.bytes += bytes.length
      this.hash.update(bytes)
    }
  }

  /** Of the whole answer, once; `undefined` when it says more than text, or is too long. */
  digest (): Uint8Array | undefined {
    return this.plain && this.bytes <= MAX_BYTES ? this.hash.digest() : undefined
  }
}

/** What a request and its answer come to, tokens, at four bytes each. */
export function tokensOf ({ body }: InferenceRequest, answerTokens: number): number {
  return Math.ceil(JSON.stringify(body).length / 4) + answerTokens
}
