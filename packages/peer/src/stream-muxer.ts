/**
 * yamux, with one mend: when a connection closes in the moment in which a stream is opened on it, `@libp2p/yamux` 8.0 throws from a microtask, where
 * nobody can catch it, and the process ends. Here such a stream is aborted instead, and who opened it gets the error.
 */
import { yamux } from '@libp2p/yamux'
import type { MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import type { YamuxMuxerInit } from '@libp2p/yamux'

/** What is mended: methods that are there but not declared. */
interface Opening {
  onCreateStream: (options: unknown) => { sendWindowUpdate: () => void, abort: (error: Error) => void }
}

export function streamMuxer (init: YamuxMuxerInit): () => StreamMuxerFactory {
  return () => {
    const factory = yamux(init)()
    return {
      protocol: factory.protocol,
      createStreamMuxer: (connection: MessageStream): StreamMuxer => mend(factory.createStreamMuxer(connection))
    }
  }
}

function mend (muxer: StreamMuxer): StreamMuxer {
  const opening = muxer as unknown as Opening
  const create = opening.onCreateStream.bind(muxer)
  opening.onCreateStream = options => {
    const stream = create(options)
    const send = stream.sendWindowUpdate.bind(stream)
    stream.sendWindowUpdate = () => {
      try {
        send()
      } catch (error) {
        stream.abort(error as Error)
      }
    }
    return stream
  }
  return muxer
}
