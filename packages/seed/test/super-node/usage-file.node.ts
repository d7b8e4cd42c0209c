import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { formatUsageRecord, parseUsageRecord, USAGE_FILE, UsageDamagedError, UsageFile } from '../../src/node/super-node/usage-file.ts'
import type { DayUsage } from '@skein/supernode'

const DAYS: DayUsage[] = [{ day: '2026-11-20', bytes: 5, circuits: 1, clients: 1 }, { day: '2026-11-21', bytes: 7, circuits: 2, clients: 1 }]

describe('the file of what a super-node has carried', () => {
  let folder: string
  let damages: UsageDamagedError[]
  let problems: Error[]
  const open = (nowMs = Date.UTC(2026, 10, 21, 12), inFolder = folder): UsageFile => new UsageFile({
    folder: inFolder, quota: { bytesPerDay: 10e9, bytesPerMonth: 310e9 }, clock: new ManualClock(nowMs),
    onDamage: error => { damages.push(error) }, onProblem: error => { problems.push(error) }
  })

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-usage-'))
    ;[damages, problems] = [[], []]
  })
  afterEach(async () => { await rm(folder, { recursive: true }) })

  it('has nothing before there is one, and then what was saved last', async () => {
    expect(await open().load()).to.deep.equal([])
    await open().save(DAYS)
    expect(await open().load()).to.deep.equal(DAYS)
    expect(await readdir(folder)).to.deep.equal([USAGE_FILE])
  })

  it('charges a run that ended without a word what it might have carried, also when it had carried nothing before', async () => {
    await open().save(DAYS, 1_000)
    expect(await open().load()).to.deep.equal([DAYS[0], { ...DAYS[1], bytes: 1_007 }])
    await open().save([], 1_000)
    expect(await open().load()).to.deep.equal([{ day: '2026-11-21', bytes: 1_000, circuits: 0, clients: 0 }])
  })

  it('is put aside when it is damaged, and the quotas count as evenly used', async () => {
    await writeFile(join(folder, USAGE_FILE), formatUsageRecord({ days: DAYS, spareBytes: 0 }).replace('"bytes":5', '"bytes":0'))
    const days = await open().load()
    expect(days.map(({ day }) => day)).to.deep.equal(['2026-11-20', '2026-11-21'])
    expect(days[1]?.bytes).to.equal(5e9)
    expect(days.reduce((sum, { bytes }) => sum + bytes, 0)).to.equal(205e9)
    expect(damages[0]).to.be.instanceOf(UsageDamagedError).and.include({ assumedBytes: 205e9, movedTo: join(folder, `${USAGE_FILE}.damaged`) })
  })

  it('counts the first day of a month for that month alone', async () => {
    await writeFile(join(folder, USAGE_FILE), 'x')
    expect(await open(Date.UTC(2026, 10, 1, 12)).load()).to.deep.equal([{ day: '2026-11-01', bytes: 5e9, circuits: 0, clients: 0 }])
  })

  it('reads back what it writes, and takes a cut or changed file for damaged', () => {
    fc.assert(fc.property(fc.maxSafeNat(), fc.nat(), fc.nat(255), (bytes, at, byte) => {
      const text = formatUsageRecord({ days: [{ day: '2026-11-21', bytes, circuits: 3, clients: 2 }], spareBytes: 9 })
      expect(parseUsageRecord(text)?.days[0]?.bytes).to.equal(bytes)
      const changed = Buffer.from(text)
      changed[at % (text.length - 1)] = byte
      const read = parseUsageRecord(changed.toString('latin1'))
      expect(read === undefined || read.days[0]?.bytes === bytes, changed.toString()).to.equal(true)
      expect(parseUsageRecord(text.slice(0, at % (text.length - 2)))).to.equal(undefined)
    }))
  })

  it('tells once that it cannot be written, and goes on', async () => {
    await writeFile(join(folder, 'file'), '')
    const file = open(undefined, join(folder, 'file'))
    await file.save(DAYS)
    await file.save(DAYS, 1)
    expect(problems).to.have.length(1)
    expect(await readFile(join(folder, 'file'), 'utf8')).to.equal('')
  })
})
