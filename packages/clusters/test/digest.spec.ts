/** Digests: what they keep, that they merge in any order, and that no message breaks them. */
import { SeededRandom, shuffle } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { CountMinSketch } from '../src/count-min-sketch.ts'
import { DigestBook, sumOfParts } from '../src/digest-book.ts'
import { decodeDigest, DigestError, encodeDigest, MAX_DIGEST_BYTES } from '../src/digest.ts'
import { CapacityDigest } from '../src/pb/digest.ts'
import { addCapacity, capacityBytes, capacityOf, digestKey, maxCapacity, trimCapacity } from '../src/region-capacity.ts'
import { coveringScopes, parentScope } from '../src/scope.ts'
import type { Digest } from '../src/digest.ts'
import type { RegionCapacity } from '../src/region-capacity.ts'

const KEYS = Array.from({ length: 5000 }, (_, i) => digestKey(`model-${i}`))

/** As many models as said, in a region of 1000 peers. */
function capacity (models: number, seed: number): RegionCapacity {
  const random = new SeededRandom(seed)
  const chosen = shuffle(random, [...KEYS]).slice(0, models)
  return { peers: 1000, models: new Map(chosen.map(key => [key, { providers: random.nextUint32() % 50, free: random.nextUint32() % 400 }])) }
}

const capacities = fc.tuple(fc.nat(300), fc.integer(), fc.integer({ min: 400, max: 6000 })).map(([models, seed, bytes]) => trimCapacity(capacity(models, seed), bytes))

/** What is compared: order of entries does not matter. */
function seen ({ peers, models, tail }: RegionCapacity): unknown {
  return { peers, models: [...models].sort(([a], [b]) => a < b ? -1 : 1), cells: [...tail?.cells ?? []] }
}

describe('CountMinSketch', () => {
  it('estimates never too low, after adding, folding and putting together', () => {
    const entries = fc.array(fc.tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 0xffffffff }), fc.nat(1000)), { maxLength: 200 })
    fc.assert(fc.property(entries, entries, fc.constantFrom(16, 64, 256), fc.constantFrom(16, 64, 256), (as, bs, widthA, widthB) => {
      const [a, b] = [new CountMinSketch(widthA), new CountMinSketch(widthB)]
      as.forEach(entry => { a.add(...entry) })
      bs.forEach(entry => { b.add(...entry) })
      const both = a.plus(b)
      expect([...both.cells]).to.deep.equal([...b.plus(a).cells])
      for (const [high, low] of [...as, ...bs]) {
        const added = [...as, ...bs].filter(entry => entry[0] === high && entry[1] === low).reduce((sum, entry) => sum + entry[2], 0)
        expect(both.estimate(high, low)).to.be.at.least(added)
      }
    }))
  })

  it('estimates most things within e / width of all', () => {
    const sketch = new CountMinSketch(256)
    const random = new SeededRandom(1)
    const things = Array.from({ length: 4000 }, () => [random.nextUint32(), random.nextUint32(), random.nextUint32() % 20] as const)
    things.forEach(thing => { sketch.add(...thing) })
    const all = things.reduce((sum, [, , count]) => sum + count, 0)
    const wrong = things.filter(([high, low, count]) => sketch.estimate(high, low) - count > Math.E / 256 * all)
    expect(wrong.length / things.length).to.be.below(1 / 55)
  })
})

