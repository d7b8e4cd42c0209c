import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '@skein/core/system'
import { expect } from 'chai'
import { createControlPlane, openStore } from '@skein/fleet/node'
import { FleetWorld } from '../api/fleet-world.ts'
import { needPostgres, startPostgres } from '../postgres-server.ts'
import type { Clock } from '@skein/core'
import type { PostgresServer } from '../postgres-server.ts'

const REAP_MS = 100

/** This machine's clock, set wrong by so much. */
function wrongBy (ms: number): Clock {
  const clock = systemClock()
  return { nowMs: () => clock.nowMs() + ms, schedule: (atMs, task) => clock.schedule(atMs - ms, task) }
}

describe('Control planes on one PostgreSQL, with clocks ten minutes apart', function () {
  this.timeout(60_000)
  let server: PostgresServer

  before(async function () {
    needPostgres(this)
    server = await startPostgres()
  })
  after(async () => { await server?.stop() })

  it('agree on leases, and do each other\'s work', async () => {
    const url = await server.database('two_clocks')
    const times = { leaseMs: 2_000, heartbeatMs: 300, workMs: 500 }
    const world = await FleetWorld.open({ store: await openStore(url), times, reapMs: REAP_MS, clock: wrongBy(-600_000) })
    const store = await openStore(url)
    const ahead = await createControlPlane({ store, port: 0, times, reapMs: REAP_MS, pollMs: REAP_MS, clock: wrongBy(600_000) })
    try {
      await world.addNode('a')
      const key = await world.key(['sessions'], 'ann')
      const { body: { id } } = await world.ask(key, 'POST', '/v1/sessions', { slot: 1 })
      for (let at = 0; at < 12; at++) {
        await pause(300)
        const { status, body } = await world.ask(key, 'POST', `/v1/sessions/${id}/heartbeat`)
        expect(status).to.equal(200)
        expect(body.leaseRemainingMs).to.be.within(1_000, 2_100)
      }
      // the one that is behind finds it run out too, though it was asked by the other
      const other = await fetch(`${ahead.url}/v1/sessions/${id}/heartbeat`, { method: 'POST', headers: { authorization: `Bearer ${key}` } })
      expect(other.status).to.equal(200)
      for (;;) {
        const { body } = await world.ask(key, 'GET', `/v1/sessions/${id}`)
        if (body.state === 'ended') {
          expect(body.endReason).to.equal('expired')
          break
        }
        await pause(50)
      }
      expect((await world.store.node('a'))?.used).to.equal(0)
    } finally {
      await ahead.close()
      await store.close()
      await world.close()
    }
  })
})
