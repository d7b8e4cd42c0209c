/** Real nodes that are members of clusters: TCP on loopback, GossipSub, and a table in the place of the DHT. */
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { ClusterService } from '../src/libp2p/index.ts'
export { eventually } from '../../core/test/eventually.ts'
import type { GossipSub } from '@libp2p/gossipsub'
import type { Identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import type { Topics } from '@skein/core'
import type { ClusterServiceInit, Found, Rendezvous } from '../src/libp2p/index.ts'

export type TestLibp2p = Libp2p<{ identify: Identify, pubsub: GossipSub }>

export interface TestNode {
  libp2p: TestLibp2p
  service: ClusterService
  name: string
}

/** The port `Topics` over GossipSub as it is, without scores. */
export function gossipTopics (pubsub: GossipSub): Topics {
  const subscribersOf = (name: string): string[] => pubsub.getSubscribers(name).map(peer => peer.toString())
  const neighboursOf = (name: string): string[] => (pubsub as unknown as { getMeshPeers: (topic: string) => string[] }).getMeshPeers(name)
  return {
    subscribersOf,
    join: (name, init) => {
      const onMessage: Parameters<typeof pubsub.addEventListener<'message'>>[1] = (event): void => {
        const message = (event as CustomEvent<{ type: string, topic: string, from: { toString: () => string }, data: Uint8Array }>).detail
        if (message.topic === name) {
          init.onMessage({ from: message.from.toString(), via: '', data: message.data })
        }
      }
      const onPeers = (): void => { init.onPeers?.() }
      pubsub.topicValidators.set(name, (via, message) => (message.data.length > init.maxBytes || message.type !== 'signed'
        ? 'reject'
        : init.validate({ from: message.from.toString(), via: via.toString(), data: message.data })) as never)
      pubsub.addEventListener('message', onMessage)
      pubsub.addEventListener('subscription-change', onPeers)
      pubsub.subscribe(name)
      return {
        name,
        get subscribers () { return subscribersOf(name) },
        get neighbours () { return neighboursOf(name) },
        publish: async data => (await pubsub.publish(name, data)).recipients.length,
        leave: () => {
          pubsub.removeEventListener('message', onMessage)
          pubsub.removeEventListener('subscription-change', onPeers)
          pubsub.topicValidators.delete(name)
          pubsub.unsubscribe(name)
        }
      }
    }
  }
}

/** What the DHT does for real peers: who advertises what. */
export class TableRendezvous {
  readonly advertised = new Map<string, Map<string, string[]>>()

  of (libp2p: TestLibp2p): Rendezvous {
    return {
      advertise: async (scope, signal) => {
        const peers = this.advertised.get(scope) ?? new Map<string, string[]>()
        this.advertised.set(scope, peers)
        const name = libp2p.peerId.toString()
        peers.set(name, libp2p.getMultiaddrs().map(address => address.toString()))
        signal.addEventListener('abort', () => { peers.delete(name) })
      },
      seek: (scope): AsyncIterable<Found> => this.seek(scope, libp2p.peerId.toString())
    }
  }

  private async * seek (scope: string, self: string): AsyncIterable<Found> {
    for (const [peer, addresses] of this.advertised.get(scope) ?? []) {
      if (peer !== self) {
        yield { peer, addresses }
      }
    }
  }
}

export async function createClusterNode (
  rendezvous: TableRendezvous, init: Omit<ClusterServiceInit, 'libp2p' | 'topics' | 'rendezvous'>
): Promise<TestNode> {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    connectionManager: { inboundConnectionThreshold: 1000, reconnectRetries: 0 },
    services: {
      identify: identify(),
      pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, scoreParams: { IPColocationFactorWeight: 0 } })
    }
  })
  const service = new ClusterService({ ...init, libp2p, topics: gossipTopics(libp2p.services.pubsub), rendezvous: rendezvous.of(libp2p) })
  await service.start()
  return { libp2p, service, name: libp2p.peerId.toString() }
}

export async function stopNode ({ libp2p, service }: TestNode): Promise<void> {
  await service.stop()
  await libp2p.stop()
}