describe('RegionCapacity', () => {
  it('adds up and merges in any order and grouping, and merging twice changes nothing', () => {
    fc.assert(fc.property(capacities, capacities, capacities, (a, b, c) => {
      for (const merge of [addCapacity, maxCapacity]) {
        expect(seen(merge(a, b))).to.deep.equal(seen(merge(b, a)))
        const [left, right] = [merge(merge(a, b), c), merge(a, merge(b, c))]
        if (merge === addCapacity || new Set([a, b, c].map(({ tail }) => tail?.width).filter(width => width !== undefined)).size < 2) {
          expect(seen(left)).to.deep.equal(seen(right))
        }
        for (const key of KEYS.slice(0, 100)) {
          const least = Math.max(...[a, b, c].map(part => capacityOf(part, key)?.free ?? 0))
          expect(Math.min(...[left, right].map(merged => capacityOf(merged, key)?.free ?? 0))).to.be.at.least(least)
        }
      }
      expect(seen(maxCapacity(a, a))).to.deep.equal(seen(a))
    }), { numRuns: 50 })
  })

  it('keeps to its bytes, and tells nobody of less than there is', () => {
    fc.assert(fc.property(fc.nat(3000), fc.nat(3000), fc.integer(), fc.integer({ min: 500, max: 20_000 }), (m, n, seed, maxBytes) => {
      const [a, b] = [capacity(m, seed), capacity(n, seed + 1)]
      const trimmed = trimCapacity(addCapacity(trimCapacity(a, maxBytes), trimCapacity(b, maxBytes)), maxBytes)
      expect(capacityBytes(trimmed)).to.be.at.most(maxBytes)
      for (const key of KEYS.slice(0, 500)) {
        const free = (a.models.get(key)?.free ?? 0) + (b.models.get(key)?.free ?? 0)
        expect(capacityOf(trimmed, key)?.free ?? 0).to.be.at.least(free)
      }
    }), { numRuns: 30 })
  })

  it('lists the models with most capacity exactly as long as nothing had to be cut', () => {
    const whole = capacity(50, 1)
    const [key, { free, providers }] = [...whole.models][0] as [string, { free: number, providers: number }]
    expect(capacityOf(whole, key)).to.deep.equal({ free, providers, exact: true })
    const cut = trimCapacity(capacity(3000, 1), 16_384)
    const least = Math.min(...[...cut.models.values()].map(model => model.free))
    expect(cut.models.size).to.be.greaterThan(800)
    for (const [other, model] of capacity(3000, 1).models) {
      expect(cut.models.has(other) || model.free <= least).to.equal(true)
    }
  })
})

describe('encodeDigest', () => {
  it('gives back what it was given, within its bound', () => {
    const regions = new Map([['eu-west', trimCapacity(capacity(3000, 2), 16_000)], ['us-east', capacity(3, 3)]])
    const digest: Digest = { origin: 'peer', seq: 7, issuedAtMs: 1e12, scope: 'eu-west/all/0110', view: 'part', regions }
    const read = decodeDigest(encodeDigest(digest))
    expect({ ...read, regions: undefined }).to.deep.equal({ ...digest, regions: undefined })
    for (const [region, kept] of regions) {
      expect(seen(read.regions.get(region) as RegionCapacity)).to.deep.equal(seen(kept))
    }
  })

  it('stays within 64 KiB with any number of regions and models', () => {
    fc.assert(fc.property(fc.nat(80), fc.nat(5000), (count, models) => {
      const one = capacity(models, 4)
      const regions = new Map(Array.from({ length: count }, (_, i) => [`region-${i}`, one]))
      const bytes = encodeDigest({ origin: 'x'.repeat(128), seq: 2 ** 50, issuedAtMs: 2 ** 50, scope: `${'r'.repeat(32)}/${'z'.repeat(64)}/`, view: 'whole', regions })
      expect(bytes.length).to.be.at.most(MAX_DIGEST_BYTES)
      expect(decodeDigest(bytes).regions.size).to.equal(Math.min(64, count))
    }), { numRuns: 20 })
  })

  it('is refused with a DigestError when it is anything else', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      expect(() => decodeDigest(bytes)).to.throw(DigestError)
    }))
    const good = encodeDigest({ origin: 'a', seq: 1, issuedAtMs: 1, scope: 'eu-west', view: 'part', regions: new Map([['eu-west', capacity(40, 1)]]) })
    fc.assert(fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
      const broken = Uint8Array.from(good)
      broken[at] = byte
      try {
        decodeDigest(broken)
      } catch (error) {
        expect(error).to.be.instanceOf(DigestError)
      }
    }), { numRuns: 1000 })
    const region = { region: 'eu-west', peers: 2, keys: new Uint8Array(8), counts: Uint8Array.of(3, 0), tailWidth: 0, tail: new Uint8Array(0) }
    const message = { origin: 'a', seq: 1, issuedAtMs: 1, scope: 'eu-west', view: 0, regions: [region] }
    expect(() => decodeDigest(CapacityDigest.encode(message))).to.throw('3 providers')
    expect(() => decodeDigest(new Uint8Array(MAX_DIGEST_BYTES + 1))).to.throw('at most 65536')
  })
})

