/** Publish and subscribe by topic, as those that gossip see it. `@skein/peer` stands GossipSub behind it, a simulation its own mesh. */

/**
 * - `accept`: pass it on
 * - `ignore`: an honest peer may have sent it, but it is of no use: out of date, or more than its sender should send
 * - `reject`: no honest peer sends or passes on such a message; who passed it on is scored down
 */
export type TopicVerdict = 'accept' | 'ignore' | 'reject'

export interface TopicMessage {
  /** Peer that published it; the signature has been checked */
  from: string
  /** Peer that it came from */
  via: string
  data: Uint8Array
}

export interface TopicInit {
  /** Most bytes of a message; a larger one is rejected unread, and publishing one throws */
  maxBytes: number
  /** Messages that all honest members together send in a second at most; who brings less of what there is is scored by it */
  messagesPerSecond: number
  /** Asked once for each message of others, before it is passed on */
  validate: (message: TopicMessage) => TopicVerdict
  /** Each accepted message of others, once */
  onMessage: (message: TopicMessage) => void
  /** Connected peers joined or left the topic, or this node's mesh of it changed */
  onPeers?: () => void
}

/** A topic that this node has joined. */
export interface Topic {
  readonly name: string
  /** Connected peers that have joined it too */
  readonly subscribers: string[]
  /** Those of them that messages are exchanged with */
  readonly neighbours: string[]
  /** Resolves with the number of peers it was sent to; 0 when there is nobody. @throws {RangeError} when it is too large */
  publish: (data: Uint8Array) => Promise<number>
  /** Leaves the topic. A second time does nothing */
  leave: () => void
}

export interface Topics {
  /** Joins a topic. @throws when it has been joined already */
  join: (name: string, init: TopicInit) => Topic
  /** Connected peers that have joined a topic, whether this node has or not */
  subscribersOf: (name: string) => string[]
}
