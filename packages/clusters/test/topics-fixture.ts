/** Topics over GossipSub as it comes, for tests between real nodes. What `@skein/peer` puts behind the port scores peers besides. */
import { gossipsub, TopicValidatorResult } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import type { GossipSub, GossipsubMessage } from '@libp2p/gossipsub'
import type { Identify } from '@libp2p/identify'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import type { Topic, TopicInit, Topics } from '@skein/core'

export type GossipNode = Libp2p<{ identify: Identify, pubsub: GossipSub }>

export async function createGossipNode (privateKey: PrivateKey): Promise<GossipNode> {
  return await createLibp2p({
    privateKey,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    connectionManager: { inboundConnectionThreshold: 1000, reconnectRetries: 0 },
    services: {
      identify: identify(),
      // all nodes have one address
      pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, scoreParams: { IPColocationFactorWeight: 0 } })
    }
  })
}

const VERDICTS = { accept: TopicValidatorResult.Accept, ignore: TopicValidatorResult.Ignore, reject: TopicValidatorResult.Reject }

export function topicsOf (pubsub: GossipSub): Topics {
  const subscribersOf = (name: string): string[] => pubsub.getSubscribers(name).map(String)
  return { subscribersOf, join: (name, init) => join(pubsub, name, init, subscribersOf) }
}

function join (pubsub: GossipSub, name: string, init: TopicInit, subscribersOf: (name: string) => string[]): Topic {
  if (pubsub.getTopics().includes(name)) {
    throw new Error(`${name} has been joined already`)
  }
  const onMessage = ({ detail: { propagationSource, msg } }: CustomEvent<GossipsubMessage>): void => {
    if (msg.topic === name && msg.type === 'signed') {
      init.onMessage({ from: msg.from.toString(), via: propagationSource.toString(), data: msg.data })
    }
  }
  const onPeers = (): void => { init.onPeers?.() }
  pubsub.topicValidators.set(name, (via, msg) => {
    if (msg.type !== 'signed' || msg.data.length > init.maxBytes) {
      return TopicValidatorResult.Reject
    }
    return VERDICTS[init.validate({ from: msg.from.toString(), via: via.toString(), data: msg.data })]
  })
  pubsub.addEventListener('gossipsub:message', onMessage)
  pubsub.addEventListener('subscription-change', onPeers)
  pubsub.subscribe(name)
  return {
    name,
    get subscribers () { return subscribersOf(name) },
    get neighbours () { return subscribersOf(name) },
    publish: async data => {
      if (data.length > init.maxBytes) {
        throw new RangeError(`A message of ${data.length} bytes; at most ${init.maxBytes} are allowed`)
      }
      return (await pubsub.publish(name, data)).recipients.length
    },
    leave: () => {
      pubsub.removeEventListener('gossipsub:message', onMessage)
      pubsub.removeEventListener('subscription-change', onPeers)
      pubsub.topicValidators.delete(name)
      pubsub.unsubscribe(name)
    }
  }
}
