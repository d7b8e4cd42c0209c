/** What is let in of what a neighbour sends, before a signature is checked or a table grows: bounds that GossipSub has not, or too late. */
import { BoundedMap, TokenBucket } from '@skein/core'
import { MAX_TOPIC_MESSAGE_BYTES, MAX_TOPIC_NAME } from './gossip.ts'
import type { GossipCounters } from './gossip-counters.ts'
import type { RPC } from '@libp2p/gossipsub/message'

export interface TopicRule {
  maxBytes: number
  messagesPerSecond: number
}

export interface RpcGuardInit {
  /** The rule of a topic that this node has joined */
  ruleOf: (topic: string) => TopicRule | undefined
  counters: GossipCounters
}

/** What the neighbour did that no honest one does, by topic. */
export interface RpcFault {
  topic: string
}

/** RPCs of one neighbour. One forwards each message in an RPC of its own, and sends control messages once a second. */
const RPCS_PER_SECOND = 200
const RPC_BURST = 2_000
/**
 * A neighbour sends each message of a topic once, so what it may send is what there may be; twice that, because clocks and links bunch messages. At
 * once: what it has for who was away for a while.
 */
const RATE_FACTOR = 2
const MESSAGE_BURST_S = 10
const MIN_MESSAGE_BURST = 64
const MAX_NEIGHBOURS = 1_024
/** Neighbours times topics. */
const MAX_BUCKETS = 8_192
/** Of an identity multihash of a key, of a signature, of a key, bytes; RSA with 4,096 bits has the longest. */
const MAX_FROM_BYTES = 64
const MAX_SIGNATURE_BYTES = 512
const MAX_KEY_BYTES = 1_024

export class RpcGuard {
  private readonly init: RpcGuardInit
  private readonly rpcs = new BoundedMap<string, TokenBucket>({ maxSize: MAX_NEIGHBOURS })
  private readonly messages = new BoundedMap<string, TokenBucket>({ maxSize: MAX_BUCKETS })

  constructor (init: RpcGuardInit) {
    this.init = init
  }

  /** Takes out of the RPC what is not let in; `undefined` when nothing is left. Each fault is one message that no honest peer sends or passes on. */
  admit (from: string, rpc: RPC, nowMs: number): { rpc: RPC, faults: RpcFault[] } | undefined {
    const { counters } = this.init
    if (!this.takeRpc(from, nowMs)) {
      counters.rpcs_dropped_total++
      return undefined
    }
    const faults: RpcFault[] = []
    const messages = rpc.messages.filter(message => this.admitMessage(from, message, faults, nowMs))
    const subscriptions = rpc.subscriptions.filter(({ topic }) => topic !== undefined && topic !== '' && topic.length <= MAX_TOPIC_NAME)
    for (const prune of rpc.control?.prune ?? []) {
      // one without a signed record would be looked up in the DHT, a query for a peer that may not exist
      const peers = prune.peers.filter(({ signedPeerRecord }) => signedPeerRecord !== undefined && signedPeerRecord.byteLength > 0)
      counters.px_unsigned_total += prune.peers.length - peers.length
      prune.peers = peers
    }
    return { rpc: { ...rpc, messages, subscriptions }, faults }
  }

  private admitMessage (from: string, message: RPC.Message, faults: RpcFault[], nowMs: number): boolean {
    const { counters, ruleOf } = this.init
    const { topic } = message
    const rule = ruleOf(topic)
    if (rule === undefined) {
      // it may not have heard yet that this node has left
      counters.messages_unjoined_total++
      return false
    }
    const bytes = message.data?.byteLength ?? 0
    counters.received_bytes_total += bytes
    if (bytes > Math.min(rule.maxBytes, MAX_TOPIC_MESSAGE_BYTES) || isMisshapen(message)) {
      counters.messages_oversize_total++
      faults.push({ topic })
      return false
    }
    if (!this.takeMessage(from, topic, rule.messagesPerSecond, nowMs)) {
      counters.messages_over_rate_total++
      return false
    }
    return true
  }

  private takeRpc (from: string, nowMs: number): boolean {
    const bucket = this.rpcs.touch(from) ?? new TokenBucket({ ratePerSecond: RPCS_PER_SECOND, burst: RPC_BURST }, nowMs)
    this.rpcs.set(from, bucket)
    return bucket.take(1, nowMs)
  }

  private takeMessage (from: string, topic: string, messagesPerSecond: number, nowMs: number): boolean {
    const key = `${from} ${topic}`
    const ratePerSecond = RATE_FACTOR * messagesPerSecond
    const bucket = this.messages.touch(key) ??
      new TokenBucket({ ratePerSecond, burst: Math.max(MIN_MESSAGE_BURST, ratePerSecond * MESSAGE_BURST_S) }, nowMs)
    this.messages.set(key, bucket)
    return bucket.take(1, nowMs)
  }
}

function isMisshapen ({ from, seqno, signature, key }: RPC.Message): boolean {
  return isLonger(from, MAX_FROM_BYTES) || isLonger(seqno, 8) || isLonger(signature, MAX_SIGNATURE_BYTES) || isLonger(key, MAX_KEY_BYTES)
}

function isLonger (bytes: Uint8Array | undefined, maxBytes: number): boolean {
  return bytes !== undefined && bytes.byteLength > maxBytes
}
