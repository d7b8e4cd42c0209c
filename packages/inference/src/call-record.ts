/** What a request came to, as one of its two sides saw it: what receipts are made of. */
import type { ReceiptPath } from '@skein/records'
import type { InferenceRequest, InferenceTask } from './backend.ts'
import type { InferenceErrorCode } from './errors.ts'
import type { JsonObject } from './json.ts'

/**
 * - `complete`: all of the answer, up to END
 * - `failed`: nothing of an answer came of it
 * - `truncated`: the answer broke off
 * - `refused`: the serving side said at once that it would not, such as when it is busy
 * - `abandoned`: the caller left, for a reason that the serving side cannot know
 */
export type CallOutcome = 'complete' | 'failed' | 'truncated' | 'refused' | 'abandoned'

/** What both sides of a request can tell, each by its own count. */
export interface CallRecord {
  /** The request's, 16 bytes; chosen by the caller */
  nonce: Uint8Array
  task: InferenceTask
  model: string
  outcome: CallOutcome
  /** Content frames, sent or received */
  deltas: number
  /** Bytes of the frames of the answer, sent or received */
  bytes: number
  /** OpenAI's `usage` object as it was sent; only of a complete answer */
  usage?: JsonObject
  /** From the request to the first content frame, ms; left out when none came */
  firstDeltaMs?: number
  /** From the request to its end, ms: at the caller since it was sent, at the serving side since it arrived */
  durationMs: number
}

/** How the two were connected. */
export type CallPath = Exclude<ReceiptPath, 'local'>

/** … and with whom, over which path. */
export interface EndedCall extends CallRecord {
  /** The other side, as text */
  peer: string
  path: CallPath
}

/** Codes that say: not this request, not by me, not now. One of them after content is no refusal any more. */
const REFUSALS: ReadonlySet<InferenceErrorCode> = new Set<InferenceErrorCode>([
  'busy', 'context_length_exceeded', 'model_not_found', 'invalid_request', 'unauthorized', 'oversize'
])

export function refusedOrBroken (code: InferenceErrorCode, deltas: number): CallOutcome {
  return deltas === 0 && REFUSALS.has(code) ? 'refused' : broken(deltas)
}

export function broken (deltas: number): CallOutcome {
  return deltas === 0 ? 'failed' : 'truncated'
}

export interface CallRecordInit {
  request: InferenceRequest
  nonce: Uint8Array
  outcome: CallOutcome
  deltas: number
  bytes: number
  usage: JsonObject | undefined
  /** When the request was sent or arrived, and when the first content frame was, ms since the epoch */
  startMs: number
  firstDeltaAtMs: number | undefined
}

export function callRecord (init: CallRecordInit, nowMs: number): CallRecord {
  const { request: { task, model }, nonce, outcome, deltas, bytes, usage, startMs, firstDeltaAtMs } = init
  return {
    nonce,
    task,
    model,
    outcome,
    deltas,
    bytes,
    ...(usage === undefined || outcome !== 'complete' ? {} : { usage }),
    ...(firstDeltaAtMs === undefined ? {} : { firstDeltaMs: Math.max(0, firstDeltaAtMs - startMs) }),
    durationMs: Math.max(0, nowMs - startMs)
  }
}
