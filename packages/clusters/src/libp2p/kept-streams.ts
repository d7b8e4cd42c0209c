/** Streams on which this peer greets others, one to each, kept for the next time. */
import { BoundedMap } from '@skein/core'
import { isRelayed, PROTOCOLS } from '@skein/records'
import { GreetingStream } from './greeting-stream.ts'
import type { AbortOptions, Connection, PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'

/** The one used longest ago is closed for a further one. */
const MAX_KEPT = 64

export class KeptStreams {
  private readonly connectionManager: Pick<ConnectionManager, 'getConnections'>
  private readonly streams = new BoundedMap<string, GreetingStream>({ maxSize: MAX_KEPT, onEvict: (_peer, stream) => { stream.close() } })

  constructor (connectionManager: Pick<ConnectionManager, 'getConnections'>) {
    this.connectionManager = connectionManager
  }

  get size (): number {
    return this.streams.size
  }

  /** A connection that is not limited: a direct one if there is any. */
  connectionTo (peer: PeerId): Connection | undefined {
    const usable = this.connectionManager.getConnections(peer).filter(connection => !isRelayed(connection) && connection.status === 'open')
    return usable.find(({ direct }) => direct) ?? usable[0]
  }

  /** The stream that is kept, if it is open and on this connection, or a new one. Only one caller at a time for each peer. */
  async streamTo (peer: string, connection: Connection, options: AbortOptions): Promise<GreetingStream> {
    const kept = this.streams.touch(peer)
    if (kept?.isOpen === true && kept.connection === connection) {
      return kept
    }
    this.forget(peer)
    const stream = new GreetingStream(await connection.newStream(PROTOCOLS.coordinates, { signal: options.signal }), connection)
    if (options.signal?.aborted === true) {
      stream.close()
      throw options.signal.reason
    }
    this.streams.set(peer, stream)
    return stream
  }

  forget (peer: string): void {
    this.streams.get(peer)?.close()
    this.streams.delete(peer)
  }

  abort (peer: string, error: Error): void {
    this.streams.get(peer)?.abort(error)
    this.streams.delete(peer)
  }

  clear (): void {
    for (const stream of this.streams.values()) {
      stream.close()
    }
    this.streams.clear()
  }
}
