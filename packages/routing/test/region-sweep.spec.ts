import { expect } from 'chai'
import fc from 'fast-check'
import { isInPart, regionBits, RegionSweep } from '../src/region-sweep.ts'
import type { RegionPart } from '../src/region-sweep.ts'

const uint32 = fc.integer({ min: 0, max: 0xffffffff })

function partsOf (sweep: RegionSweep, isOverfull: (part: RegionPart) => boolean): RegionPart[] {
  const parts: RegionPart[] = []
  for (let part = sweep.next(); part !== undefined; part = sweep.next()) {
    parts.push(part)
    sweep.onFound(part, isOverfull(part))
  }
  return parts
}

describe('RegionSweep', () => {
  for (const [networkSize, bits] of [[10, 0], [20, 0], [40, 1], [79, 1], [10_000, 8], [1e9, 25]] as const) {
    it(`takes ${bits} bits for a network of ${networkSize}, so that 20 to 40 nodes are in the region`, () => {
      expect(regionBits(networkSize, 20)).to.equal(bits)
    })
  }

  it('looks the region up once when all of it fits an answer', () => {
    const sweep = new RegionSweep({ keyHi: 0xdeadbeef, keyLo: 1, networkSize: 10_000 })
    expect(partsOf(sweep, () => false)).to.deep.equal([{ targetHi: 0xdeadbeef, targetLo: 1, bits: 8 }])
  })

  it('asks for each part that is cut, and the uncut parts cover the region without overlap', () => {
    fc.assert(fc.property(uint32, uint32, fc.integer({ min: 100, max: 1e8 }), uint32, (keyHi, keyLo, networkSize, salt) => {
      const cut = new Set<RegionPart>()
      const sweep = new RegionSweep({ keyHi, keyLo, networkSize, maxLookups: 1000 })
      const parts = partsOf(sweep, part => {
        const overfull = (Math.imul(part.targetHi ^ salt, 0x9e3779b1) >>> 30) > 0
        if (overfull) {
          cut.add(part)
        }
        return overfull
      })
      const { bits } = sweep.region
      const deepest = Math.max(...parts.map(part => part.bits))
      const leaves = parts.filter(part => !cut.has(part) || part.bits === Math.ceil(Math.log2(networkSize / 0.5)))
      expect(leaves.reduce((sum, part) => sum + 2 ** (deepest - part.bits), 0)).to.equal(2 ** (deepest - bits))
      for (const id of [keyHi, (keyHi ^ (1 << (31 - bits))) >>> 0]) {
        expect(leaves.filter(part => isInPart(part, id))).to.have.length(1)
      }
      expect(parts.every(part => isInPart(sweep.region, part.targetHi))).to.equal(true)
    }))
  })

  it('makes no more lookups than it may, and cuts no part in which hardly a node is expected', () => {
    expect(partsOf(new RegionSweep({ keyHi: 5, keyLo: 5, networkSize: 1e6 }), () => true)).to.have.length(32)
    const parts = partsOf(new RegionSweep({ keyHi: 5, keyLo: 5, networkSize: 1000, maxLookups: 1e6 }), () => true)
    expect(Math.max(...parts.map(part => part.bits))).to.equal(11)
  })

  it('of a crowded key looks up what lies beside it, the widest part first, and never the key again', () => {
    const key = 0xdeadbeef
    const parts = partsOf(new RegionSweep({ keyHi: key, keyLo: 1, networkSize: 10_000, crowded: true }), () => false)
    expect(parts.map(({ bits }) => bits)).to.deep.equal([9, 10, 11, 12, 13, 14, 15])
    expect(parts.map(({ targetHi }) => targetHi)).to.deep.equal(parts.map(({ bits }) => (key ^ (1 << (32 - bits))) >>> 0))
  })
})
