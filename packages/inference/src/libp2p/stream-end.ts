/** Ends of streams: closing one without waiting for the other side for ever, and reading what came as one array. */
import type { Clock } from '@skein/core'
import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

/** Time for the other side to close its end too; then the stream is reset, so that nobody can keep dead streams open. */
const LINGER_MS = 5_000

export function closeStream (stream: Stream, clock: Clock): void {
  if (stream.status !== 'open') {
    return
  }
  const cancel = clock.schedule(clock.nowMs() + LINGER_MS, () => { stream.abort(new Error('The other side did not close the stream')) })
  stream.addEventListener('close', cancel, { once: true })
  stream.close().catch((error: Error) => { stream.abort(error) })
}

export function asBytes (data: Uint8Array | Uint8ArrayList): Uint8Array {
  return data instanceof Uint8Array ? data : data.subarray()
}
