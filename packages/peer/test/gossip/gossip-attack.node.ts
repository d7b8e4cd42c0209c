import { expect } from 'chai'
import { gossip } from '../../src/gossip/gossip.ts'
import { bytesOf, connect, GossipMesh, textOf, TOPIC, until, wait } from './gossip-mesh.ts'
import { silentGossip } from './silent-peer.ts'
import type { GossipNode } from './gossip-mesh.ts'

const HONEST = 8
const SILENT = 4 * HONEST
/** So many are sent at least, and at most until the honest have found each other */
const MIN_MESSAGES = 100
const MAX_MESSAGES = 800
const DEADLINE_MS = 3_000

describe('gossip under attack', function () {
  this.timeout(120_000)
  let mesh = new GossipMesh()

  beforeEach(() => { mesh = new GossipMesh() })
  afterEach(async () => { await mesh.stop() })

  it('delivers 99 % in 3 s with four peers that pass nothing on for each that does, and lets them go', async () => {
    const sentMs = new Map<string, number>()
    const tookMs: number[] = []
    const onMessage = ({ data }: { data: Uint8Array }): void => { tookMs.push(Date.now() - (sentMs.get(textOf(data)) ?? 0)) }
    const honest = await mesh.addMany(HONEST, { topic: { onMessage } })
    const silent = await Promise.all(Array.from({ length: SILENT }, async () => await mesh.bare(silentGossip())))
    silent.forEach(({ services }) => { services.pubsub.subscribe(TOPIC) })
    // the attackers are there first, and everywhere: no mesh has a place left for an honest peer
    for (const attacker of silent) {
      await Promise.all(honest.map(async node => { await connect(attacker, node) }))
    }
    await until('the meshes are full of attackers', () => honest.every(({ topic }) => topic.neighbours.length === 12))
    await Promise.all(honest.flatMap((node, i) => [1, 3].map(async step => { await connect(node, honest[(i + step) % HONEST] as GossipNode) })))
    await until('the honest peers know of each other', () => honest.every(({ topic }) => topic.subscribers.length === SILENT + 4))
    const ids = new Set(honest.map(({ id }) => id))
    const honestShare = (): number => {
      const neighbours = honest.flatMap(({ topic }) => topic.neighbours)
      return neighbours.filter(id => ids.has(id)).length / Math.max(1, neighbours.length)
    }
    const before = honestShare()

    let sent = 0
    for (; sent < MIN_MESSAGES || (honestShare() < 0.4 && sent < MAX_MESSAGES); sent++) {
      const i = sent
      sentMs.set(`${i}`, Date.now())
      await honest[i % HONEST]?.topic.publish(bytesOf(`${i}`))
      await wait(100)
    }
    await wait(DEADLINE_MS)

    const expected = sent * (HONEST - 1)
    expect(tookMs.length).to.be.at.most(expected)
    expect(tookMs.filter(ms => ms <= DEADLINE_MS).length).to.be.at.least(0.99 * expected)
    expect(before).to.be.lessThan(0.25)
    expect(honestShare()).to.be.greaterThan(0.3)
  })

  it('does not listen any more to a peer that publishes what its topic rejects', async () => {
    const validate = ({ data }: { data: Uint8Array }): 'accept' | 'reject' => textOf(data).startsWith('bad') ? 'reject' : 'accept'
    const [node, other] = await mesh.addMany(2, { topic: { validate } }) as [GossipNode, GossipNode]
    const liar = await mesh.add()
    await connect(liar, node)
    await connect(other, node)
    await until('all are connected', () => [liar, node, other].every(({ topic }) => topic.neighbours.length > 0))
    await liar.topic.publish(bytesOf('good so far'))
    await until('both heard it', () => [node, other].every(({ heard }) => heard.length === 1))

    for (let i = 0; i < 4; i++) {
      await liar.topic.publish(bytesOf(`bad ${i}`))
    }
    await until('it is scored down', () => scoreOf(node, liar) < -80)
    await liar.topic.publish(bytesOf('good again'))
    await wait(1_500)
    expect(node.heard).to.deep.equal(['good so far'])
    expect(other.heard).to.deep.equal(['good so far'])
    expect(node.topics.counters.messages_rejected_total).to.equal(4)

    await liar.libp2p.hangUp(node.libp2p.peerId)
    await until('it is gone', () => !node.topic.subscribers.includes(liar.id))
    await connect(liar, node)
    await wait(1_500)
    expect(scoreOf(node, liar), 'leaving and coming back makes nothing good').to.be.lessThan(-80)
    await liar.topic.publish(bytesOf('good as new'))
    await other.topic.publish(bytesOf('an honest one'))
    await until('the honest peer is heard', () => node.heard.includes('an honest one'))
    expect(node.heard).to.deep.equal(['good so far', 'an honest one'])
  })

  it('reads no signature of messages that are too large, too many or of another topic', async () => {
    const node = await mesh.add({ topic: { maxBytes: 100, messagesPerSecond: 1 } })
    const flood = await mesh.bare(gossip())
    await connect(flood, node)
    const { pubsub } = flood.services
    pubsub.subscribe(TOPIC)
    await until('they are connected', () => node.topic.subscribers.length === 1 && pubsub.getSubscribers(TOPIC).length === 1)
    await pubsub.publish(TOPIC, new Uint8Array(101))
    await until('it was too large', () => node.topics.counters.messages_oversize_total === 1)
    for (let i = 0; i < 100; i++) {
      await pubsub.publish(TOPIC, bytesOf(`${i}`))
    }
    await until('most were too many', () => node.topics.counters.messages_over_rate_total >= 30)
    expect(node.heard.length, 'of one publisher').to.be.at.most(20)
    expect(node.topics.counters.publisher_over_rate_total).to.be.greaterThan(0)
  })

  function scoreOf (node: GossipNode, of: GossipNode): number {
    return (node.libp2p.services.pubsub as unknown as { getScore: (peer: string) => number }).getScore(of.id)
  }
})
