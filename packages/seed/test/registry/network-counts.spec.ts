import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { MemoryRegistry } from '../../src/registry/memory-registry.ts'
import { capabilitiesOf, envelopeOf } from './registration.ts'

const ONE = '192.0.2.0/24'
const OTHER = '198.51.100.0/24'

describe('registrations of one network', () => {
  const registryOf = (maxPerNetwork: number): MemoryRegistry => new MemoryRegistry({ maxRegistrations: 10_000, maxPerNetwork, random: new SeededRandom(3) })
  const register = async (registry: MemoryRegistry, peer: string, network: string | undefined, seq = 1, nowMs = 0, expiresAtMs = 300_000): Promise<string> => {
    const outcome = await registry.register(capabilitiesOf(peer, { seq, expiresAtMs }), envelopeOf(peer, seq), nowMs, { network })
    return outcome.registered ? 'registered' : outcome.reason
  }

  it('take no more places than one network may have, and leave those of others alone', async () => {
    const registry = registryOf(100)
    const outcomes = new Map<string, number>()
    for (let i = 0; i < 10_000; i++) {
      const outcome = await register(registry, `sybil${i}`, ONE)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
    expect(Object.fromEntries(outcomes)).to.deep.equal({ registered: 100, network_full: 9_900 })
    expect(await register(registry, 'honest', OTHER)).to.equal('registered')
    expect(await register(registry, 'trusted', undefined)).to.equal('registered')
  })

  it('give their places back when they end or move, and renew in a full one', async () => {
    const registry = registryOf(1)
    expect(await register(registry, 'a', ONE, 1, 0, 1000)).to.equal('registered')
    expect(await register(registry, 'b', ONE, 1, 999)).to.equal('network_full')
    expect(await register(registry, 'b', ONE, 1, 1001)).to.equal('registered')
    expect(await register(registry, 'b', ONE, 2, 1002)).to.equal('registered')
    expect(await register(registry, 'c', OTHER, 1, 1003)).to.equal('registered')
    expect(await register(registry, 'c', ONE, 2, 1004)).to.equal('registered') // stays counted where it was
    expect(await register(registry, 'd', OTHER, 1, 1005)).to.equal('network_full')
    await registry.remove('b')
    expect(await register(registry, 'c', ONE, 3, 1006)).to.equal('registered')
    expect(await register(registry, 'd', OTHER, 1, 1007)).to.equal('registered')
    expect(await register(registry, 'e', ONE, 1, 1008)).to.equal('network_full')
  })

  it('are not counted when no network is known', async () => {
    const registry = registryOf(1)
    expect(await register(registry, 'a', undefined)).to.equal('registered')
    expect(await register(registry, 'b', undefined)).to.equal('registered')
    await registry.remove('a')
    expect(await register(registry, 'c', ONE)).to.equal('registered')
  })
})
