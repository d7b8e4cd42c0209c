/** Topics over GossipSub: validated, scored by how much is said in them, bounded in what a neighbour and a publisher may send. */
import { TopicValidatorResult } from '@libp2p/gossipsub'
import { insideOf } from './gossip-inside.ts'
import { MAX_TOPIC_MESSAGE_BYTES, MAX_TOPIC_NAME, MAX_TOPICS } from './gossip.ts'
import { newGossipCounters } from './gossip-counters.ts'
import { JoinedTopic } from './joined-topic.ts'
import { LostStreams } from './lost-streams.ts'
import { RpcGuard } from './rpc-guard.ts'
import { TopicHandle } from './topic-handle.ts'
import { topicScoreParams } from './topic-scores.ts'
import type { GossipSub, GossipsubMessage, Message, MeshPeer, SubscriptionChangeData } from '@libp2p/gossipsub'
import type { RPC } from '@libp2p/gossipsub/message'
import type { Libp2p, Logger, PeerId } from '@libp2p/interface'
import type { Cancel, Clock, Topic, TopicInit, Topics, TopicVerdict } from '@skein/core'
import type { GossipSubInside } from './gossip-inside.ts'
import type { TopicRule } from './rpc-guard.ts'
import type { TopicOwner } from './topic-handle.ts'

export interface GossipTopicsInit {
  /** The node, started, with `gossip()` among its services as `service` */
  libp2p: Pick<Libp2p, 'peerId' | 'getConnections'>
  service: GossipSub
  clock: Clock
  log: Logger
  /** The neighbours of all topics together, when they are others than before; at most once a second */
  onNeighbours?: (peers: PeerId[]) => void
}

/**
 * The publisher sends to all subscribers, and not to its mesh alone, while that is no more bytes than this: a mesh of silent peers cannot hold back
 * what it says, and a digest of 64 KiB does not go out three hundred times.
 */
const FLOOD_BYTES = 16_384
/** Messages of the last three seconds that a new neighbour is told of. */
const MAX_TOLD_AT_GRAFT = 1_024
const NEIGHBOURS_INTERVAL_MS = 1_000
/** A topic that was subscribed to beside this class. */
const FOREIGN_RULE: TopicRule = { maxBytes: MAX_TOPIC_MESSAGE_BYTES, messagesPerSecond: 50 }
const VERDICTS = { accept: TopicValidatorResult.Accept, ignore: TopicValidatorResult.Ignore, reject: TopicValidatorResult.Reject } as const

export class GossipTopics implements Topics, TopicOwner {
  readonly counters = newGossipCounters()
  private readonly init: GossipTopicsInit
  private readonly service: GossipSubInside
  private readonly guard: RpcGuard
  private readonly joined = new Map<string, JoinedTopic>()
  private readonly lost: LostStreams
  /** The method that the guard stands before */
  private unguarded?: GossipSubInside['handleReceivedRpc']
  private started = false
  private lastNeighbours = ''
  private cancelNeighbours?: Cancel

  constructor (init: GossipTopicsInit) {
    this.init = init
    this.service = insideOf(init.service)
    this.lost = new LostStreams(this.service, init.libp2p)
    this.guard = new RpcGuard({ counters: this.counters, ruleOf: topic => this.ruleOf(topic) })
  }

  start (): void {
    if (this.started) {
      return
    }
    this.started = true
    const { service } = this
    service.addEventListener('gossipsub:message', this.onMessage)
    service.addEventListener('gossipsub:graft', this.onGraft)
    service.addEventListener('gossipsub:prune', this.onPrune)
    service.addEventListener('subscription-change', this.onSubscriptions)
    service.addEventListener('gossipsub:heartbeat', this.onHeartbeat)
    const { handleReceivedRpc } = service
    this.unguarded = handleReceivedRpc
    service.handleReceivedRpc = async (from, rpc) => { await this.onRpc(from, rpc, handleReceivedRpc) }
  }

  /** Leaves all topics. Can be started again. */
  stop (): void {
    for (const name of [...this.joined.keys()]) {
      this.leave(name)
    }
    this.cancelNeighbours?.()
    this.cancelNeighbours = undefined
    this.lost.clear()
    this.lastNeighbours = ''
    const { service } = this
    service.removeEventListener('gossipsub:message', this.onMessage)
    service.removeEventListener('gossipsub:graft', this.onGraft)
    service.removeEventListener('gossipsub:prune', this.onPrune)
    service.removeEventListener('subscription-change', this.onSubscriptions)
    service.removeEventListener('gossipsub:heartbeat', this.onHeartbeat)
    if (this.unguarded !== undefined) {
      service.handleReceivedRpc = this.unguarded
    }
    this.started = false
  }

