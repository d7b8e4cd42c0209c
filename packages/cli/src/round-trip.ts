/** One round trip over a connection, by libp2p's ping (github.com/libp2p/specs, ping/ping.md). */
import { equalBytes, randomBytes, sleep } from '@skein/core'
import { monotonicMs } from '@skein/core/system'
import type { Connection, Stream } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'

const PING_PROTOCOL = '/ipfs/ping/1.0.0'
const PING_BYTES = 32
/** Libp2p has one ping of a connection under way at most; the peer itself pings those that it has just met. */
const TURN_MS = 50
const MAX_TURNS = 20

/**
 * The second of two echoes: the first waits for the stream to be opened, and for what else begins with it.
 *
 * @throws what went wrong, and what aborted it when `signal` fires
 */
export async function measureRoundTrip (
  connection: Connection, { clock, random }: { clock: Clock, random: Random }, signal: AbortSignal
): Promise<number> {
  const stream = await openStream(connection, clock, signal)
  try {
    await echo(stream, randomBytes(random, PING_BYTES), signal)
    const sentMs = monotonicMs()
    await echo(stream, randomBytes(random, PING_BYTES), signal)
    return monotonicMs() - sentMs
  } finally {
    await stream.close({ signal }).catch(error => { stream.abort(error as Error) })
  }
}

async function openStream (connection: Connection, clock: Clock, signal: AbortSignal): Promise<Stream> {
  for (let turn = 1; ; turn++) {
    try {
      return await connection.newStream(PING_PROTOCOL, { signal, runOnLimitedConnection: true })
    } catch (error) {
      if ((error as Error).name !== 'TooManyOutboundProtocolStreamsError' || turn >= MAX_TURNS) {
        throw error
      }
      await sleep(clock, TURN_MS, { signal })
    }
  }
}

async function echo (stream: Stream, sent: Uint8Array, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const received = new Uint8Array(PING_BYTES)
  let length = 0
  const onMessage = ({ data }: { data: { subarray: () => Uint8Array } }): void => {
    const bytes = data.subarray().subarray(0, PING_BYTES - length)
    received.set(bytes, length)
    length += bytes.length
    if (length === PING_BYTES) {
      if (equalBytes(received, sent)) {
        resolve()
      } else {
        reject(new Error('What came back is not what was sent'))
      }
    }
  }
  const onClose = (): void => { reject(new Error('The stream was closed')) }
  const onAbort = (): void => { reject(signal.reason as Error) }
  signal.throwIfAborted()
  signal.addEventListener('abort', onAbort, { once: true })
  stream.addEventListener('message', onMessage)
  stream.addEventListener('close', onClose)
  try {
    stream.send(sent)
    await promise
  } finally {
    signal.removeEventListener('abort', onAbort)
    stream.removeEventListener('message', onMessage)
    stream.removeEventListener('close', onClose)
  }
}
