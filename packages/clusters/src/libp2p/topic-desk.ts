/** The topics that a member is in: what is done to one of them is done in order, though publishing takes time. */
import { MAX_NOTICE_BYTES } from '../cluster-notice.ts'
import type { ClusterCounters } from './cluster-counters.ts'
import type { Topic, TopicMessage, Topics, TopicVerdict } from '@skein/core'

export interface TopicDeskInit {
  topics: Topics
  counters: ClusterCounters
  validate: (topic: string, message: TopicMessage) => TopicVerdict
  onMessage: (topic: string, message: TopicMessage) => void
  onSubscribers: (topic: string, peers: string[]) => void
}

/** Joins, leaves and gone together: 0.1 a second in a cluster of 1024 with sessions as on BitTorrent's mainline. */
const MESSAGES_PER_SECOND = 0.2
/** Wait for one topic; more are not published. */
const MAX_WAITING = 64

export class TopicDesk {
  private readonly init: TopicDeskInit
  private readonly joined = new Map<string, Topic>()
  private readonly tails = new Map<string, { done: Promise<void>, waiting: number }>()

  constructor (init: TopicDeskInit) {
    this.init = init
  }

  subscribers (name: string): string[] {
    return this.joined.get(name)?.subscribers ?? []
  }

  join (name: string): void {
    this.enqueue(name, async () => {
      const topic = this.init.topics.join(name, {
        maxBytes: MAX_NOTICE_BYTES,
        messagesPerSecond: MESSAGES_PER_SECOND,
        validate: message => {
          const verdict = this.init.validate(name, message)
          this.init.counters.notices_refused_total += verdict === 'accept' ? 0 : 1
          return verdict
        },
        onMessage: message => {
          this.init.counters.notices_received_total++
          this.init.onMessage(name, message)
        },
        onPeers: () => { this.init.onSubscribers(name, this.subscribers(name)) }
      })
      this.joined.set(name, topic)
      this.init.onSubscribers(name, topic.subscribers)
    })
  }

  publish (name: string, bytes: Uint8Array): void {
    this.enqueue(name, async () => {
      await this.joined.get(name)?.publish(bytes)
      this.init.counters.notices_published_total++
    })
  }

  leave (name: string): void {
    this.enqueue(name, async () => {
      this.joined.get(name)?.leave()
      this.joined.delete(name)
    })
  }

  /** Resolves when all that was to be done is done. */
  async idle (): Promise<void> {
    await Promise.all([...this.tails.values()].map(async ({ done }) => { await done }))
  }

  leaveAll (): void {
    for (const topic of this.joined.values()) {
      try {
        topic.leave()
      } catch {
        // those that gossip have stopped already, and have left all topics with that
      }
    }
    this.joined.clear()
  }

  private enqueue (name: string, task: () => Promise<void>): void {
    const tail = this.tails.get(name) ?? { done: Promise.resolve(), waiting: 0 }
    if (tail.waiting >= MAX_WAITING) {
      return
    }
    tail.waiting++
    // what cannot be published is said again in another way: a list, the next announcement
    tail.done = tail.done.then(task).catch(() => {}).then(() => {
      tail.waiting--
      if (tail.waiting === 0) {
        this.tails.delete(name)
      }
    })
    this.tails.set(name, tail)
  }
}
