/** What every store of the fleet has to do, whatever is behind it. */
import { randomBelow, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { pickNode, StaleFenceError } from '@skein/fleet'
import { MONTH, nodeSpec, sessionRecord } from '../records.ts'
import type { FleetStore, NodeReport } from '@skein/fleet'

const REPORT: NodeReport = { health: 100, month: MONTH, monthBytes: 0, silentPolls: 0, seenMs: 5 }

/** @param open - opens an empty store; each test has its own */
export function storeConformance (open: () => Promise<FleetStore>): void {
  let store: FleetStore

  beforeEach(async () => { store = await open() })
  afterEach(async () => { await store.close() })

  const assigned = async (id: string, options: { region?: string, avoid?: string[] } = {}): Promise<string | undefined> => {
    await store.insertSession(sessionRecord(id))
    return (await store.assign({ sessionId: id, fence: 1, region: '', month: MONTH, nowMs: 7, ...options }))?.nodeId
  }

  describe('pool nodes', () => {
    it('are kept as they are told, with what was reported of them', async () => {
      const spec = nodeSpec('a', { manageUrl: 'http://192.0.2.1:3000', manageKey: 'secret', monthLimitBytes: 32e12 })
      await store.putNode(spec)
      expect(await store.node('a')).to.deep.include({ ...spec, state: 'active', health: 100, used: 0, month: '', monthBytes: 0 })
      expect(await store.reportNode('a', { ...REPORT, health: 61.5, monthBytes: 3e12 })).to.equal(true)
      await store.putNode({ ...spec, capacity: 4 })
      expect(await store.node('a')).to.deep.include({ capacity: 4, health: 61.5, monthBytes: 3e12, seenMs: 5, silentPolls: 0 })
      // a poll in vain does not change when it was seen
      await store.reportNode('a', { ...REPORT, seenMs: undefined, silentPolls: 1 })
      expect(await store.node('a')).to.deep.include({ seenMs: 5, silentPolls: 1 })
      expect(await store.reportNode('b', REPORT)).to.equal(false)
      expect(await store.setNodeState('b', 'draining')).to.equal(false)
      expect(await store.node('b')).to.equal(undefined)
    })

    it('are told apart by owner', async () => {
      await store.putNode(nodeSpec('pool'))
      await store.putNode(nodeSpec('mine', { owner: 'ann' }))
      expect((await store.nodes()).map(({ id }) => id)).to.deep.equal(['mine', 'pool'])
      expect((await store.nodes({ owner: 'ann' })).map(({ id }) => id)).to.deep.equal(['mine'])
    })

    it('are forgotten when nothing is on them', async () => {
      await store.putNode(nodeSpec('a'))
      await assigned('s')
      expect(await store.removeNode('a')).to.equal(false)
      await store.unassign({ sessionId: 's', nodeId: 'a', fence: 1 })
      expect(await store.removeNode('a')).to.equal(true)
      expect(await store.removeNode('a')).to.equal(false)
    })
  })

  describe('the pick', () => {
    it('takes the least loaded by share, of the wished region first', async () => {
      await store.putNode(nodeSpec('big', { capacity: 10 }))
      await store.putNode(nodeSpec('far', { region: 'eu-west', capacity: 2 }))
      await store.putNode(nodeSpec('small', { capacity: 2 }))
      expect(await assigned('1', { region: 'us-central' })).to.equal('big')
      expect(await assigned('2', { region: 'us-central' })).to.equal('small')
      expect(await assigned('3', { region: 'us-central' })).to.equal('big')
      expect(await assigned('4', { region: 'eu-west' })).to.equal('far')
      expect(await assigned('5', { region: 'eu-west' })).to.equal('far')
      // its region is full
      expect(await assigned('6', { region: 'eu-west' })).to.equal('big')
      // nobody knows this region
      expect(await assigned('7', { region: 'mars' })).to.equal('big')
    })

    it('passes over nodes that are full, owned, draining, lost, unhealthy, over their budget or to be avoided', async () => {
      await store.putNode(nodeSpec('owned', { owner: 'ann' }))
      await store.putNode(nodeSpec('draining'))
      await store.setNodeState('draining', 'draining')
      await store.putNode(nodeSpec('lost'))
      await store.reportNode('lost', { ...REPORT, silentPolls: 3 })
      await store.putNode(nodeSpec('unhealthy'))
      await store.reportNode('unhealthy', { ...REPORT, health: 49.9 })
      await store.putNode(nodeSpec('spent', { monthLimitBytes: 1000 }))
      await store.reportNode('spent', { ...REPORT, monthBytes: 900 })
      await store.putNode(nodeSpec('avoided'))
      expect(await assigned('none', { avoid: ['avoided'] })).to.equal(undefined)
      await store.putNode(nodeSpec('last', { capacity: 1 }))
      expect(await assigned('one', { avoid: ['avoided'] })).to.equal('last')
      expect(await assigned('two', { avoid: ['avoided'] })).to.equal(undefined)
    })

    it('is the one of `pickNode`, whatever the nodes are like', async () => {
      const random = new SeededRandom(7)
      for (let at = 0; at < 12; at++) {
        const id = `n${at}`
        await store.putNode(nodeSpec(id, {
          capacity: 1 + randomBelow(random, 4),
          region: at % 3 === 0 ? 'eu-west' : 'us-central',
          monthLimitBytes: at % 4 === 0 ? 1_000 : undefined,
          owner: at === 5 ? 'ann' : undefined
        }))
      }
      let found = 0
      for (let at = 0; at < 60; at++) {
        const id = `n${randomBelow(random, 12)}`
        await store.reportNode(id, {
          health: 40 + randomBelow(random, 40), month: MONTH, monthBytes: 850 + randomBelow(random, 100), silentPolls: randomBelow(random, 4)
        })
        await store.setNodeState(id, randomBelow(random, 6) === 0 ? 'draining' : 'active')
        const region = ['', 'eu-west', 'us-central', 'mars'][randomBelow(random, 4)] as string
        const avoid = [`n${randomBelow(random, 12)}`]
        const expected = pickNode(await store.nodes(), { region, month: MONTH, avoid })?.id
        const nodeId = await assigned(`s${at}`, { region, avoid })
        expect(nodeId, `pick ${at}`).to.equal(expected)
        found += nodeId === undefined ? 0 : 1
        if (nodeId !== undefined && randomBelow(random, 2) === 0) {
          await store.unassign({ sessionId: `s${at}`, nodeId, fence: 1 })
        }
      }
      expect(found).to.be.within(20, 59)
    })

    it('counts bytes of this month only, and stops at nine tenths', async () => {
      await store.putNode(nodeSpec('a', { monthLimitBytes: 1000 }))
      await store.reportNode('a', { ...REPORT, month: '2026-10', monthBytes: 2000 })
      expect(await assigned('1')).to.equal('a')
      await store.reportNode('a', { ...REPORT, monthBytes: 899 })
      expect(await assigned('2')).to.equal('a')
      await store.reportNode('a', { ...REPORT, monthBytes: 900 })
      expect(await assigned('3')).to.equal(undefined)
    })

    it('gives the same session the same place, and the place of one that went to the next', async () => {
      await store.putNode(nodeSpec('a', { capacity: 1 }))
      await store.putNode(nodeSpec('b', { capacity: 1 }))
      expect(await assigned('s')).to.equal('a')
      expect(await assigned('s')).to.equal('a')
      expect((await store.nodes()).map(({ used }) => used)).to.deep.equal([1, 0])
      expect(await store.assignments({ nodeId: 'a' })).to.deep.equal([{ sessionId: 's', role: 'held', nodeId: 'a', fence: 1, assignedMs: 7 }])
      expect((await store.assignedSessions('a')).map(({ id }) => id)).to.deep.equal(['s'])
      expect(await store.assignedSessions('b')).to.deep.equal([])
      expect(await store.unassign({ sessionId: 's', nodeId: 'b', fence: 1 })).to.equal(false)
      expect(await store.unassign({ sessionId: 's', nodeId: 'a', fence: 1 })).to.equal(true)
      expect(await store.unassign({ sessionId: 's', nodeId: 'a', fence: 1 })).to.equal(false)
      expect(await store.assignments({ sessionId: 's' })).to.deep.equal([])
      expect((await store.nodes()).map(({ used }) => used)).to.deep.equal([0, 0])
    })

    it('refuses who was taken over, or whose session has ended', async () => {
      await store.putNode(nodeSpec('a'))
      await store.insertSession(sessionRecord('s', { fence: 2 }))
      const failure = async (sessionId: string, fence: number): Promise<unknown> =>
        await store.assign({ sessionId, fence, region: '', month: MONTH, nowMs: 0 }).then(() => undefined, error => error)
      expect(await failure('s', 1)).to.be.instanceOf(StaleFenceError).with.property('fence', 1)
      expect(await failure('unknown', 1)).to.be.instanceOf(StaleFenceError)
      await store.replaceSession(sessionRecord('s', { fence: 2, state: 'releasing', version: 2 }), 1)
      expect(await failure('s', 2)).to.be.instanceOf(StaleFenceError)
      expect((await store.node('a'))?.used).to.equal(0)
    })

    it('lets nobody give back the place of a session that was taken over', async () => {
      await store.putNode(nodeSpec('a'))
      expect(await assigned('s')).to.equal('a')
      await store.replaceSession(sessionRecord('s', { fence: 2, version: 2 }), 1)
      expect((await store.assign({ sessionId: 's', fence: 2, region: '', month: MONTH, nowMs: 9 }))?.fence).to.equal(2)
      expect(await store.unassign({ sessionId: 's', nodeId: 'a', fence: 1 })).to.equal(false)
      expect((await store.node('a'))?.used).to.equal(1)
      expect(await store.unassign({ sessionId: 's', nodeId: 'a', fence: 2 })).to.equal(true)
    })

    it('never puts more on nodes than they hold when all ask at once', async () => {
      await store.putNode(nodeSpec('a', { capacity: 5 }))
      await store.putNode(nodeSpec('b', { capacity: 7 }))
      const picks = await Promise.all(Array.from({ length: 20 }, async (_, at) => await assigned(`s${at}`)))
      expect(picks.filter(id => id !== undefined)).to.have.length(12)
      expect((await store.nodes()).map(({ used }) => used)).to.deep.equal([5, 7])
    })

    it('does not leave the region because another pick holds its only node', async () => {
      await store.putNode(nodeSpec('far'))
      await store.putNode(nodeSpec('near', { region: 'eu-west', capacity: 20 }))
      const picks = await Promise.all(Array.from({ length: 20 }, async (_, at) => await assigned(`s${at}`, { region: 'eu-west' })))
      expect(new Set(picks)).to.deep.equal(new Set(['near']))
    })
  })

  describe('a move', () => {
    it('takes a place in that region alone, beside the one that there is, and has them change roles', async () => {
      await store.putNode(nodeSpec('a'))
      await store.putNode(nodeSpec('b', { region: 'eu-west', capacity: 1 }))
      await store.insertSession(sessionRecord('s'))
      await store.assign({ sessionId: 's', fence: 1, region: 'us-central', month: MONTH, nowMs: 1 })
      const request = { sessionId: 's', fence: 2, region: 'eu-west', month: MONTH, nowMs: 2, currentNodeId: 'a' }
      expect(await store.assignNext(request).catch(error => error)).to.be.instanceOf(StaleFenceError)
      await store.replaceSession(sessionRecord('s', { state: 'active', fence: 2, version: 2 }), 1)
      expect(await store.assignNext({ ...request, region: 'ap-south' })).to.equal(undefined)
      expect(await store.assignNext(request)).to.include({ nodeId: 'b', role: 'next' })
      expect(await store.assignNext(request)).to.include({ nodeId: 'b', role: 'next' })
      const roles = async (): Promise<string[]> => (await store.assignments({ sessionId: 's' })).map(({ nodeId, role }) => `${nodeId} ${role}`)
      expect(await roles()).to.deep.equal(['a held', 'b next'])
      expect((await store.nodes()).map(({ used }) => used)).to.deep.equal([1, 1])
      expect(await store.holdAt({ sessionId: 's', fence: 1, nodeId: 'b' }).catch(error => error)).to.be.instanceOf(StaleFenceError)
      for (let again = 0; again < 2; again++) {
        await store.holdAt({ sessionId: 's', fence: 2, nodeId: 'b' })
        expect(await roles()).to.deep.equal(['b held', 'a left'])
      }
      // the process died before it could say so: the next one is given what there is
      expect(await store.assignNext(request)).to.include({ nodeId: 'b', role: 'held' })
      expect((await store.movingAssignments(10)).map(({ nodeId }) => nodeId)).to.deep.equal(['a'])
      await store.holdAt({ sessionId: 's', fence: 2, nodeId: 'a' })
      expect(await roles()).to.deep.equal(['a held', 'b left'])
      expect(await store.unassign({ sessionId: 's', nodeId: 'b', fence: 2 })).to.equal(true)
      expect((await store.nodes()).map(({ used }) => used)).to.deep.equal([1, 0])
    })
  })

  describe('a session whose node is emptied', () => {
    it('gets a place in its region before one elsewhere, and never the one that it has', async () => {
      await store.putNode(nodeSpec('a', { region: 'us-central' }))
      await store.putNode(nodeSpec('b', { region: 'eu-west' }))
      for (const id of ['s', 't']) {
        await store.insertSession(sessionRecord(id, { slot: id === 's' ? 1 : 2 }))
        expect(await store.assign({ sessionId: id, fence: 1, region: 'us-central', month: MONTH, nowMs: 1 })).to.include({ nodeId: 'a' })
        await store.replaceSession(sessionRecord(id, { slot: id === 's' ? 1 : 2, state: 'active', version: 2 }), 1)
      }
      const request = { fence: 1, region: 'us-central', month: MONTH, nowMs: 2, currentNodeId: 'a' }
      expect(await store.assignNext({ ...request, sessionId: 's' })).to.equal(undefined)
      expect(await store.assignNext({ ...request, sessionId: 's', elsewhere: true })).to.include({ nodeId: 'b', role: 'next' })
      await store.putNode(nodeSpec('c', { region: 'us-central' }))
      expect(await store.assignNext({ ...request, sessionId: 't', elsewhere: true })).to.include({ nodeId: 'c', role: 'next' })
    })
  })

  describe('a session that has moved', () => {
    it('does not take the place anew that it has left', async () => {
      await store.putNode(nodeSpec('a'))
      await store.putNode(nodeSpec('b', { region: 'eu-west' }))
      await store.insertSession(sessionRecord('s'))
      const request = { sessionId: 's', fence: 1, month: MONTH, nowMs: 1 }
      await store.assign({ ...request, region: 'us-central' })
      await store.replaceSession(sessionRecord('s', { state: 'active', version: 2 }), 1)
      await store.assignNext({ ...request, region: 'eu-west', currentNodeId: 'a' })
      await store.holdAt({ sessionId: 's', fence: 1, nodeId: 'b' })
      // the new node is lost
      await store.replaceSession(sessionRecord('s', { version: 3 }), 2)
      await store.unassign({ sessionId: 's', nodeId: 'b', fence: 1 })
      expect(await store.assign({ ...request, region: '', avoid: ['b'] })).to.equal(undefined)
      await store.unassign({ sessionId: 's', nodeId: 'a', fence: 1 })
      expect(await store.assign({ ...request, region: '', avoid: ['b'] })).to.include({ nodeId: 'a' })
      expect((await store.nodes()).map(({ used }) => used)).to.deep.equal([1, 0])
    })
  })

  describe('sessions', () => {
    it('come back as they were put', async () => {
      const session = sessionRecord('s', {
        region: 'eu-west',
        relayId: 'r',
        steps: [{ step: 'launching_instance', startedMs: 1, endedMs: 2 }],
        place: { instanceId: 'a', region: 'eu-west', ingestHost: 'h', ingestPort: 1, playHost: 'h', playPort: 2 }
      })
      expect(await store.insertSession(session)).to.equal('inserted')
      expect(await store.session('s')).to.deep.include(session)
      expect(await store.session('t')).to.equal(undefined)
    })

    it('are one at a time in a slot, and as many as the plan allows', async () => {
      await store.putUser({ id: 'ann', maxActive: 2 })
      const put = async (id: string, slot: number): Promise<string> => await store.insertSession(sessionRecord(id, { userId: 'ann', slot }))
      expect(await put('a', 1)).to.equal('inserted')
      expect(await put('b', 1)).to.equal('exists')
      expect(await put('c', 2)).to.equal('inserted')
      expect(await put('d', 3)).to.equal('limit')
      expect((await store.liveSession('ann', 2))?.id).to.equal('c')
      expect(await store.liveSession('ann', 3)).to.equal(undefined)
      // one that is only being cleaned up is in nobody's way
      await store.replaceSession(sessionRecord('a', { userId: 'ann', slot: 1, state: 'releasing', version: 2 }), 1)
      expect(await put('e', 1)).to.equal('inserted')
      expect(await store.user('ann')).to.deep.equal({ id: 'ann', maxActive: 2 })
      expect(await store.user('bob')).to.equal(undefined)
    })

    it('are one in a slot too when all start at once', async () => {
      const outcomes = await Promise.all(Array.from({ length: 10 }, async (_, at) => await store.insertSession(sessionRecord(`s${at}`, { userId: 'ann' }))))
      expect(outcomes.filter(outcome => outcome === 'inserted')).to.have.length(1)
      expect(outcomes.filter(outcome => outcome === 'exists')).to.have.length(9)
    })

    it('are replaced by one of those who read the same version', async () => {
      await store.insertSession(sessionRecord('s'))
      const outcomes = await Promise.all([2, 3, 4].map(async fence =>
        await store.replaceSession(sessionRecord('s', { fence, version: 2 }), 1, { mayBeLost: fence === 3 })))
      expect(outcomes.filter(Boolean)).to.have.length(1)
      expect(await store.session('s')).to.deep.include({ version: 2, fence: outcomes.indexOf(true) + 2 })
    })

    it('are due when the lease has run out, or nobody works on what is to be done', async () => {
      const idle = { workUntilMs: 0, leaseUntilMs: 1_000 }
      await store.insertSession(sessionRecord('moving', { state: 'active', workUntilMs: 2_000, leaseUntilMs: 9_000 }))
      await store.insertSession(sessionRecord('active', { ...idle, state: 'active' }))
      await store.insertSession(sessionRecord('worked', { workUntilMs: 500, leaseUntilMs: 1_100 }))
      await store.insertSession(sessionRecord('left', { ...idle, state: 'releasing', workUntilMs: 1, leaseUntilMs: 10 }))
      await store.insertSession(sessionRecord('ended', { ...idle, state: 'ended', endedMs: 0 }))
      const due = async (nowMs: number): Promise<string[]> => (await store.dueSessions(nowMs, 10)).map(({ id }) => id)
      expect(await due(499)).to.deep.equal(['left'])
      expect(await due(500)).to.deep.equal(['left', 'worked'])
      expect(await due(1_000)).to.deep.equal(['left', 'active', 'worked'])
      expect(await store.countSessions()).to.deep.equal({ provisioning: 1, active: 2, releasing: 1, ended: 1 })
      expect(await due(2_000)).to.deep.equal(['left', 'active', 'worked', 'moving'])
      expect(await store.dueSessions(1_000, 1)).to.have.length(1)
    })

    it('are listed in pages, by user and state', async () => {
      for (const id of ['a', 'b', 'c', 'd']) {
        await store.insertSession(sessionRecord(id, { userId: id < 'c' ? 'ann' : 'bob', slot: id.charCodeAt(0), state: id === 'b' ? 'active' : 'provisioning' }))
      }
      const ids = async (filter: Parameters<FleetStore['sessions']>[0]): Promise<string[]> => (await store.sessions(filter)).map(({ id }) => id)
      expect(await ids({ userId: 'ann' })).to.deep.equal(['a', 'b'])
      expect(await ids({ states: ['active'] })).to.deep.equal(['b'])
      expect(await ids({ limit: 2 })).to.deep.equal(['a', 'b'])
      expect(await ids({ limit: 2, afterId: 'b' })).to.deep.equal(['c', 'd'])
    })

    it('are forgotten some time after they ended', async () => {
      await store.insertSession(sessionRecord('old', { state: 'ended', endedMs: 10 }))
      await store.insertSession(sessionRecord('young', { state: 'ended', endedMs: 20 }))
      await store.insertSession(sessionRecord('live'))
      expect(await store.forgetSessions(20)).to.equal(1)
      expect((await store.sessions()).map(({ id }) => id)).to.deep.equal(['live', 'young'])
    })

    it('have their leases put off by the time in which no control plane was there', async () => {
      await store.insertSession(sessionRecord('s', { state: 'active', leaseUntilMs: 300_000 }))
      expect(await store.beat(100_000, 120_000)).to.equal(0)
      expect(await store.beat(200_000, 120_000)).to.equal(0)
      expect((await store.session('s'))?.leaseUntilMs).to.equal(300_000)
      expect(await store.beat(1_200_000, 120_000)).to.equal(1_000_000)
      expect(await store.session('s')).to.deep.include({ leaseUntilMs: 1_300_000, version: 2 })
      // the next one, and one whose clock is behind
      expect(await store.beat(1_200_001, 120_000)).to.equal(0)
      expect(await store.beat(900_000, 120_000)).to.equal(0)
      expect(await store.beat(1_260_000, 120_000)).to.equal(0)
    })
  })

  describe('slots', () => {
    it('are the user\'s, each with a name that no other has', async () => {
      const slot = { userId: 'ann', slot: 1, label: 'Phone', name: 'k7mx2p9a', createdMs: 3, moves: [] }
      expect(await store.insertSlot(slot)).to.equal(true)
      expect(await store.insertSlot({ ...slot, name: 'aaaaaaaa' })).to.equal(false)
      expect(await store.insertSlot({ ...slot, slot: 2 })).to.equal(false)
      expect(await store.insertSlot({ ...slot, slot: 2, name: 'bbbbbbbb' })).to.equal(true)
      expect(await store.labelSlot('ann', 1, 'Camera')).to.equal(true)
      expect(await store.labelSlot('bob', 1, 'Camera')).to.equal(false)
      expect(await store.slot('ann', 1)).to.deep.equal({ ...slot, label: 'Camera' })
      expect(await store.slotByName('bbbbbbbb')).to.deep.include({ userId: 'ann', slot: 2 })
      expect((await store.slots('ann')).map(({ slot }) => slot)).to.deep.equal([1, 2])
      for (let atMs = 1; atMs <= 20; atMs++) {
        await store.addMove('ann', 1, atMs)
      }
      expect((await store.slot('ann', 1))?.moves).to.have.length(16).and.include(20)
      expect(await store.removeSlot('ann', 1)).to.equal(true)
      expect(await store.removeSlot('ann', 1)).to.equal(false)
      expect(await store.slotByName('k7mx2p9a')).to.equal(undefined)
    })
  })

  describe('keys', () => {
    it('are kept by id, with what they allow', async () => {
      const key = { id: 'k', secretHash: 'ab', scopes: ['sessions', 'slots'], userId: 'ann', createdMs: 1 }
      await store.putKey(key)
      await store.putKey({ ...key, id: 'l', scopes: ['nodes'], userId: undefined })
      expect(await store.key('k')).to.deep.equal(key)
      expect((await store.keys()).map(({ id, userId }) => [id, userId])).to.deep.equal([['k', 'ann'], ['l', undefined]])
      expect(await store.removeKey('k')).to.equal(true)
      expect(await store.removeKey('k')).to.equal(false)
      expect(await store.key('k')).to.equal(undefined)
    })
  })

  it('lets one lead a job, until it says nothing for a while', async () => {
    expect(await store.lead('watch', 'a', 1_000, 100)).to.equal(true)
    expect(await store.lead('watch', 'b', 1_050, 100)).to.equal(false)
    expect(await store.lead('watch', 'a', 1_060, 100)).to.equal(true)
    expect(await store.lead('watch', 'b', 1_159, 100)).to.equal(false)
    expect(await store.lead('watch', 'b', 1_160, 100)).to.equal(true)
    expect(await store.lead('watch', 'a', 1_161, 100)).to.equal(false)
    expect(await store.lead('else', 'a', 1_161, 100)).to.equal(true)
  })

  it('has tables that are there already for the next process', async () => {
    await store.putNode(nodeSpec('a'))
    await Promise.all([store.migrate(), store.migrate()])
    expect(await store.nodes()).to.have.length(1)
  })
}
