/** libp2p's transports with an admission before their listeners. */
import type { AdmittedSockets } from './admitted-sockets.ts'
import type { Server } from 'node:net'
import type { Listener, Transport } from '@libp2p/interface'
import type { Transports } from '@skein/peer'

/** What listeners of TCP and WebSocket have but do not declare: the server whose sockets they take. */
interface ListenerInside {
  server?: unknown
  wsServer?: unknown
}

export function guardedTransports (transports: Transports, sockets: AdmittedSockets): Transports {
  return transports.map(create => components => guardTransport(create(components), sockets))
}

function guardTransport (transport: Transport, sockets: AdmittedSockets): Transport {
  const createListener = transport.createListener.bind(transport)
  transport.createListener = options => guardListener(createListener(options), sockets)
  return transport
}

/** A listener without a server of its own, such as a relay's, has no sockets either. */
function guardListener (listener: Listener, sockets: AdmittedSockets): Listener {
  const { server, wsServer } = listener as ListenerInside
  if (isServer(server)) {
    sockets.guard(server, wsServer === undefined ? 'tcp' : 'websocket')
  }
  return listener
}

function isServer (value: unknown): value is Server {
  const server = value as Partial<Server> | undefined
  return typeof server?.listeners === 'function' && typeof server.getConnections === 'function'
}
