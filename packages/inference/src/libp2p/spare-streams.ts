/**
 * Keeps one negotiated stream in hand on each connection that was just called over. Opening a stream costs a round trip before the request can leave;
 * callers that ask again within seconds (conversations, agents, gateways) are spared it.
 */
import { isRelayed } from '@skein/records'
import type { Connection, Stream } from '@libp2p/interface'
import type { Cancel, Clock } from '@skein/core'

/** Below the 10 s after which the other side gives up on a stream without a request, less a slow network's delay, ms. */
const SPARE_LIFE_MS = 7_000
/** Most connections with a spare. */
const MAX_SPARES = 256

interface Spare {
  stream: Stream
  cancel: Cancel
}

export class SpareStreams {
  private readonly clock: Clock
  private readonly spares = new Map<Connection, Spare>()
  private readonly opening = new Set<Connection>()
  private stopped = false

  constructor (clock: Clock) {
    this.clock = clock
  }

  /** The spare of a connection, if it has one that is still good; it is the caller's then. */
  take (connection: Connection): Stream | undefined {
    const spare = this.spares.get(connection)
    if (spare == null) {
      return undefined
    }
    this.spares.delete(connection)
    spare.cancel()
    return spare.stream.status === 'open' && spare.stream.remoteWriteStatus === 'writable' ? spare.stream : undefined
  }

  /** Opens one for the next call. A relayed connection gets none: its operator pays for each stream. */
  refill (connection: Connection, open: () => Promise<Stream>): void {
    if (this.stopped || isRelayed(connection) || this.spares.has(connection) || this.opening.has(connection) ||
      this.spares.size + this.opening.size >= MAX_SPARES) {
      return
    }
    this.opening.add(connection)
    void open().then(stream => { this.keep(connection, stream) }, () => {}).finally(() => { this.opening.delete(connection) })
  }

  stop (): void {
    this.stopped = true
    for (const { stream, cancel } of this.spares.values()) {
      cancel()
      stream.abort(new Error('This node is stopping'))
    }
    this.spares.clear()
  }

  start (): void {
    this.stopped = false
  }

  private keep (connection: Connection, stream: Stream): void {
    if (this.stopped) {
      stream.abort(new Error('This node is stopping'))
      return
    }
    const drop = (): void => {
      if (this.spares.get(connection)?.stream === stream) {
        this.spares.delete(connection)
      }
    }
    const cancel = this.clock.schedule(this.clock.nowMs() + SPARE_LIFE_MS, () => {
      drop()
      stream.abort(new Error('Nobody needed the stream'))
    })
    stream.addEventListener('close', () => {
      cancel()
      drop()
    })
    this.spares.set(connection, { stream, cancel })
  }
}
