/** What a client asks a super-node about a session, and what it is told (docs/specs/super-nodes.md, section 9). */

export const SESSION_ACTIONS = ['take', 'renew', 'give'] as const
export type SessionAction = typeof SESSION_ACTIONS[number]

export interface SessionRequest {
  action: SessionAction
  /** Chosen by the client: 1 to 32 bytes */
  session: string
  /** Grows with every place that the client takes for this session */
  fence: number
  /** With `take`: by what the stream is let in, 16 to 64 bytes; '' else */
  streamToken: string
}

/**
 * - `unsupported`: it carries no streams, or is of a version that does not know sessions
 * - `no_seat`: it was not elected, or will not be for long
 * - `full`: all its places are taken
 * - `too_many`: this client, or its network, has as many places here as it may
 * - `stale_fence`: a greater number was heard for this session
 * - `unknown`: it does not carry the session: its time was over, or the super-node was started again
 * - `busy`: it was asked too often
 * - `bad_request`: no session, token or number as they must be
 */
export const SESSION_REFUSALS = ['unsupported', 'no_seat', 'full', 'too_many', 'stale_fence', 'unknown', 'busy', 'bad_request'] as const
export type SessionRefusal = typeof SESSION_REFUSALS[number]

/** By what a stream is let in: 36^16 are 82 bits. */
export const MIN_STREAM_TOKEN_BYTES = 16
export const MAX_STREAM_TOKEN_BYTES = 64
/** What is printed, logged and given to other programs has no other characters. */
const PLAIN = /^[0-9A-Za-z_-]+$/

/** Why it cannot be meant; `undefined` when it can. */
export function requestProblem ({ action, session, fence, streamToken }: Record<keyof SessionRequest, unknown>): string | undefined {
  if (!SESSION_ACTIONS.includes(action as SessionAction)) {
    return `the action is none of ${SESSION_ACTIONS.join(', ')}`
  }
  if (typeof session !== 'string' || session.length > 32 || !PLAIN.test(session)) {
    return 'a session has 1 to 32 letters and digits'
  }
  if (!Number.isSafeInteger(fence) || (fence as number) < 1) {
    return 'the fence is not a number from 1'
  }
  if (action === 'take' && (typeof streamToken !== 'string' || streamToken.length < MIN_STREAM_TOKEN_BYTES ||
    streamToken.length > MAX_STREAM_TOKEN_BYTES || !PLAIN.test(streamToken))) {
    return `a stream token has ${MIN_STREAM_TOKEN_BYTES} to ${MAX_STREAM_TOKEN_BYTES} letters and digits`
  }
  return undefined
}
