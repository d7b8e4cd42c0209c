/** Real libp2p nodes on loopback with kad-dht and model routing, for node tests and the bench. */
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { PROTOCOLS } from '@skein/records'
import { createLibp2p } from 'libp2p'
import { modelRouting } from '../src/libp2p/index.ts'
import type { ModelRoutingInit, ModelRoutingService } from '../src/libp2p/index.ts'
import type { Identify } from '@libp2p/identify'
import type { KadDHT, KadDHTInit } from '@libp2p/kad-dht'
import type { Ping } from '@libp2p/ping'
import type { Libp2p, PrivateKey, StreamMuxerFactory } from '@libp2p/interface'

/** What is mended below: methods that are there but not declared. */
interface Opening {
  onCreateStream: (options: unknown) => { sendWindowUpdate: () => void, abort: (error: Error) => void }
}

export type RoutingNode = Libp2p<{ identify: Identify, ping: Ping, dht: KadDHT, routing: ModelRoutingService }>

export async function createRoutingNode (
  init: ModelRoutingInit = {}, dht: KadDHTInit = {}, privateKey?: PrivateKey, listen = ['/ip4/127.0.0.1/tcp/0']
): Promise<RoutingNode> {
  return await createLibp2p({
    privateKey,
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [mendedYamux],
    connectionMonitor: { enabled: false },
    connectionManager: { inboundConnectionThreshold: 10_000, maxIncomingPendingConnections: 1000, reconnectRetries: 0 },
    connectionGater: { denyDialMultiaddr: () => false },
    services: {
      identify: identify(),
      ping: ping({ maxInboundStreams: 64, maxOutboundStreams: 64 }),
      dht: kadDHT({ protocol: PROTOCOLS.kad, clientMode: false, peerInfoMapper: passthroughMapper, ...dht }),
      routing: modelRouting(init)
    }
  })
}

/** `count` nodes that have all dialled the first. */
export async function createNetwork (count: number, init: ModelRoutingInit = {}): Promise<RoutingNode[]> {
  const nodes: RoutingNode[] = []
  for (let i = 0; i < count; i++) {
    const node = await createRoutingNode(init)
    if (nodes[0] !== undefined) {
      await node.dial(nodes[0].getMultiaddrs())
    }
    nodes.push(node)
  }
  return nodes
}

export async function stopAll (nodes: RoutingNode[]): Promise<void> {
  await Promise.all(nodes.map(node => node.stop()))
}

/**
 * yamux 8.0 throws from a microtask, where nobody can catch it, when a connection closes in the moment in which a stream is opened on
 * it. Here such a stream is aborted, as `@skein/peer` does.
 */
function mendedYamux (): StreamMuxerFactory {
  const factory = yamux()()
  return {
    protocol: factory.protocol,
    createStreamMuxer: connection => {
      const muxer = factory.createStreamMuxer(connection)
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
  }
}
