/** What seeds send each other over the bus, as bytes. */
import { FleetSignal, isSignalKind, MAX_SIGNAL_FRAME_BYTES, peerIdBytesOf, peerNameOf, RecordError, signalOutcomeOf } from '@skein/records'
import type { RemoteSignal } from './signal-effect.ts'

export function encodeFleetMessage (seed: string, signal: RemoteSignal): Uint8Array<ArrayBuffer> {
  const { from, to, outcome, ...rest } = signal
  return FleetSignal.encode({ ...rest, seed, from: peerIdBytesOf(from), to: peerIdBytesOf(to), outcome: outcome ?? '' })
}

/** @throws {RecordError} `malformed` or `oversize`, when no seed sends this */
export function decodeFleetMessage (bytes: Uint8Array): { seed: string, signal: RemoteSignal } {
  if (bytes.length > MAX_SIGNAL_FRAME_BYTES) {
    throw new RecordError('oversize', `A message of ${bytes.length} bytes between seeds`)
  }
  let message: FleetSignal
  try {
    message = FleetSignal.decode(bytes)
  } catch (cause) {
    throw new RecordError('malformed', 'Not a message between seeds', { cause })
  }
  const { seed, id, from, to, kind, payload, lifeMs, outcome } = message
  if (seed === '' || !isSignalKind(kind)) {
    throw new RecordError('malformed', 'A message between seeds without its seed or kind')
  }
  // the payload shares memory with what came otherwise
  const signal: RemoteSignal = { id, from: peerNameOf(from), to: peerNameOf(to), kind, payload: Uint8Array.from(payload), lifeMs }
  return { seed, signal: outcome === '' ? signal : { ...signal, outcome: signalOutcomeOf(outcome) } }
}
