/** What every registry names to newcomers: a few peers, models, relays. */
import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { capabilitiesOf, envelopeOf, nameOf } from '../registration.ts'
import { register } from './registry-under-test.ts'
import type { RegistryUnderTest } from './registry-under-test.ts'
import type { Registry } from '../../../src/registry/registry.ts'
import type { RelayLoad } from '@skein/records'

export function sampleConformance ({ open }: RegistryUnderTest): void {
  const random = new SeededRandom(1)
  const sample = async (registry: Registry, count: number, asker = '', nowMs = 0): Promise<string[]> =>
    (await registry.sample(count, asker, nowMs, random)).map(nameOf)

  it('hands out live registrations, never the asker nor one whose life is over', async () => {
    const registry = await open()
    await register(registry, 'asker')
    await register(registry, 'live')
    await register(registry, 'dead', { expiresAtMs: 10 })
    expect(await sample(registry, 10, 'asker', 10)).to.deep.equal(['live'])
  })

  it('draws from as many networks and regions as there are', async () => {
    const registry = await open()
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
    const registry = await open()
    for (let i = 0; i < 100; i++) {
      await register(registry, `p${i}`)
    }
    const seen = new Set<string>()
    for (let i = 0; i < 20; i++) {
      (await sample(registry, 10)).forEach(name => seen.add(name))
    }
    expect(seen.size).to.be.above(70)
  })
}

export function modelsConformance ({ open }: RegistryUnderTest): void {
  it('lists those that are loaded, the most offered first, with their regions', async () => {
    const registry = await open()
    await register(registry, 'a', { loadedModels: ['x', 'y'], region: 'eu-west' })
    await register(registry, 'b', { loadedModels: ['y'], region: 'us-east' })
    await register(registry, 'c', { loadedModels: ['z'], expiresAtMs: 5 })
    await registry.sweep(5)
    expect(await registry.models(10, 5)).to.deep.equal([
      { id: 'y', providers: 2, regions: ['eu-west', 'us-east'] },
      { id: 'x', providers: 1, regions: ['eu-west'] }
    ])
  })
}

export function relaysConformance ({ open }: RegistryUnderTest): void {
  const loadOf = (changes: Partial<RelayLoad> = {}): RelayLoad => ({ reservations: 0, maxReservations: 1000, circuits: 0, maxCircuits: 500, ...changes })
  const add = async (registry: Registry, peer: string, region: string, relay?: RelayLoad, seq = 1, nowMs = 0, expiresAtMs = 300_000): Promise<void> => {
    const outcome = await registry.register(capabilitiesOf(peer, { region, relay, seq, expiresAtMs }), envelopeOf(peer, seq), nowMs)
    expect(outcome.registered).to.equal(true)
  }

  it('sends a peer to the near region, and there to the relay with the most room', async () => {
    const registry = await open()
    await add(registry, 'here-full', 'eu-west', loadOf({ reservations: 1000 }))
    await add(registry, 'here-busy', 'eu-west', loadOf({ reservations: 900 }))
    await add(registry, 'here', 'eu-west', loadOf({ circuits: 100 }))
    await add(registry, 'near', 'eu-central', loadOf())
    await add(registry, 'far', 'ap-northeast', loadOf())
    await add(registry, 'peer', 'eu-west')
    const relays = async (query: Parameters<Registry['relays']>[0]): Promise<string[]> => (await registry.relays(query, 0)).map(nameOf)
    expect(await relays({ near: 'eu-west' })).to.deep.equal(['here', 'here-busy', 'near'])
    expect(await relays({ near: 'eu-west', limit: 8 })).to.deep.equal(['here', 'here-busy', 'near', 'far'])
    expect(await relays({ near: 'eu-west', limit: 2, asker: 'here' })).to.deep.equal(['here-busy', 'near'])
    expect((await relays({ limit: 2 }))).to.have.members(['near', 'far'])
  })

  it('names only relays whose registration lives and says so', async () => {
    const registry = await open()
    await add(registry, 'x', 'eu-west', loadOf(), 1, 0, 100)
    await add(registry, 'y', 'us-east', loadOf())
    const relays = async (nowMs: number): Promise<string[]> => (await registry.relays({ near: 'eu-west', limit: 8 }, nowMs)).map(nameOf)
    expect(await relays(0)).to.deep.equal(['x', 'y'])
    expect(await relays(100)).to.deep.equal(['y'])
    await add(registry, 'y', 'us-east', loadOf({ circuits: 500 }), 2, 101)
    expect(await relays(102)).to.deep.equal([])
    await add(registry, 'y', 'us-east', loadOf({ circuits: 1 }), 3, 103)
    expect(await relays(104)).to.deep.equal(['y'])
    await add(registry, 'y', 'us-east', undefined, 4, 105)
    expect(await relays(106)).to.deep.equal([])
  })
}
