import { expect } from 'chai'
import fc from 'fast-check'
import { BoundedMap, concatBytes, crc32, equalBytes, fromHex, TimerTable, TokenBucket, toHex } from '../src/index.ts'

describe('BoundedMap', () => {
  it('lets the oldest go at its bound and tells of it', () => {
    const evicted: string[] = []
    const map = new BoundedMap<string, number>({ maxSize: 2, onEvict: key => evicted.push(key) })
    map.set('a', 1)
    map.set('b', 2)
    map.touch('a')
    map.set('c', 3)
    expect([...map.keys()]).to.deep.equal(['a', 'c'])
    expect(evicted).to.deep.equal(['b'])
  })

  it('does not evict when an entry is replaced', () => {
    const map = new BoundedMap<string, number>({ maxSize: 1, onEvict: () => { throw new Error('evicted') } })
    map.set('a', 1)
    map.set('a', 2)
    expect(map.get('a')).to.equal(2)
  })

  it('never holds more than its bound', () => {
    fc.assert(fc.property(fc.array(fc.nat(50)), fc.integer({ min: 1, max: 10 }), (keys, maxSize) => {
      const map = new BoundedMap<number, number>({ maxSize })
      for (const key of keys) {
        map.set(key, key)
        expect(map.size).to.be.at.most(maxSize)
        expect(map.get(key)).to.equal(key)
      }
    }))
  })

  it('refuses a bound that is none', () => {
    for (const maxSize of [0, -1, 1.5, NaN]) {
      expect(() => new BoundedMap({ maxSize })).to.throw(RangeError)
    }
  })
})

describe('TimerTable', () => {
  it('is a map of deadlines, popped in order', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(20), fc.nat(100), fc.boolean())), operations => {
      const table = new TimerTable<number>()
      const model = new Map<number, number>()
      for (const [key, atMs, remove] of operations) {
        if (remove) {
          table.delete(key)
          model.delete(key)
        } else {
          table.set(key, atMs)
          model.set(key, atMs)
        }
        expect(table.nextMs()).to.equal(model.size === 0 ? undefined : Math.min(...model.values()))
      }
      const popped: number[] = []
      for (let key = table.popDue(50); key !== undefined; key = table.popDue(50)) {
        popped.push(model.get(key) as number)
        model.delete(key)
      }
      expect(popped).to.deep.equal([...popped].sort((a, b) => a - b))
      expect([...model.values()].every(atMs => atMs > 50)).to.equal(true)
      expect(table.size).to.equal(model.size)
    }))
  })

  it('pops equal deadlines in the order they were set', () => {
    const table = new TimerTable<string>()
    for (const key of ['a', 'b', 'c', 'd']) {
      table.set(key, 5)
    }
    table.set('a', 5)
    expect([table.popDue(5), table.popDue(5), table.popDue(5), table.popDue(5)]).to.deep.equal(['b', 'c', 'd', 'a'])
  })

  it('does not grow when one key is set again and again', () => {
    const table = new TimerTable<string>()
    for (let i = 0; i < 10_000; i++) {
      table.set('a', 10_000 - i)
    }
    expect((table as unknown as { heap: unknown[] }).heap.length).to.be.below(200)
    expect(table.nextMs()).to.equal(1)
  })
})

describe('TokenBucket', () => {
  it('gives the burst, then the rate', () => {
    const bucket = new TokenBucket({ ratePerSecond: 2, burst: 3 }, 0)
    expect([1, 2, 3, 4].map(() => bucket.take(1, 0))).to.deep.equal([true, true, true, false])
    expect(bucket.waitMs(1, 0)).to.equal(500)
    expect(bucket.take(1, 499)).to.equal(false)
    expect(bucket.take(1, 500)).to.equal(true)
    expect(bucket.waitMs(4, 500)).to.equal(Infinity)
  })

  it('never gives more than burst and rate allow', () => {
    fc.assert(fc.property(fc.array(fc.nat(1_000), { maxLength: 100 }), waits => {
      const bucket = new TokenBucket({ ratePerSecond: 5, burst: 7 }, 0)
      let nowMs = 0
      let taken = 0
      for (const wait of waits) {
        nowMs += wait
        taken += bucket.take(1, nowMs) ? 1 : 0
      }
      expect(taken).to.be.at.most(7 + nowMs * 5 / 1000 + 1e-9)
    }))
  })
})

describe('bytes', () => {
  it('go to hexadecimal and back', () => {
    fc.assert(fc.property(fc.uint8Array(), bytes => {
      expect(equalBytes(fromHex(toHex(bytes)), bytes)).to.equal(true)
    }))
    expect(() => fromHex('abc')).to.throw(SyntaxError)
    expect(() => fromHex('zz')).to.throw(SyntaxError)
  })

  it('are joined', () => {
    expect([...concatBytes(Uint8Array.of(1), Uint8Array.of(), Uint8Array.of(2, 3))]).to.deep.equal([1, 2, 3])
  })
})

describe('crc32', () => {
  it('gives the check value of the standard', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).to.equal(0xcbf43926)
  })

  it('goes on where it stopped', () => {
    fc.assert(fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      expect(crc32(b, crc32(a))).to.equal(crc32(concatBytes(a, b)))
    }))
  })
})
