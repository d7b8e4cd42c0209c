/** The error of a call, from what went wrong in an attempt. */
import { DeadlineError } from '@skein/core'
import { InferenceError } from '@skein/inference'

/** What an attempt failed with, and at which peer, after how much of the answer. */
export function withCall (error: InferenceError, peer: string, deltas: number): InferenceError {
  return new InferenceError(error.code, error.message, {
    retryable: error.retryable,
    retryAfterMs: error.retryAfterMs,
    promptTokens: error.promptTokens,
    contextTokens: error.contextTokens,
    deltas,
    peer,
    cause: error.cause ?? error
  })
}

/** Whatever was thrown, in the terms of a call: its caller's signal and its own limit first. */
export function asInferenceError (error: unknown, limit: AbortSignal, caller: AbortSignal | undefined): InferenceError {
  if (caller?.aborted === true) {
    return error instanceof InferenceError && error.code === 'cancelled'
      ? error
      : new InferenceError('cancelled', 'The caller aborted the request', { cause: caller.reason })
  }
  if (limit.aborted && limit.reason instanceof DeadlineError) {
    return new InferenceError('deadline_exceeded', 'The request\'s deadline passed before the answer was whole', { cause: limit.reason })
  }
  return error instanceof InferenceError ? error : new InferenceError('backend_failed', (error as Error).message, { cause: error })
}
