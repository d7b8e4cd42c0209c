import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { SeededRandom } from '@skein/core'
import { openCapabilities, signCapabilities } from '@skein/records'
import { expect } from 'chai'
import fc from 'fast-check'
import { MAX_PAGE_BYTES, WINDOW_MS } from '../../src/registry/discover-search.ts'
import { MemoryRegistry } from '../../src/registry/memory-registry.ts'
import { StaleCursorError } from '../../src/registry/registry.ts'
import { capabilitiesOf, envelopeOf, nameOf } from './registration.ts'
import type { Capabilities } from '@skein/records'
import type { DiscoverQuery } from '../../src/registry/registry.ts'

function registryOf (maxRegistrations = 1000, maxRecordBytes?: number): MemoryRegistry {
  return new MemoryRegistry({ maxRegistrations, maxRecordBytes, random: new SeededRandom(7) })
}

async function register (registry: MemoryRegistry, peer: string, changes: Partial<Capabilities> = {}, nowMs = 0, size = 0): Promise<string> {
  const outcome = await registry.register(capabilitiesOf(peer, changes), envelopeOf(peer, changes.seq, size), nowMs)
  return outcome.registered ? outcome.renewed ? 'renewed' : 'registered' : outcome.reason
}

async function discover (registry: MemoryRegistry, query: DiscoverQuery = {}, nowMs = 0): Promise<string[]> {
  return (await registry.discover(query, nowMs)).envelopes.map(nameOf)
}

/** All pages, and how many there were. */
async function walk (registry: MemoryRegistry, query: DiscoverQuery, nowMs = 0, between = async (_page: number): Promise<void> => {}): Promise<string[]> {
  const names: string[] = []
  let cursor: Uint8Array | undefined
  for (let page = 0; page < 10_000; page++) {
    const answer = await registry.discover({ ...query, cursor }, nowMs)
    names.push(...answer.envelopes.map(nameOf))
    cursor = answer.cursor
    if (cursor === undefined) {
      return names
    }
    await between(page)
  }
  throw new Error('The walk does not end')
}

