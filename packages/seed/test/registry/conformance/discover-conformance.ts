/** How every registry answers a discover. */
import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { MAX_PAGE_BYTES, WINDOW_MS } from '../../../src/registry/discover-search.ts'
import { StaleCursorError } from '../../../src/registry/registry.ts'
import { capabilitiesOf, envelopeOf, nameOf } from '../registration.ts'
import { discover, register, walk } from './registry-under-test.ts'
import type { DiscoverQuery } from '../../../src/registry/registry.ts'
import type { RegistryUnderTest } from './registry-under-test.ts'

export function discoverConformance ({ open, runs }: RegistryUnderTest): void {
  const cases: Array<[string, DiscoverQuery, string[]]> = [
    ['no filter', {}, ['big', 'phone', 'plain', 'paid']],
    ['a loaded model', { model: 'm' }, ['big', 'phone']],
    ['a model that can be loaded', { model: 's' }, ['plain']],
    ['a model nobody has', { model: 'x' }, []],
    ['memory', { minRamBytes: 64e9 }, ['big']],
    ['graphics memory', { minVramBytes: 1 }, ['big', 'phone', 'plain', 'paid']],
    ['more graphics memory', { minVramBytes: 24e9 }, ['big']],
    ['a tier or a better one', { minTier: 2 }, ['big', 'plain', 'paid']],
    ['a region', { region: 'eu-west' }, ['big', 'phone']],
    ['a region nobody is in', { region: 'ap-east' }, []],
    ['a task', { task: 'embedding' }, ['plain']],
    ['a task without a bit', { task: 'draw' }, ['paid']],
    ['context', { minContext: 8192 }, ['big']],
    ['only what is free', { maxPriceMicros: 0 }, ['big', 'phone', 'plain']],
    ['not the asker', { asker: 'plain' }, ['big', 'phone', 'paid']],
    ['two at once', { model: 'm', minTier: 1 }, ['big']]
  ]
  for (const [name, query, expected] of cases) {
    it(`filters: ${name}`, async () => {
      const registry = await open()
      await register(registry, 'big', { region: 'eu-west', loadedModels: ['m'], ramBytes: 64e9, vramBytes: 24e9, tier: 1, effectiveContext: 8192 })
      await register(registry, 'phone', { region: 'eu-west', loadedModels: ['m'], tier: 4 })
      await register(registry, 'plain', { region: 'us-east', swappableModels: ['s'], tasks: ['chat', 'embedding'] })
      await register(registry, 'paid', { region: 'us-east', priceMicros: 5, tasks: ['draw'] })
      // less than a KiB is not told apart
      expect(await walk(registry, query)).to.have.members(expected)
    })
  }

  it('ranks the same region first, then near ones; loaded before loadable; free and strong before busy and weak', async () => {
    const registry = await open()
    await register(registry, 'far', { region: 'ap-northeast', loadedModels: ['m'], tier: 1, vramBytes: 80e9 })
    await register(registry, 'near', { region: 'eu-central', loadedModels: ['m'] })
    await register(registry, 'here-loadable', { region: 'eu-west', swappableModels: ['m'], vramBytes: 80e9 })
    await register(registry, 'here-weak', { region: 'eu-west', loadedModels: ['m'], tier: 4 })
    await register(registry, 'here-busy', { region: 'eu-west', loadedModels: ['m'], tier: 1, vramBytes: 80e9, queueDepth: 1 })
    await register(registry, 'here', { region: 'eu-west', loadedModels: ['m'], tier: 1, vramBytes: 80e9 })
    expect(await discover(registry, { model: 'm', near: 'eu-west' }))
      .to.deep.equal(['here', 'here-weak', 'here-busy', 'here-loadable', 'near', 'far'])
  })

  it('puts the quicker line first, and keeps what was measured over a renewal that measured nothing', async () => {
    const registry = await open()
    const add = async (peer: string, seq: number, rttMs?: number): Promise<void> => {
      await registry.register(capabilitiesOf(peer, { seq, region: 'eu-west', loadedModels: ['m'] }), envelopeOf(peer, seq), 0, { rttMs })
    }
    for (let i = 0; i < 20; i++) {
      await add(`slow${i}`, 1, 10_000)
      await add(`quick${i}`, 1, 10)
    }
    const shareOfQuick = async (): Promise<number> => {
      let quick = 0
      for (let asker = 0; asker < 50; asker++) {
        quick += (await discover(registry, { model: 'm', asker: `asker${asker}`, limit: 10 })).filter(name => name.startsWith('quick')).length
      }
      return quick / 500
    }
    const share = await shareOfQuick()
    expect(share).to.be.above(0.7)
    for (let i = 0; i < 20; i++) {
      await add(`slow${i}`, 2)
    }
    expect(await shareOfQuick()).to.equal(share)
    for (let i = 0; i < 20; i++) {
      await add(`slow${i}`, 3, 10)
    }
    expect(await shareOfQuick()).to.be.within(0.3, 0.7)
  })

  it('finds models and regions that have no code or list', async () => {
    const registry = await open({ maxRegistrations: 2000 })
    const many = Array.from({ length: 60 }, (_, i) => `many${i}`)
    await register(registry, 'collector', { loadedModels: many })
    for (let i = 0; i < 400; i++) {
      await register(registry, `p${i}`, { region: `nowhere${i}` })
    }
    expect(await walk(registry, { model: 'many59' })).to.deep.equal(['collector'])
    expect(await walk(registry, { model: 'many0' })).to.deep.equal(['collector'])
    expect(await walk(registry, { region: 'nowhere399' })).to.deep.equal(['p399'])
    expect((await walk(registry, {})).length).to.equal(401)
  })

  it('pages cover all exactly once, in few enough bytes, with any size of page', async () => {
    await fc.assert(fc.asyncProperty(
      fc.integer({ min: 0, max: 400 }), fc.integer({ min: 1, max: 100 }), fc.constantFrom(undefined, 'eu-west', 'nowhere'), fc.integer({ min: 0, max: 900 }),
      async (count, limit, near, size) => {
        const registry = await open()
        for (let i = 0; i < count; i++) {
          await register(registry, `p${i}`, { region: ['eu-west', 'us-east', '', 'odd'][i % 4], loadedModels: ['m'], queueDepth: i % 2 }, 0, size)
        }
        for (const model of [undefined, 'm']) {
          const names = await walk(registry, { limit, near, model, asker: 'me' })
          expect(names.length).to.equal(count)
          expect(new Set(names).size).to.equal(count)
        }
      }), { numRuns: runs(25) })
  })

  it('pages bring none twice and skip none of those who stay, whoever comes, goes or renews meanwhile', async () => {
    await fc.assert(fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 40 }), async (seed, limit) => {
      const random = new SeededRandom(seed)
      const registry = await open({ maxRegistrations: 5000 })
      const region = (): string => ['eu-west', 'us-east', 'odd'][random.nextUint32() % 3] as string
      const home = new Map<string, string>()
      for (let i = 0; i < 300; i++) {
        home.set(`stay${i}`, region())
        await register(registry, `stay${i}`, { region: home.get(`stay${i}`), loadedModels: ['m'] })
        await register(registry, `go${i}`, { region: region(), loadedModels: ['m'] })
      }
      let seq = 1
      const names = await walk(registry, { limit, near: 'eu-west', model: 'm' }, 0, async page => {
        seq++
        for (let i = 0; i < 20; i++) {
          const stays = `stay${random.nextUint32() % 300}`
          await register(registry, stays, { seq: seq * 100 + i, region: home.get(stays), loadedModels: ['m'], queueDepth: random.nextUint32() % 2 }, 0)
          await registry.remove(`go${random.nextUint32() % 300}`)
          if (page < 20) {
            await register(registry, `come${page}-${i}`, { region: region(), loadedModels: ['m'] })
          }
        }
      })
      expect(new Set(names).size).to.equal(names.length)
      expect(names.filter(name => name.startsWith('stay')).length).to.equal(300)
    }), { numRuns: runs(15) })
  })

  it('keeps a page within 12 KB however large the records are, and still brings all', async () => {
    const registry = await open()
    for (let i = 0; i < 60; i++) {
      await register(registry, `p${i}`, {}, 0, 200 + (i % 5) * 1990)
    }
    let cursor: Uint8Array | undefined
    const names: string[] = []
    do {
      const page = await registry.discover({ cursor }, 0)
      const bytes = page.envelopes.reduce((sum, envelope) => sum + envelope.length + 3, page.cursor?.length ?? 0)
      expect(bytes).to.be.at.most(MAX_PAGE_BYTES)
      names.push(...page.envelopes.map(nameOf))
      cursor = page.cursor
    } while (cursor !== undefined)
    expect(new Set(names).size).to.equal(60)
    expect(names.length).to.equal(60)
  })

  it('hands out others to other askers and in other windows, and the same to the same within one', async () => {
    const registry = await open()
    for (let i = 0; i < 100; i++) {
      await register(registry, `p${i}`, { expiresAtMs: 1e9, addresses: [`/ip4/10.0.${i}.1/tcp/1`] })
    }
    const seen = new Set<string>()
    for (let i = 0; i < 60; i++) {
      (await discover(registry, { asker: `asker${i}`, limit: 10 })).forEach(name => seen.add(name))
    }
    expect(seen.size).to.be.above(90)
    const first = await discover(registry, { asker: 'me', limit: 10 })
    expect(await discover(registry, { asker: 'me', limit: 10 }, WINDOW_MS - 1)).to.deep.equal(first)
    expect(await discover(registry, { asker: 'me', limit: 10 }, WINDOW_MS)).to.not.deep.equal(first)
  })

  it('does not let one network fill a page while others fit', async () => {
    const registry = await open()
    for (let i = 0; i < 40; i++) {
      await register(registry, `crowd${i}`, { tier: 1, vramBytes: 80e9, addresses: [`/ip4/7.7.7.${i}/tcp/1`] })
    }
    for (let i = 0; i < 8; i++) {
      await register(registry, `alone${i}`, { addresses: [`/ip4/9.9.${i}.1/tcp/1`] })
    }
    expect((await discover(registry, { limit: 20 })).filter(name => name.startsWith('alone')).length).to.equal(8)
  })

  it('bounds the work of a filter that fits nobody: empty pages with a cursor, then the end', async () => {
    const registry = await open({ maxRegistrations: 5000 })
    for (let i = 0; i < 5000; i++) {
      await register(registry, `p${i}`)
    }
    let pages = 0
    expect(await walk(registry, { minRamBytes: 1e12 }, 0, async () => { pages++ })).to.deep.equal([])
    expect(pages).to.be.within(6, 8)
  })

  it('refuses the cursor of another query, of another seed, and junk', async () => {
    const registry = await open()
    for (let i = 0; i < 50; i++) {
      await register(registry, `p${i}`)
    }
    const { cursor } = await registry.discover({ limit: 5 }, 0)
    const other = await open({ stranger: true })
    const refused = async (run: () => Promise<unknown>): Promise<boolean> => await run().then(() => false, error => error instanceof StaleCursorError)
    expect(await refused(async () => await registry.discover({ limit: 5, cursor, minTier: 1 }, 0))).to.equal(true)
    expect(await refused(async () => await other.discover({ limit: 5, cursor }, 0))).to.equal(true)
    await fc.assert(fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 900 }), async junk => {
      expect(await refused(async () => await registry.discover({ cursor: junk }, 0))).to.equal(true)
    }), { numRuns: runs(300) })
    // whoever changes a good cursor gets pages that are bounded, or a refusal
    await fc.assert(fc.asyncProperty(fc.nat(200), fc.nat(255), async (at, value) => {
      const changed = Uint8Array.from(cursor ?? [])
      changed[at % changed.length] = value
      const names = await discover(registry, { limit: 5, cursor: changed }).catch(error => { expect(error).to.be.instanceOf(StaleCursorError); return [] })
      expect(names.length).to.be.at.most(5)
    }), { numRuns: runs(300) })
  })
}
