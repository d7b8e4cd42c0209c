/** Bounds what a connection negotiates before it has streams: its encryption, and where that did not settle it, its muxer. */
import { noise } from '@libp2p/noise'
import { boundMessages } from './bounded-messages.ts'
import type {
  ConnectionEncrypter, ConnectionGater, MultiaddrConnection, PeerId, SecureConnectionOptions, StreamMuxerFactory
} from '@libp2p/interface'
import type { MessageBoundsError, Readable } from './bounded-messages.ts'

type OnFault = (error: MessageBoundsError) => void
type Encrypt<S> = (connection: S, options?: SecureConnectionOptions) => Promise<{ connection: unknown, streamMuxer?: StreamMuxerFactory }>

const NOISE = '/noise'
const YAMUX = '/yamux/1.0.0'

/** A gater that bounds each connection before it is read from, and then asks `own`. */
export function boundedGater (own: ConnectionGater, onFault: OnFault): ConnectionGater {
  const bound = (connection: MultiaddrConnection): void => { expectOnly(NOISE, connection, onFault) }
  return {
    ...own,
    denyInboundConnection: async (connection: MultiaddrConnection) => {
      bound(connection)
      return await own.denyInboundConnection?.(connection) ?? false
    },
    denyOutboundConnection: async (peer: PeerId, connection: MultiaddrConnection) => {
      bound(connection)
      return await own.denyOutboundConnection?.(peer, connection) ?? false
    }
  }
}

/** Noise, after which a muxer may be negotiated. */
export function boundedNoise (onFault: OnFault): (...components: Parameters<ReturnType<typeof noise>>) => ConnectionEncrypter {
  const create = noise()
  return components => {
    const encrypter = create(components)
    const { secureInbound, secureOutbound } = encrypter
    return Object.assign(encrypter, {
      secureInbound: bounded(secureInbound.bind(encrypter) as Encrypt<unknown>, onFault),
      secureOutbound: bounded(secureOutbound.bind(encrypter) as Encrypt<unknown>, onFault)
    })
  }
}

function bounded<S> (encrypt: Encrypt<S>, onFault: OnFault): Encrypt<S> {
  return async (connection, options) => {
    const secured = await encrypt(connection, options)
    if (secured.streamMuxer === undefined) {
      expectOnly(YAMUX, secured.connection, onFault)
    }
    return secured
  }
}

function expectOnly (protocol: string, connection: unknown, onFault: OnFault): void {
  boundMessages(connection as Readable, { after: line => line === protocol ? 'anything' : undefined }, onFault)
}
