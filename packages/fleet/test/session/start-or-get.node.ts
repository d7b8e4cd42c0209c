import { ManualClock, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { FleetTime, PoolProvisioner, SessionKeeper, SessionLimitError, SESSION_TIMES } from '@skein/fleet'
import { openStore } from '@skein/fleet/node'
import { nodeSpec } from '../records.ts'
import { TestNode } from '../test-node.ts'
import type { FleetStore, SessionRecord } from '@skein/fleet'

describe('Starting a session where the slot has one', () => {
  const clock = new ManualClock(1_795_000_000_000)
  let store: FleetStore
  let node: TestNode
  let keeper: SessionKeeper

  beforeEach(async () => {
    store = await openStore(':memory:', { clock })
    node = new TestNode('a', 2)
    await store.putNode(nodeSpec('a', { capacity: 2, manageUrl: 'http://a' }))
    const time = new FleetTime(store, clock)
    await time.synchronize()
    const names = { publish: async () => {}, withdraw: async () => {} }
    const pool = new PoolProvisioner({ store, agentOf: () => node, names, clock: time, month: () => time.month() })
    keeper = new SessionKeeper({ store, provisioners: { pool }, names, time, clock, random: new SeededRandom(1) })
  })
  afterEach(async () => { await store.close() })

  const start = async (slot = 1): Promise<SessionRecord> => {
    const { id } = await keeper.start({ userId: 'ann', slot })
    await keeper.settled()
    return await store.session(id) as SessionRecord
  }

  it('gives that one, with its lease renewed, up to the last moment of it', async () => {
    const first = await start()
    clock.advance(SESSION_TIMES.leaseMs - 1)
    const again = await start()
    expect(again).to.include({ id: first.id, state: 'active', leaseUntilMs: clock.nowMs() + SESSION_TIMES.leaseMs })
  })

  it('gives a clean new one when the lease has run out, and no reaper came by; what is left of the old one is cleared away', async () => {
    const first = await start()
    expect(first.state).to.equal('active')
    clock.advance(SESSION_TIMES.leaseMs)
    const second = await start()
    expect(second).to.include({ state: 'active', name: first.name })
    expect(second.id).not.to.equal(first.id)
    expect(second.streamToken).not.to.equal(first.streamToken)
    expect(await store.session(first.id)).to.include({ state: 'ended', endReason: 'expired' })
    expect(node.admissions.list().map(({ sessionId }) => sessionId)).to.deep.equal([second.id])
    expect((await store.node('a'))?.used).to.equal(1)
  })

  it('counts none that has run out against the plan, in whatever slot', async () => {
    await store.putUser({ id: 'ann', maxActive: 1 })
    await start()
    clock.advance(SESSION_TIMES.leaseMs - 1)
    expect(await start(2).then(() => undefined, error => error)).to.be.instanceOf(SessionLimitError)
    clock.advance(1)
    expect((await start(2)).state).to.equal('active')
    expect(await store.liveSession('ann', 1)).to.equal(undefined)
    expect((await store.node('a'))?.used).to.equal(1)
  })
})
