/** What goes into the signalling of a seed, and what comes out of it. */
import type { SignalKind, SignalOutcome } from '@skein/records'

/** A stream, by a number that the driver gives. */
export type SessionId = number

export type SignalEffect =
  | { type: 'signal', session: SessionId, id: number, from: string, kind: SignalKind, payload: Uint8Array<ArrayBuffer> }
  /** `id` 0: about the stream */
  | { type: 'outcome', session: SessionId, id: number, outcome: SignalOutcome, retryAfterMs: number }
  | { type: 'close', session: SessionId, reason: SessionEnd }
  /** Look up whether the peer is registered; answer with `onRegistration` */
  | { type: 'check', peer: string }
  /** Look up which seeds the peer is connected to; answer with `onLocated` */
  | { type: 'locate', peer: string }
  /** Answer with `onUnpublished` when it was not passed on */
  | { type: 'publish', seed: string, signal: RemoteSignal }
  /** The peer has a new stream here, or none any more */
  | { type: 'present' | 'absent', peer: string }

/** - `moved`: the seed drains, all is settled · `replaced`: the peer has opened another · `silent`: it does not acknowledge what it is sent */
export type SessionEnd = 'moved' | 'replaced' | 'silent' | 'flood' | 'full'

/** Between two seeds: a signal, or with `outcome` the answer to one. */
export interface RemoteSignal {
  id: number
  from: string
  to: string
  kind: SignalKind
  payload: Uint8Array<ArrayBuffer>
  lifeMs: number
  outcome?: SignalOutcome
}

export interface IncomingSignal {
  id: number
  /** `undefined`: it did not name a peer */
  to: string | undefined
  kind: string
  payload: Uint8Array<ArrayBuffer>
  timeoutMs: number
}

/** `undefined`: it could not be found out. */
export type RegistrationVerdict = { registered: false } | { registered: true, untilMs: number } | undefined
export type LocationVerdict = { seeds: string[], registered: boolean } | undefined
