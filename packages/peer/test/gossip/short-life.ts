/** A process of two nodes that gossip, stop, start again and stop: it ends by itself when nothing of them is left. */
import { bytesOf, connect, GossipMesh, TOPIC, topicInit, until } from './gossip-mesh.ts'
import type { GossipNode } from './gossip-mesh.ts'

const mesh = new GossipMesh()
const [first, second] = await mesh.addMany(2, { topics: { onNeighbours: () => {} } }) as [GossipNode, GossipNode]
await connect(first, second)
await until('they are neighbours', () => [first, second].every(({ topic }) => topic.neighbours.length === 1))
await first.topic.publish(bytesOf('once'))
await until('it is heard', () => second.heard.length === 1)

first.topics.stop()
await until('the other knows', () => second.topic.subscribers.length === 0)
first.topics.start()
const again: string[] = []
const topic = first.topics.join(TOPIC, topicInit(again))
await until('the other knows', () => second.topic.subscribers.length === 1)
await second.topic.publish(bytesOf('again'))
await until('it is heard', () => again.length === 1)
topic.leave()
await mesh.stop()
console.log('stopped')
