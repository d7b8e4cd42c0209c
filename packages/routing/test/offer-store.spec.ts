/** What a holder keeps and answers. */
import { expect } from 'chai'
import fc from 'fast-check'
import { kadId, modelKey } from '../src/model-key.ts'
import { OfferStore } from '../src/offer-store.ts'
import { offerOf } from './offer-fixture.ts'
import type { OfferFilter } from '../src/offer-filter.ts'
import type { StoreResult } from '../src/offer-store.ts'
import type { Offer } from '@skein/records'

const self = kadId(new Uint8Array([1]))
const key = modelKey('llama')

describe('offer store', () => {
  describe('decides about an offer by what it holds of that peer', () => {
    const live = offerOf({ peer: 'a', seq: 5 })
    const withdrawn = offerOf({ peer: 'a', seq: 6, withdrawn: true, expiresAtMs: 10_000 })
    const cases: Array<{ name: string, before: Array<ReturnType<typeof offerOf>>, put: ReturnType<typeof offerOf>, nowMs: number, result: StoreResult, left: number }> = [
      { name: 'nothing yet', before: [], put: live, nowMs: 0, result: 'stored', left: 1 },
      { name: 'the very same again', before: [live], put: live, nowMs: 0, result: 'unchanged', left: 1 },
      { name: 'other bytes with the same seq', before: [live], put: offerOf({ peer: 'a', seq: 5 }), nowMs: 0, result: 'replayed', left: 1 },
      { name: 'an older seq', before: [live], put: offerOf({ peer: 'a', seq: 4 }), nowMs: 0, result: 'replayed', left: 1 },
      { name: 'a newer seq', before: [live], put: offerOf({ peer: 'a', seq: 6 }), nowMs: 0, result: 'stored', left: 1 },
      { name: 'expired', before: [], put: offerOf({ expiresAtMs: 1000 }), nowMs: 1000, result: 'expired', left: 0 },
      { name: 'another model', before: [], put: offerOf({ model: 'other' }), nowMs: 0, result: 'wrong_key', left: 0 },
      { name: 'withdrawn', before: [live], put: withdrawn, nowMs: 0, result: 'stored', left: 0 },
      { name: 'the old one after it was withdrawn', before: [live, withdrawn], put: live, nowMs: 50_000, result: 'replayed', left: 0 },
      { name: 'a new one after it was withdrawn', before: [live, withdrawn], put: offerOf({ peer: 'a', seq: 7 }), nowMs: 0, result: 'stored', left: 1 }
    ]
    for (const { name, before, put, nowMs, result, left } of cases) {
      it(`${name}: ${result}`, () => {
        const store = new OfferStore({ self })
        before.forEach(signed => { store.put(key, signed, 0) })
        expect(store.put(key, put, nowMs)).to.equal(result)
        expect(store.best(key, { model: 'llama' }, nowMs)).to.have.length(left)
      })
    }
  })

  it('takes an offer under the key of its model and under that of its model and region, and no other', () => {
    const store = new OfferStore({ self })
    const signed = offerOf({ region: 'eu-west' })
    expect(store.put(modelKey('llama'), signed, 0)).to.equal('stored')
    expect(store.put(modelKey('llama', 'eu-west'), signed, 0)).to.equal('stored')
    expect(store.put(modelKey('llama', 'us-east'), signed, 0)).to.equal('wrong_key')
    expect(store.put(modelKey('llama', 'x'), offerOf({ region: '' }), 0)).to.equal('wrong_key')
  })

  it('never answers with an expired offer, and forgets it', () => {
    const store = new OfferStore({ self })
    store.put(key, offerOf({ expiresAtMs: 1000 }), 0)
    store.put(key, offerOf({ expiresAtMs: 2000 }), 0)
    expect(store.best(key, { model: 'llama' }, 999)).to.have.length(2)
    expect(store.best(key, { model: 'llama' }, 1000)).to.have.length(1)
    expect(store.countOf(key)).to.equal(1)
    store.sweep(2000)
    expect([store.keyCount, store.byteLength]).to.deep.equal([0, 0])
  })

  it('keeps at most 256 offers a key and gives up those of the most crowded network', () => {
    const store = new OfferStore({ self })
    const honest = Array.from({ length: 40 }, (_, i) => offerOf({ peer: `honest-${i}`, addresses: [`/ip4/10.1.${i}.1/tcp/1`] }))
    const crowd = Array.from({ length: 2000 }, (_, i) => offerOf({ peer: `crowd-${i}`, addresses: [`/ip4/10.9.${i % 4}.1/tcp/1`] }))
    honest.slice(0, 20).forEach(signed => { expect(store.put(key, signed, 0)).to.equal('stored') })
    crowd.forEach(signed => { store.put(key, signed, 0) })
    honest.slice(20).forEach(signed => { expect(store.put(key, signed, 0)).to.equal('stored') })
    expect(store.countOf(key)).to.equal(256)
    const best = store.best(key, { model: 'llama' }, 0, { limit: 60, maxBytes: 1e6 })
    expect(best.filter(({ offer }) => offer.peer.startsWith('honest'))).to.have.length.at.least(28)
    honest.forEach(signed => { expect(store.put(key, signed, 0)).to.equal('unchanged') })
  })

  it('keeps regions and tiers diverse when all networks differ', () => {
    const store = new OfferStore({ self, maxOffersPerKey: 10 })
    const put = (fields: Partial<Offer>): StoreResult => store.put(key, offerOf(fields), 0)
    for (let i = 0; i < 9; i++) {
      put({ region: 'eu-west', tier: 2 })
    }
    expect(put({ region: 'us-east', tier: 2 })).to.equal('stored')
    expect(put({ region: 'ap-south', tier: 1 })).to.equal('stored')
    const regions = store.best(key, { model: 'llama' }, 0).map(({ offer }) => offer.region)
    expect(regions.filter(region => region === 'eu-west')).to.have.length(8)
    expect(regions).to.include.members(['us-east', 'ap-south'])
  })

  it('stays within all its bounds whatever is put into it', () => {
    const puts = fc.array(fc.record({
      peer: fc.integer({ min: 0, max: 12 }), model: fc.integer({ min: 0, max: 9 }), region: fc.constantFrom('', 'r1', 'r2'), regional: fc.boolean(),
      seq: fc.integer({ min: 0, max: 5 }), network: fc.integer({ min: 0, max: 3 }), lifeMs: fc.integer({ min: 1, max: 100 }), bytes: fc.integer({ min: 50, max: 400 }),
      stepMs: fc.integer({ min: 0, max: 10 }), withdrawn: fc.boolean()
    }), { maxLength: 200 })
    fc.assert(fc.property(puts, all => {
      const store = new OfferStore({ self, maxOffersPerKey: 4, maxKeys: 6, maxBytes: 4000, maxKeysPerPeer: 5 })
      let nowMs = 0
      const held = new Map<string, number>()
      for (const put of all) {
        nowMs += put.stepMs
        const model = `m${put.model}`
        const at = put.regional ? modelKey(model, put.region) : modelKey(model)
        const fields = { peer: `p${put.peer}`, model, region: put.region, seq: put.seq, addresses: [`/ip4/10.0.${put.network}.1/tcp/1`], expiresAtMs: nowMs + put.lifeMs, withdrawn: put.withdrawn }
        const signed = offerOf(fields, put.bytes)
        const result = store.put(at, signed, nowMs, undefined)
        expect(store.countOf(at)).to.be.at.most(4)
        expect(store.keyCount).to.be.at.most(6)
        expect(store.byteLength).to.be.at.most(4000)
        const best = store.best(at, { model }, nowMs)
        expect(best.every(({ offer }) => offer.expiresAtMs > nowMs && !offer.withdrawn)).to.equal(true)
        if (result === 'stored' && !put.withdrawn) {
          expect(best).to.include(signed)
        }
        expect(new Set(best.map(({ offer }) => offer.peer)).size).to.equal(best.length)
      }
      store.sweep(nowMs + 1000)
      expect([store.keyCount, store.byteLength]).to.deep.equal([0, 0])
      void held
    }), { numRuns: 200 })
  })

  it('holds one peer under a bounded number of keys', () => {
    const store = new OfferStore({ self, maxKeysPerPeer: 3 })
    const results = [1, 2, 3, 4].map(i => store.put(modelKey(`m${i}`), offerOf({ peer: 'greedy', model: `m${i}` }), 0))
    expect(results).to.deep.equal(['stored', 'stored', 'stored', 'too_many_keys'])
    expect(store.put(modelKey('m4'), offerOf({ peer: 'other', model: 'm4' }), 0)).to.equal('stored')
    expect(store.put(modelKey('m4'), offerOf({ peer: 'greedy', model: 'm4', expiresAtMs: 500_000 }), 200_000)).to.equal('stored')
  })

  it('when full keeps the keys closest to itself', () => {
    const store = new OfferStore({ self: modelKey('m0'), maxKeys: 5 })
    for (let i = 1; i < 100; i++) {
      store.put(modelKey(`m${i}`), offerOf({ model: `m${i}` }), 0)
    }
    expect(store.put(modelKey('m0'), offerOf({ model: 'm0' }), 0)).to.equal('stored')
    expect(store.keyCount).to.equal(5)
  })

  describe('answers the best for a filter', () => {
    const cases: Array<{ filter: Omit<OfferFilter, 'model'>, near?: string, best: string[] }> = [
      { filter: {}, best: ['fast', 'cheap', 'plain', 'phone', 'busy'] },
      { filter: {}, near: 'us-east', best: ['plain', 'fast', 'cheap', 'phone', 'busy'] },
      { filter: { region: 'us-east' }, best: ['plain'] },
      { filter: { minTier: 2 }, best: ['fast', 'cheap', 'plain', 'busy'] },
      { filter: { minContext: 8192 }, best: ['cheap', 'plain', 'phone', 'busy'] },
      { filter: { task: 'embedding' }, best: ['cheap'] },
      { filter: { maxPriceMicros: 99 }, best: ['cheap'] },
      { filter: { maxPriceMicros: 9 }, best: [] }
    ]
    const store = new OfferStore({ self })
    store.put(key, offerOf({ peer: 'plain', region: 'us-east', tokensPerSecond: 40 }), 0)
    store.put(key, offerOf({ peer: 'busy', queueDepth: 4, tokensPerSecond: 900, tier: 1 }), 0)
    store.put(key, offerOf({ peer: 'fast', tokensPerSecond: 200, effectiveContext: 4096 }), 0)
    store.put(key, offerOf({ peer: 'cheap', priceMicros: 10, tasks: ['chat', 'embedding'] }), 0)
    store.put(key, offerOf({ peer: 'phone', tier: 4, tokensPerSecond: 10 }), 0)
    for (const { filter, near, best } of cases) {
      it(`${JSON.stringify(filter)} near ${near ?? 'nowhere'}: ${best.join(', ')}`, () => {
        expect(store.best(key, { model: 'llama', ...filter }, 1, { near }).map(({ offer }) => offer.peer)).to.deep.equal(best)
      })
    }
  })

  it('answers at most K offers, at most 100, and no more bytes than the budget', () => {
    const store = new OfferStore({ self })
    for (let i = 0; i < 150; i++) {
      store.put(key, offerOf(), 0)
    }
    expect(store.best(key, { model: 'llama' }, 0)).to.have.length(20)
    expect(store.best(key, { model: 'llama' }, 0, { limit: 1000 })).to.have.length(100)
    expect(store.best(key, { model: 'llama' }, 0, { limit: 100, maxBytes: 3500 })).to.have.length(11)
  })

  it('does not let one network fill an answer with offers that look good', () => {
    const store = new OfferStore({ self })
    for (let i = 0; i < 100; i++) {
      store.put(key, offerOf({ tokensPerSecond: 1e6, addresses: ['/ip4/10.66.66.1/tcp/1'] }), 0)
      store.put(key, offerOf({ peer: `other-${i}`, addresses: [`/ip4/172.16.${i}.1/tcp/1`] }), 0)
    }
    const best = store.best(key, { model: 'llama' }, 0)
    expect(best.filter(({ offer }) => offer.peer.startsWith('other'))).to.have.length(17)
  })
})
