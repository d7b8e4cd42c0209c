import { expect } from 'chai'
import { eventually } from '../../../core/test/eventually.ts'
import { FleetWorld } from './fleet-world.ts'
import type { ControlPlaneInit } from '@skein/fleet/node'

describe('A session that is moved', function () {
  this.timeout(30_000)
  const worlds: FleetWorld[] = []

  afterEach(async () => { await Promise.all(worlds.splice(0).map(async world => { await world.close() })) })

  const open = async (init: Partial<ControlPlaneInit> = {}): Promise<FleetWorld> => {
    const world = await FleetWorld.open(init)
    worlds.push(world)
    return world
  }

  it('leaves a node that is silent for three polls, which is cleared of it when it is back', async () => {
    const world = await open()
    const ann = await world.key(['sessions'], 'ann')
    const first = await world.addNode('a')
    const { body: { id } } = await world.ask(ann, 'POST', '/v1/sessions', { slot: 1 })
    const placeIs = async (node: string): Promise<boolean> => (await world.ask(ann, 'GET', `/v1/sessions/${id}`)).body.place?.instanceId === node
    await eventually(async () => await placeIs('a'))
    const second = await world.addNode('b')
    first.isUp = false
    await eventually(async () => await placeIs('b'))
    expect(second.admissions.list()).to.have.length(1)
    expect(first.admissions.list()).to.have.length(1)
    first.isUp = true
    await eventually(() => first.admissions.list().length === 0)
    expect((await world.store.nodes()).map(({ used }) => used)).to.deep.equal([0, 1])
  })

  it('goes to another region: both carry it for a while, and then the new one alone', async () => {
    const moved = await open({ reapMs: 100, times: { moveDrainMs: 1_500 } })
    const key = await moved.key(['sessions'], 'ann')
    const from = await moved.addNode('a', 4, 'us-central')
    const { body: { id, name } } = await moved.ask(key, 'POST', '/v1/sessions', { slot: 1 })
    const place = async (): Promise<string | undefined> => (await moved.ask(key, 'GET', `/v1/sessions/${id}`)).body.place?.instanceId
    await eventually(async () => await place() === 'a')
    const move = async (region: string): Promise<any> => (await moved.ask(key, 'POST', `/v1/sessions/${id}/move`, { region })).body
    expect((await move('us-central')).error).to.include({ code: 'move_same_region', field: 'region' })
    // there is nobody, and all stays as it is
    await move('eu-west')
    const body = await eventually(async () => {
      const answer = await moved.ask(key, 'GET', `/v1/sessions/${id}`)
      return answer.body.moveFailure !== undefined && answer.body
    })
    expect(body).to.deep.include({ state: 'active', name })
    expect(body.place.instanceId).to.equal('a')

    const to = await moved.addNode('b', 4, 'eu-west')
    expect(await move('eu-west')).to.deep.include({ state: 'active' })
    await eventually(async () => await place() === 'b')
    expect([from, to].map(({ admissions }) => admissions.list().map(({ streamToken }) => `live_${streamToken}`))).to.deep.equal([[body.publishId], [body.publishId]])
    expect((await move('us-central')).error.code).to.be.oneOf(['move_moving', 'move_cool_down'])
    await eventually(async () => (await moved.store.node('a'))?.used === 0)
    expect(from.admissions.list()).to.deep.equal([])
    expect(to.admissions.list()).to.have.length(1)
    expect((await moved.store.nodes()).map(({ used }) => used)).to.deep.equal([0, 1])
    const refused = await moved.ask(key, 'POST', `/v1/sessions/${id}/move`, { region: 'us-central' })
    expect(refused.body.error).to.include({ code: 'move_cool_down' })
    expect(Number(refused.headers.get('retry-after'))).to.be.within(3_500, 3_600)
  })

  it('leaves a node that is to be emptied, or whose month is nearly used up, while it goes on', async () => {
    const world = await open({ reapMs: 100, times: { moveDrainMs: 500 } })
    const [keys, manage] = [await world.key(['sessions'], 'ann'), await world.key(['nodes'])]
    await world.store.putUser({ id: 'ann', maxActive: 12 })
    const from = await world.addNode('a', 12, 'us-central')
    const ids: string[] = []
    for (let slot = 0; slot < 10; slot++) {
      ids.push((await world.ask(keys, 'POST', '/v1/sessions', { slot })).body.id)
    }
    const placesOf = async (): Promise<string[]> =>
      (await world.ask(keys, 'GET', '/v1/sessions')).body.sessions.map(({ place }: any) => place?.instanceId ?? 'none')
    await eventually(async () => (await placesOf()).every(place => place === 'a'))

    // there is room for four in the region, and for all elsewhere
    const near = await world.addNode('b', 4, 'us-central')
    await world.addNode('c', 12, 'eu-west')
    expect((await world.ask(manage, 'POST', '/v1/nodes/a/evacuate')).body).to.include({ state: 'evacuating', whyNotPicked: 'evacuating' })
    const seen = new Set<string>()
    await eventually(async () => {
      const places = await placesOf()
      places.forEach(place => seen.add(place))
      return !places.includes('a')
    })
    expect([...seen].sort()).to.deep.equal(['a', 'b', 'c']) // never without a place
    expect((await placesOf()).filter(place => place === 'b')).to.have.length(4)
    expect(near.admissions.list()).to.have.length(4)
    await eventually(async () => (await world.store.node('a'))?.used === 0)
    expect(from.admissions.list()).to.deep.equal([])
    expect((await world.store.slots('ann')).flatMap(({ moves }) => moves)).to.deep.equal([]) // none of the user's own
    expect((await world.ask(keys, 'GET', `/v1/sessions/${ids[0]}`)).body.moveFailure).to.equal(undefined)

    // 97 % of the month
    await world.ask(manage, 'POST', '/v1/nodes/a/resume')
    await eventually(async () => !from.admissions.draining)
    const spec = await world.store.node('b')
    await world.store.putNode({ ...spec as NonNullable<typeof spec>, monthLimitBytes: 1_000_000 })
    near.bytes = 970_000
    await eventually(async () => !(await placesOf()).includes('b'))
    expect((await placesOf()).filter(place => place === 'a')).to.have.length(4)
    expect(world.problems).to.deep.equal([])
  })
})
