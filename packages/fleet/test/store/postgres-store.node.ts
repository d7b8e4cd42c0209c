import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { openStore } from '@skein/fleet/node'
import { needPostgres, startPostgres } from '../postgres-server.ts'
import { MONTH, nodeSpec, sessionRecord } from '../records.ts'
import { storeConformance } from './conformance.ts'
import type { PostgresServer } from '../postgres-server.ts'

const PICK_PROCESS = fileURLToPath(new URL('pick-process.ts', import.meta.url))
const PROCESSES = 4
const PICKS = 50

describe('The store on PostgreSQL', function () {
  this.timeout(120_000)
  let server: PostgresServer
  let databases = 0

  before(async function () {
    needPostgres(this)
    server = await startPostgres()
  })
  after(async () => { await server?.stop() })

  storeConformance(async () => await openStore(await server.database(`conformance_${databases++}`)))

  it('can be migrated by several processes at once', async () => {
    const url = await server.database('migrated')
    const stores = await Promise.all([1, 2, 3, 4].map(async () => await openStore(url, { maxConnections: 1 })))
    await stores[0]?.putNode(nodeSpec('a'))
    expect(await stores[3]?.nodes()).to.have.length(1)
    await Promise.all(stores.map(async store => { await store.close() }))
  })

  it('gives 200 picks of 4 processes at once no node above its capacity, and no session two', async () => {
    const url = await server.database('picked')
    const store = await openStore(url)
    // 180 places for 200 sessions, and nodes that are not to be picked
    for (const [at, capacity] of [11, 40, 8, 61, 50, 10].entries()) {
      await store.putNode(nodeSpec(`n${at}`, { capacity, region: at < 2 ? 'eu-west' : 'us-central' }))
    }
    for (const id of ['draining', 'unhealthy', 'spent']) {
      await store.putNode(nodeSpec(id, { capacity: 1_000, monthLimitBytes: 1_000 }))
    }
    await store.setNodeState('draining', 'draining')
    await store.reportNode('unhealthy', { health: 10, month: MONTH, monthBytes: 0, silentPolls: 0 })
    await store.reportNode('spent', { health: 100, month: MONTH, monthBytes: 950, silentPolls: 0 })
    // two processes ask for each session
    for (let at = 0; at < PROCESSES * PICKS; at++) {
      await store.insertSession(sessionRecord(`s${at}`))
    }
    const processes = await Promise.all(Array.from({ length: PROCESSES }, async (_, at) =>
      await startPicking(url, at % 2 === 0 ? 0 : PICKS * 2, PICKS * 2)))
    const picks = (await Promise.all(processes.map(async picking => await picking()))).flat()

    const nodes = await store.nodes()
    const assignments = (await Promise.all(nodes.map(async ({ id }) => await store.assignments({ nodeId: id })))).flat()
    for (const { id, used, capacity } of nodes) {
      expect(used, id).to.be.at.most(capacity)
      expect(used, id).to.equal(assignments.filter(({ nodeId }) => nodeId === id).length)
    }
    expect(nodes.filter(({ id }) => id.startsWith('n')).map(({ used }) => used)).to.deep.equal([11, 40, 8, 61, 50, 10])
    expect(nodes.filter(({ id }) => !id.startsWith('n')).map(({ used }) => used)).to.deep.equal([0, 0, 0])
    expect(new Set(assignments.map(({ sessionId }) => sessionId)).size).to.equal(180)
    // whoever was told of a place was told of the one that is kept
    const kept = new Map(assignments.map(({ sessionId, nodeId }) => [sessionId, nodeId]))
    expect(picks).to.have.length(PROCESSES * PICKS * 2)
    for (const [sessionId, nodeId] of picks) {
      if (nodeId != null) {
        expect(nodeId, sessionId as string).to.equal(kept.get(sessionId as string))
      }
    }
    await store.close()
  })

  async function startPicking (url: string, first: number, count: number): Promise<() => Promise<Array<[string, string | null]>>> {
    const child = spawn(process.execPath, ['--conditions=skein-source', PICK_PROCESS, url, String(first), String(count)],
      { stdio: ['pipe', 'pipe', 'inherit'] })
    process.once('exit', () => { child.kill('SIGKILL') })
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    expect((await lines.next()).value).to.equal('ready')
    return async () => {
      const ended = once(child, 'exit')
      child.stdin.write('go\n')
      const picks = JSON.parse((await lines.next()).value as string) as Array<[string, string | null]>
      await ended
      return picks
    }
  }
})
