/** Real nodes on loopback that gossip, for tests: connected as a test says, all in one topic. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { systemClock } from '@skein/core/system'
import { createLibp2p } from 'libp2p'
import { gossip } from '../../src/gossip/gossip.ts'
import { GossipTopics } from '../../src/gossip/gossip-topics.ts'
import { PeerScores } from '../../src/gossip/peer-scores.ts'
import type { GossipSub } from '@libp2p/gossipsub'
import type { Identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import type { Topic, TopicInit } from '@skein/core'
import type { GossipInit } from '../../src/gossip/gossip.ts'
import type { GossipTopicsInit } from '../../src/gossip/gossip-topics.ts'

export const TOPIC = '/skein/test/1'

export type GossipLibp2p = Libp2p<{ identify: Identify, pubsub: GossipSub }>

export interface GossipNode {
  id: string
  libp2p: GossipLibp2p
  scores: PeerScores
  topics: GossipTopics
  topic: Topic
  /** Texts of the messages that came, in order */
  heard: string[]
}

export interface NodeInit {
  gossip?: GossipInit
  topic?: Partial<TopicInit>
  topics?: Partial<GossipTopicsInit>
  /** In place of `gossip()` */
  pubsub?: (components: Parameters<ReturnType<typeof gossip>>[0]) => GossipSub
}

export class GossipMesh {
  readonly nodes: GossipNode[] = []
  private readonly others: Libp2p[] = []

  async bare (pubsub: NonNullable<NodeInit['pubsub']>): Promise<GossipLibp2p> {
    const libp2p = await createLibp2p({
      privateKey: await generateKeyPair('Ed25519'),
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      connectionManager: { inboundConnectionThreshold: 1_000, maxIncomingPendingConnections: 256 },
      services: { identify: identify(), pubsub }
    })
    this.others.push(libp2p)
    return libp2p
  }

  async add (init: NodeInit = {}): Promise<GossipNode> {
    const scores = new PeerScores()
    const libp2p = await this.bare(init.pubsub ?? gossip({ scores, ...init.gossip }))
    const topics = new GossipTopics({
      libp2p,
      service: libp2p.services.pubsub,
      clock: systemClock(),
      log: libp2p.logger.forComponent('test:topics'),
      ...init.topics
    })
    topics.start()
    const heard: string[] = []
    const topic = topics.join(TOPIC, topicInit(heard, init.topic))
    const node = { id: libp2p.peerId.toString(), libp2p, scores, topics, topic, heard }
    this.nodes.push(node)
    return node
  }

  async addMany (count: number, init: NodeInit = {}): Promise<GossipNode[]> {
    return await Promise.all(Array.from({ length: count }, async () => await this.add(init)))
  }

  async stop (): Promise<void> {
    this.nodes.forEach(({ topics }) => { topics.stop() })
    await Promise.all(this.others.map(async libp2p => { await libp2p.stop() }))
  }
}

export function topicInit (heard: string[], init: Partial<TopicInit> = {}): TopicInit {
  return {
    maxBytes: 1_024,
    messagesPerSecond: 100,
    validate: () => 'accept',
    onMessage: ({ data }) => { heard.push(textOf(data)) },
    ...init
  }
}

export async function connect (from: GossipNode | GossipLibp2p, to: GossipNode | GossipLibp2p): Promise<void> {
  await libp2pOf(from).dial(libp2pOf(to).getMultiaddrs())
}

/** Waits until it holds. */
export async function until (what: string, holds: () => boolean, timeoutMs = 15_000): Promise<void> {
  const endMs = Date.now() + timeoutMs
  while (!holds()) {
    if (Date.now() > endMs) {
      throw new Error(`Not within ${timeoutMs} ms: ${what}`)
    }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

export async function wait (ms: number): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, ms))
}

export function bytesOf (text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function textOf (bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

export function connectionsOf ({ libp2p }: GossipNode): number {
  return libp2p.getPeers().length
}

function libp2pOf (node: GossipNode | GossipLibp2p): GossipLibp2p {
  return 'libp2p' in node ? node.libp2p : node
}
