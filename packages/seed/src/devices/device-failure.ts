/** Failures of the mesh as devices read them in `inferenceError`, and those of devices as errors of the mesh. */
import { InferenceError } from '@skein/inference'
import type { SessionPayload } from './session-message.ts'
import type { InferenceErrorCode } from '@skein/inference'

/** Codes as they go out; what comes in under other names is a failed backend. */
const CODES: ReadonlySet<string> = new Set<InferenceErrorCode>([
  'busy', 'context_length_exceeded', 'model_not_found', 'invalid_request', 'deadline_exceeded', 'first_delta_timeout', 'stream_truncated',
  'stream_corrupt', 'connection_failed', 'backend_failed', 'cancelled', 'no_provider', 'unauthorized', 'oversize'
])

/** HTTP's numbers, for devices that use them as codes. */
const STATUSES: Record<string, InferenceErrorCode> = {
  400: 'invalid_request', 404: 'model_not_found', 413: 'oversize', 429: 'busy', 503: 'busy', 504: 'first_delta_timeout'
}

/** A device knows neither the caller's patience and rights nor whether others offer the model. */
const NOT_FOR_DEVICES: ReadonlySet<InferenceErrorCode> = new Set(['cancelled', 'deadline_exceeded', 'no_provider', 'unauthorized'])

const MAX_MESSAGE_CHARS = 512

/** What a device reads. `code` is the mesh's own name of the failure. */
export function deviceFailure (requestID: string, error: unknown): SessionPayload<'inferenceError'> {
  return error instanceof InferenceError
    ? { requestID, errorMessage: error.message.slice(0, MAX_MESSAGE_CHARS), code: error.code }
    : { requestID, errorMessage: 'The seed failed', code: 'backend_failed' }
}

export function meshFailure ({ errorMessage, code }: SessionPayload<'inferenceError'>): InferenceError {
  const name = String(code ?? '')
  const known = CODES.has(name) ? name as InferenceErrorCode : STATUSES[name] ?? 'backend_failed'
  const told = NOT_FOR_DEVICES.has(known) ? 'backend_failed' : known
  const retryAfterMs = told === 'busy' ? 1_000 : undefined
  return new InferenceError(told, `The device failed: ${errorMessage.slice(0, MAX_MESSAGE_CHARS)}`, { retryAfterMs })
}
