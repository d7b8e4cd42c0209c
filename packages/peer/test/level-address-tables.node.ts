import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ClassicLevel } from 'classic-level'
import { expect } from 'chai'
import { crc32 } from '@skein/core'
import { AddressTables } from '@skein/pex'
import { DataDirectoryError } from '../src/data-directory-error.ts'
import { openLevelAddressTables } from '../src/node/level-address-tables.ts'
import type { KnownAddress } from '@skein/pex'

const WRITER = fileURLToPath(new URL('address-writer.ts', import.meta.url))

function known (i: number): KnownAddress {
  return { peer: `peer${i}`, addresses: [`/ip4/1.1.1.1/tcp/${i}`], source: `peer${i + 1}`, sourceNetwork: '2.2.0.0/16', tried: i % 2 === 0, failures: 0 }
}

/** Without what is left out. */
function plain (entry: KnownAddress): unknown {
  return JSON.parse(JSON.stringify(entry))
}

function framed (text: string): Uint8Array {
  const body = new TextEncoder().encode(text)
  const value = new Uint8Array(4 + body.length)
  new DataView(value.buffer).setUint32(0, crc32(body))
  value.set(body, 4)
  return value
}

describe('address tables in LevelDB', () => {
  let folder: string
  let path: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-book-'))
    path = join(folder, 'book')
  })
  afterEach(async () => { await rm(folder, { recursive: true }) })

  it('keeps what was saved: the key, the anchors, and each peer as it was last', async () => {
    const store = await openLevelAddressTables({ path })
    expect(await store.load()).to.deep.equal({ key: undefined, known: [], anchors: [] })
    const key = Uint8Array.from({ length: 16 }, (_, i) => i)
    await store.save({ key, changed: [known(1), known(2), known(3)], deleted: [] })
    await store.save({ anchors: ['peer3', 'peer2'], changed: [{ ...known(2), failures: 7 }], deleted: ['peer1'] })
    await store.close()

    const damages: unknown[] = []
    const again = await openLevelAddressTables({ path, onDamage: damage => damages.push(damage) })
    const kept = await again.load()
    expect(kept.known.map(plain)).to.have.deep.members([{ ...known(2), failures: 7 }, known(3)].map(plain))
    expect([kept.key, kept.anchors, damages]).to.deep.equal([key, ['peer3', 'peer2'], []])
    await again.close()
  })

  it('reads what the version before it kept, once, and gives it the places that it would have had', async () => {
    const db = new ClassicLevel<string, Uint8Array>(path, { keyEncoding: 'utf8', valueEncoding: 'view' })
    const earlier = [
      { peer: 'met', addresses: ['/ip4/1.1.1.1/tcp/1'], seed: true, lastConnectedMs: 5, failures: 0 },
      { peer: 'heard', addresses: ['/ip4/1.1.1.2/tcp/1'], seed: false, lastConnectedMs: 0, failures: 2 }
    ]
    await db.batch([
      ...earlier.map(value => ({ type: 'put' as const, key: `peer/${value.peer}`, value: framed(JSON.stringify(value)) })),
      { type: 'put', key: 'count', value: framed('2') }
    ])
    await db.close()

    for (const run of ['first', 'second']) {
      const damages: unknown[] = []
      const store = await openLevelAddressTables({ path, onDamage: damage => damages.push(damage) })
      const { known: all } = await store.load()
      expect(all.map(({ peer, tried, seed, connectedMs, failures }) => ({ peer, tried, seed, connectedMs, failures })), run).to.have.deep.members([
        { peer: 'met', tried: true, seed: true, connectedMs: 5, failures: 0 },
        { peer: 'heard', tried: false, seed: undefined, connectedMs: undefined, failures: 2 }
      ])
      const tables = new AddressTables({ key: new Uint8Array(16), known: all })
      expect([tables.count(true), tables.count(false), damages]).to.deep.equal([1, 1, []])
      await store.close()
    }
  })

  it('is refused while another has it open', async () => {
    const store = await openLevelAddressTables({ path })
    const error = await openLevelAddressTables({ path }).then(() => undefined, error => error)
    expect(error).to.be.instanceOf(DataDirectoryError)
    expect(error.problem).to.equal('in_use')
    await store.close()
  })

  it('says so when there can be no folder', async () => {
    await writeFile(path, 'a file')
    const error = await openLevelAddressTables({ path }).then(() => undefined, error => error)
    expect(error).to.be.instanceOf(DataDirectoryError)
    expect(error.problem).to.equal('unusable')
  })

  it('serves no damaged record, and tells of it and of missing ones', async () => {
    const store = await openLevelAddressTables({ path })
    await store.save({ key: new Uint8Array(16), changed: [known(1), known(2), known(3), known(4)], deleted: [] })
    await store.close()
    const db = new ClassicLevel<string, Uint8Array>(path, { keyEncoding: 'utf8', valueEncoding: 'view' })
    const value = Uint8Array.from(await db.get('known/peer2') as Uint8Array)
    value[10] = (value[10] as number) ^ 1
    await db.batch([{ type: 'put', key: 'known/peer2', value }, { type: 'del', key: 'known/peer4' }])
    await db.close()

    const damages: unknown[] = []
    const again = await openLevelAddressTables({ path, onDamage: damage => damages.push(damage) })
    expect((await again.load()).known.map(({ peer }) => peer)).to.have.members(['peer1', 'peer3'])
    expect(damages).to.deep.equal([{ unreadable: 1, missing: 1 }])
    await again.close()
    const third = await openLevelAddressTables({ path, onDamage: damage => damages.push(damage) })
    await third.load()
    expect(damages).to.have.length(1)
    await third.close()
  })

  it('survives damage anywhere in its files: what it serves was saved', async () => {
    const store = await openLevelAddressTables({ path })
    const all = Array.from({ length: 200 }, (_, i) => known(i))
    await store.save({ changed: all, deleted: [] })
    await store.close()
    for (const file of (await readdir(path)).filter(name => /\.(log|ldb)$|^MANIFEST|^CURRENT$/.test(name))) {
      const bytes = await readFile(join(path, file))
      for (let i = 0; i < Math.min(512, bytes.length); i++) {
        bytes[Math.floor(bytes.length / 3) + i] = 0xff & (i * 37)
      }
      await writeFile(join(path, file), bytes)
    }
    let told = 0
    const again = await openLevelAddressTables({ path, onDamage: () => { told++ } })
    const { known: loaded } = await again.load()
    expect(told).to.be.above(0)
    expect(loaded.length).to.be.below(200)
    for (const entry of loaded) {
      expect(all.map(plain)).to.deep.include(plain(entry))
    }
    await again.save({ changed: [known(500)], deleted: [] })
    await again.close()
  })

  it('has all that was written when its process is killed, however often', async () => {
    let next = 0
    for (let kill = 0; kill < 8; kill++) {
      const child = spawn(process.execPath, ['--conditions=skein-source', WRITER, path, String(next)], { stdio: ['ignore', 'pipe', 'inherit'] })
      const exited = once(child, 'exit')
      let written = -1
      for await (const line of createInterface({ input: child.stdout })) {
        written = Number(line)
        if (written >= next + 7 * kill) {
          child.kill('SIGKILL')
        }
      }
      expect((await exited)[1]).to.equal('SIGKILL')

      const damages: unknown[] = []
      const store = await openLevelAddressTables({ path, onDamage: damage => damages.push(damage) })
      const { key, known: all, anchors } = await store.load()
      await store.close()
      const last = key?.[0] as number
      // a write that was under way may have come through, or not, but nothing of it in part
      expect([last === written || last === written + 1, anchors, damages]).to.deep.equal([true, [`peer${5 * last}`], []])
      const expected = Array.from({ length: 5 * (last + 1) }, (_, i) => i).filter(i => i % 5 !== 0 || i / 5 > last - 100)
      expect(all.map(({ peer }) => Number(peer.slice(4))).sort((a, b) => a - b)).to.deep.equal(expected)
      next = last + 1
    }
  }).timeout(60_000)
})
