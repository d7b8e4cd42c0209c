import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { formatUsage, parseUsage, RELAY_USAGE_FILE, RelayUsageDamagedError, RelayUsageFile } from '../../src/node/relay-usage-file.ts'

const MID_NOVEMBER = Date.UTC(2026, 10, 16)

describe('the file of what the relay has carried', () => {
  let folder: string
  let clock: ManualClock
  let damages: RelayUsageDamagedError[]
  let problems: Error[]
  const open = (): RelayUsageFile => new RelayUsageFile({
    folder, clock, monthBytes: 100e9, onDamage: error => { damages.push(error) }, onProblem: error => { problems.push(error) }
  })
  const path = (): string => join(folder, RELAY_USAGE_FILE)

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-usage-'))
    clock = new ManualClock(MID_NOVEMBER)
    ;[damages, problems] = [[], []]
  })
  afterEach(async () => { await rm(folder, { recursive: true }) })

  it('says nothing before there is one, and then what was written last', async () => {
    expect(await open().load()).to.equal(undefined)
    await open().end({ month: '2026-11', bytes: 12_345 })
    expect(await open().load()).to.deep.equal({ month: '2026-11', bytes: 12_345 })
    expect(await readdir(folder)).to.deep.equal([RELAY_USAGE_FILE])
  })

  it('is written at most every 10 s, and only when the count has changed', async () => {
    const file = open()
    let bytes = 1
    let asked = 0
    file.follow(() => { asked++; return { month: '2026-11', bytes } })
    clock.advance(9_999)
    expect(asked).to.equal(0)
    clock.advance(1)
    await written(1)
    bytes = 2
    clock.advance(9_000)
    expect(asked).to.equal(1)
    clock.advance(1_000)
    await written(2)
    await file.end({ month: '2026-11', bytes: 3 })
    clock.advance(60_000)
    expect(asked).to.equal(2)
    expect(await open().load()).to.deep.equal({ month: '2026-11', bytes: 3 })
  })

  async function written (bytes: number): Promise<void> {
    while (parseUsage(await readFile(path(), 'utf8').catch(() => ''))?.bytes !== bytes) {
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    await new Promise(resolve => setTimeout(resolve, 20)) // until it follows again
  }

  it('is put aside when it is damaged; the month so far counts as evenly used, and that is told', async () => {
    await writeFile(path(), formatUsage({ month: '2026-11', bytes: 5 }).replace('5', '6'))
    expect(await open().load()).to.deep.equal({ month: '2026-11', bytes: 50e9 })
    expect(damages[0]).to.be.instanceOf(RelayUsageDamagedError).and.include({ path: path(), movedTo: `${path()}.damaged`, assumedBytes: 50e9 })
    expect(damages[0]?.message).to.contain('50 GB')
    expect(await readdir(folder)).to.deep.equal([`${RELAY_USAGE_FILE}.damaged`])
  })

  it('reads back what it writes, and takes a cut or changed file for damaged', () => {
    fc.assert(fc.property(fc.maxSafeNat(), fc.nat(), fc.nat(255), (bytes, at, byte) => {
      const text = formatUsage({ month: '2026-11', bytes })
      expect(parseUsage(text)).to.deep.equal({ month: '2026-11', bytes })
      const changed = Buffer.from(text)
      changed[at % (text.length - 1)] = byte
      const read = parseUsage(changed.toString('latin1'))
      expect(read === undefined || read.bytes === bytes, changed.toString()).to.equal(true)
      expect(parseUsage(text.slice(0, at % (text.length - 2)))).to.equal(undefined)
    }))
  })

  it('tells once that it cannot be written, and goes on', async () => {
    await writeFile(join(folder, 'file'), '')
    const file = new RelayUsageFile({ folder: join(folder, 'file'), clock, monthBytes: 1, onDamage: () => {}, onProblem: error => { problems.push(error) } })
    await file.end({ month: '2026-11', bytes: 1 })
    await file.end({ month: '2026-11', bytes: 2 })
    expect(problems).to.have.length(1)
  })
})
