import { SeededRandom } from '@skein/core'
import { RecordError } from '@skein/records'
import { expect } from 'chai'
import { RegistrationTable, TableFullError } from '../src/registration-table.ts'
import type { Capabilities } from '@skein/records'
import type { Registration } from '../src/registration-table.ts'

function registration (peer: string, changes: Partial<Capabilities> = {}, address = '/ip4/1.1.1.1/tcp/1'): Registration {
  return {
    capabilities: {
      peer, chipFamily: '', chipName: '', ramBytes: 0, vramBytes: 0, memoryBandwidthGBPerSecond: 0, tier: 2, gpuBackend: 'cpu', platform: 'linux',
      region: '', onMainsPower: true, loadedModels: [], swappableModels: [], maxConcurrent: 1, queueDepth: 0,
      effectiveContext: 0, priceMicros: 0, tasks: [], addresses: [address], seq: 1, issuedAtMs: 0, expiresAtMs: 300_000, ...changes
    },
    envelope: new Uint8Array()
  }
}

const names = (registrations: Registration[]): string[] => registrations.map(({ capabilities }) => capabilities.peer)

describe('RegistrationTable', () => {
  const random = new SeededRandom(1)

  it('hands out live registrations, never the asker nor one whose life is over', () => {
    const table = new RegistrationTable()
    table.register(registration('asker'), 0)
    table.register(registration('live'), 0)
    table.register(registration('dead', { expiresAtMs: 10 }), 0)
    expect(names(table.pick(10, 'asker', 10, random))).to.deep.equal(['live'])
  })

  it('refuses a registration that is not newer', () => {
    const table = new RegistrationTable()
    table.register(registration('a', { seq: 5 }), 0)
    for (const seq of [5, 4]) {
      expect(() => { table.register(registration('a', { seq }), 0) }).to.throw(RecordError).with.property('reason', 'replayed')
    }
    table.register(registration('a', { seq: 6 }), 0)
    expect(table.size).to.equal(1)
  })

  it('refuses a newcomer when it is full of live ones, and lets those who are here renew', () => {
    const table = new RegistrationTable({ maxRegistrations: 2 })
    table.register(registration('a'), 0)
    table.register(registration('b', { expiresAtMs: 100 }), 0)
    expect(() => { table.register(registration('c'), 50) }).to.throw(TableFullError)
    table.register(registration('a', { seq: 2 }), 50)
    table.register(registration('c'), 100)
    expect(names(table.pick(10, '', 100, random))).to.have.members(['a', 'c'])
  })

  it('draws from as many networks and regions as there are', () => {
    const table = new RegistrationTable()
    for (let i = 0; i < 200; i++) {
      table.register(registration(`crowd${i}`, {}, `/ip4/7.7.7.${i}/tcp/1`), 0)
    }
    for (let i = 0; i < 8; i++) {
      table.register(registration(`alone${i}`, { region: i < 4 ? 'eu-west' : 'us-east' }, `/ip4/9.9.${i}.1/tcp/1`), 0)
    }
    let alone = 0
    for (let i = 0; i < 50; i++) {
      alone += names(table.pick(20, '', 0, random)).filter(name => name.startsWith('alone')).length
    }
    // drawn blindly there would be 0.77 of 20 each time; nearly all that turn up among the samples are taken
    expect(alone / 50).to.be.above(2)
  })

  it('does not hand out the same few each time', () => {
    const table = new RegistrationTable()
    for (let i = 0; i < 100; i++) {
      table.register(registration(`p${i}`), 0)
    }
    const seen = new Set<string>()
    for (let i = 0; i < 20; i++) {
      names(table.pick(10, '', 0, random)).forEach(name => seen.add(name))
    }
    expect(seen.size).to.be.above(70)
  })

  it('lists the models of live registrations, the most offered first', () => {
    const table = new RegistrationTable()
    table.register(registration('a', { loadedModels: ['x', 'y'], region: 'eu-west' }), 0)
    table.register(registration('b', { loadedModels: ['y'], region: 'us-east' }), 0)
    table.register(registration('c', { loadedModels: ['z'], expiresAtMs: 5 }), 0)
    expect(table.models(10, 5)).to.deep.equal([
      { id: 'y', providers: 2, regions: ['eu-west', 'us-east'] },
      { id: 'x', providers: 1, regions: ['eu-west'] }
    ])
  })

  it('forgets the dead as it goes', () => {
    const table = new RegistrationTable()
    for (let i = 0; i < 1_000; i++) {
      table.register(registration(`p${i}`, { expiresAtMs: i * 1_000 + 10_000 }), i * 1_000)
    }
    expect(table.size).to.be.below(150)
    expect(names(table.pick(500, '', 1_000_000, random)).length).to.be.at.most(table.size)
  })
})