describe('MemoryRegistry', () => {
  it('refuses what is not newer, what is over, and newcomers when it is full of live ones', async () => {
    const registry = registryOf(2)
    expect(await register(registry, 'a', { seq: 5 })).to.equal('registered')
    expect(await register(registry, 'a', { seq: 5 })).to.equal('replayed')
    expect(await register(registry, 'a', { seq: 4 })).to.equal('replayed')
    expect(await register(registry, 'b', { expiresAtMs: 100 })).to.equal('registered')
    expect(await register(registry, 'c', {}, 50)).to.equal('full')
    expect(await register(registry, 'a', { seq: 6 }, 50)).to.equal('renewed')
    expect(await register(registry, 'c', { expiresAtMs: 99 }, 100)).to.equal('expired')
    expect(await register(registry, 'c', {}, 100)).to.equal('registered')
    expect(await discover(registry, {}, 100)).to.have.members(['a', 'c'])
  })

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

  it('gives back a real signed record, byte by byte, and finds it by its id', async () => {
    const registry = registryOf()
    for (const type of ['Ed25519', 'secp256k1'] as const) {
      const key = await generateKeyPair(type)
      const peer = peerIdFromPrivateKey(key).toString()
      const { capabilities, envelope } = await signCapabilities(capabilitiesOf(peer, { loadedModels: ['m'], region: 'eu-west' }), key)
      expect((await registry.register(capabilities, envelope, 0)).registered).to.equal(true)
      const found = await registry.get(peer, 0)
      expect(found?.envelope).to.deep.equal(envelope)
      expect((await openCapabilities(found?.envelope ?? new Uint8Array(), 0)).capabilities.peer).to.equal(peer)
      expect(await registry.remove(peer)).to.equal(true)
      expect(await registry.get(peer, 0)).to.equal(undefined)
    }
  })

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
      const registry = registryOf()
      await register(registry, 'big', { region: 'eu-west', loadedModels: ['m'], ramBytes: 64e9, vramBytes: 24e9, tier: 1, effectiveContext: 8192 })
      await register(registry, 'phone', { region: 'eu-west', loadedModels: ['m'], tier: 4 })
      await register(registry, 'plain', { region: 'us-east', swappableModels: ['s'], tasks: ['chat', 'embedding'] })
      await register(registry, 'paid', { region: 'us-east', priceMicros: 5, tasks: ['draw'] })
      // less than a KiB is not told apart
      expect(await walk(registry, query)).to.have.members(expected)
    })
  }

  it('ranks the same region first, then near ones; loaded before loadable; free and strong before busy and weak', async () => {
    const registry = registryOf()
    await register(registry, 'far', { region: 'ap-northeast', loadedModels: ['m'], tier: 1, vramBytes: 80e9 })
    await register(registry, 'near', { region: 'eu-central', loadedModels: ['m'] })
    await register(registry, 'here-loadable', { region: 'eu-west', swappableModels: ['m'], vramBytes: 80e9 })
    await register(registry, 'here-weak', { region: 'eu-west', loadedModels: ['m'], tier: 4 })
    await register(registry, 'here-busy', { region: 'eu-west', loadedModels: ['m'], tier: 1, vramBytes: 80e9, queueDepth: 1 })
    await register(registry, 'here', { region: 'eu-west', loadedModels: ['m'], tier: 1, vramBytes: 80e9 })
    expect(await discover(registry, { model: 'm', near: 'eu-west' }))
      .to.deep.equal(['here', 'here-weak', 'here-busy', 'here-loadable', 'near', 'far'])
  })

  it('finds models and regions that have no code or list', async () => {
    const registry = registryOf(2000)
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
        const registry = registryOf()
        for (let i = 0; i < count; i++) {
          await register(registry, `p${i}`, { region: ['eu-west', 'us-east', '', 'odd'][i % 4], loadedModels: ['m'], queueDepth: i % 2 }, 0, size)
        }
        for (const model of [undefined, 'm']) {
          const names = await walk(registry, { limit, near, model, asker: 'me' })
          expect(names.length).to.equal(count)
          expect(new Set(names).size).to.equal(count)
        }
      }), { numRuns: 25 })
  })

  it('pages bring none twice and skip none of those who stay, whoever comes, goes or renews meanwhile', async () => {
    await fc.assert(fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 40 }), async (seed, limit) => {
      const random = new SeededRandom(seed)
      const registry = registryOf(5000)
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
    }), { numRuns: 15 })
  })

  it('keeps a page within 12 KB however large the records are, and still brings all', async () => {
    const registry = registryOf()
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
    const registry = registryOf()
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
    const registry = registryOf()
    for (let i = 0; i < 40; i++) {
      await register(registry, `crowd${i}`, { tier: 1, vramBytes: 80e9, addresses: [`/ip4/7.7.7.${i}/tcp/1`] })
    }
    for (let i = 0; i < 8; i++) {
      await register(registry, `alone${i}`, { addresses: [`/ip4/9.9.${i}.1/tcp/1`] })
    }
    expect((await discover(registry, { limit: 20 })).filter(name => name.startsWith('alone')).length).to.equal(8)
  })

  it('bounds the work of a filter that fits nobody: empty pages with a cursor, then the end', async () => {
    const registry = registryOf(5000)
    for (let i = 0; i < 5000; i++) {
      await register(registry, `p${i}`)
    }
    let pages = 0
    expect(await walk(registry, { minRamBytes: 1e12 }, 0, async () => { pages++ })).to.deep.equal([])
    expect(pages).to.be.within(6, 8)
  })

  it('refuses the cursor of another query, of another seed, and junk', async () => {
    const registry = registryOf()
    for (let i = 0; i < 50; i++) {
      await register(registry, `p${i}`)
    }
    const { cursor } = await registry.discover({ limit: 5 }, 0)
    const other = new MemoryRegistry({ random: new SeededRandom(8) })
    const refused = async (run: () => Promise<unknown>): Promise<boolean> => await run().then(() => false, error => error instanceof StaleCursorError)
    expect(await refused(async () => await registry.discover({ limit: 5, cursor, minTier: 1 }, 0))).to.equal(true)
    expect(await refused(async () => await other.discover({ limit: 5, cursor }, 0))).to.equal(true)
    await fc.assert(fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 900 }), async junk => {
      expect(await refused(async () => await registry.discover({ cursor: junk }, 0))).to.equal(true)
    }), { numRuns: 300 })
    // whoever changes a good cursor gets pages that are bounded, or a refusal
    await fc.assert(fc.asyncProperty(fc.nat(200), fc.nat(255), async (at, value) => {
      const changed = Uint8Array.from(cursor ?? [])
      changed[at % changed.length] = value
      const names = await discover(registry, { limit: 5, cursor: changed }).catch(error => { expect(error).to.be.instanceOf(StaleCursorError); return [] })
      expect(names.length).to.be.at.most(5)
    }), { numRuns: 300 })
  })

  it('holds what a plain map holds, whatever the order of events', async () => {
    interface Entry { seq: number, expiresAtMs: number, region: string, models: string[], tier: number }
    const event = fc.record({
      kind: fc.constantFrom('register', 'register', 'register', 'remove', 'wait', 'look'),
      peer: fc.nat(25),
      seq: fc.nat(20),
      lifeMs: fc.integer({ min: 1, max: 400_000 }),
      region: fc.constantFrom('', 'eu-west', 'us-east', 'odd'),
      models: fc.uniqueArray(fc.constantFrom('m', 'n', 'o'), { maxLength: 3 }),
      tier: fc.integer({ min: 1, max: 4 }),
      size: fc.nat(2000)
    })
    await fc.assert(fc.asyncProperty(fc.array(event, { maxLength: 120 }), async events => {
      const registry = registryOf(16)
      const model = new Map<string, Entry>()
      let nowMs = 1_000_000
      const live = (): Array<[string, Entry]> => [...model].filter(([, entry]) => entry.expiresAtMs > nowMs)

      for (const { kind, peer: number, seq, lifeMs, region, models, tier, size } of events) {
        const peer = `p${number}`
        if (kind === 'wait') {
          nowMs += lifeMs
        } else if (kind === 'remove') {
          expect(await registry.remove(peer) || !live().some(([name]) => name === peer)).to.equal(true)
          model.delete(peer)
        } else if (kind === 'register') {
          const known = live().find(([name]) => name === peer)?.[1]
          const expected = known !== undefined ? seq <= known.seq ? 'replayed' : 'renewed' : live().length >= 16 ? 'full' : 'registered'
          expect(await register(registry, peer, { seq, region, loadedModels: models, tier, expiresAtMs: nowMs + lifeMs }, nowMs, size)).to.equal(expected)
          if (expected === 'renewed' || expected === 'registered') {
            model.set(peer, { seq, expiresAtMs: nowMs + lifeMs, region, models, tier })
          }
        } else {
          for (const query of [{}, { region }, { model: 'm' }, { model: 'n', minTier: tier }, { region, model: 'o', near: 'us-east' }] as DiscoverQuery[]) {
            const expected = live().filter(([, entry]) => (query.region === undefined || entry.region === query.region) &&
              (query.model === undefined || entry.models.includes(query.model)) && (query.minTier === undefined || entry.tier <= query.minTier))
            expect((await walk(registry, { ...query, limit: 3 }, nowMs)).sort()).to.deep.equal(expected.map(([name]) => name).sort())
          }
          for (const [name, entry] of live()) {
            const found = await registry.get(name, nowMs)
            expect(found?.expiresAtMs).to.equal(entry.expiresAtMs)
            expect(new TextDecoder().decode(found?.envelope).startsWith(`${name} ${entry.seq} `)).to.equal(true)
          }
          const counts = new Map<string, number>()
          live().flatMap(([, entry]) => entry.models).forEach(id => counts.set(id, (counts.get(id) ?? 0) + 1))
          expect(new Map((await registry.models(10, nowMs)).map(({ id, providers }) => [id, providers]))).to.deep.equal(counts)
          expect((await registry.countBy()).reduce((sum, { count }) => sum + count, 0)).to.equal(registry.size)
        }
      }
    }), { numRuns: 150 })
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

describe('MemoryRegistry.sample', () => {
  const random = new SeededRandom(1)
  const sample = async (registry: MemoryRegistry, count: number, asker = '', nowMs = 0): Promise<string[]> =>
    (await registry.sample(count, asker, nowMs, random)).map(nameOf)

  it('hands out live registrations, never the asker nor one whose life is over', async () => {
    const registry = registryOf()
    await register(registry, 'asker')
    await register(registry, 'live')
    await register(registry, 'dead', { expiresAtMs: 10 })
    expect(await sample(registry, 10, 'asker', 10)).to.deep.equal(['live'])
  })

  it('draws from as many networks and regions as there are', async () => {
    const registry = registryOf()
    for (let i = 0; i < 200; i++) {
      await register(registry, `crowd${i}`, { addresses: [`/ip4/7.7.7.${i}/tcp/1`] })
    }
    for (let i = 0; i < 8; i++) {
      await register(registry, `alone${i}`, { region: i < 4 ? 'eu-west' : 'us-east', addresses: [`/ip4/9.9.${i}.1/tcp/1`] })
    }
    let alone = 0
    for (let i = 0; i < 50; i++) {
      alone += (await sample(registry, 20)).filter(name => name.startsWith('alone')).length
    }
    // drawn blindly there would be 0.77 of 20 each time
    expect(alone / 50).to.be.above(6)
  })

  it('does not hand out the same few each time', async () => {
    const registry = registryOf()
    for (let i = 0; i < 100; i++) {
      await register(registry, `p${i}`)
    }
    const seen = new Set<string>()
    for (let i = 0; i < 20; i++) {
      (await sample(registry, 10)).forEach(name => seen.add(name))
    }
    expect(seen.size).to.be.above(70)
  })
})

describe('MemoryRegistry.models', () => {
  it('lists those that are loaded, the most offered first, with their regions', async () => {
    const registry = registryOf()
    await register(registry, 'a', { loadedModels: ['x', 'y'], region: 'eu-west' })
    await register(registry, 'b', { loadedModels: ['y'], region: 'us-east' })
    await register(registry, 'c', { loadedModels: ['z'], expiresAtMs: 5 })
    expect(await registry.models(10, 5)).to.deep.equal([
      { id: 'y', providers: 2, regions: ['eu-west', 'us-east'] },
      { id: 'x', providers: 1, regions: ['eu-west'] }
    ])
  })
})
