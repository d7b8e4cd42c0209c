import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import { FleetWorld } from './fleet-world.ts'
import type { NodeStatistics } from '@skein/fleet'

const LINKS = [
  { address: '192.0.2.7:40001', bytes: 6_000, sharePercent: 60, carrier: 'one', idleMs: 20 },
  { address: '198.51.100.9:40002', bytes: 4_000, sharePercent: 40, idleMs: 35 }
]

describe('What an operator sees of the nodes', function () {
  this.timeout(30_000)
  let world: FleetWorld
  let operator: string

  beforeEach(async () => {
    world = await FleetWorld.open()
    operator = await world.key(['nodes', 'metrics'])
  })
  afterEach(async () => { await world.close() })

  const metrics = async (): Promise<Map<string, number>> => {
    const { body } = await world.ask(operator, 'GET', '/metrics')
    return new Map((body as string).split('\n').filter(line => line !== '' && !line.startsWith('#')).map(line => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))]
    }))
  }
  const until = async (condition: () => Promise<boolean>): Promise<void> => {
    while (!await condition()) {
      await pause(20)
    }
  }

  it('is what it carries, stream by stream and link by link, and tells Prometheus of it', async () => {
    const node = await world.addNode('kc1')
    const { statistics } = node
    node.statistics = async () => {
      const told: NodeStatistics = await statistics.call(node)
      return { ...told, cpuShare: 0.25, memoryShare: 0.5, lossShare: 0.01, streams: told.streams.map(stream => ({ ...stream, live: true, links: LINKS })) }
    }
    const ann = await world.key(['sessions'], 'ann')
    const { body: { id } } = await world.ask(ann, 'POST', '/v1/sessions', { slot: 1 })
    await until(async () => (await metrics()).get('skein_fleet_node_links{node="kc1"}') === 2)

    const { body } = await world.ask(operator, 'GET', '/v1/nodes/kc1/statistics')
    expect(body).to.deep.include({ cpuShare: 0.25, memoryShare: 0.5, lossShare: 0.01, draining: false })
    expect(body.streams).to.have.length(1)
    expect(body.streams[0]).to.deep.include({ sessionId: id, live: true, links: LINKS })
    expect(JSON.stringify(body)).not.to.include((await world.store.session(id))?.streamToken)
    expect((await world.ask(ann, 'GET', '/v1/nodes/kc1/statistics')).status).to.equal(403)
    expect((await world.ask(operator, 'GET', '/v1/nodes/other/statistics')).body.error).to.include({ code: 'unknown_node', field: 'path.id' })

    const told = await metrics()
    expect(Object.fromEntries(told)).to.include({
      'skein_fleet_node_used_places{node="kc1"}': 1,
      'skein_fleet_node_places{node="kc1"}': 4,
      'skein_fleet_node_up{node="kc1"}': 1,
      'skein_fleet_node_live_streams{node="kc1"}': 1,
      'skein_fleet_node_loss_ratio{node="kc1"}': 0.01,
      'skein_fleet_node_cpu_ratio{node="kc1"}': 0.25,
      'skein_fleet_node_memory_ratio{node="kc1"}': 0.5,
      'skein_fleet_sessions{state="active"}': 1
    })
    expect(told.get('skein_fleet_node_health_ratio{node="kc1"}')).to.be.within(0.8, 0.85)
    expect(told.has('skein_fleet_node_safe_bytes_per_second{node="kc1"}')).to.equal(false)
  })

  it('is its month of bytes, and what is safe to the end of it', async () => {
    const node = await world.addNode('metered')
    const spec = await world.store.node('metered')
    await world.store.putNode({ ...spec as NonNullable<typeof spec>, monthLimitBytes: 1_000_000 })
    node.bytes = 750_000
    await until(async () => (await metrics()).get('skein_fleet_node_month_bytes{node="metered"}') === 750_000)
    const told = await metrics()
    expect(told.get('skein_fleet_node_month_limit_bytes{node="metered"}')).to.equal(1_000_000)
    const safe = told.get('skein_fleet_node_safe_bytes_per_second{node="metered"}') as number
    // a quarter of it is left, for at most 31 days
    expect(safe).to.be.at.least(250_000 / (31 * 86_400))
    const { body } = await world.ask(operator, 'GET', '/v1/nodes')
    expect(body.nodes[0]).to.include({ id: 'metered', budget: 'warn', monthBytes: 750_000 })
    expect(body.nodes[0].safeBps).to.be.at.least(250_000 * 8 / (31 * 86_400))
  })

  it('is that it does not answer', async () => {
    const node = await world.addNode('kc1')
    await until(async () => (await metrics()).has('skein_fleet_node_live_streams{node="kc1"}'))
    node.isUp = false
    await until(async () => (await metrics()).get('skein_fleet_node_up{node="kc1"}') === 0)
    expect((await metrics()).get('skein_fleet_node_health_ratio{node="kc1"}')).to.equal(0)
    await until(async () => (await world.ask(operator, 'GET', '/v1/nodes/kc1/statistics')).status === 409)
    expect((await world.ask(operator, 'GET', '/v1/nodes')).body.nodes[0]).to.include({ whyNotPicked: 'lost' })
  })
})
