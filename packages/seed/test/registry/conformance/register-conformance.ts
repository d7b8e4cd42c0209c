/** What every registry does with registrations. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { openCapabilities, signCapabilities } from '@skein/records'
import { expect } from 'chai'
import fc from 'fast-check'
import { capabilitiesOf, envelopeOf } from '../registration.ts'
import { discover, register, walk } from './registry-under-test.ts'
import type { DiscoverQuery, Registry } from '../../../src/registry/registry.ts'
import type { RegistryUnderTest } from './registry-under-test.ts'

export function registerConformance ({ open, runs }: RegistryUnderTest): void {
  it('refuses what is not newer, what is over, and newcomers when it is full of live ones', async () => {
    const registry = await open({ maxRegistrations: 2 })
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

  it('gives back a real signed record, byte by byte, and finds it by its id', async () => {
    const registry = await open()
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

  it('moves one that names another region, and takes no older record for either', async () => {
    const registry = await open()
    await register(registry, 'p', { region: 'eu-west', seq: 3 })
    expect(await register(registry, 'p', { region: 'us-east', seq: 5 })).to.equal('renewed')
    expect(await discover(registry, { region: 'eu-west' })).to.deep.equal([])
    expect(await discover(registry, { region: 'us-east' })).to.deep.equal(['p'])
    expect(registry.size).to.equal(1)
    for (const region of ['eu-west', 'us-east', 'ap-south']) {
      expect(await register(registry, 'p', { region, seq: 4 })).to.equal('replayed')
      expect(await register(registry, 'p', { region, seq: 5 })).to.equal('replayed')
    }
    expect(await walk(registry, {})).to.deep.equal(['p'])
    expect(await register(registry, 'p', { region: 'eu-west', seq: 6 })).to.equal('renewed')
    expect(await walk(registry, {})).to.deep.equal(['p'])
    expect(await registry.countBy()).to.deep.equal([{ region: 'eu-west', tier: 2, count: 1 }])
    expect(await registry.remove('p')).to.equal(true)
    expect(await walk(registry, {})).to.deep.equal([])
  })

  it('takes names as they come: none is read as anything else than a name', async () => {
    const registry = await open()
    const names = ['{eu-west}', '}:x', 'r:eu-west', 'all', '*', '%d+|', 'a|b', '\'"\\', 'x y', 'ü€😀', '__proto__', 'constructor', 'eu-west-1', 'r'.repeat(64)]
    for (const [i, name] of names.entries()) {
      expect(await register(registry, `p${i}`, { region: name, loadedModels: [name], swappableModels: [`${name} too`], tasks: [name.slice(0, 8)] }), name).to.equal('registered')
    }
    for (const [i, name] of names.entries()) {
      expect(await walk(registry, { region: name }), name).to.deep.equal([`p${i}`])
      expect(await walk(registry, { model: name }), name).to.deep.equal([`p${i}`])
      expect(await walk(registry, { model: `${name} too`, near: name }), name).to.deep.equal([`p${i}`])
    }
    expect((await registry.models(100, 0)).map(({ id }) => id)).to.have.members(names)
    expect((await registry.countBy()).map(({ region }) => region)).to.have.members(names)
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
      const registry = await open({ maxRegistrations: 16 })
      const model = new Map<string, Entry>()
      let nowMs = 1_000_000
      const live = (): Array<[string, Entry]> => [...model].filter(([, entry]) => entry.expiresAtMs > nowMs)

      for (const { kind, peer: number, seq, lifeMs, region, models, tier, size } of events) {
        const peer = `p${number}`
        if (kind === 'wait') {
          nowMs += lifeMs
          await registry.sweep(nowMs)
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
    }), { numRuns: runs(150) })
  })
}

export function networkConformance ({ open }: RegistryUnderTest): void {
  const ONE = '192.0.2.0/24'
  const OTHER = '198.51.100.0/24'
  const enter = async (registry: Registry, peer: string, network: string | undefined, seq = 1, nowMs = 0, expiresAtMs = 300_000): Promise<string> => {
    const region = ['', 'eu-west', 'us-east-2', 'nowhere'][peer.charCodeAt(peer.length - 1) % 4]
    const outcome = await registry.register(capabilitiesOf(peer, { region, seq, expiresAtMs }), envelopeOf(peer, seq), nowMs, { network })
    return outcome.registered ? 'registered' : outcome.reason
  }

  it('gives one network no more places than it may have, whatever regions it names', async () => {
    const registry = await open({ maxPerNetwork: 10 })
    const outcomes: string[] = []
    for (let i = 0; i < 50; i++) {
      outcomes.push(await enter(registry, `sybil${i}`, ONE))
    }
    expect(outcomes.filter(outcome => outcome === 'registered').length).to.equal(10)
    expect(outcomes.filter(outcome => outcome === 'network_full').length).to.equal(40)
    expect(registry.size).to.equal(10)
    expect(await enter(registry, 'honest', OTHER)).to.equal('registered')
    expect(await enter(registry, 'trusted', undefined)).to.equal('registered')
    expect((await walk(registry, {})).length).to.equal(12)
  })

  it('gives places of a network back when they end or move, and renews in a full one', async () => {
    const registry = await open({ maxPerNetwork: 1 })
    expect(await enter(registry, 'a', ONE, 1, 0, 1000)).to.equal('registered')
    expect(await enter(registry, 'b', ONE, 1, 999)).to.equal('network_full')
    expect(await enter(registry, 'b', ONE, 1, 1001)).to.equal('registered')
    expect(await enter(registry, 'b', ONE, 2, 1002)).to.equal('registered')
    expect(await enter(registry, 'c', OTHER, 1, 1003)).to.equal('registered')
    expect(await enter(registry, 'c', ONE, 2, 1004)).to.equal('registered') // stays counted where it was
    expect(await enter(registry, 'd', OTHER, 1, 1005)).to.equal('network_full')
    await registry.remove('b')
    expect(await enter(registry, 'c', ONE, 3, 1006)).to.equal('registered')
    expect(await enter(registry, 'd', OTHER, 1, 1007)).to.equal('registered')
    expect(await enter(registry, 'e', ONE, 1, 1008)).to.equal('network_full')
  })

  it('leaves the places of a network alone when a registration is refused', async () => {
    const registry = await open({ maxPerNetwork: 1 })
    expect(await enter(registry, 'a', ONE, 5)).to.equal('registered')
    for (const network of [ONE, OTHER, undefined]) {
      expect(await enter(registry, 'a', network, 5)).to.equal('replayed')
      expect(await enter(registry, 'a', network, 4)).to.equal('replayed')
    }
    expect(await enter(registry, 'b', ONE)).to.equal('network_full')
    expect(await enter(registry, 'b', OTHER)).to.equal('registered')
    expect(await enter(registry, 'c', OTHER)).to.equal('network_full')
  })
}
