import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { randomBelow, SeededRandom } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { expect } from 'chai'
import { FleetRequests, PROVISION_STEPS } from '@skein/fleet'
import { issueKey, openStore } from '@skein/fleet/node'
import { freePort, Program, startNode, until, whatIsLeft } from './fleet-processes.ts'
import { needPostgres, startPostgres } from '../postgres-server.ts'
import type { FleetStore, SessionView } from '@skein/fleet'
import type { PostgresServer } from '../postgres-server.ts'
import type { NodeProgram } from './fleet-processes.ts'

const NOTHING = { sessions: 0, places: 0, streams: 0 }
const SEED = 20_261_121
const KILLS = 100

describe('A fleet of processes that are killed', function () {
  this.timeout(300_000)
  let folder: string
  let location: string
  let store: FleetStore
  let server: PostgresServer | undefined
  const programs: Program[] = []

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-kills-'))
    location = join(folder, 'fleet.db')
    store = await openStore(location)
  })
  afterEach(async () => {
    await Promise.all(programs.splice(0).map(async program => { await program.kill() }))
    await store.close()
    await server?.stop()
    server = undefined
    await rm(folder, { recursive: true, force: true })
  })

  const track = <T extends Program | NodeProgram>(what: T): T => {
    programs.push(what instanceof Program ? what : what.program)
    return what
  }
  const userKey = async (userId: string): Promise<string> =>
    (await issueKey(store, systemRandom(), { scopes: ['sessions'], userId }, systemClock().nowMs())).key

  /** Asks until it is answered: the control plane may be away. */
  const insist = async <T>(question: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await question()
      } catch (error) {
        if ((error as Error).name !== 'FleetUnreachableError') {
          throw error
        }
      }
      await pause(20)
    }
  }

  for (const step of PROVISION_STEPS) {
    it(`leaks nothing when the control plane is killed at ${step}`, async () => {
      const node = track(await startNode(store, 'a', 2))
      const port = await freePort()
      const control = track(new Program('control-process.ts', [location, String(port)]))
      await control.start(step)
      const requests = new FleetRequests({ url: `http://127.0.0.1:${port}`, key: await userKey('ann'), clock: systemClock() })
      // it may be gone before it has answered
      await requests.start({ slot: 1 }).catch(() => {})
      expect(await control.ended()).to.equal('SIGKILL')

      control.launch()
      let session = await insist(async () => await requests.start({ slot: 1 })) as SessionView
      await until(async () => {
        session = await insist(async () => await requests.start({ slot: 1 }))
        return session.state === 'active'
      })
      expect(await whatIsLeft(store, [node])).to.deep.equal({ sessions: 1, places: 1, streams: 1 })
      expect((await node.agent.statistics()).streams[0]).to.include({ sessionId: session.id })

      await requests.stop(session.id)
      await until(async () => (await requests.session(session.id)).state === 'ended')
      expect(await whatIsLeft(store, [node])).to.deep.equal(NOTHING)
    })
  }

  it('gives back what a killed client had, and a node that was killed what it carried', async () => {
    const node = track(await startNode(store, 'a', 4))
    const port = await freePort()
    const control = track(new Program('control-process.ts', [location, String(port)]))
    const url = await control.start()
    const client = track(new Program('client-process.ts', [url, await userKey('ann'), join(folder, 'ann.json'), '1,2']))
    client.launch()
    await until(() => new Set(client.lines.filter(line => line.includes(' ready ')).map(line => line[0])).size === 2)
    expect(await whatIsLeft(store, [node])).to.deep.equal({ sessions: 2, places: 2, streams: 2 })

    await node.program.kill()
    await node.program.start()
    await until(async () => (await whatIsLeft(store, [node])).streams === 2)

    await client.kill()
    // a client that comes back in time finds its sessions again
    const before = (await store.sessions({ states: ['active'] })).map(({ id }) => id)
    client.launch()
    await until(() => new Set(client.lines.filter(line => line.includes(' ready ')).map(line => line[0])).size === 2)
    expect((await store.sessions({ states: ['active'] })).map(({ id }) => id)).to.deep.equal(before)

    await client.kill()
    await until(async () => JSON.stringify(await whatIsLeft(store, [node])) === JSON.stringify(NOTHING))
  })

  it(`leaks nothing after ${KILLS} kills at random moments, two control planes on one PostgreSQL (seed ${SEED})`, async function () {
    needPostgres(this)
    await store.close()
    server = await startPostgres()
    location = server.url
    store = await openStore(location)
    const random = new SeededRandom(SEED)
    const nodes = await Promise.all(['a', 'b', 'c'].map(async id => track(await startNode(store, id, 3))))
    const ports = await Promise.all([freePort(), freePort()])
    const controls = ports.map(port => track(new Program('control-process.ts', [location, String(port)])))
    const clients = await Promise.all(['ann', 'bob', 'eve'].map(async (user, at) => track(new Program('client-process.ts',
      [`http://127.0.0.1:${ports[at % 2]}`, await userKey(user), join(folder, `${user}.json`), '1,2']))))
    const victims = [...controls, ...controls, ...nodes.map(({ program }) => program), ...clients]
    for (const program of [...controls, ...clients]) {
      program.launch()
    }
    for (let kills = 0; kills < KILLS; kills++) {
      await pause(randomBelow(random, 400))
      const victim = victims[randomBelow(random, victims.length)] as Program
      await victim.kill()
      victim.launch()
    }

    // all are there again: everybody has what they want, and nobody more
    await until(async () => (await store.sessions({ states: ['active'], limit: 1_000 })).length === 6)
    await until(async () => {
      const left = await whatIsLeft(store, nodes).catch(() => NOTHING)
      return left.sessions === 6 && left.places === 6 && left.streams === 6
    })
    await Promise.all(clients.map(async client => { await client.kill() }))
    await until(async () => JSON.stringify(await whatIsLeft(store, nodes)) === JSON.stringify(NOTHING))
    for (const { used, id } of await store.nodes()) {
      expect(used, id).to.equal((await store.assignments({ nodeId: id })).length)
    }
  })
})
