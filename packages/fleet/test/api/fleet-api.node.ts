import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import { PROVISION_STEPS } from '@skein/fleet'
import { FleetWorld, NODE_KEY } from './fleet-world.ts'
import type { AddressInfo } from 'node:net'
import type { NodeSpec } from '@skein/fleet'

describe('The API of the fleet', function () {
  this.timeout(30_000)
  let world: FleetWorld
  let ann: string
  let bob: string
  let operator: string

  beforeEach(async () => {
    world = await FleetWorld.open()
    ann = await world.key(['sessions'], 'ann')
    bob = await world.key(['sessions'], 'bob')
    operator = await world.key(['nodes', 'keys', 'metrics'])
  })
  afterEach(async () => { await world.close() })

  const settled = async (key: string, id: string): Promise<any> => {
    for (;;) {
      const { body } = await world.ask(key, 'GET', `/v1/sessions/${id}`)
      if (body.state !== 'provisioning' && body.state !== 'releasing') {
        return body
      }
      await pause(10)
    }
  }

  it('gives a session in six steps within two seconds, and the same one again', async () => {
    const node = await world.addNode('kc1')
    const started = await world.ask(ann, 'POST', '/v1/sessions', { slot: 1, region: 'eu-west' })
    expect(started.status).to.equal(200)
    expect(started.body).to.include({ state: 'provisioning', slot: 1, provider: 'pool', heartbeatMs: 30_000 })
    const ready = await settled(ann, started.body.id)
    expect(ready).to.deep.include({
      state: 'active',
      name: started.body.name,
      place: { instanceId: 'kc1', region: 'eu-west', ingestHost: '127.0.0.1', ingestPort: 5000, playHost: '127.0.0.1', playPort: 4000 }
    })
    expect(ready.name).to.match(/^[0-9a-z]{8}$/)
    expect(ready.steps.map(({ step }: { step: string }) => step)).to.deep.equal([...PROVISION_STEPS])
    expect(ready.steps.at(-1).endedMs - ready.steps[0].startedMs).to.be.within(0, 2_000)
    expect(ready.leaseRemainingMs).to.be.within(290_000, 300_000)
    expect(node.admissions.sessionOf(ready.publishId.slice('live_'.length))).to.equal(ready.id)

    expect((await world.ask(ann, 'POST', '/v1/sessions', { slot: 1 })).body).to.include({ id: ready.id, state: 'active', playId: ready.playId })
    expect((await world.ask(ann, 'GET', '/v1/sessions')).body.sessions).to.have.length(1)
    expect((await world.ask(ann, 'POST', `/v1/sessions/${ready.id}/heartbeat`)).status).to.equal(200)

    expect((await world.ask(ann, 'DELETE', `/v1/sessions/${ready.id}`)).status).to.equal(204)
    expect(await settled(ann, ready.id)).to.include({ state: 'ended', endReason: 'stopped' })
    expect((await world.ask(ann, 'DELETE', `/v1/sessions/${ready.id}`)).status).to.equal(204)
    expect(node.admissions.list()).to.deep.equal([])
    expect((await world.store.node('kc1'))?.used).to.equal(0)
    expect((await world.ask(ann, 'POST', `/v1/sessions/${ready.id}/heartbeat`)).body.error).to.include({ code: 'session_over', field: 'path.id' })
    // the name stays
    const again = await world.ask(ann, 'POST', '/v1/sessions', { slot: 1 })
    expect(again.body.name).to.equal(ready.name)
    expect(again.body.id).not.to.equal(ready.id)
    expect(world.problems).to.deep.equal([])
  })

  it('streams the steps to who follows them', async () => {
    await world.addNode('kc1')
    const { body: { id } } = await world.ask(ann, 'POST', '/v1/sessions', { slot: 1 })
    const { body } = await world.ask(ann, 'GET', `/v1/sessions/${id}/progress`)
    const events = (body as string).trim().split('\n\n').map(event => JSON.parse(event.slice('data: '.length)))
    expect(events.at(-1)).to.include({ id, state: 'active' })
  })

  it('says why there is no relay, and leaves nothing behind', async () => {
    const { body: { id } } = await world.ask(ann, 'POST', '/v1/sessions', { slot: 1 })
    expect(await settled(ann, id)).to.deep.include({ state: 'ended', endReason: 'failed' })
    expect((await settled(ann, id)).failure).to.match(/full, draining, unhealthy/)
  })

  it('tries another node when one does not answer', async () => {
    const dead = await world.addNode('a-dead')
    dead.isUp = false
    await world.addNode('b-alive')
    const { body: { id } } = await world.ask(ann, 'POST', '/v1/sessions', { slot: 1 })
    expect((await settled(ann, id)).place).to.include({ instanceId: 'b-alive' })
    expect((await world.store.node('a-dead'))?.used).to.equal(0)
  })

  it('is in time on another node when one takes the question and says nothing', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const address = { host: '127.0.0.1', port: 5000 }
    await world.store.putNode({
      id: 'a', region: 'eu-west', capacity: 4, ingest: address, play: address, manageUrl: `http://127.0.0.1:${port}`, manageKey: NODE_KEY
    })
    await world.addNode('b')
    const { body: { id } } = await world.ask(ann, 'POST', '/v1/sessions', { slot: 1 })
    const session = await settled(ann, id)
    expect(session.place).to.include({ instanceId: 'b' })
    expect(session.steps.at(-1).endedMs - session.createdMs).to.be.below(2_000)
    silent.close()
  })

  it('tells a node that was started again what it had', async () => {
    const node = await world.addNode('a')
    const { body: { id } } = await world.ask(ann, 'POST', '/v1/sessions', { slot: 1 })
    await settled(ann, id)
    node.restart()
    while (node.admissions.list().length === 0) {
      await pause(20)
    }
    expect(node.admissions.list()[0]).to.include({ sessionId: id })
    // figures may be as old as a poll
    while ((await world.ask(ann, 'GET', `/v1/sessions/${id}/statistics`)).status !== 200) {
      await pause(20)
    }
    expect((await world.ask(ann, 'GET', `/v1/sessions/${id}/statistics`)).body).to.deep.include({ sessionId: id, live: false, links: [] })
  })

  it('shows a relay of one\'s own without setting anything up there', async () => {
    const relay = { region: 'eu-west', ingest: { host: 'relay.example.org', port: 5000 }, play: { host: 'relay.example.org', port: 4000 } }
    expect((await world.ask(ann, 'PUT', '/v1/relays/mine', relay)).body).to.deep.equal({ id: 'mine', ...relay })
    expect((await world.ask(bob, 'PUT', '/v1/relays/mine', relay)).body.error).to.include({ code: 'id_taken', field: 'path.id' })
    const { body: { id } } = await world.ask(ann, 'POST', '/v1/sessions', { slot: 1, provider: 'own', relayId: 'mine' })
    expect((await settled(ann, id)).place).to.include({ instanceId: 'mine', ingestHost: 'relay.example.org' })
    // it is watched where it says how, and the control plane does not ask in its own network for that
    const watched = { ...relay, manageUrl: 'http://127.0.0.1:1', manageKey: 'k'.repeat(32) }
    expect((await world.ask(ann, 'PUT', '/v1/relays/mine', { ...relay, manageUrl: watched.manageUrl })).body.error).to.include({ field: 'manageKey' })
    expect((await world.ask(ann, 'PUT', '/v1/relays/mine', watched)).body).to.deep.equal({ id: 'mine', ...relay })
    await world.ask(ann, 'DELETE', `/v1/sessions/${id}`)
    const refused = await world.ask(ann, 'POST', '/v1/sessions', { slot: 1, provider: 'own', relayId: 'mine' })
    expect((await settled(ann, refused.body.id)).failure).to.match(/not in the public internet/)
    const theft = await world.ask(bob, 'POST', '/v1/sessions', { slot: 1, provider: 'own', relayId: 'mine' })
    expect((await settled(bob, theft.body.id)).failure).to.match(/no relay mine of yours/)
    expect((await world.ask(ann, 'POST', '/v1/sessions', { slot: 2, provider: 'own' })).body.error).to.include({ field: 'relayId' })
    expect((await world.ask(ann, 'POST', '/v1/sessions', { slot: 2, provider: 'mesh' })).body.error).to.include({ code: 'unknown_provider', field: 'provider' })
  })

  it('watches a relay of one\'s own that says how, and warns of a month\'s bytes', async () => {
    const alarms: string[] = []
    const open = await FleetWorld.open({ allowPrivateRelays: true, onBudget: ({ id }, { state }) => { alarms.push(`${id} ${state}`) } })
    try {
      const node = await open.addNode('mine')
      await open.store.removeNode('mine')
      const key = await open.key(['sessions'], 'ann')
      const address = { host: '127.0.0.1', port: 5000 }
      const relay = { region: 'eu-west', ingest: address, play: address, manageUrl: open.nodes[0]?.served.url, manageKey: NODE_KEY }
      expect((await open.ask(key, 'PUT', '/v1/relays/mine', relay)).status).to.equal(200)
      while ((await open.store.node('mine'))?.seenMs === undefined) {
        await pause(20)
      }
      // nothing is set up there, nor taken away
      node.admissions.admit({ sessionId: 'theirs', streamToken: 'their-token', fence: 1 })
      const metered = await open.addNode('metered')
      await open.store.putNode({ ...await open.store.node('metered') as NodeSpec, monthLimitBytes: 1_000 })
      for (const bytes of [10, 750, 800, 950]) {
        metered.bytes = bytes
        while ((await open.store.node('metered'))?.bootBytes !== bytes) {
          await pause(20)
        }
      }
      expect(alarms).to.deep.equal(['metered warn', 'metered stop'])
      expect(node.admissions.list()).to.have.length(1)
    } finally {
      await open.close()
    }
  })

  it('shows nobody the sessions of others', async () => {
    await world.addNode('kc1')
    const { body: { id } } = await world.ask(ann, 'POST', '/v1/sessions', { slot: 1 })
    for (const [method, path] of [['GET', ''], ['DELETE', ''], ['POST', '/heartbeat'], ['GET', '/statistics'], ['GET', '/progress']] as const) {
      expect((await world.ask(bob, method, `/v1/sessions/${id}${path}`)).status, path).to.equal(404)
    }
    expect((await world.ask(bob, 'GET', '/v1/sessions')).body.sessions).to.deep.equal([])
    expect((await world.ask(operator, 'GET', '/v1/sessions')).status).to.equal(403)
    expect((await world.ask(ann, 'GET', '/v1/nodes')).status).to.equal(403)
    expect((await world.ask(ann, 'GET', '/metrics')).status).to.equal(403)
  })

  it('limits the sessions of a user to the plan', async () => {
    await world.addNode('kc1', 10)
    const { body } = await world.ask(operator, 'POST', '/v1/keys', { scopes: ['sessions'], userId: 'eve', maxActive: 1 })
    const first = await world.ask(body.key, 'POST', '/v1/sessions', { slot: 1 })
    expect((await world.ask(body.key, 'POST', '/v1/sessions', { slot: 2 })).body.error).to.include({ code: 'session_limit', field: 'slot' })
    await world.ask(body.key, 'DELETE', `/v1/sessions/${first.body.id}`)
    expect((await world.ask(body.key, 'POST', '/v1/sessions', { slot: 2 })).status).to.equal(200)
  })

  it('keeps slots with their names until they are given up', async () => {
    await world.addNode('kc1')
    const { body: { name } } = await world.ask(ann, 'PUT', '/v1/slots/3', { label: 'Phone' })
    expect((await world.ask(ann, 'PUT', '/v1/slots/3', { label: 'Camera' })).body).to.include({ slot: 3, label: 'Camera', name })
    const { body: { id } } = await world.ask(ann, 'POST', '/v1/sessions', { slot: 3 })
    expect((await world.ask(ann, 'DELETE', '/v1/slots/3')).body.error).to.include({ code: 'slot_in_use' })
    await world.ask(ann, 'DELETE', `/v1/sessions/${id}`)
    expect((await world.ask(ann, 'DELETE', '/v1/slots/3')).status).to.equal(204)
    expect((await world.ask(ann, 'GET', '/v1/slots')).body).to.deep.equal({ slots: [] })
    expect((await world.ask(ann, 'DELETE', '/v1/slots/3')).status).to.equal(404)
  })

  it('lets an operator add, drain and forget nodes, and makes keys of which it keeps the hash', async () => {
    const spec = {
      region: 'us-west', capacity: 8, monthLimitBytes: 32e12, ingest: { host: '192.0.2.1', port: 5000 }, play: { host: '192.0.2.1', port: 4000 },
      manageUrl: 'http://127.0.0.1:1', manageKey: 'k'.repeat(32)
    }
    const added = await world.ask(operator, 'PUT', '/v1/nodes/lv1', spec)
    expect(added.body).to.deep.include({ id: 'lv1', capacity: 8, used: 0, state: 'active', budget: 'ok' })
    expect(JSON.stringify(added.body)).not.to.include(spec.manageKey)
    expect((await world.ask(operator, 'POST', '/v1/nodes/lv1/drain')).body).to.include({ state: 'draining', whyNotPicked: 'draining' })
    expect((await world.ask(operator, 'POST', '/v1/nodes/lv1/resume')).body).to.include({ state: 'active' })
    expect((await world.ask(operator, 'DELETE', '/v1/nodes/lv1')).status).to.equal(204)
    expect((await world.ask(operator, 'DELETE', '/v1/nodes/lv1')).status).to.equal(404)

    const { body: { key, id } } = await world.ask(operator, 'POST', '/v1/keys', { scopes: ['sessions'], userId: 'eve' })
    expect((await world.ask(key, 'GET', '/v1/slots')).status).to.equal(200)
    expect(JSON.stringify(await world.store.keys())).not.to.include(key.split('_')[2])
    expect((await world.ask(operator, 'DELETE', `/v1/keys/${id}`)).status).to.equal(204)
    expect((await world.ask(key, 'GET', '/v1/slots')).status).to.equal(401)
  })

  const WRONG: Array<[method: string, path: string, body: unknown, field: string]> = [
    ['POST', '/v1/sessions', {}, 'slot'],
    ['POST', '/v1/sessions', { slot: '1' }, 'slot'],
    ['POST', '/v1/sessions', { slot: 100 }, 'slot'],
    ['POST', '/v1/sessions', { slot: 1.5 }, 'slot'],
    ['POST', '/v1/sessions', { slot: 1, region: 'EU West' }, 'region'],
    ['POST', '/v1/sessions', { slot: 1, colour: 'red' }, 'colour'],
    ['POST', '/v1/sessions', [], 'body'],
    ['POST', '/v1/sessions', '{"slot":', 'body'],
    ['POST', '/v1/sessions', undefined, 'body'],
    ['PUT', '/v1/slots/one', { label: 'x' }, 'path.slot'],
    ['PUT', '/v1/slots/1', { label: '' }, 'label'],
    ['PUT', '/v1/relays/mine', { region: 'eu-west', ingest: { host: 'h', port: 0 }, play: { host: 'h', port: 1 } }, 'ingest.port'],
    ['PUT', '/v1/relays/mine', { region: 'eu-west', ingest: { host: 'h', port: 1 }, play: { host: 'h' } }, 'play.port'],
    ['GET', '/v1/sessions/NO', undefined, 'path.id']
  ]
  for (const [method, path, body, field] of WRONG) {
    it(`names ${field} as wrong in ${method} ${path} ${JSON.stringify(body)}`, async () => {
      const answer = await world.ask(ann, method, path, body)
      expect(answer.status).to.equal(400)
      expect(answer.body.error).to.include({ code: 'bad_request', field, requestId: answer.headers.get('x-request-id') })
    })
  }

  it('answers nobody without a key, but that it is there', async () => {
    for (const path of ['/v1/sessions', '/v1/nodes', '/v1/keys', '/metrics']) {
      expect((await world.ask(undefined, 'GET', path)).body.error, path).to.include({ code: 'unauthorized', field: 'header.authorization' })
    }
    const [id] = ann.split('_').slice(1)
    expect((await world.ask(`skf_${id}_${'a'.repeat(40)}`, 'GET', '/v1/slots')).status).to.equal(401)
    expect((await world.ask(undefined, 'GET', '/health')).status).to.equal(200)
    expect((await world.ask(undefined, 'GET', '/ready')).status).to.equal(200)
    expect((await world.ask(operator, 'GET', '/metrics')).status).to.equal(200)
  })

  it('tells strangers behind a proxy apart by its word, and believes nobody else', async () => {
    const limits = { key: { perSecond: 100, burst: 100 }, stranger: { perSecond: 0.01, burst: 3 } }
    for (const [proxies, expected] of [[['127.0.0.1'], 200], [['192.0.2.1'], 429]] as const) {
      const behind = await FleetWorld.open({ limits, proxies: [...proxies] })
      const ask = async (key: string, from: string): Promise<number> =>
        (await fetch(`${behind.plane.url}/v1/slots`, { headers: { authorization: `Bearer ${key}`, 'x-forwarded-for': from } })).status
      try {
        const key = await behind.key(['sessions'], 'ann')
        for (let at = 0; at < 4; at++) {
          await ask('nonsense', '198.51.100.7')
        }
        expect(await ask(key, '198.51.100.7')).to.equal(429)
        expect(await ask(key, '203.0.113.8')).to.equal(expected)
      } finally {
        await behind.close()
      }
    }
  })

  it('says when to come back to who asks too often', async () => {
    const limited = await FleetWorld.open({ limits: { key: { perSecond: 1, burst: 5 }, stranger: { perSecond: 1, burst: 3 } } })
    try {
      const key = await limited.key(['sessions'], 'ann')
      const statuses = await Promise.all(Array.from({ length: 10 }, async () => (await limited.ask(key, 'GET', '/v1/slots')).status))
      expect(statuses.filter(status => status === 429)).to.have.length.within(4, 5)
      const refused = await limited.ask(key, 'GET', '/v1/slots')
      expect(refused.body.error.code).to.equal('too_many_requests')
      expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 2)
      for (let at = 0; at < 5; at++) {
        await limited.ask('nonsense', 'GET', '/v1/slots')
      }
      expect((await limited.ask('nonsense', 'GET', '/v1/slots')).status).to.equal(429)
    } finally {
      await limited.close()
    }
  })
})
