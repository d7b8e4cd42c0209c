import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { FenceMarkError, FenceMarkFile } from '../src/node/index.ts'

describe('FenceMarkFile', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-fence-'))
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  it('knows nothing before the first, and then the last that was saved', async () => {
    const marks = new FenceMarkFile(join(folder, 'state', 'fence'))
    expect(await marks.load()).to.equal(undefined)
    await marks.save({ term: 2_983_333, fence: 1 })
    await marks.save({ term: 2_983_333, fence: 2 })
    expect(await new FenceMarkFile(marks.path).load()).to.deep.equal({ term: 2_983_333, fence: 2 })
    expect(await readdir(join(folder, 'state'))).to.deep.equal(['fence'])
  })

  it('passes over what a crash left beside the mark', async () => {
    const marks = new FenceMarkFile(join(folder, 'fence'))
    await marks.save({ term: 7, fence: 3 })
    await writeFile(`${marks.path}.new`, '{"ter')
    expect(await marks.load()).to.deep.equal({ term: 7, fence: 3 })
  })

  it('says so when any byte of it is damaged, and gives no number', async () => {
    const marks = new FenceMarkFile(join(folder, 'fence'))
    await marks.save({ term: 7, fence: 3 })
    const whole = await readFile(marks.path)
    for (let at = 0; at < whole.length; at++) {
      const damaged = Uint8Array.from(whole)
      damaged[at] = (damaged[at] as number) ^ 0x10
      await writeFile(marks.path, damaged)
      expect(await marks.load().catch((error: unknown) => error), `byte ${at}`).to.be.instanceOf(FenceMarkError)
    }
    for (const length of [0, 5, whole.length - 1]) {
      await writeFile(marks.path, whole.subarray(0, length))
      expect(await marks.load().catch((error: unknown) => error), `${length} bytes`).to.be.instanceOf(FenceMarkError)
    }
  })
})
