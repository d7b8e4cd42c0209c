/** Lets a node watch its connections below their streams: what comes, which streams are opened, and which of them say nothing. */
import type { MessageStream, StreamMuxer } from '@libp2p/interface'

/** A connection as a guard sees it: its peer is known, its streams are about to come. */
export interface GuardedConnection {
  direction: 'inbound' | 'outbound'
  /** Asks the other side for a sign of life; what comes back is told as `onHeard` */
  ping: () => void
  /** Ends the connection at once */
  abort: (error: Error) => void
}

/** A stream that the other side opened. */
export interface GuardedStream {
  /** `''` until it is negotiated */
  readonly protocol: string
  abort: (error: Error) => void
}

/** What is told of each stream that was accepted. */
export interface StreamGuard {
  /** Bytes of the stream came, or were sent on it */
  onBytes: (received: number, sent: number) => void
  onClose: () => void
}

/** What is asked and told of one connection. */
export interface ConnectionGuard {
  /** Bytes came */
  onHeard: () => void
  /** The other side asks for a sign of life; `false` ends the connection */
  admitPing: () => boolean
  /** The other side opens a stream beside `open` others of its own */
  admitStream: (open: number) => 'accept' | 'reset' | 'abort'
  onStream: (stream: GuardedStream) => StreamGuard
  onClose: () => void
}

/** Called for each connection, once it is encrypted and authenticated. */
export type GuardConnection = (connection: GuardedConnection) => ConnectionGuard

/** The connection or the stream broke a rule of the guard. */
export class GuardedConnectionError extends Error {
  static override name = 'GuardedConnectionError'
  override readonly name = 'GuardedConnectionError'
}

/** What yamux has but does not declare. */
interface YamuxInside {
  numInboundStreams: number
  onData: (data: unknown) => void
  incomingStream: (id: number) => void
  onRemoteStream: (stream: YamuxStreamInside) => void
  handlePing: (header: { flag: number }) => void
  sendFrame: (header: FrameHeader) => boolean
  ping: () => Promise<number>
}

interface FrameHeader {
  type: number
  flag: number
  streamID: number
  length: number
}

interface YamuxStreamInside extends GuardedStream {
  sendFrame: (header: FrameHeader, data?: unknown) => boolean
  handleData: (frame: { header: FrameHeader }) => void
  addEventListener: (name: 'close', listener: () => void) => void
}

const DATA_FRAME = 0
const WINDOW_UPDATE_FRAME = 1
const SYN = 1
const RST = 8

/** Puts a guard between a connection and its muxer. */
export function guardMuxer (muxer: StreamMuxer, connection: MessageStream, guardConnection: GuardConnection): StreamMuxer {
  const inside = muxer as unknown as YamuxInside
  const abort = (error: Error): void => {
    muxer.abort(error)
    connection.abort(error)
  }
  const guard = guardConnection({
    direction: connection.direction,
    ping: () => { inside.ping().catch(() => {}) }, // the connection is closing
    abort
  })
  connection.addEventListener('close', () => { guard.onClose() })

  const onData = inside.onData.bind(muxer)
  inside.onData = data => {
    guard.onHeard()
    onData(data)
  }
  const handlePing = inside.handlePing.bind(muxer)
  inside.handlePing = header => {
    if (header.flag === SYN && !guard.admitPing()) {
      throw new GuardedConnectionError('Too many pings')
    }
    handlePing(header)
  }
  const incomingStream = inside.incomingStream.bind(muxer)
  inside.incomingStream = id => {
    switch (guard.admitStream(inside.numInboundStreams)) {
      case 'accept':
        incomingStream(id)
        return
      case 'reset':
        inside.sendFrame({ type: WINDOW_UPDATE_FRAME, flag: RST, streamID: id, length: 0 })
        return
      case 'abort':
        // thrown, it ends the connection
        throw new GuardedConnectionError('Too many streams')
    }
  }
  const onRemoteStream = inside.onRemoteStream.bind(muxer)
  inside.onRemoteStream = stream => {
    guardStream(stream, guard)
    onRemoteStream(stream)
  }
  return muxer
}

function guardStream (stream: YamuxStreamInside, guard: ConnectionGuard): void {
  const watch = guard.onStream(stream)
  const { sendFrame } = stream
  const handleData = stream.handleData.bind(stream)
  stream.handleData = frame => {
    watch.onBytes(frame.header.length, 0)
    handleData(frame)
  }
  stream.sendFrame = (header, data) => {
    if (header.type === DATA_FRAME) {
      watch.onBytes(0, header.length)
    }
    return sendFrame(header, data)
  }
  stream.addEventListener('close', () => { watch.onClose() })
}
