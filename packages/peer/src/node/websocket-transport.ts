/**
 * libp2p's WebSocket transport, with mends of its listener. `@libp2p/websockets` 10.1 does not listen for errors of the sockets it takes, so that one
 * frame that breaks the protocol, before any handshake, ends the process. It ends a connection by a close code that `ws` refuses to send, so that the
 * socket stays open as long as the other side likes. And it collects messages of up to 100 MiB.
 */
import { webSockets } from '@libp2p/websockets'
import type { Listener, Transport } from '@libp2p/interface'

/** Each message carries one or a few encrypted frames, of at most 64 KiB each. */
const MAX_MESSAGE_BYTES = 1024 * 1024

/** What is mended: properties that are there but not declared. */
interface ListenerInside {
  wsServer: { options: { maxPayload: number } }
  onWsServerConnection: (socket: ServerSocket, request: unknown) => void
}

interface ServerSocket {
  on: (event: 'error', listener: () => void) => void
  close: (code?: number, reason?: string) => void
  terminate: () => void
}

/** "Closed abnormally" (RFC 6455, 7.4.1): what a side sees, never what it sends. */
const ABNORMAL = 1006

export function webSocketTransport (): ReturnType<typeof webSockets> {
  const create = webSockets()
  return components => {
    const transport: Transport = create(components)
    const createListener = transport.createListener.bind(transport)
    transport.createListener = options => mend(createListener(options))
    return transport as ReturnType<ReturnType<typeof webSockets>>
  }
}

function mend (listener: Listener): Listener {
  const inside = listener as unknown as ListenerInside
  inside.wsServer.options.maxPayload = MAX_MESSAGE_BYTES
  const take = inside.onWsServerConnection.bind(listener)
  inside.onWsServerConnection = (socket, request) => {
    socket.on('error', () => {}) // 'close' follows, which is listened for
    const close = socket.close.bind(socket)
    socket.close = (code, reason) => {
      if (code === ABNORMAL) {
        socket.terminate()
      } else {
        close(code, reason)
      }
    }
    take(socket, request)
  }
  return listener
}
