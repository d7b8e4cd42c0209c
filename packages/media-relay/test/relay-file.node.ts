import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { EMPTY_STATE } from '../src/index.ts'
import { RelayFile, RelayFileError } from '../src/node/index.ts'
import type { RelayState } from '../src/index.ts'

const STATE: RelayState = {
  streams: [{ publisher: 'live_a', player: 'play_a', description: 'Studio — ü' }],
  keys: [{ id: 'k', name: 'n', permissions: ['admin'], digest: 'a'.repeat(64), createdAtMs: 5 }]
}

describe('the file of a relay', () => {
  let folder: string
  let path: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-media-'))
    path = join(folder, 'data', 'relay.json')
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  async function problemOf (opening: Promise<RelayFile>): Promise<RelayFileError> {
    const error = await opening.then(() => undefined, error => error)
    expect(error).to.be.instanceOf(RelayFileError)
    return error
  }

  it('begins with nothing, and has again what was saved', async () => {
    const file = await RelayFile.open(path)
    expect(file.state).to.deep.equal(EMPTY_STATE)
    await file.save(STATE)
    await file.close()

    const again = await RelayFile.open(path)
    expect(again.state).to.deep.equal(STATE)
    await again.close()
    expect((await stat(path)).mode & 0o077, 'who else may read it').to.equal(0)
  })

  it('notices each byte that was changed', async () => {
    const file = await RelayFile.open(path)
    await file.save(STATE)
    await file.close()
    const bytes = await readFile(path)
    for (let at = 0; at < bytes.length - 1; at += 7) { // the last one ends the line
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] as number) ^ 1
      await writeFile(path, damaged)
      const error = await problemOf(RelayFile.open(path))
      expect(error.problem, `byte ${at}`).to.equal('damaged')
      expect(error.message).to.contain(path)
    }
    await writeFile(path, bytes.subarray(0, bytes.length / 2))
    expect((await problemOf(RelayFile.open(path))).problem).to.equal('damaged')
    await writeFile(path, bytes)
    await (await RelayFile.open(path)).close()
  })

  it('has what was before when it was cut off while it was written', async () => {
    const file = await RelayFile.open(path)
    await file.save(STATE)
    await file.close()
    await writeFile(`${path}.new`, '{"format":"skein med')

    const again = await RelayFile.open(path)
    expect(again.state).to.deep.equal(STATE)
    await again.close()
  })

  it('has one relay at a time', async () => {
    const file = await RelayFile.open(path)
    expect((await problemOf(RelayFile.open(path))).problem).to.equal('in_use')
    await file.close()

    await (await RelayFile.open(path)).close()
  })

  it('is kept from others by a process that runs, not by one that is gone', async () => {
    await (await RelayFile.open(path)).close()
    const other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' })
    await writeFile(`${path}.lock`, String(other.pid))
    expect((await problemOf(RelayFile.open(path))).message).to.contain(String(other.pid))

    other.kill('SIGKILL')
    await once(other, 'exit')
    await (await RelayFile.open(path)).close()
  })

  it('says where it cannot be', async () => {
    await writeFile(join(folder, 'data'), 'a file')

    expect((await problemOf(RelayFile.open(path))).problem).to.equal('unusable')
  })
})
