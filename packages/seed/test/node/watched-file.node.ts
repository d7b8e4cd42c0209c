import { mkdtemp, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@skein/core/system'
import { expect } from 'chai'
import { WatchedFile, WatchedFileSizeError } from '../../src/node/index.ts'
import { until } from '../admission/admitted-world.ts'

describe('a file that is followed', function () {
  this.timeout(20_000)
  let folder: string
  let path: string
  let changes = 0
  let problems: string[] = []
  let file: WatchedFile<string> | undefined

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-watched-'))
    path = join(folder, 'list')
    changes = 0
    problems = []
    await writeFile(path, 'one')
  })
  afterEach(async () => {
    file?.stop()
    await rm(folder, { recursive: true })
  })

  async function open (): Promise<WatchedFile<string>> {
    file = await WatchedFile.open<string>({
      path,
      maxBytes: 100,
      parse: bytes => {
        const text = bytes.toString()
        if (text === 'wrong') {
          throw new Error('not like that')
        }
        return text
      },
      clock: systemClock(),
      intervalMs: 10,
      onChange: () => { changes++ },
      onProblem: error => { problems.push(error.message) }
    })
    return file
  }

  it('is read again when it is written or replaced', async () => {
    const one = await open()
    expect(one.value).to.equal('one')
    await writeFile(path, 'two')
    await until(() => one.value === 'two' && changes === 1)
    await writeFile(`${path}.new`, 'six')
    await rename(`${path}.new`, path)
    await until(() => one.value === 'six' && changes === 2)
    expect(problems).to.deep.equal([])
  })

  it('counts as it was while it is wrong or away, which is told once, and is read when it is back', async () => {
    const one = await open()
    await writeFile(path, 'wrong')
    await until(() => problems.length > 0)
    await new Promise(resolve => setTimeout(resolve, 100))
    expect([one.value, ...problems]).to.deep.equal(['one', 'not like that'])
    await unlink(path)
    await until(() => problems.length > 1)
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(problems).to.have.length(2)
    await writeFile(path, 'back')
    await until(() => one.value === 'back' && changes === 1)
  })

  it('has to be there at the start, right and not too large', async () => {
    await writeFile(path, 'x'.repeat(101))
    expect(await open().catch((error: Error) => error)).to.be.instanceOf(WatchedFileSizeError)
    await writeFile(path, 'wrong')
    expect(await open().catch((error: Error) => error.message)).to.equal('not like that')
    await unlink(path)
    expect(await open().catch((error: NodeJS.ErrnoException) => error.code)).to.equal('ENOENT')
  })
})
