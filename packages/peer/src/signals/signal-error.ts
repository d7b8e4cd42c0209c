/** A signal was not delivered. */
import type { SignalRefusal } from '@skein/records'

const ADVICE: Record<SignalRefusal, string> = {
  not_registered: 'this peer is not registered at any of its seeds yet',
  peer_not_found: 'no seed knows the peer',
  unreachable: 'the peer is not connected to a seed that could be reached',
  timeout: 'no acknowledgement came in time; it may have arrived',
  queue_full: 'too much waits to be delivered; try again later',
  too_early: 'this peer signals too often; try again later',
  oversize: 'the payload is larger than 16 KiB',
  malformed: 'the peer id or the kind is not one',
  unhandled: 'the peer takes no signals of this kind',
  draining: 'the only seeds are about to stop'
}

export class SignalError extends Error {
  static override name = 'SignalError'
  override readonly name = 'SignalError'
  readonly reason: SignalRefusal
  /** For whom it was */
  readonly peer: string
  /** Do not try again before; 0 when nothing was said */
  readonly retryAfterMs: number

  constructor (reason: SignalRefusal, peer: string, options: { retryAfterMs?: number, cause?: unknown } = {}) {
    super(`The signal to ${peer.slice(0, 80)} was not delivered: ${ADVICE[reason]}`, options)
    this.reason = reason
    this.peer = peer
    this.retryAfterMs = options.retryAfterMs ?? 0
  }
}
