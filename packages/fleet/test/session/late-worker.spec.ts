import { ManualClock, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { FleetTime, PoolProvisioner, SessionKeeper } from '@skein/fleet'
import { openStore } from '@skein/fleet/node'
import { nodeSpec } from '../records.ts'
import { TestNode } from '../test-node.ts'
import type { FleetStore, NamePublisher } from '@skein/fleet'

describe('A control plane that comes too late', () => {
  it('sets a name right that it has pointed at a place which the slot has left', async () => {
    const clock = new ManualClock(1_795_000_000_000)
    const store = await openStore(':memory:', { clock })
    const nodes = new Map(['a', 'b'].map(id => [id, new TestNode(id, 1)]))
    const pointsTo = new Map<string, string>()
    const names: NamePublisher = { publish: async (name, host) => { pointsTo.set(name, host) }, withdraw: async () => {} }
    const late = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    const lateNames: NamePublisher = {
      ...names,
      publish: async (name, host) => {
        reached.resolve()
        await late.promise
        await names.publish(name, host)
      }
    }
    for (const id of nodes.keys()) {
      await store.putNode(nodeSpec(id, { capacity: 1, ingest: { host: `${id}.example.org`, port: 5000 }, manageUrl: `http://${id}` }))
    }

    const slow = keeper(store, lateNames)
    await slow.start({ userId: 'ann', slot: 1 })
    await reached.promise
    const quick = keeper(store, names)
    const [first] = await store.sessions()
    await quick.stop(first as never)
    await quick.settled()
    await store.setNodeState('a', 'draining')
    const second = await quick.start({ userId: 'ann', slot: 1 })
    await quick.settled()
    expect(pointsTo.get(second.name)).to.equal('b.example.org')
    late.resolve()
    await slow.settled()
    expect(pointsTo.get(second.name)).to.equal('b.example.org')
    expect([...nodes.values()].map(({ admissions }) => admissions.list().length)).to.deep.equal([0, 1])
    await store.close()

    function keeper (store: FleetStore, names: NamePublisher): SessionKeeper {
      const time = new FleetTime(store, clock)
      const pool = new PoolProvisioner({ store, agentOf: ({ id }) => nodes.get(id) as TestNode, names, clock, month: () => time.month() })
      return new SessionKeeper({ store, provisioners: { pool }, names, time, clock, random: new SeededRandom(1) })
    }
  })
})
