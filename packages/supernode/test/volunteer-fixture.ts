/** Volunteers on loopback: real nodes over TCP with GossipSub, each on an address of its own that stands for a network, and a table for the DHT. */
import { gossipsub } from '@libp2p/gossipsub'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { peerIdFromString } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { SuperNodeService } from '../src/libp2p/index.ts'
export { eventually } from '../../core/test/eventually.ts'
import type { GossipSub } from '@libp2p/gossipsub'
import type { Identify } from '@libp2p/identify'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import type { Topics } from '@skein/core'
import type { VerifiedNetwork } from '@skein/records'
import type { FenceMark, Verification } from '../src/index.ts'
import type { ElectorRendezvous, SuperNodeServiceInit } from '../src/libp2p/index.ts'

export type VolunteerLibp2p = Libp2p<{ identify: Identify, pubsub: GossipSub }>

export interface VolunteerNode {
  name: string
  libp2p: VolunteerLibp2p
  service: SuperNodeService
  marks: FenceMark[]
}

/** What takes minutes and days among strangers takes seconds here; who is elected, by which caps, is as ever. */
export const SHORT: Pick<SuperNodeServiceInit, 'electorRules' | 'rules' | 'leaseMs' | 'graceMs'> = {
  electorRules: {
    candidacyMs: 2_000, periodMs: 30_000, moreVerifiersMs: 2_000, spreadMs: 1_000, repeatMs: 4_000, reportLifeMs: 90_000, listenMs: 4_000, electionMs: 2_000,
    recheckMs: 1_000, watchedMs: 1_500, risePerDay: 10_000
  },
  rules: { minAgeMs: 3_000 },
  leaseMs: 10_000,
  graceMs: 1_000
}

const BULK = '/skein-test/bulk/1'
const BULK_BYTES = 4_000_000

/** 127.20.0.1 and up stand for public networks, five systems with a few each; 127.0.0.1, from where all dial, for none. */
export function networkOf (address: string): VerifiedNetwork | undefined {
  const host = /^\/ip4\/127\.(\d+)\.0\.1\//.exec(address)?.[1]
  return host === undefined || host === '0' ? undefined : { small: `127.${host}.0.0/24`, wide: `127.${host}.0.0/16`, system: 64_500 + Number(host) % 5 }
}

/** The port `Topics` over GossipSub as it is, without scores. */
function gossipTopics (pubsub: GossipSub): Topics {
  const subscribersOf = (name: string): string[] => pubsub.getSubscribers(name).map(String)
  return {
    subscribersOf,
    join: (name, init) => {
      const onMessage = (event: CustomEvent<{ type: string, topic: string, from?: unknown, data: Uint8Array }>): void => {
        if (event.detail.topic === name) {
          init.onMessage({ from: String(event.detail.from), via: '', data: event.detail.data })
        }
      }
      pubsub.topicValidators.set(name, (via, message) => (message.data.length > init.maxBytes || message.type !== 'signed'
        ? 'reject'
        : init.validate({ from: message.from.toString(), via: via.toString(), data: message.data })) as never)
      pubsub.addEventListener('message', onMessage as never)
      pubsub.subscribe(name)
      return {
        name,
        get subscribers () { return subscribersOf(name) },
        get neighbours () { return subscribersOf(name) },
        publish: async data => (await pubsub.publish(name, data)).recipients.length,
        leave: () => {
          pubsub.removeEventListener('message', onMessage as never)
          pubsub.topicValidators.delete(name)
          pubsub.unsubscribe(name)
        }
      }
    }
  }
}

/** Stands for the DHT: who advertises a name is found by those that seek it. */
export class RendezvousTable {
  private readonly entries = new Map<string, VolunteerLibp2p>()

  of (libp2p: VolunteerLibp2p): ElectorRendezvous {
    const { entries } = this
    return {
      advertise: async (name, signal) => {
        const key = `${name} ${libp2p.peerId.toString()}`
        entries.set(key, libp2p)
        signal.addEventListener('abort', () => { entries.delete(key) })
      },
      async * seek (name) {
        for (const [key, found] of entries) {
          if (key.startsWith(`${name} `)) {
            yield { peer: found.peerId.toString(), addresses: found.getMultiaddrs().map(String) }
          }
        }
      }
    }
  }
}

async function createNode (host: number, privateKey?: PrivateKey): Promise<VolunteerLibp2p> {
  return await createLibp2p({
    ...privateKey === undefined ? {} : { privateKey },
    addresses: { listen: [`/ip4/127.${host}.0.1/tcp/0`] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { pingInterval: 1_000, abortConnectionOnPingFailure: true },
    connectionManager: { inboundConnectionThreshold: 1000, reconnectRetries: 0, maxIncomingPendingConnections: 256 },
    services: {
      identify: identify(),
      // all nodes dial from one address
      pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, scoreParams: { IPColocationFactorWeight: 0 } })
    }
  })
}

/** Dials afresh, as a stranger, and measures a transfer. */
async function verify (peer: string, addresses: string[], signal: AbortSignal): Promise<Verification> {
  const dialler = await createNode(0)
  try {
    const connection = await dialler.dial(addresses.map(address => multiaddr(address).encapsulate(`/p2p/${peer}`)), { signal })
    const startMs = performance.now()
    const stream = await connection.newStream(BULK, { signal })
    let bytes = 0
    for await (const chunk of stream) {
      bytes += chunk.byteLength
    }
    const network = networkOf(connection.remoteAddr.toString())
    return {
      reachable: connection.remotePeer.equals(peerIdFromString(peer)) && bytes === BULK_BYTES,
      networks: network === undefined ? [] : [network],
      bytesPerSecond: bytes / (performance.now() - startMs) * 1000
    }
  } finally {
    await dialler.stop()
  }
}

export async function createVolunteer (host: number, table: RendezvousTable, init: Partial<SuperNodeServiceInit> = {}): Promise<VolunteerNode> {
  const privateKey = await generateKeyPair('Ed25519')
  const libp2p = await createNode(host, privateKey)
  await libp2p.handle(BULK, async stream => {
    for (let left = BULK_BYTES; left > 0; left -= 65_536) {
      if (!stream.send(new Uint8Array(Math.min(left, 65_536)))) {
        await stream.onDrain()
      }
    }
    await stream.close()
  }, { maxInboundStreams: 64 })
  const marks: FenceMark[] = []
  const service = new SuperNodeService({
    libp2p, privateKey, networkOf, verify, volunteer: true, region: 'eu-west',
    topics: gossipTopics(libp2p.services.pubsub),
    candidacy: () => ({
      addresses: libp2p.getMultiaddrs().map(address => address.toString().replace(/\/p2p\/.*/, '')), claimedBytesPerSecond: 20_000_000, roles: ['relay', 'hub']
    }),
    scoreOf: () => ({ score: 0.2, dealings: 0 }),
    networkOfPeer: peer => libp2p.getConnections(peerIdFromString(peer)).map(({ remoteAddr }) => networkOf(remoteAddr.toString())).find(Boolean),
    peersOfRegion: () => 20,
    marks: { load: async () => marks.at(-1), save: async mark => { marks.push(mark) } },
    rendezvous: table.of(libp2p),
    ...SHORT,
    ...init
  })
  await service.start()
  return { name: libp2p.peerId.toString(), libp2p, service, marks }
}

/** Ends without a word, as a process that is killed does. */
export async function kill ({ libp2p, service }: VolunteerNode): Promise<void> {
  libp2p.getConnections().forEach(connection => { connection.abort(new Error('killed')) })
  await libp2p.stop()
  await service.stop()
}

