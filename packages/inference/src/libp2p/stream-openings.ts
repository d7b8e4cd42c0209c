/**
 * Lets one stream go first on a new connection. The dialler's side of a connection is ready before the listener's: streams that
 * arrive in between are kept, but when there are more than 10 the listener's muxer gives up on the whole connection
 * (`maxEarlyStreams` of @libp2p/utils). A burst of requests to a peer that is just being dialled would hit that. Once one
 * stream has been negotiated, the other side is ready.
 */
import type { Connection, Stream } from '@libp2p/interface'

export class StreamOpenings {
  /** The first stream of each connection: being opened, or there */
  private readonly first = new WeakMap<Connection, Promise<boolean>>()

  async open (connection: Connection, newStream: () => Promise<Stream>): Promise<Stream> {
    for (;;) {
      const first = this.first.get(connection)
      if (first == null) {
        break
      }
      if (await first) {
        return newStream()
      }
    }
    const stream = newStream()
    this.first.set(connection, stream.then(() => true, () => {
      this.first.delete(connection) // the next one is the first
      return false
    }))
    return stream
  }
}
