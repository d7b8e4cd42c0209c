/** Clusters of real libp2p nodes over TCP on loopback, with GossipSub. */
import { expect } from 'chai'
import { NoCoordinatorError } from '../src/libp2p/index.ts'
import { createClusterNode, eventually, stopNode, TableRendezvous } from './node-fixture.ts'
import type { TestNode } from './node-fixture.ts'

const nodes: TestNode[] = []

async function create (rendezvous: TableRendezvous, count: number, init: (index: number) => Partial<Parameters<typeof createClusterNode>[1]>): Promise<void> {
  for (let i = 0; i < count; i++) {
    nodes.push(await createClusterNode(rendezvous, { region: 'eu-west', weight: 1, ...init(i) }))
  }
}

/** Ends without a word, as a process that is killed does. */
async function kill (node: TestNode): Promise<void> {
  nodes.splice(nodes.indexOf(node), 1)
  node.libp2p.getConnections().forEach(connection => { connection.abort(new Error('killed')) })
  await node.libp2p.stop()
  await node.service.stop()
}

/**
 * Asks every node until it answers that so many nodes have capacity for the model that all serve. For a minute after one has died it may be counted
 * still.
 */
async function answersEverywhere (count: number, isExact = true): Promise<void> {
  for (const { service } of nodes) {
    for (;;) {
      const [answer] = await service.where('common', { timeoutMs: 60_000 })
      if (isExact ? answer?.free === count * 2 : (answer?.free ?? 0) >= count * 2) {
        expect(answer).to.include({ region: 'eu-west', providers: (answer?.free ?? 0) / 2, exact: true })
        break
      }
      await new Promise(resolve => setTimeout(resolve, 500))
    }
  }
}

describe('ClusterService', function () {
  this.timeout(120_000)

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(stopNode))
  })

  it('makes one cluster of six nodes that knows its members and what they serve, and goes on when its coordinator is killed', async () => {
    const rendezvous = new TableRendezvous()
    await create(rendezvous, 6, i => ({ loads: [{ model: 'common', free: 2 }, { model: `model ${i}`, free: 1 }] }))
    await eventually(() => nodes.every(({ service }) => service.members === 6))
    await eventually(() => new Set(nodes.map(({ service }) => service.coordinator)).size === 1 && nodes[0]?.service.coordinator !== undefined)
    await answersEverywhere(6)

    const coordinator = nodes.find(({ name, service }) => name === service.coordinator) as TestNode
    await kill(coordinator)
    await eventually(() => nodes.every(({ service }) => service.members === 5 && service.coordinator !== undefined && service.coordinator !== coordinator.name))
    await answersEverywhere(5)

    const { service } = nodes[0] as TestNode
    await service.stop()
    await eventually(() => nodes.slice(1).every(({ service }) => service.members === 4))
    await service.start()
    await eventually(() => nodes.every(({ service }) => service.members === 5 && service.coordinator !== undefined))
    await answersEverywhere(5)
  })

  it('says who was asked when nobody who coordinates answers in time', async () => {
    await create(new TableRendezvous(), 1, () => ({ weight: 0 }))
    const error = await nodes[0]?.service.where('common', { timeoutMs: 300 }).catch((cause: unknown) => cause)
    expect(error).to.be.instanceOf(NoCoordinatorError)
    expect(error).to.include({ scope: 'eu-west/all/', coordinator: undefined })
    expect(nodes[0]?.service.counters).to.include({ questions_total: 1, questions_failed_total: 1 })
  })
  it('makes several clusters of 16 nodes when six are the most, and each knows what all of them serve', async function () {
    this.timeout(240_000)
    const rendezvous = new TableRendezvous()
    await create(rendezvous, 16, () => ({ bounds: { minPeers: 1, maxPeers: 6 }, loads: [{ model: 'common', free: 2 }] }))
    const clusters = (): Map<string | undefined, TestNode[]> => Map.groupBy(nodes, ({ service }) => service.scope)
    const isSettled = (): boolean => [...clusters().values()].every(members => members.length <= 6 &&
      members.every(({ service }) => service.members === members.length) && new Set(members.map(({ service }) => service.coordinator)).size === 1)
    await eventually(() => clusters().size >= 3 && isSettled())
    await answersEverywhere(16)

    const coordinator = nodes.find(({ name, service }) => name === service.coordinator && service.held.length === 1) as TestNode
    const upper = nodes.find(({ service }) => service.held.includes('eu-west')) as TestNode
    for (const node of [coordinator, upper]) {
      await kill(node)
      await eventually(() => isSettled() && nodes.every(({ service }) => service.coordinator !== undefined && service.coordinator !== node.name))
      await answersEverywhere(nodes.length, false)
    }
  })
})
