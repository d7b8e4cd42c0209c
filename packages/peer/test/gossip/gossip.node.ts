import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { gossipsub } from '@libp2p/gossipsub'
import { bytesOf, connect, connectionsOf, GossipMesh, topicInit, TOPIC, until, wait } from './gossip-mesh.ts'
import type { GossipNode } from './gossip-mesh.ts'

describe('gossip on real nodes', function () {
  this.timeout(60_000)
  let mesh = new GossipMesh()

  beforeEach(() => { mesh = new GossipMesh() })
  afterEach(async () => { await mesh.stop() })

  /** A ring with a chord for each: four neighbours. */
  async function ring (nodes: readonly GossipNode[]): Promise<void> {
    await Promise.all(nodes.flatMap((node, i) => [1, 3].map(async step => {
      await connect(node, nodes[(i + step) % nodes.length] as GossipNode)
    })))
  }

  async function heardByAll (nodes: readonly GossipNode[], text: string): Promise<void> {
    await until(`${text} is heard by all`, () => nodes.every(({ heard }) => heard.includes(text)))
  }

  it('delivers to all of 14 nodes on one address, once and not to the publisher', async () => {
    const nodes = await mesh.addMany(14)
    const [first, ...others] = nodes as [GossipNode, ...GossipNode[]]
    await Promise.all(others.map(async other => { await connect(other, first) }))
    await ring(nodes)
    await until('all are subscribed', () => nodes.every(({ topic }) => topic.subscribers.length >= 4))
    for (let i = 0; i < 5; i++) {
      expect(await first.topic.publish(bytesOf(`message ${i}`))).to.be.greaterThan(0)
    }
    await heardByAll(others, 'message 4')
    await Promise.all([0, 1, 2, 3].map(async i => { await heardByAll(others, `message ${i}`) }))
    expect(others.every(({ heard }) => heard.length === 5)).to.equal(true)
    expect(first.heard).to.deep.equal([])
  })

  it('would not, with the scores that GossipSub has by default', async () => {
    const nodes = await mesh.addMany(14, { pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) })
    const [first, ...others] = nodes as [GossipNode, ...GossipNode[]]
    await Promise.all(others.map(async other => { await connect(other, first) }))
    await until('all are connected', () => connectionsOf(first) === 13)
    await wait(3_000)
    await others[0]?.topic.publish(bytesOf('message'))
    await wait(2_000)
    expect(nodes.filter(({ heard }) => heard.length > 0), 'one in the middle hears it and passes it to nobody').to.deep.equal([first])
  })

  it('connects the leaves of a star by peer exchange', async () => {
    const { before, after } = await star(true)
    expect(before).to.be.lessThan(2)
    expect(after).to.be.greaterThan(6)
  })

  it('leaves a star a star without peer exchange', async () => {
    const { after } = await star(false)
    expect(after).to.be.lessThan(2)
  })

  it('does not take the word of a stranger on whom to dial', async () => {
    const { after } = await star(true, false)
    expect(after).to.be.lessThan(2)
  })

  it('takes a node back that left a topic and joined it again', async () => {
    const nodes = await mesh.addMany(4)
    await ring(nodes)
    const [first, second, ...others] = nodes as [GossipNode, GossipNode, ...GossipNode[]]
    await until('all are subscribed', () => nodes.every(({ topic }) => topic.neighbours.length === 2))
    first.topic.leave()
    first.topic.leave()
    expect([first.topic.subscribers, first.topic.neighbours]).to.deep.equal([[], []])
    expect(await first.topic.publish(bytesOf('of one who left'))).to.equal(0)
    await until('the others know', () => [second, ...others].every(({ topic }) => !topic.subscribers.includes(first.id)))
    expect(first.topics.subscribersOf(TOPIC)).to.have.members([second, others[1] as GossipNode].map(({ id }) => id))
    await second.topic.publish(bytesOf('while it was away'))
    await heardByAll(others, 'while it was away')

    const heard: string[] = []
    const again = first.topics.join(TOPIC, topicInit(heard))
    expect(() => first.topics.join(TOPIC, topicInit(heard))).to.throw('joined already')
    first.topic.leave()
    await until('its neighbours know', () => [second, others[1] as GossipNode].every(({ topic }) => topic.subscribers.includes(first.id)))
    await second.topic.publish(bytesOf('welcome back'))
    await until('it hears again', () => heard.includes('welcome back'))
    expect(heard).to.not.include('while it was away')
    expect(await again.publish(bytesOf('thanks'))).to.be.greaterThan(0)
    await heardByAll([second, ...others], 'thanks')
  })

  it('tells of neighbours that come and go, of each topic and of all', async () => {
    const told: string[][] = []
    let calls = 0
    const node = await mesh.add({
      topic: { onPeers: () => { calls++ } },
      topics: { onNeighbours: peers => { told.push(peers.map(peer => peer.toString())) } }
    })
    const other = await mesh.add()
    await connect(other, node)
    await until('the neighbour is told of', () => told.length === 1)
    expect(told).to.deep.equal([[other.id]])
    expect(node.topics.neighbours.map(peer => peer.toString())).to.deep.equal([other.id])
    expect(calls).to.be.within(1, 4)
    await other.libp2p.hangUp(node.libp2p.peerId)
    await until('its going is told of', () => told.length === 2)
    expect(told[1]).to.deep.equal([])
    await wait(1_500)
    expect(calls).to.be.within(2, 6)
  })

  it('opens a stream again that was lost', async () => {
    const [first, second] = await mesh.addMany(2) as [GossipNode, GossipNode]
    await connect(first, second)
    await until('they are neighbours', () => [first, second].every(({ topic }) => topic.neighbours.length === 1))
    const [connection] = first.libp2p.getConnections(second.libp2p.peerId)
    connection?.streams.filter(({ protocol, direction }) => protocol.startsWith('/meshsub') && direction === 'outbound')
      .forEach(stream => { stream.abort(new Error('lost')) })
    await first.topic.publish(bytesOf('into the void'))
    await until('it is open again', () => first.topics.counters.streams_reopened_total === 1)
    await until('it is used', () => {
      void first.topic.publish(bytesOf('and back'))
      return second.heard.includes('and back')
    })
  })

  it('stops and starts, and leaves nothing that keeps a process alive', async () => {
    const path = fileURLToPath(new URL('short-life.ts', import.meta.url))
    // killed, and so rejected, when it does not end by itself
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=skein-source', path], { timeout: 30_000 })
    expect(stdout).to.equal('stopped\n')
  })

  it('refuses what is beyond its bounds', async () => {
    const { topics, topic } = await mesh.add()
    const error = await topic.publish(new Uint8Array(1_025)).catch((error: unknown) => error)
    expect(error).to.be.instanceOf(RangeError)
    expect(await topic.publish(new Uint8Array(1_024)), 'alone').to.equal(0)
    for (let i = 1; i < 64; i++) {
      topics.join(`/skein/test/${i + 1}`, topicInit([]))
    }
    expect(() => topics.join('/skein/test/65', topicInit([]))).to.throw(RangeError, 'leave one')
    topic.leave()
    expect(() => topics.join('x'.repeat(129), topicInit([]))).to.throw(RangeError, 'characters')
    expect(topics.join('/skein/test/65', topicInit([])).name).to.equal('/skein/test/65')
  })

  async function star (peerExchange: boolean, trusted = true): Promise<{ before: number, after: number }> {
    const hub = await mesh.add({ gossip: { peerExchange } })
    const leaves = await mesh.addMany(20, { gossip: { peerExchange } })
    const mean = (): number => mesh.nodes.reduce((sum, node) => sum + connectionsOf(node), 0) / mesh.nodes.length
    if (trusted) {
      leaves.forEach(({ scores }) => { scores.trust(hub.id) })
    }
    await Promise.all(leaves.map(async leaf => { await connect(leaf, hub) }))
    const before = mean()
    if (peerExchange && trusted) {
      await until('the leaves are connected', () => mean() > 6, 10_000).catch(() => {})
    }
    await wait(3_000)
    return { before, after: mean() }
  }
})
