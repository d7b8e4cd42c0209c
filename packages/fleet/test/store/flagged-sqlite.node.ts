import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { systemClock } from '@skein/core/system'
import { expect } from 'chai'
import { openStore } from '@skein/fleet/node'
import { SqlFleetStore } from '../../src/store/sql-fleet-store.ts'
import { SqliteDatabase } from '../../src/node/sqlite-database.ts'
import { ThreadedSqlite } from '../../src/node/threaded-sqlite.ts'
import { storeConformance } from './conformance.ts'

const STORE_PROCESS = fileURLToPath(new URL('store-process.ts', import.meta.url))

describe('The embedded store on a Node that has it behind a flag', function () {
  this.timeout(60_000)
  let folder: string

  before(async () => { folder = await mkdtemp(join(tmpdir(), 'skein-fleet-')) })
  after(async () => { await rm(folder, { recursive: true, force: true }) })

  const storeProcess = async (path: string, ...flags: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=skein-source', ...flags, STORE_PROCESS, path], { timeout: 50_000 })
    return stdout.trim()
  }

  it('works without the flag, and ends with what it is used for', async () => {
    const path = join(folder, 'fleet.db')
    expect(await storeProcess(path, '--no-experimental-sqlite')).to.equal('no node:sqlite, nodes: a')
    // the same file where the module is there
    const store = await openStore(path)
    expect((await store.nodes()).map(({ id }) => id)).to.deep.equal(['a'])
    await store.close()
  })

  it('says what is wrong with a file that cannot be opened', async () => {
    const failure = await storeProcess(folder, '--no-experimental-sqlite').then(() => undefined, error => error as { stderr: string })
    expect(failure?.stderr).to.contain('unable to open database file')
  })

  describe('in its thread', () => {
    storeConformance(async () => {
      const store = new SqlFleetStore(new SqliteDatabase(await ThreadedSqlite.open(':memory:'), systemClock()))
      await store.migrate()
      return store
    })
  })
})
