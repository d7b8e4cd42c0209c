/** What can go wrong with a request, with all that a caller needs to decide what to do next. */

/**
 * - `busy`: all places taken, try again after `retryAfterMs` (or another peer now)
 * - `context_length_exceeded`: prompt and answer do not fit; both numbers are in `promptTokens` and `contextTokens`
 * - `model_not_found`: this peer does not serve the model (any more)
 * - `invalid_request`: the body is wrong; no other peer will accept it either
 * - `deadline_exceeded`: the request's deadline passed
 * - `first_delta_timeout`: no first delta within the time the caller gave
 * - `stream_truncated`: the stream ended without its END frame (a relay's limit, a killed process, a closed connection)
 * - `stream_corrupt`: frames out of order, a wrong count or a wrong hash
 * - `connection_failed`: the peer could not be reached
 * - `relay_limit`: the relays on the way carry less than the answer may come to
 * - `backend_failed`: the serving side's model failed
 * - `cancelled`: the caller aborted
 * - `no_provider`: nobody offers the model
 * - `unauthorized`: the serving side wants credentials it did not get
 * - `oversize`: a request or frame larger than the protocol allows
 */
export type InferenceErrorCode =
  | 'busy' | 'context_length_exceeded' | 'model_not_found' | 'invalid_request' | 'deadline_exceeded' | 'first_delta_timeout'
  | 'stream_truncated' | 'stream_corrupt' | 'connection_failed' | 'relay_limit' | 'backend_failed' | 'cancelled' | 'no_provider'
  | 'unauthorized' | 'oversize'

export interface InferenceErrorInit extends ErrorOptions {
  /** Another peer, or the same one later, may succeed @default what is usual for the code */
  retryable?: boolean
  retryAfterMs?: number
  promptTokens?: number
  contextTokens?: number
  /** Deltas that had arrived before the failure @default 0 */
  deltas?: number
  /** The peer that failed, as text */
  peer?: string
}

const RETRYABLE: ReadonlySet<InferenceErrorCode> = new Set<InferenceErrorCode>([
  'busy', 'model_not_found', 'first_delta_timeout', 'stream_truncated', 'stream_corrupt', 'connection_failed', 'relay_limit',
  'backend_failed', 'no_provider', 'context_length_exceeded'
])

export class InferenceError extends Error {
  static override name = 'InferenceError'
  override readonly name = 'InferenceError'
  readonly code: InferenceErrorCode
  readonly retryable: boolean
  readonly retryAfterMs?: number
  readonly promptTokens?: number
  readonly contextTokens?: number
  readonly deltas: number
  readonly peer?: string

  constructor (code: InferenceErrorCode, message: string, init: InferenceErrorInit = {}) {
    super(message, init)
    this.code = code
    this.retryable = init.retryable ?? RETRYABLE.has(code)
    this.retryAfterMs = init.retryAfterMs
    this.promptTokens = init.promptTokens
    this.contextTokens = init.contextTokens
    this.deltas = init.deltas ?? 0
    this.peer = init.peer
  }
}
