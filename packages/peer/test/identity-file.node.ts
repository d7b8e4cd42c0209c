import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'chai'
import { IdentityFileError } from '../src/identity-error.ts'
import { loadIdentity } from '../src/node/identity-file.ts'

describe('an identity file', () => {
  let folder: string
  let path: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-identity-'))
    path = join(folder, 'deep', 'identity.key')
  })
  afterEach(async () => { await rm(folder, { recursive: true }) })

  async function idOf (): Promise<string> {
    return peerIdFromPrivateKey(await loadIdentity(path)).toString()
  }

  async function problem (): Promise<string> {
    try {
      await loadIdentity(path)
      return 'none'
    } catch (error) {
      expect(error).to.be.instanceOf(IdentityFileError)
      expect((error as Error).message).to.contain(path)
      return (error as IdentityFileError).problem
    }
  }

  it('is made on the first start, for the owner alone, and gives the same id ever after', async () => {
    const id = await idOf()
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
    expect(await idOf()).to.equal(id)
  })

  it('is made once when several processes start together', async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, idOf))
    expect(new Set(ids).size).to.equal(1)
  })

  it('is refused when others can read it, and left as it is', async () => {
    await loadIdentity(path)
    await chmod(path, 0o640)
    expect(await problem()).to.equal('readable_by_others')
    await chmod(path, 0o600)
    expect(await problem()).to.equal('none')
  })

  it('is refused when it is damaged anywhere, and left as it is', async () => {
    await loadIdentity(path)
    const good = await readFile(path, 'utf8')
    const damages = [
      '', good.slice(0, -20), good.replace('skein', 'skien'), good + 'more', 'x'.repeat(5000),
      ...[60, 80, 100, good.length - 4].map(at => good.slice(0, at) + (good[at] === 'A' ? 'B' : 'A') + good.slice(at + 1))
    ]
    for (const damaged of damages) {
      await writeFile(path, damaged)
      expect(await problem(), JSON.stringify(damaged.slice(0, 90))).to.equal('corrupt')
      expect(await readFile(path, 'utf8')).to.equal(damaged)
    }
  })

  it('says so when it can be neither read nor made', async () => {
    await writeFile(join(folder, 'deep'), 'a file where the folder should be')
    expect(await problem()).to.equal('unreadable')
  })
})