  get topicNames (): string[] {
    return [...this.joined.keys()]
  }

  /** The peers of the meshes of all topics that this node has joined. */
  get neighbours (): PeerId[] {
    const ids = new Set([...this.joined.keys()].flatMap(name => this.service.getMeshPeers(name)))
    return [...ids].flatMap(id => this.service.peers.get(id) ?? [])
  }

  /**
   * @throws {RangeError} when it is the 65th topic, or its name has more than 128 characters
   */
  join (name: string, init: TopicInit): Topic {
    if (!this.started) {
      throw new Error('Topics can be joined between start() and stop()')
    }
    if (this.joined.has(name)) {
      throw new Error(`Topic ${name} has been joined already`)
    }
    if (this.joined.size >= MAX_TOPICS || name === '' || name.length > MAX_TOPIC_NAME) {
      throw new RangeError(
        `At most ${MAX_TOPICS} topics can be joined, with names of 1 to ${MAX_TOPIC_NAME} characters; leave one before joining ${name}`
      )
    }
    const topic = new JoinedTopic(name, init, this.init.clock.nowMs())
    this.joined.set(name, topic)
    this.service.topicValidators.set(name, (via, message) => VERDICTS[this.judge(topic, via, message)])
    this.score(topic)
    this.service.subscribe(name)
    this.onMaybeChanged(topic)
    return new TopicHandle(this, topic)
  }

  subscribersOf (name: string): string[] {
    return this.service.getSubscribers(name).map(peer => peer.toString())
  }

  isJoined (topic: JoinedTopic): boolean {
    return this.joined.get(topic.name) === topic
  }

  meshOf (name: string): string[] {
    return this.service.getMeshPeers(name)
  }

  async publish (topic: JoinedTopic, data: Uint8Array): Promise<number> {
    const maxBytes = Math.min(topic.init.maxBytes, MAX_TOPIC_MESSAGE_BYTES)
    if (data.byteLength > maxBytes) {
      throw new RangeError(`A message of ${data.byteLength} bytes is too large for ${topic.name}, which takes ${maxBytes}; send less`)
    }
    if (!this.isJoined(topic) || !this.service.isStarted()) {
      return 0
    }
    const subscribers = this.service.getSubscribers(topic.name).length
    const floodPublish = subscribers * data.byteLength <= FLOOD_BYTES
    // it is kept for those who ask for it later, so it must not change under GossipSub's hands
    const { recipients } = await this.service.publish(topic.name, new Uint8Array(data), { floodPublish })
    this.counters.published_total++
    this.counters.published_bytes_total += data.byteLength * recipients.length
    return recipients.length
  }

  leave (name: string): void {
    if (!this.joined.delete(name)) {
      return
    }
    const { service } = this
    if (service.isStarted()) {
      service.unsubscribe(name)
    }
    service.topicValidators.delete(name)
    // GossipSub reads the parameters of each topic that a peer has counters of, and does not expect them to go
    for (const { topics } of service.score.peerStats.values()) {
      Reflect.deleteProperty(topics, name)
    }
    Reflect.deleteProperty(service.score.params.topics, name)
    this.scheduleNeighbours()
  }

  private readonly onMessage = ({ detail: { propagationSource, msg } }: CustomEvent<GossipsubMessage>): void => {
    const topic = this.joined.get(msg.topic)
    if (topic !== undefined && msg.type === 'signed') {
      this.counters.messages_accepted_total++
      this.call(topic, () => { topic.init.onMessage({ from: msg.from.toString(), via: propagationSource.toString(), data: msg.data }) })
    }
  }

  private readonly onGraft = (event: CustomEvent<MeshPeer>): void => {
    const { service } = this
    const { peerId, topic } = event.detail
    // messages are passed to who is in the mesh when they come, and told of to who is outside at the next heartbeats: who is taken in meanwhile
    // would miss them
    const messageIDs = service.mcache.getGossipIDs(new Set([topic])).get(topic) ?? []
    if (messageIDs.length > 0 && service.getMeshPeers(topic).includes(peerId)) {
      service.pushGossip(peerId, { topicID: topic, messageIDs: messageIDs.slice(-MAX_TOLD_AT_GRAFT) })
    }
    this.onPrune(event)
  }

