/** GossipSub as every Skein node runs it, with the reasons for what differs from the defaults of `@libp2p/gossipsub`. */
import { gossipsub, StrictSign } from '@libp2p/gossipsub'
import { systemClock } from '@skein/core/system'
import { insideOf } from './gossip-inside.ts'
import { decayOf, MESH_DEGREE, MESH_DEGREE_LOW } from './topic-scores.ts'
import { PeerScores } from './peer-scores.ts'
import type { GossipSub, GossipSubComponents, GossipsubOpts, Message } from '@libp2p/gossipsub'
import type { RPC } from '@libp2p/gossipsub/message'
import type { Clock } from '@skein/core'

export interface GossipInit {
  /**
   * What is thought of peers for other reasons than what they do in topics.
   *
   * @default new PeerScores()
   */
  scores?: PeerScores
  /** Peers that a neighbour leaves are told of others, and those that a neighbour tells of are dialled @default true */
  peerExchange?: boolean
  /** Takes what the service is given of the node and gives what it is to use, such as a connection manager that dials within limits */
  limitComponents?: (components: GossipSubComponents) => GossipSubComponents
  /** @default systemClock() */
  clock?: Clock
}

/** Most bytes of one message's data. */
export const MAX_TOPIC_MESSAGE_BYTES = 65_536
/** Most topics that a node joins. */
export const MAX_TOPICS = 64
/** Most UTF-16 units of a topic's name. */
export const MAX_TOPIC_NAME = 128
/** Several messages that a neighbour asked for go out in pieces of this size at most (beyond one message); see `maxInboundDataLength`, bytes. */
const MAX_PIECE_BYTES = 262_144

/** Score at which gossip with a peer ends, publishing to it, and listening to it: GossipSub's own. */
export const THRESHOLDS = {
  gossipThreshold: -10,
  publishThreshold: -50,
  graylistThreshold: -80,
  // a stranger that delivers in all topics has 10 of them and 2 for its time here; a peer that the user named has 20 at once, five services are 15
  acceptPXThreshold: 14,
  // silent neighbours have 3 at most, of their time: a mesh whose median is below this is worth looking for better ones
  opportunisticGraftThreshold: 4
} as const

/** GossipSub's options; exported for tests. */
export function gossipOptions (scores: PeerScores, clock: Clock, peerExchange: boolean): Partial<GossipsubOpts> {
  return {
    // who published is who has signed: messages need no envelope of their own
    globalSignaturePolicy: StrictSign,
    msgIdFn: messageId,
    fastMsgIdFn: fastMessageId as GossipsubOpts['fastMsgIdFn'],
    emitSelf: false,
    // a node that is alone publishes to nobody, and is no error
    allowPublishToZeroTopicPeers: true,
    // floodsub has neither mesh nor scores, and its peers are sent everything
    fallbackToFloodsub: false,
    // to all subscribers it would cost the middle of a star a message for each; `GossipTopics` does so while it is cheap
    floodPublish: false,
    // the message is encoded once, and what else waits for one peer is not sent to the next ones with it
    batchPublish: true,
    D: MESH_DEGREE,
    Dlo: MESH_DEGREE_LOW,
    Dhi: 12,
    Dscore: 4,
    Dout: 2,
    // 6 and a quarter by default. A mesh that silent peers have filled delivers nothing, and what others are told of in each heartbeat is all that is
    // left; docs/adr/0009 has figures. A node with up to 12 neighbours outside its mesh tells all of them
    Dlazy: 12,
    gossipFactor: 0.5,
    doPX: peerExchange,
    // 60 s by default: how long those wait who were refused because silent peers had taken all places
    pruneBackoff: 30_000,
    // 16 by default; half of it connects a star (test/gossip), and each is a dial
    prunePeers: 8,
    // circuits are few, short and paid for by their relay; a peer that needs one dials others itself
    runOnLimitedConnection: false,
    maxInboundStreams: 4,
    maxOutboundStreams: 4,
    // a peer that reads slower than this loses its stream
    maxOutboundBufferSize: 1_048_576,
    // an answer to IWANT holds several messages; one frame more than this ends the stream
    maxInboundDataLength: 2 * MAX_PIECE_BYTES,
    // about 90 topics: 1 KiB is counted for each, and its name
    maxTopicBytesPerPeer: 98_304,
    decodeRpcLimits: {
      maxSubscriptions: 2 * MAX_TOPICS,
      maxMessages: 1_024,
      maxIhaveMessageIDs: 5_000,
      maxIwantMessageIDs: 5_000,
      maxIdontwantMessageIDs: 512,
      maxControlMessages: 4 * MAX_TOPICS,
      maxPeerInfos: 16
    },
    // 3 s by default, which a busy process of two cores exceeds without being a liar
    gossipsubIWantFollowupMs: 5_000,
    scoreThresholds: { ...THRESHOLDS },
    scoreParams: {
      topicScoreCap: 10,
      appSpecificScore: peer => scores.score(peer, clock.nowMs()),
      appSpecificWeight: 1,
      // `Colocation` counts networks in its place
      IPColocationFactorWeight: 0,
      // broken promises and early grafts. By default the first puts a peer out of the mesh, and is forgotten after 2 s; here six are let pass,
      // 15 end listening, and a third is left after twenty seconds
      behaviourPenaltyThreshold: 6,
      behaviourPenaltyWeight: -1,
      behaviourPenaltyDecay: decayOf(20),
      decayInterval: 1_000,
      // peers that have gone would be kept without bound, and forgotten when they come back; `PeerScores` keeps what was bad of them
      retainScore: 0
    }
  }
}

