import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock } from '@skein/core'
import { networkOf as smallNetworkOf } from '@skein/records'
import { expect } from 'chai'
import { openSystemTable, SystemTableError } from '../src/node/index.ts'
import { systemTableFile } from './system-table-file.ts'
import type { VerifiedNetwork } from '@skein/records'

/** As a peer does it, for the addresses of these tests. */
function publicNetwork (address: string): VerifiedNetwork | undefined {
  const small = smallNetworkOf(address)
  if (small === undefined || small.startsWith('10.')) {
    return undefined
  }
  const wide = small.endsWith('/24') ? `${small.split('.').slice(0, 2).join('.')}.0.0/16` : `${small.split(':').slice(0, 2).join(':')}::/32`
  return { small, wide }
}

describe('A table of autonomous systems', () => {
  let folder: string
  let path: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-systems-'))
    path = join(folder, 'asn.mmdb')
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  it('adds the system to /24 and /16 where it has one', async () => {
    await writeFile(path, systemTableFile({ '192.0.2.0/24': 64_496, '198.51.0.0/16': 65_551 }))
    const table = await openSystemTable(path, { networkOf: publicNetwork })
    expect(table.networkOf('/ip4/192.0.2.7/tcp/4001')).to.deep.equal({ small: '192.0.2.0/24', wide: '192.0.0.0/16', system: 64_496 })
    expect(table.networkOf('/ip4/198.51.7.1/tcp/1')).to.deep.include({ system: 65_551 })
    expect(table.networkOf('/ip4/203.0.113.1/tcp/1')).to.deep.equal({ small: '203.0.113.0/24', wide: '203.0.0.0/16' })
    expect(table.networkOf('/ip4/10.0.0.1/tcp/1')).to.equal(undefined)
    expect(table.networkOf('/dns4/example.org/tcp/1')?.system).to.equal(undefined)
    expect(table.networkOf('/ip6/2001:db8::1/tcp/1')).to.deep.equal({ small: '2001:db8:0::/48', wide: '2001:db8::/32' })
    expect(table.builtMs).to.equal(1_790_000_000_000)
    table.close()
  })

  it('is /24 and /16 without a file', async () => {
    const table = await openSystemTable(undefined, { networkOf: publicNetwork })
    expect(table.networkOf('/ip4/192.0.2.7/tcp/4001')).to.deep.equal({ small: '192.0.2.0/24', wide: '192.0.0.0/16' })
    expect(table.builtMs).to.equal(undefined)
  })

  it('is read again when the file changes, and stays as it was when that is damaged', async () => {
    await writeFile(path, systemTableFile({ '192.0.2.0/24': 1 }))
    const clock = new ManualClock(0)
    let failed = Promise.withResolvers<SystemTableError>()
    const table = await openSystemTable(path, { networkOf: publicNetwork, clock, onFailure: error => { failed.resolve(error) } })
    const systemNow = (): number | undefined => table.networkOf('/ip4/192.0.2.7/tcp/1')?.system

    for (const damage of [Buffer.from('no table'), Buffer.alloc(0), systemTableFile({ '192.0.2.0/24': 3 }, { type: 'GeoLite2-City' })]) {
      failed = Promise.withResolvers()
      await writeFile(path, damage)
      while (await Promise.race([failed.promise.then(() => false), new Promise(resolve => { setImmediate(resolve, true) })]) === true) {
        clock.advance(60_000)
      }
      expect(await failed.promise).to.be.instanceOf(SystemTableError)
      expect(systemNow()).to.equal(1)
    }
    await writeFile(`${path}.new`, systemTableFile({ '192.0.2.0/24': 2 }, { builtSeconds: 1_800_000_000 }))
    await rename(`${path}.new`, path)
    while (systemNow() === 1) {
      clock.advance(60_000)
      await new Promise(resolve => { setImmediate(resolve) })
    }
    expect(systemNow()).to.equal(2)
    expect(table.builtMs).to.equal(1_800_000_000_000)
    table.close()
  })

  it('says so when the file is not there, or is another one', async () => {
    const missing = await openSystemTable(path, { networkOf: publicNetwork }).catch(error => error)
    expect(missing).to.be.instanceOf(SystemTableError)
    expect(missing.path).to.equal(path)
    await writeFile(path, systemTableFile({}, { type: 'GeoLite2-City' }))
    expect((await openSystemTable(path, { networkOf: publicNetwork }).catch(error => error)).message).to.include('GeoLite2-City')
  })

  it('gives no systems, and throws nothing, where its records are damaged', async () => {
    const file = systemTableFile({ '192.0.2.0/24': 1, '198.51.100.0/24': 2 })
    for (let at = 0; at < file.indexOf('MaxMind.com') - 3; at++) {
      const damaged = Buffer.from(file)
      damaged.writeUInt8((damaged[at] as number) ^ 0xff, at)
      await writeFile(path, damaged)
      const table = await openSystemTable(path, { networkOf: publicNetwork })
      expect(() => table.networkOf('/ip4/192.0.2.7/tcp/1'), `byte ${at}`).not.to.throw()
      table.close()
    }
  })
})
