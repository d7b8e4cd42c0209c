/** One topic that this node has joined: its rule, who may publish how much, what was brought lately, and who was in it when it was last looked at. */
import { BoundedMap, TokenBucket } from '@skein/core'
import { decayOf, deliveryMemorySeconds } from './topic-scores.ts'
import type { TopicInit, TopicMessage, TopicVerdict } from '@skein/core'

/** What one publisher may send: a quarter of what all may together, and this many at once. */
const PUBLISHER_SHARE = 0.25
const PUBLISHER_BURST = 16
/** Publishers whose rate is remembered; a cluster has 1,024 peers. */
const MAX_PUBLISHERS = 2_048

interface TopicPeers {
  subscribers: ReadonlySet<string>
  neighbours: ReadonlySet<string>
}

export class JoinedTopic {
  readonly name: string
  readonly init: TopicInit
  private readonly publishers = new BoundedMap<string, TokenBucket>({ maxSize: MAX_PUBLISHERS })
  private readonly decay: number
  private acceptedLately = 0
  private decayedMs: number
  private lastPeers: TopicPeers = { subscribers: new Set(), neighbours: new Set() }

  constructor (name: string, init: TopicInit, nowMs: number) {
    this.name = name
    this.init = init
    this.decay = decayOf(deliveryMemorySeconds(init.messagesPerSecond))
    this.decayedMs = nowMs
  }

  /** What is thought of a message whose signature is right. */
  judge (message: TopicMessage, nowMs: number): TopicVerdict | 'over_rate' {
    const { messagesPerSecond, validate } = this.init
    const bucket = this.publishers.touch(message.from) ??
      new TokenBucket({ ratePerSecond: messagesPerSecond * PUBLISHER_SHARE, burst: PUBLISHER_BURST }, nowMs)
    this.publishers.set(message.from, bucket)
    // what breaks the topic's rule is worse than what is too much, and is said first
    const verdict = validate(message)
    if (verdict !== 'accept') {
      return verdict
    }
    if (!bucket.take(1, nowMs)) {
      return 'over_rate'
    }
    this.acceptedLately = this.accepted(nowMs) + 1
    return 'accept'
  }

  /** Messages of others lately, as a neighbour's are counted that brings them all. */
  accepted (nowMs: number): number {
    this.acceptedLately *= this.decay ** (Math.max(0, nowMs - this.decayedMs) / 1000)
    this.decayedMs = nowMs
    return this.acceptedLately
  }

  /** Whether others are in it, or in this node's mesh, than when it was last asked. */
  changed (of: { subscribers: readonly string[], neighbours: readonly string[] }): boolean {
    const peers = { subscribers: new Set(of.subscribers), neighbours: new Set(of.neighbours) }
    const { subscribers, neighbours } = this.lastPeers
    this.lastPeers = peers
    return !sameMembers(subscribers, peers.subscribers) || !sameMembers(neighbours, peers.neighbours)
  }
}

function sameMembers (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every(member => b.has(member))
}
