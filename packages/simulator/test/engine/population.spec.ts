import { expect } from 'chai'
import fc from 'fast-check'
import { commonPrefix, compareXor, idText, Population, PopulationFullError } from '../../src/index.ts'

describe('Population', () => {
  it('gives handles, takes them back, and never gives one twice at once', () => {
    fc.assert(fc.property(fc.array(fc.option(fc.nat(30), { nil: undefined }), { maxLength: 200 }), steps => {
      const population = new Population({ seed: 1, capacity: 20, columns: { region: 'uint8', load: 'float64' } })
      const members = new Map<number, string>()
      const ids = new Set<string>()
      for (const remove of steps) {
        if (remove !== undefined) {
          population.remove(remove)
          members.delete(remove)
        } else if (members.size === 20) {
          expect(() => population.add()).to.throw(PopulationFullError).with.property('capacity', 20)
        } else {
          const handle = population.add()
          expect(members.has(handle)).to.equal(false)
          expect(population.columns.load[handle]).to.equal(0)
          population.columns.load[handle] = 7
          const id = idText(population.idHigh[handle] as number, population.idLow[handle] as number)
          expect(ids.has(id)).to.equal(false)
          ids.add(id)
          members.set(handle, id)
        }
        expect(population.size).to.equal(members.size)
        for (let handle = 0; handle < 31; handle++) {
          expect(population.has(handle)).to.equal(members.has(handle))
        }
      }
      for (const [handle, id] of members) {
        expect(idText(population.idHigh[handle] as number, population.idLow[handle] as number)).to.equal(id)
        expect(population.columns.load[handle]).to.equal(7)
      }
    }))
  })

  it('lies in shared memory when it is asked to', () => {
    const population = new Population({ seed: 1, capacity: 5, columns: { load: 'int32' }, shared: true })
    expect(population.columns.load.buffer).to.be.instanceOf(SharedArrayBuffer)
    expect(population.idHigh.buffer).to.be.instanceOf(SharedArrayBuffer)
  })
})

describe('identifiers of 64 bits', () => {
  const half = fc.nat(0xffffffff)
  const big = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low)

  it('compare as big numbers do', () => {
    fc.assert(fc.property(half, half, half, half, half, half, (ah, al, bh, bl, th, tl) => {
      const [a, b] = [big(ah, al) ^ big(th, tl), big(bh, bl) ^ big(th, tl)]
      expect(Math.sign(compareXor(ah, al, bh, bl, th, tl))).to.equal(a < b ? -1 : a > b ? 1 : 0)
      expect(Math.sign(compareXor(ah, al, ah, bl, th, tl))).to.equal(Math.sign(((al ^ tl) >>> 0) - ((bl ^ tl) >>> 0)))
      expect(commonPrefix(ah, al, bh, bl)).to.equal(64 - (a ^ b).toString(2).replace(/^0$/, '').length)
    }))
    expect(commonPrefix(5, 9, 5, 9)).to.equal(64)
    expect(idText(1, 0xffffffff)).to.equal('00000001ffffffff')
  })
})
