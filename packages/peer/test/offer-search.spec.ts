/** Where offers come from: the overlay of a model first, a lookup for whoever goes on asking. */
import { expect } from 'chai'
import { OfferPool } from '../src/offer-pool.ts'
import { searchOffers } from '../src/offer-search.ts'
import { offerOf } from './offer-of.ts'
import type { Offer, SignedOffer } from '@skein/records'
import type { FoundOffer } from '@skein/routing/libp2p'
import type { OfferSearchInit, OfferSearchOptions } from '../src/offer-search.ts'

const signed = (offer: Offer): SignedOffer => ({ offer, envelope: new Uint8Array(0) })
const told = (peer: string, fields: Partial<Offer> = {}): Offer => offerOf({ peer, seq: 10, ...fields })

interface Trial extends OfferSearchInit {
  lookups: number
  called: string[]
  sighted: string[]
}

function trial (overlay: Offer[], found: Offer[]): Trial {
  const self: Trial = {
    lookups: 0,
    called: [],
    sighted: [],
    region: '',
    overlays: {
      called: model => { self.called.push(model) },
      sighted: (_, { peer }) => { self.sighted.push(peer) },
      offersOf: () => overlay.filter(({ withdrawn }) => !withdrawn).map(signed),
      newestOf: (_, peer) => overlay.filter(offer => offer.peer === peer).map(signed)[0]
    },
    async * findModel () {
      self.lookups++
      for (const offer of found) {
        yield { ...signed(offer), source: 'network' } satisfies FoundOffer
      }
    }
  }
  return self
}

async function search (init: OfferSearchInit, options: OfferSearchOptions = {}, model = 'm'): Promise<string[]> {
  return (await Array.fromAsync(searchOffers(init, { model }, options))).map(({ offer, source }) => `${offer.peer} ${source}`)
}

describe('a search for offers', () => {
  it('gives what the overlay tells first, then what a lookup finds, each peer once', async () => {
    const init = trial([told('a'), told('b'), told('c')], [told('b', { seq: 9 }), told('d')])
    expect(await search(init)).to.deep.equal(['a overlay', 'b overlay', 'c overlay', 'd network'])
    expect(init.called).to.deep.equal(['m'])
    expect(init.sighted).to.deep.equal(['b', 'd'])
  })

  it('looks up nothing for who leaves after the first offers', async () => {
    const init = trial([told('a'), told('b'), told('c')], [told('d')])
    for await (const { offer } of searchOffers(init, { model: 'm' })) {
      expect(offer.peer).to.equal('a')
      break
    }
    expect(init.lookups).to.equal(0)
    expect(await search(init, { wanted: 3 })).to.have.length(3)
    expect(init.lookups).to.equal(0)
  })

  it('takes a newer offer of the same peer, and believes the overlay where it is newer', async () => {
    const init = trial([told('full', { queueDepth: 4, maxConcurrent: 4 }), told('gone', { withdrawn: true }), told('old')],
      [told('full', { seq: 5 }), told('gone', { seq: 5 }), told('old', { seq: 11 })])
    expect(await search(init)).to.deep.equal(['old overlay', 'full overlay', 'old network'])
    expect(init.sighted).to.deep.equal(['full', 'old'])
  })

  it('gives only what meets the filter', async () => {
    const init = trial([told('a', { tier: 4 }), told('b')], [])
    const offers = await Array.fromAsync(searchOffers(init, { model: 'm', minTier: 2 }))
    expect(offers.map(({ offer }) => offer.peer)).to.deep.equal(['b'])
  })

  it('asks the network alone when it is told so, or when there are no overlays', async () => {
    const init = trial([told('a')], [told('d')])
    expect(await search(init, { cache: false })).to.deep.equal(['d network'])
    expect(await search({ ...init, overlays: undefined })).to.deep.equal(['d network'])
  })

  /** What a call has in hand, and whom it has looked for. */
  function pool (init: OfferSearchInit): OfferPool {
    return new OfferPool(async function * (signal, hungry) {
      for await (const { offer } of searchOffers(init, { model: 'm' }, { signal, hungry })) {
        yield { offer, fromCache: true }
      }
    })
  }

  const clock = { nowMs: () => 0, schedule: () => () => {} }
  const settled = async (): Promise<void> => { await new Promise(resolve => setImmediate(resolve)) }

  it('for a call, looks up at once while too few can be called', async () => {
    for (const overlay of [[told('a'), told('b')], [told('a'), told('b'), told('c', { queueDepth: 9 })]]) {
      const init = trial(overlay, [told('d')])
      const offers = pool(init)
      await settled()
      expect(init.lookups).to.equal(1)
      offers.close()
    }
  })

  it('for a call, looks up only when those told have not been enough, though it waited for the first of them', async () => {
    const init = trial([told('a'), told('b'), told('c')], [told('d')])
    const offers = pool(init)
    const { signal } = new AbortController()
    await offers.more(clock, signal)
    await settled()
    expect(offers.untriedOffers).to.have.length(3)
    expect(init.lookups).to.equal(0)
    for (const peer of ['a', 'b', 'c']) {
      offers.take(peer)
    }
    await offers.more(clock, signal)
    expect(init.lookups).to.equal(1)
    expect(offers.untriedOffers.map(({ offer }) => offer.peer)).to.deep.equal(['d'])
    offers.close()
  })

  it('does not leave a call waiting that finds none of those told to its liking', async () => {
    const init = trial([told('a'), told('b'), told('c')], [told('d')])
    const offers = pool(init)
    const { signal } = new AbortController()
    while (!offers.untriedOffers.some(({ offer }) => offer.peer === 'd')) {
      await offers.more(clock, signal)
    }
    expect(init.lookups).to.equal(1)
    offers.close()
  })

  it('ends when the call ends, without a lookup', async () => {
    const init = trial([told('a'), told('b'), told('c')], [told('d')])
    const offers = pool(init)
    await settled()
    offers.close()
    await settled()
    expect(offers.complete).to.equal(true)
    expect(init.lookups).to.equal(0)
  })
})
