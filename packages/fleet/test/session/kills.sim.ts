import { expect } from 'chai'
import { KilledFleet } from './killed-fleet.ts'

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 27]
const KILLS = 100

describe('A fleet whose parts are killed at random', () => {
  let served = 0

  after(() => { expect(served, 'sessions that were live at the end').to.be.above(SEEDS.length) })

  for (const seed of SEEDS) {
    it(`leaks nothing after ${KILLS} kills of clients, control planes and nodes (seed ${seed})`, async () => {
      const fleet = await KilledFleet.open(seed)
      await fleet.addNodes(4, 3)
      await fleet.startPlane()
      await fleet.startPlane()
      while (fleet.kills.client + fleet.kills.controlPlane + fleet.kills.node < KILLS) {
        await fleet.step()
      }
      expect(Math.min(fleet.kills.client, fleet.kills.controlPlane, fleet.kills.node)).to.be.above(3)

      served += await fleet.everyoneIsServed()
      await fleet.comeToRest()
      const left = (await fleet.store.sessions({ limit: 1_000 })).filter(({ state }) => state !== 'ended')
      expect(left.map(({ id, state }) => [id, state])).to.deep.equal([])
      for (const node of await fleet.store.nodes()) {
        expect(node.used, node.id).to.equal(0)
        expect(await fleet.store.assignments({ nodeId: node.id })).to.deep.equal([])
      }
      for (const node of fleet.nodes) {
        expect(node.admissions.list(), node.id).to.deep.equal([])
      }

      const again = await fleet.startAnew('user0', 0)
      expect(again.state).to.equal('active')
      const node = fleet.nodes.find(({ id }) => id === again.place?.instanceId)
      expect(node?.admissions.sessionOf(again.streamToken)).to.equal(again.id)
      await fleet.store.close()
    })
  }
})
