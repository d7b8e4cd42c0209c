/** The store on a real disk: kills, a full disk, damage. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ClassicLevel } from 'classic-level'
import { randomBelow, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { recordKey } from '../../src/index.ts'
import { openReputationStore, ReputationStoreError } from '../../src/node/index.ts'
import { standingNumber } from '../ledger-fixture.ts'
import type { LedgerRecord } from '../../src/index.ts'
import type { ReputationStore, StoreDamage } from '../../src/node/index.ts'

const CHILD = fileURLToPath(new URL('saving-child.ts', import.meta.url))
const KILLS = 30

describe('a reputation store', () => {
  let folder: string
  let path: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-reputation-'))
    path = join(folder, 'reputation')
  })
  afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

  async function open (): Promise<{ store: ReputationStore, damages: StoreDamage[] }> {
    const damages: StoreDamage[] = []
    return { store: await openReputationStore({ path, onDamage: damage => { damages.push(damage) } }), damages }
  }

  it('keeps what was saved, without what was deleted', async () => {
    const { store } = await open()
    const [a, b, c] = [standingNumber('a', 1), standingNumber('b', 2), standingNumber('c', 3)]
    await Promise.all([store.save({ put: [a, b, c], deleted: [] }), store.save({ put: [{ ...b, bad: 7 }], deleted: [recordKey(a)] })])
    await store.close()
    const again = await open()
    expect(await again.store.records()).to.have.deep.members([{ ...b, bad: 7 }, c])
    await again.store.replace([a])
    expect(await again.store.records()).to.deep.equal([a])
    expect(again.damages).to.deep.equal([])
    await again.store.close()
  })

  it('is refused while another has it open, and where there can be none', async () => {
    const { store } = await open()
    expect(await problemOf(open())).to.equal('in_use')
    await store.close()
    const file = join(folder, 'file')
    await writeFile(file, 'a file')
    expect(await problemOf(openReputationStore({ path: file }))).to.equal('unusable')
  })

  it(`loses nothing that it acknowledged in ${KILLS} kills (kill -9) of a process that saves`, async function () {
    this.timeout(180_000)
    const random = new SeededRandom(6)
    let acknowledged = -1
    for (let kill = 0; kill < KILLS; kill++) {
      const child = spawn(process.execPath, ['--conditions=skein-source', CHILD, path, String(acknowledged + 1)], { stdio: ['ignore', 'pipe', 'inherit'] })
      const more = 1 + randomBelow(random, 40)
      const target = acknowledged + more
      for await (const line of createInterface({ input: child.stdout })) {
        if (line.startsWith('open')) {
          expect(line, `after kill ${kill}`).to.equal('open []')
        } else {
          acknowledged = Number(line.slice('saved '.length))
          if (acknowledged >= target) {
            child.kill('SIGKILL') // what it acknowledged meanwhile is read on
          }
        }
      }
      if (child.exitCode === null && child.signalCode === null) {
        await once(child, 'close')
      }
      expect(child.signalCode).to.equal('SIGKILL')

      const { store, damages } = await open()
      const kept = new Map((await store.records()).map(record => [recordKey(record), record]))
      await store.close()
      expect(damages).to.deep.equal([])
      for (let i = 0; i <= acknowledged; i++) {
        const isDeleted = (i + 3) % 7 === 6 && i + 3 <= acknowledged
        expect(kept.get(`standing/inference/peer-${i}-a`), `peer-${i}-a after kill ${kill}`).to.deep.equal(standingNumber(`peer-${i}-a`, i))
        if (isDeleted) {
          expect(kept.has(`standing/inference/peer-${i}-b`)).to.equal(false)
        }
      }
      // the save under way when it was killed is there whole, or not at all
      const last = (kept.get('standing/inference/peer-last') as { counted: number }).counted
      expect(last).to.be.within(acknowledged, acknowledged + 1)
      acknowledged = last
    }
  })

  type Level = ClassicLevel<string, Uint8Array>
  const key = (peer: string): string => `record/${recordKey(standingNumber(peer, 0))}`
  const tampered: Array<[string, (db: Level, older: Uint8Array) => Promise<void>, Partial<StoreDamage>, string[]]> = [
    ['a bit that was changed', async db => {
      const value = Uint8Array.from(await db.get(key('b')) as Uint8Array)
      value[value.length - 2]! ^= 1 // the last digit of a number
      await db.put(key('b'), value)
    }, { unreadable: 1, missing: 0 }, ['a', 'c']],
    ['a record under the key of another', async db => { await db.put(key('b'), await db.get(key('a')) as Uint8Array) }, { unreadable: 1, missing: 0 }, ['a', 'c']],
    ['a record that is gone', async db => { await db.del(key('c')) }, { unreadable: 0, missing: 1 }, ['a', 'b']],
    ['a record as it was before', async (db, older) => { await db.put(key('a'), older) }, { unreadable: 0, missing: 0, stale: true }, ['a', 'b', 'c']],
    ['a count that is gone', async db => { await db.del('meta') }, { unreadable: 0, missing: undefined }, ['a', 'b', 'c']]
  ]
  for (const [name, tamper, damage, left] of tampered) {
    it(`tells of ${name}`, async () => {
      const { store } = await open()
      await store.save({ put: ['a', 'b', 'c'].map(peer => standingNumber(peer, 1)), deleted: [] })
      await store.close()
      const before: Level = new ClassicLevel(path, { keyEncoding: 'utf8', valueEncoding: 'view' })
      const older = Uint8Array.from(await before.get(key('a')) as Uint8Array)
      await before.close()
      const second = await open()
      await second.store.save({ put: [standingNumber('a', 2)], deleted: [] })
      await second.store.close()

      const db: Level = new ClassicLevel(path, { keyEncoding: 'utf8', valueEncoding: 'view' })
      await tamper(db, older)
      await db.close()
      const { store: again, damages } = await open()
      expect(damages).to.have.length(1)
      expect(damages[0]).to.deep.include({ ...damage, movedTo: `${path}.damaged` })
      expect((await again.records()).map(record => 'peer' in record ? record.peer : '').sort()).to.deep.equal(left)
      await again.close()
    })
  }

  it('goes on where a process ended while it put the rebuilt folder into place', async () => {
    const { store } = await open()
    await store.save({ put: [standingNumber('a', 1)], deleted: [] })
    await store.close()
    await rename(path, `${path}.rebuilt`)
    const again = await open()
    expect(await again.store.records()).to.deep.equal([standingNumber('a', 1)])
    expect(again.damages).to.deep.equal([])
    await again.store.close()
  })

  it('says that the disk is full, can be read, and saves again when there is room', async function () {
    this.timeout(60_000)
    const mount = join(folder, 'small')
    await mkdir(mount)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', mount], { stdio: 'ignore' })
    } catch {
      console.log('      a full disk is left out: only root may mount a small tmpfs')
      this.skip()
    }
    try {
      const damages: StoreDamage[] = []
      const init = { path: join(mount, 'reputation'), onDamage: (damage: StoreDamage) => { damages.push(damage) } }
      const store = await openReputationStore(init)
      const saved: LedgerRecord[] = []
      const save = async (i: number): Promise<void> => {
        const records = Array.from({ length: 50 }, (_, j) => standingNumber(`peer-${i}-${j}`, i))
        await store.save({ put: records, deleted: [] })
        saved.push(...records)
      }
      for (let i = 0; i < 100; i++) {
        await save(i)
      }
      const ballast = join(mount, 'ballast')
      await writeFile(ballast, new Uint8Array(24 << 20)).catch(() => {})
      let problem: string | undefined
      for (let i = 100; problem === undefined && i < 2000; i++) {
        problem = await problemOf(save(i))
      }
      expect(problem).to.equal('full')
      expect(await problemOf(save(5000))).to.equal('full')
      expect(await store.records()).to.have.length(saved.length)
      expect(new Set((await store.records()).map(recordKey))).to.deep.equal(new Set(saved.map(recordKey)))

      await rm(ballast)
      await save(6000)
      await store.close()
      const again = await openReputationStore(init)
      expect(new Set((await again.records()).map(recordKey))).to.deep.equal(new Set(saved.map(recordKey)))
      expect(damages).to.deep.equal([])
      await again.close()
    } finally {
      execFileSync('umount', [mount])
    }
  })

  it('tells of 512 corrupt bytes wherever they are, and serves nothing that was not saved', async function () {
    this.timeout(120_000)
    const random = new SeededRandom(512)
    const files = new Set<string>()
    const told: Record<string, number> = {}
    let unharmed = 0
    for (let round = 0; round < 60; round++) {
      path = join(folder, `reputation-${round}`)
      const saved = new Map<string, LedgerRecord>()
      const { store } = await open()
      for (let i = 0; i < 20; i++) {
        const records = Array.from({ length: 10 }, (_, j) => standingNumber(`peer-${(i * 7 + j) % 60}`, i * 100 + j))
        await store.save({ put: records, deleted: [] })
        records.forEach(record => saved.set(recordKey(record), record))
      }
      await store.close()
      if (round % 2 === 1) {
        // its log becomes a table
        const db = new ClassicLevel(path)
        await db.compactRange('a', 'z')
        await db.close()
      }
      const names = (await readdir(path)).filter(name => !/^(LOCK|LOG.*)$/.test(name))
      const sizes = await Promise.all(names.map(async name => (await stat(join(path, name))).size))
      const candidates = names.filter((_, i) => (sizes[i] as number) > 0)
      const file = candidates[(round >> 1) % candidates.length] as string
      const bytes = await readFile(join(path, file))
      const start = randomBelow(random, Math.max(1, bytes.length - 512))
      for (let i = start; i < Math.min(bytes.length, start + 512); i++) {
        bytes[i] = randomBelow(random, 256)
      }
      await writeFile(join(path, file), bytes)
      const kind = file.replace(/\d+/, 'N')
      files.add(kind)

      const { store: again, damages } = await open()
      const served = await again.records()
      for (const record of served) {
        expect(saved.get(recordKey(record)), `${file} in round ${round}: ${recordKey(record)}`).to.satisfy((newest: LedgerRecord | undefined) =>
          newest !== undefined && (damages.length > 0 || JSON.stringify(newest) === JSON.stringify(record)))
        const { counted, good } = record as { counted: number, good: number }
        expect(good, 'a record that was never saved').to.equal(counted % 50)
      }
      if (damages.length === 0) {
        expect(served.length, `${file} in round ${round}: silently lost`).to.equal(saved.size)
        unharmed++
      } else {
        told[kind] = (told[kind] ?? 0) + 1
        // rebuilt: it works, and a second look finds nothing
        await again.save({ put: [standingNumber('new', 1)], deleted: [] })
      }
      await again.close()
      const third = await open()
      expect(third.damages, `${file} in round ${round}: after the rebuilding`).to.deep.equal([])
      await third.store.close()
    }
    console.log(`      told of: ${JSON.stringify(told)}; ${unharmed} times no record was lost`)
    expect([...files]).to.include.members(['N.log', 'N.ldb', 'MANIFEST-N', 'CURRENT', 'last-save'])
    for (const kind of ['N.log', 'N.ldb', 'last-save']) {
      expect(told[kind], kind).to.be.above(0)
    }
  })
})

async function problemOf (action: Promise<unknown>): Promise<string | undefined> {
  try {
    await action
    return undefined
  } catch (error) {
    expect(error).to.be.instanceOf(ReputationStoreError)
    return (error as ReputationStoreError).problem
  }
}