/** GossipSub for `services: { pubsub: gossip() }`. */
export function gossip (init: GossipInit = {}): (components: GossipSubComponents) => GossipSub {
  return components => {
    const clock = init.clock ?? systemClock()
    const scores = init.scores ?? new PeerScores()
    const service = gossipsub(gossipOptions(scores, clock, init.peerExchange ?? true))(init.limitComponents?.(components) ?? components)
    tellScores(service, scores, clock)
    sendInPieces(service)
    return service
  }
}

/** Tells the scores who comes and goes: GossipSub's own peers, and so none behind a relay's address. */
function tellScores (service: GossipSub, scores: PeerScores, clock: Clock): void {
  const { score } = insideOf(service)
  const addPeer = score.addPeer.bind(score)
  score.addPeer = peer => {
    addPeer(peer)
    scores.onConnected(peer, clock.nowMs())
  }
  score.addIP = (peer, ip) => { scores.onAddress(peer, ip) }
  const removePeer = score.removePeer.bind(score)
  score.removePeer = peer => {
    // it may be a second old, and hide what the peer did just before it left
    score.scoreCache.delete(peer)
    scores.onDisconnected(peer, score.score(peer), clock.nowMs())
    removePeer(peer)
    score.scoreCache.delete(peer)
  }
  const stop = score.stop.bind(score)
  score.stop = () => {
    for (const peer of score.peerStats.keys()) {
      scores.onDisconnected(peer, score.score(peer), clock.nowMs())
    }
    stop()
  }
}

/** GossipSub answers IWANT with all that was wanted in one frame, and who gets a larger one than it takes ends the stream. */
function sendInPieces (service: GossipSub): void {
  const inside = insideOf(service)
  const sendRpc = inside.sendRpc.bind(service)
  inside.sendRpc = (to, rpc) => {
    const [first = [], ...others] = piecesOf(rpc.messages)
    for (const messages of others) {
      sendRpc(to, { subscriptions: [], messages })
    }
    return sendRpc(to, { ...rpc, messages: first })
  }
}

function piecesOf (messages: RPC.Message[]): RPC.Message[][] {
  const pieces: RPC.Message[][] = []
  let bytes = Infinity
  for (const message of messages) {
    const size = message.data?.byteLength ?? 0
    if (bytes + size > MAX_PIECE_BYTES) {
      pieces.push([])
      bytes = 0
    }
    pieces.at(-1)?.push(message)
    bytes += size + 256
  }
  return pieces
}

/** The end of the publisher's key and the message's random number: 24 bytes and not 44, because ids are most of what is told of messages. */
function messageId (message: Message): Uint8Array {
  if (message.type !== 'signed') {
    throw new Error('A message without a signature')
  }
  const id = new Uint8Array(24)
  id.set(message.from.toMultihash().bytes.subarray(-16))
  new DataView(id.buffer).setBigUint64(16, message.sequenceNumber)
  return id
}

/**
 * Knows a message again before its signature is looked at: most copies are duplicates. It holds publisher, number and signature, and is remembered
 * only once a message with the same has proved right, so nobody can make another's message pass for one that was seen.
 */
function fastMessageId ({ topic, from, seqno, signature }: RPC.Message): string {
  return `${topic}\n${textOf(from)}${textOf(seqno)}${textOf(signature)}`
}

function textOf (bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : String.fromCharCode(...bytes.subarray(0, 256))
}
