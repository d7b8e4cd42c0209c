import { expect } from 'chai'
import { gossipsub } from '@libp2p/gossipsub'
import { bytesOf, connect, connectionsOf, GossipMesh, until } from './gossip-mesh.ts'
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

  async function star (peerExchange: boolean, trusted = true): Promise<{ before: number, after: number }> {
    const hub = await mesh.add({ gossip: { peerExchange } })
    const leaves = await mesh.addMany(20, { gossip: { peerExchange } })
    const mean = (): number => mesh.nodes.reduce((sum, node) => sum + connectionsOf(node), 0) / mesh.nodes.length
    if (trusted) {
      leaves.forEach(({ scores }) => { scores.trust(hub.id) })
    }
    await Promise.all(leaves.map(async leaf => { await connect(leaf, hub) }))
    const before = mean()
    const startMs = Date.now()
    if (peerExchange && trusted) {
      await until('the leaves are connected', () => mean() > 6, 10_000).catch(() => {})
    }
    await new Promise(resolve => setTimeout(resolve, 3_000))
    console.log({ before, after: mean(), ms: Date.now() - startMs })
    return { before, after: mean() }
  }
})
