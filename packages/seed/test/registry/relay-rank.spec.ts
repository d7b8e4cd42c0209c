import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { MemoryRegistry } from '../../src/registry/memory-registry.ts'
import { MAX_RELAYS, rankRelays } from '../../src/registry/relay-rank.ts'
import { capabilitiesOf, envelopeOf, nameOf } from './registration.ts'
import type { RelayCandidate } from '../../src/registry/relay-rank.ts'
import type { RelayLoad } from '@skein/records'

function loadOf (changes: Partial<RelayLoad> = {}): RelayLoad {
  return { reservations: 0, maxReservations: 1000, circuits: 0, maxCircuits: 500, ...changes }
}

/** As if the map were the alphabet. */
function byLetters (near: string, known: string[]): string[] {
  const distance = (name: string): number => Math.abs(name.charCodeAt(0) - near.charCodeAt(0))
  return [...known].sort((a, b) => distance(a) - distance(b))
}

describe('rankRelays', () => {
  const relay = (peer: string, region: string, changes: Partial<RelayLoad> = {}): RelayCandidate => ({ peer, region, load: loadOf(changes) })
  const cases: Array<[string, RelayCandidate[], Parameters<typeof rankRelays>[1], string[]]> = [
    ['prefers the near region to the emptier relay', [relay('far', 'z'), relay('near', 'a', { reservations: 900 })], { near: 'a' }, ['near', 'far']],
    ['prefers the emptier of one region', [relay('x', 'a', { reservations: 10 }), relay('y', 'a', { reservations: 5 })], { near: 'a' }, ['y', 'x']],
    ['goes by the scarcer kind of place', [relay('x', 'a', { circuits: 250 }), relay('y', 'a', { reservations: 400 })], { near: 'a' }, ['y', 'x']],
    ['leaves out full ones', [relay('x', 'a', { reservations: 1000 }), relay('y', 'a', { circuits: 500 }), relay('z', 'c')], { near: 'a' }, ['z']],
    ['leaves out one that takes none', [relay('x', 'a', { maxReservations: 0 })], {}, []],
    ['leaves out who asks', [relay('x', 'a'), relay('y', 'a')], { asker: 'x' }, ['y']],
    ['goes by load alone when no region is named', [relay('x', 'a', { circuits: 9 }), relay('y', 'z')], {}, ['y', 'x']],
    ['answers with three', ['p', 'q', 'r', 's'].map(name => relay(name, 'a')), {}, ['p', 'q', 'r']],
    ['answers with eight at most', [...'abcdefghij'].map(name => relay(name, 'a')), { limit: 50 }, [...'abcdefgh']]
  ]
  for (const [says, candidates, query, expected] of cases) {
    it(says, () => {
      expect(rankRelays(candidates, query, byLetters).map(({ peer }) => peer)).to.deep.equal(expected)
    })
  }
})

describe('relays of MemoryRegistry', () => {
  const registry = (): MemoryRegistry => new MemoryRegistry({ maxRegistrations: 3000, random: new SeededRandom(7), orderRegions: byLetters })
  const relays = async (of: MemoryRegistry, nowMs = 0): Promise<string[]> => (await of.relays({ near: 'a', limit: 8 }, nowMs)).map(nameOf)

  it('are those whose registration lives and says so', async () => {
    const here = registry()
    await here.register(capabilitiesOf('x', { region: 'a', relay: loadOf(), expiresAtMs: 100 }), envelopeOf('x'), 0)
    await here.register(capabilitiesOf('y', { region: 'b', relay: loadOf() }), envelopeOf('y'), 0)
    await here.register(capabilitiesOf('peer', { region: 'a' }), envelopeOf('peer'), 0)
    expect(await relays(here)).to.deep.equal(['x', 'y'])
    expect(await relays(here, 100)).to.deep.equal(['y'])
    await here.register(capabilitiesOf('y', { region: 'b', seq: 2 }), envelopeOf('y', 2), 101)
    expect(await relays(here, 102)).to.deep.equal([])
  })

  it('are not those whose registration was taken back, or whose place another one took', async () => {
    const here = registry()
    await here.register(capabilitiesOf('x', { relay: loadOf() }), envelopeOf('x'), 0)
    await here.remove('x')
    await here.register(capabilitiesOf('y'), envelopeOf('y'), 0)
    expect(await relays(here)).to.deep.equal([])
  })

  it('are bounded in number, and later ones are still peers', async () => {
    const here = registry()
    for (let i = 0; i <= MAX_RELAYS; i++) {
      const load = loadOf({ circuits: MAX_RELAYS - i })
      expect(await here.register(capabilitiesOf(`r${i}`, { relay: { ...load, maxCircuits: 10_000 } }), envelopeOf(`r${i}`), 0)).to.include({ registered: true })
    }
    expect((await relays(here))[0]).to.equal(`r${MAX_RELAYS - 1}`)
    expect(here.size).to.equal(MAX_RELAYS + 1)
  })
})
