/** What passes over `/skein/signal/1.0.0` and between the seeds of a fleet: kinds, outcomes and bounds of signals. */
export { FleetSignal, SignalFrame } from './pb/signal.ts'

/** Largest payload of a signal, bytes. */
export const MAX_SIGNAL_PAYLOAD_BYTES = 16_384
/** Largest frame, bytes: twice a payload, so that one that is somewhat too large is refused by its number instead of ending the stream. */
export const MAX_SIGNAL_FRAME_BYTES = 32_768
/** How long a signal may take to be acknowledged by its receiver, ms. */
export const MAX_SIGNAL_LIFE_MS = 2_000

/** What of a negotiation is in the payload; only the two peers look into it. */
export type SignalKind = 'offer' | 'answer' | 'candidate' | 'other'

export const SIGNAL_KINDS: readonly SignalKind[] = ['offer', 'answer', 'candidate', 'other']

/**
 * - `not_registered`: the sender is not registered at the seed or its fleet
 * - `peer_not_found`: the receiver is not registered there either, and not connected
 * - `unreachable`: the receiver is not connected, or the seed it is connected to cannot be reached; it was not delivered
 * - `timeout`: no acknowledgement came in time, or before the receiver's connection broke; it may have arrived
 * - `queue_full`: too much waits for the receiver, or for the sender's earlier signals
 * - `too_early`: the sender signals faster than it may
 * - `oversize`: the payload is larger than 16 KiB
 * - `malformed`: no peer id, or no known kind
 * - `unhandled`: the receiver takes no signals of this kind
 * - `draining`: the seed is about to stop, or signals no more; ask another
 */
export type SignalRefusal =
  'not_registered' | 'peer_not_found' | 'unreachable' | 'timeout' | 'queue_full' | 'too_early' | 'oversize' | 'malformed' | 'unhandled' | 'draining'

export const SIGNAL_REFUSALS: readonly SignalRefusal[] = [
  'not_registered', 'peer_not_found', 'unreachable', 'timeout', 'queue_full', 'too_early', 'oversize', 'malformed', 'unhandled', 'draining'
]

/** What became of a signal. */
export type SignalOutcome = 'delivered' | SignalRefusal

export function isSignalKind (text: string): text is SignalKind {
  return (SIGNAL_KINDS as readonly string[]).includes(text)
}

/** An outcome as it came; one of a later version means that the signal was not delivered. */
export function signalOutcomeOf (text: string): SignalOutcome {
  return text === 'delivered' || (SIGNAL_REFUSALS as readonly string[]).includes(text) ? text as SignalOutcome : 'unreachable'
}
