import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { order, rank } from '../../src/registry/discover-rank.ts'
import { MemoryRegistry } from '../../src/registry/memory-registry.ts'
import { capabilitiesOf, envelopeOf, nameOf } from './registration.ts'
import type { Candidate } from '../../src/registry/discover-rank.ts'

const GIB_KIB = 1_048_576
const DESKTOP: Candidate = { tier: 2, ramKiB: 32 * GIB_KIB, vramKiB: 8 * GIB_KIB, free: 2, maxConcurrent: 4, rttMs: 60, turn: 0.5 }

describe('rank', () => {
  const better: Array<[string, Partial<Candidate>, Partial<Candidate>]> = [
    ['a free phone before a busy backbone node', { tier: 4, free: 1 }, { tier: 1, free: 0 }],
    ['the better tier', { tier: 1 }, { tier: 2 }],
    ['more memory', { ramKiB: 64 * GIB_KIB, vramKiB: 0 }, { ramKiB: 16 * GIB_KIB, vramKiB: 0 }],
    ['graphics memory before as much main memory', { vramKiB: 24 * GIB_KIB, ramKiB: 0 }, { vramKiB: 0, ramKiB: 24 * GIB_KIB }],
    ['more free places', { free: 4 }, { free: 1 }],
    ['the quicker line', { rttMs: 20 }, { rttMs: 300 }],
    ['a quick line before one that was not measured', { rttMs: 20 }, { rttMs: undefined }],
    ['one that was not measured before a slow line', { rttMs: undefined }, { rttMs: 250 }],
    ['in turns, those that are alike', { turn: 0.9 }, { turn: 0.1 }],
    ['in turns, a quick and a slow line', { rttMs: 400, turn: 1 }, { rttMs: 20, turn: 0 }],
    ['a free backbone node before a phone, whatever the turn', { tier: 1, turn: 0 }, { tier: 4, turn: 1 }]
  ]
  for (const [says, first, second] of better) {
    it(`puts ${says}`, () => {
      expect(rank({ ...DESKTOP, ...first })).to.be.above(rank({ ...DESKTOP, ...second }))
    })
  }

  it('orders a block by rank, two of one network at a time', () => {
    const candidates = [9, 8, 7, 6].map(value => ({ rank: value, network: 1 })).concat({ rank: 1, network: 2 })
    expect(order(candidates)).to.deep.equal([9, 8].map(value => ({ rank: value, network: 1 }))
      .concat({ rank: 1, network: 2 }, [7, 6].map(value => ({ rank: value, network: 1 }))))
  })
})

describe('measured latency in MemoryRegistry', () => {
  it('puts the quicker line first, and is kept by a renewal that measured nothing', async () => {
    const registry = new MemoryRegistry({ maxRegistrations: 100, random: new SeededRandom(1) })
    const register = async (peer: string, seq: number, rttMs?: number): Promise<void> => {
      await registry.register(capabilitiesOf(peer, { seq, region: 'eu-west' }), envelopeOf(peer, seq), 0, { rttMs })
    }
    for (let i = 0; i < 20; i++) {
      await register(`slow${i}`, 1, 10_000)
      await register(`quick${i}`, 1, 10)
    }
    const quickFirst = async (): Promise<number> => {
      let quick = 0
      for (let asker = 0; asker < 50; asker++) {
        const page = await registry.discover({ asker: `asker${asker}`, limit: 10 }, 0)
        quick += page.envelopes.filter(envelope => nameOf(envelope).startsWith('quick')).length
      }
      return quick / 500
    }
    const share = await quickFirst()
    expect(share).to.be.above(0.8)
    await Promise.all(Array.from({ length: 20 }, async (_, i) => { await register(`slow${i}`, 2) }))
    expect(await quickFirst()).to.equal(share)
    await Promise.all(Array.from({ length: 20 }, async (_, i) => { await register(`slow${i}`, 3, 1) }))
    expect(await quickFirst()).to.be.within(0.3, 0.7)
  })
})
