import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { expect } from 'chai'
import { DataDirectoryError } from '../src/data-directory-error.ts'
import { openLevelAddressBook } from '../src/node/level-address-book.ts'
import type { KnownPeer } from '../src/address-book.ts'

function known (i: number): KnownPeer {
  return { peer: `peer${i}`, addresses: [`/ip4/1.1.1.1/tcp/${i}`], seed: i % 2 === 0, lastConnectedMs: i, failures: 0 }
}

describe('an address book in LevelDB', () => {
  let folder: string
  let path: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-book-'))
    path = join(folder, 'book')
  })
  afterEach(async () => { await rm(folder, { recursive: true }) })

  it('keeps what was saved', async () => {
    const store = await openLevelAddressBook({ path })
    await store.save([known(1), known(2), known(3)], [])
    await store.save([{ ...known(2), failures: 7 }], ['peer1'])
    await store.close()

    const damages: unknown[] = []
    const again = await openLevelAddressBook({ path, onDamage: damage => damages.push(damage) })
    expect(await again.load()).to.have.deep.members([{ ...known(2), failures: 7 }, known(3)])
    expect(damages).to.deep.equal([])
    await again.close()
  })

  it('is refused while another has it open', async () => {
    const store = await openLevelAddressBook({ path })
    const error = await openLevelAddressBook({ path }).then(() => undefined, error => error)
    expect(error).to.be.instanceOf(DataDirectoryError)
    expect(error.problem).to.equal('in_use')
    await store.close()
  })

  it('says so when there can be no folder', async () => {
    await writeFile(path, 'a file')
    const error = await openLevelAddressBook({ path }).then(() => undefined, error => error)
    expect(error).to.be.instanceOf(DataDirectoryError)
    expect(error.problem).to.equal('unusable')
  })

  it('serves no damaged record, and tells of it and of missing ones', async () => {
    const store = await openLevelAddressBook({ path })
    await store.save([known(1), known(2), known(3), known(4)], [])
    await store.close()
    const db = new ClassicLevel<string, Uint8Array>(path, { keyEncoding: 'utf8', valueEncoding: 'view' })
    const value = Uint8Array.from(await db.get('peer/peer2') as Uint8Array)
    value[10] = (value[10] as number) ^ 1
    await db.batch([{ type: 'put', key: 'peer/peer2', value }, { type: 'del', key: 'peer/peer4' }])
    await db.close()

    const damages: unknown[] = []
    const again = await openLevelAddressBook({ path, onDamage: damage => damages.push(damage) })
    expect((await again.load()).map(peer => peer.peer)).to.have.members(['peer1', 'peer3'])
    expect(damages).to.deep.equal([{ unreadable: 1, missing: 1 }])
    await again.close()
    const third = await openLevelAddressBook({ path, onDamage: damage => damages.push(damage) })
    await third.load()
    expect(damages).to.have.length(1)
    await third.close()
  })

  it('survives damage anywhere in its files: what it serves was saved', async () => {
    const store = await openLevelAddressBook({ path })
    const all = Array.from({ length: 200 }, (_, i) => known(i))
    await store.save(all, [])
    await store.close()
    for (const file of (await readdir(path)).filter(name => /\.(log|ldb)$|^MANIFEST|^CURRENT$/.test(name))) {
      const bytes = await readFile(join(path, file))
      for (let i = 0; i < Math.min(512, bytes.length); i++) {
        bytes[Math.floor(bytes.length / 3) + i] = 0xff & (i * 37)
      }
      await writeFile(join(path, file), bytes)
    }
    let told = 0
    const again = await openLevelAddressBook({ path, onDamage: () => { told++ } })
    const loaded = await again.load()
    expect(told).to.be.above(0)
    expect(loaded.length).to.be.below(200)
    for (const peer of loaded) {
      expect(all).to.deep.include(peer)
    }
    await again.save([known(500)], [])
    await again.close()
  })
})
