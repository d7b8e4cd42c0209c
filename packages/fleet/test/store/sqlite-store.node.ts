import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'chai'
import { StoreVersionError } from '@skein/fleet'
import { openStore } from '@skein/fleet/node'
import { nodeSpec, sessionRecord } from '../records.ts'
import { storeConformance } from './conformance.ts'

describe('The embedded store', () => {
  let folder: string

  before(async () => { folder = await mkdtemp(join(tmpdir(), 'skein-fleet-')) })
  after(async () => { await rm(folder, { recursive: true, force: true }) })

  storeConformance(async () => await openStore(':memory:'))

  it('finds again what it kept in a file, which two processes may have open', async () => {
    const path = join(folder, 'deep', 'fleet.db')
    const first = await openStore(path)
    const second = await openStore(path)
    await first.putNode(nodeSpec('a', { capacity: 1 }))
    await first.insertSession(sessionRecord('s'))
    const request = { sessionId: 's', fence: 1, region: '', month: '2026-11', nowMs: 0 }
    const [one, two] = await Promise.all([first.assign(request), second.assign(request)])
    expect(one).to.deep.equal(two)
    await first.close()
    await second.close()
    const third = await openStore(path)
    expect((await third.node('a'))?.used).to.equal(1)
    await third.close()
  })

  it('leaves tables alone that a newer program has made', async () => {
    const path = join(folder, 'newer.db')
    await (await openStore(path)).close()
    const connection = new DatabaseSync(path)
    connection.exec('UPDATE fleet_version SET version = 1000')
    connection.close()
    expect(await openStore(path).then(() => undefined, error => error)).to.be.instanceOf(StoreVersionError).with.property('found', 1000)
  })
})
