/** An echo over a connection that stands, by the protocol that every libp2p node answers. */
import { byteStream } from '@libp2p/utils'
import { randomBytes } from '@skein/core'
import type { Connection } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'

export interface EchoInit {
  clock: Clock
  random: Random
  signal: AbortSignal
}

const PING_PROTOCOL = '/ipfs/ping/1.0.0'
const PING_BYTES = 32

/**
 * The round trip, ms. libp2p's own ping goes to a peer and not over a connection: it dials where there is none, or only a circuit.
 *
 * @throws what aborted it, or libp2p's error: also when another ping is under way on that connection
 */
export async function echo (connection: Connection, { clock, random, signal }: EchoInit): Promise<number> {
  const stream = await connection.newStream(PING_PROTOCOL, { signal, runOnLimitedConnection: true })
  try {
    const bytes = byteStream(stream)
    const sentMs = clock.nowMs()
    await bytes.write(randomBytes(random, PING_BYTES), { signal })
    await bytes.read({ bytes: PING_BYTES, signal })
    const roundTripMs = clock.nowMs() - sentMs
    stream.close({ signal }).catch((error: Error) => { stream.abort(error) })
    return roundTripMs
  } catch (error) {
    stream.abort(error as Error)
    throw error
  }
}