  private readonly onPrune = ({ detail }: CustomEvent<MeshPeer>): void => {
    const topic = this.joined.get(detail.topic)
    if (topic !== undefined) {
      this.onMaybeChanged(topic)
    }
  }

  private readonly onSubscriptions = ({ detail }: CustomEvent<SubscriptionChangeData>): void => {
    for (const name of new Set(detail.subscriptions.map(({ topic }) => topic))) {
      const topic = this.joined.get(name)
      if (topic !== undefined) {
        this.onMaybeChanged(topic)
      }
    }
  }

  /** Once a second. GossipSub tells of nobody who disconnects, so it is here that the others hear of it. */
  private readonly onHeartbeat = (): void => {
    for (const topic of this.joined.values()) {
      this.score(topic)
      this.onMaybeChanged(topic)
    }
    this.counters.streams_reopened_total += this.lost.onHeartbeat(this.init.clock.nowMs())
  }

  private async onRpc (from: PeerId, rpc: RPC, next: GossipSubInside['handleReceivedRpc']): Promise<void> {
    const { service } = this
    const peer = from.toString()
    const admitted = this.guard.admit(peer, rpc, this.init.clock.nowMs())
    if (admitted === undefined) {
      return
    }
    for (const { topic } of admitted.faults) {
      service.score.rejectInvalidMessage(peer, topic)
    }
    await next.call(service, from, admitted.rpc)
  }

  private judge (topic: JoinedTopic, via: PeerId, message: Message): TopicVerdict {
    const { counters, init } = this
    if (message.type !== 'signed' || message.from.equals(init.libp2p.peerId)) {
      // its own, sent again after GossipSub has forgotten it
      counters.messages_ignored_total++
      return 'ignore'
    }
    const judged = { from: message.from.toString(), via: via.toString(), data: message.data }
    const verdict = this.call(topic, () => topic.judge(judged, init.clock.nowMs())) ?? 'ignore'
    switch (verdict) {
      case 'accept':
        return 'accept'
      case 'over_rate':
        counters.publisher_over_rate_total++
        return 'ignore'
      case 'ignore':
        counters.messages_ignored_total++
        return 'ignore'
      case 'reject':
        counters.messages_rejected_total++
        return 'reject'
    }
  }

  private ruleOf (name: string): TopicRule | undefined {
    return this.joined.get(name)?.init ?? (this.service.getTopics().includes(name) ? FOREIGN_RULE : undefined)
  }

  private score (topic: JoinedTopic): void {
    this.service.score.params.topics[topic.name] = topicScoreParams({
      messagesPerSecond: topic.init.messagesPerSecond,
      accepted: topic.accepted(this.init.clock.nowMs()),
      neighbours: this.service.getMeshPeers(topic.name).length,
      topics: this.joined.size
    })
  }

  private onMaybeChanged (topic: JoinedTopic): void {
    const { name } = topic
    if (topic.changed({ subscribers: this.subscribersOf(name), neighbours: this.service.getMeshPeers(name) })) {
      this.scheduleNeighbours()
      this.call(topic, () => topic.init.onPeers?.())
    }
  }

  private scheduleNeighbours (): void {
    const { clock, log, onNeighbours } = this.init
    if (onNeighbours === undefined || !this.started) {
      return
    }
    this.cancelNeighbours ??= clock.schedule(clock.nowMs() + NEIGHBOURS_INTERVAL_MS, () => {
      this.cancelNeighbours = undefined
      const neighbours = this.neighbours
      const ids = neighbours.map(peer => peer.toString()).sort().join()
      if (ids !== this.lastNeighbours) {
        this.lastNeighbours = ids
        try {
          onNeighbours(neighbours)
        } catch (error) {
          this.counters.handler_errors_total++
          log.error('telling of neighbours failed: %s', (error as Error).message)
        }
      }
    })
  }

  /** A topic's own code must not end what GossipSub is at. */
  private call<T> (topic: JoinedTopic, task: () => T): T | undefined {
    try {
      return task()
    } catch (error) {
      this.counters.handler_errors_total++
      this.init.log.error('the handler of topic %s failed: %s', topic.name, (error as Error).message)
      return undefined
    }
  }
}
