/** What who joined a topic holds of it; once left it is silent, also when the topic is joined again. */
import type { Topic } from '@skein/core'
import type { JoinedTopic } from './joined-topic.ts'

export interface TopicOwner {
  isJoined: (topic: JoinedTopic) => boolean
  subscribersOf: (name: string) => string[]
  meshOf: (name: string) => string[]
  publish: (topic: JoinedTopic, data: Uint8Array) => Promise<number>
  leave: (name: string) => void
}

export class TopicHandle implements Topic {
  private readonly owner: TopicOwner
  private readonly topic: JoinedTopic

  constructor (owner: TopicOwner, topic: JoinedTopic) {
    this.owner = owner
    this.topic = topic
  }

  get name (): string {
    return this.topic.name
  }

  get subscribers (): string[] {
    return this.owner.isJoined(this.topic) ? this.owner.subscribersOf(this.name) : []
  }

  get neighbours (): string[] {
    return this.owner.isJoined(this.topic) ? this.owner.meshOf(this.name) : []
  }

  async publish (data: Uint8Array): Promise<number> {
    return await this.owner.publish(this.topic, data)
  }

  leave (): void {
    if (this.owner.isJoined(this.topic)) {
      this.owner.leave(this.name)
    }
  }
}
