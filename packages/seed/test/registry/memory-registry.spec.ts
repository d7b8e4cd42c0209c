import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { MemoryRegistry } from '../../src/registry/memory-registry.ts'
import { register, walk } from './conformance/registry-under-test.ts'
import { nameOf } from './registration.ts'

function registryOf (maxRegistrations = 1000, maxRecordBytes?: number): MemoryRegistry {
  return new MemoryRegistry({ maxRegistrations, maxRecordBytes, random: new SeededRandom(7) })
}

describe('MemoryRegistry', () => {
  it('refuses by bytes too, and lets those who are here renew with a record of the same size', async () => {
    const registry = registryOf(1000, 65_536)
    let count = 0
    while (await register(registry, `p${count}`, {}, 0, 1000) === 'registered') {
      count++
    }
    expect(count).to.be.within(60, 65)
    for (let i = 0; i < count; i++) {
      expect(await register(registry, `p${i}`, { seq: 2 }, 0, 1000)).to.equal('renewed')
    }
    expect(await register(registry, 'p0', { seq: 3 }, 0, 5000)).to.equal('full')
    expect(nameOf((await registry.get('p0', 0))?.envelope ?? new Uint8Array())).to.equal('p0')
    expect((await walk(registry, {})).length).to.equal(count)
  })

  it('takes no more memory when all its members changed three times over', async () => {
    const random = new SeededRandom(3)
    const registry = registryOf(2000)
    let nowMs = 0
    let number = 0
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 2000; i++) {
        const models = Array.from({ length: 1 + random.nextUint32() % 3 }, () => `m${random.nextUint32() % 50}-${nowMs}`)
        const changes = { loadedModels: [...new Set(models)], region: `r${random.nextUint32() % 100}-${nowMs}`, expiresAtMs: nowMs + 300_000 }
        expect(await register(registry, `p${number++}`, changes, nowMs, 150 + random.nextUint32() % 300)).to.equal('registered')
      }
    }
    await fill()
    const held = registry.heldRecordBytes
    for (let round = 0; round < 3; round++) {
      nowMs += 300_000
      await registry.sweep(nowMs)
      expect(registry.size).to.equal(0)
      await fill()
    }
    expect(registry.heldRecordBytes).to.equal(held)
    expect((await registry.models(200, nowMs)).length).to.equal(50)
  })
})
