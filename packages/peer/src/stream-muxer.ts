/**
 * yamux, with mends. When a connection closes in the moment in which a stream is opened on it, `@libp2p/yamux` 8.0 throws from a microtask, where
 * nobody can catch it, and the process ends; here such a stream is aborted instead, and who opened it gets the error. It collects a frame of any
 * length that its header names, up to 4 GiB, before it looks whether the stream may send so much; here a frame beyond the largest window ends the
 * connection as soon as its header is there. And what streams carry is held to `MessageBounds`.
 */
import { yamux } from '@libp2p/yamux'
import { boundMessages } from './bounded-messages.ts'
import { messageRule } from './message-bounds.ts'
import { guardMuxer } from './muxer-guard.ts'
import type { MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import type { YamuxMuxerInit } from '@libp2p/yamux'
import type { Readable } from './bounded-messages.ts'
import type { MessageBoundsInit } from './message-bounds.ts'
import type { GuardConnection } from './muxer-guard.ts'

export interface StreamMuxerInit {
  yamux: YamuxMuxerInit
  guardConnection?: GuardConnection
  /** Told why a connection or a stream was ended because of what came on it */
  onFault?: (error: Error) => void
}

/** What it needs of the node. */
export interface StreamMuxerComponents {
  registrar?: { getProtocols: () => string[] }
}

/** A frame is longer than any window that was granted. */
export class OversizeFrameError extends Error {
  static override name = 'OversizeFrameError'
  override readonly name = 'OversizeFrameError'
  readonly lengthBytes: number

  constructor (lengthBytes: number, maxBytes: number) {
    super(`A frame of ${lengthBytes} bytes, where ${maxBytes} are the most that may be sent`)
    this.lengthBytes = lengthBytes
  }
}

/** What is mended: methods that are there but not declared. */
interface YamuxInside {
  onData: (data: unknown) => void
  onCreateStream: (options: unknown) => Readable & { sendWindowUpdate: () => void }
  onRemoteStream: (stream: Readable) => void
  decoder: {
    buffer: { byteLength: number, subarray: (begin: number, end: number) => Uint8Array }
    readFrame: () => unknown
  }
}

const HEADER_BYTES = 12
const DATA_FRAME = 0
/** yamux's own default, bytes. */
const MAX_WINDOW_BYTES = 16 * 1024 * 1024

export function streamMuxer (init: StreamMuxerInit): (components?: StreamMuxerComponents) => StreamMuxerFactory {
  const maxFrameBytes = init.yamux.streamOptions?.maxStreamWindowSize ?? MAX_WINDOW_BYTES
  const onFault = init.onFault ?? (() => {})
  return components => {
    const factory = yamux(init.yamux)()
    const isHandled = (protocol: string): boolean => components?.registrar?.getProtocols().includes(protocol) ?? true
    return {
      protocol: factory.protocol,
      createStreamMuxer: (connection: MessageStream): StreamMuxer => {
        const muxer = factory.createStreamMuxer(connection)
        const inside = muxer as unknown as YamuxInside
        mendOpening(inside)
        boundFrames(inside, maxFrameBytes)
        boundStreams(inside, isHandled, onFault)
        tellFaults(inside, onFault)
        return init.guardConnection === undefined ? muxer : guardMuxer(muxer, connection, init.guardConnection)
      }
    }
  }
}

function mendOpening (muxer: YamuxInside): void {
  const create = muxer.onCreateStream.bind(muxer)
  muxer.onCreateStream = options => {
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
}

function boundFrames ({ decoder }: YamuxInside, maxFrameBytes: number): void {
  const readFrame = decoder.readFrame.bind(decoder)
  decoder.readFrame = () => {
    const frame = readFrame()
    if (frame === undefined && decoder.buffer.byteLength >= HEADER_BYTES) {
      // it waits for the rest of this one
      const header = decoder.buffer.subarray(0, HEADER_BYTES)
      const length = new DataView(header.buffer, header.byteOffset).getUint32(8)
      if (header[1] === DATA_FRAME && length > maxFrameBytes) {
        throw new OversizeFrameError(length, maxFrameBytes)
      }
    }
    return frame
  }
}

function boundStreams (muxer: YamuxInside, isHandled: (protocol: string) => boolean, onFault: (error: Error) => void): void {
  const whatIsAsked: MessageBoundsInit['after'] = line => isHandled(line) ? messageRule(line) : undefined
  const create = muxer.onCreateStream.bind(muxer)
  muxer.onCreateStream = options => {
    const stream = create(options)
    boundMessages(stream, { after: messageRule }, onFault)
    return stream
  }
  const onRemoteStream = muxer.onRemoteStream.bind(muxer)
  muxer.onRemoteStream = stream => {
    boundMessages(stream, { after: whatIsAsked }, onFault)
    onRemoteStream(stream)
  }
}

/** What is thrown while data is read ends the connection. */
function tellFaults (muxer: YamuxInside, onFault: (error: Error) => void): void {
  const onData = muxer.onData.bind(muxer)
  muxer.onData = data => {
    try {
      onData(data)
    } catch (error) {
      onFault(error as Error)
      throw error
    }
  }
}