describe('DigestBook', () => {
  it('holds the same whatever came in which order and how often', () => {
    const digests = fc.array(fc.tuple(fc.nat(6), fc.nat(4), fc.nat(9)), { maxLength: 40 })
    fc.assert(fc.property(digests, fc.integer(), (list, seed) => {
      // an origin writes one digest under one number
      const all = list.map(([origin, part, seq]): Digest => ({
        origin: `p${origin}`, seq, issuedAtMs: 1000 * seq, scope: `r/z/${part.toString(2)}`, view: 'part', regions: new Map([['r', capacity(5, 100 * origin + 10 * part + seq)]])
      }))
      const [a, b] = [new DigestBook(), new DigestBook()]
      all.forEach(digest => a.accept(digest, 5000))
      shuffle(new SeededRandom(seed), [...all, ...all]).forEach(digest => b.accept(digest, 5000))
      expect(b.digests()).to.deep.equal(a.digests())
      expect([...sumOfParts(b.digests())].map(([, sum]) => seen(sum))).to.deep.equal([...sumOfParts(a.digests())].map(([, sum]) => seen(sum)))
    }), { numRuns: 60 })
  })

  it('does not take what is old, expired or from the future, and keeps to its bound', () => {
    const book = new DigestBook({ maxDigests: 10 })
    const digest: Digest = { origin: 'a', seq: 5, issuedAtMs: 1e6, scope: 'r', view: 'part', regions: new Map() }
    expect(book.accept(digest, 1e6)).to.equal('new')
    expect(book.accept(digest, 1e6)).to.equal('old')
    expect(book.accept({ ...digest, seq: 6, issuedAtMs: 1e6 + 61_000 }, 1e6)).to.equal('future')
    expect(book.accept({ ...digest, seq: 6 }, 1e6 + 300_000)).to.equal('expired')
    for (let i = 0; i < 100; i++) {
      book.accept({ ...digest, origin: `o${i}`, issuedAtMs: 1e6 + i }, 1e6)
    }
    expect(book.size).to.equal(10)
    expect(book.digests().every(({ issuedAtMs }) => issuedAtMs >= 1e6 + 90)).to.equal(true)
  })

  it('counts nobody twice while a split is under way', () => {
    const one: RegionCapacity = { peers: 500, models: new Map() }
    const of = (origin: string, scope: string, issuedAtMs = 0): Digest => ({ origin, seq: 1, issuedAtMs, scope, view: 'part', regions: new Map([['r', one]]) })
    const peers = (...digests: Digest[]): number | undefined => sumOfParts(digests).get('r')?.peers
    expect(peers(of('a', 'r/z/0'), of('b', 'r/z/1'))).to.equal(1000)
    expect(peers(of('a', 'r/z/0'), of('b', 'r/z/0', 1))).to.equal(500)
    expect(peers(of('a', 'r/z/0'), of('b', 'r/z/00'))).to.equal(500)
    expect(peers(of('a', 'r/z/0'), of('b', 'r/z/00'), of('c', 'r/z/01'), of('d', 'r/z/1'))).to.equal(1500)
  })
})

describe('scopes', () => {
  it('lead from a cluster to its region, five bits at a time', () => {
    const path = ['r/z/0101101']
    for (let above = parentScope(path[0] as string); above !== undefined; above = parentScope(above)) {
      path.push(above)
    }
    expect(path).to.deep.equal(['r/z/0101101', 'r/z/01011', 'r/z/', 'r'])
    expect(parentScope('r/z/01011')).to.equal('r/z/')
  })

  it('cover every point once, whatever set of them there is', () => {
    const bits = fc.array(fc.constantFrom('0', '1'), { maxLength: 5 }).map(list => `r/z/${list.join('')}`)
    fc.assert(fc.property(fc.array(bits, { maxLength: 20 }), names => {
      const covering = coveringScopes(names)
      for (let point = 0; point < 32; point++) {
        const path = `r/z/${point.toString(2).padStart(5, '0')}`
        const before = names.some(name => path.startsWith(name))
        expect(covering.filter(name => path.startsWith(name)).length).to.equal(before ? 1 : 0)
      }
    }), { numRuns: 300 })
  })
})
