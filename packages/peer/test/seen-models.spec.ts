import { expect } from 'chai'
import { mergeListings, SeenModels } from '../src/seen-models.ts'
import { offerOf } from './offer-of.ts'

describe('SeenModels', () => {
  it('lists a model as long as one of its offers lives', () => {
    const seen = new SeenModels()
    seen.onOffer(offerOf({ peer: 'a', model: 'm', region: 'us-east', effectiveContext: 8_192, deterministic: true, expiresAtMs: 100 }))
    seen.onOffer(offerOf({ peer: 'b', model: 'm', tasks: ['completion'], expiresAtMs: 50 }))
    seen.onOffer(offerOf({ peer: 'b', model: 'n', expiresAtMs: 50 }))
    expect(seen.listings(49)).to.deep.equal([
      { id: 'm', tasks: ['chat', 'completion'], providers: 2, contextTokens: 8_192, regions: ['eu-west', 'us-east'], deterministic: false },
      { id: 'n', tasks: ['chat'], providers: 1, contextTokens: 4_096, regions: ['eu-west'], deterministic: false }
    ])
    expect(seen.listings(50)).to.deep.equal([
      { id: 'm', tasks: ['chat'], providers: 1, contextTokens: 8_192, regions: ['us-east'], deterministic: true }
    ])
    seen.forget('m', 'a')
    expect(seen.listings(50)).to.deep.equal([])
  })

  it('is bounded', () => {
    const seen = new SeenModels()
    for (let i = 0; i < 1_000; i++) {
      seen.onOffer(offerOf({ peer: 'a', model: `m${i}` }))
      seen.onOffer(offerOf({ peer: `p${i}`, model: 'crowd' }))
    }
    const listings = seen.listings(0)
    expect(listings).to.have.length(256)
    expect(listings.find(({ id }) => id === 'crowd')?.providers).to.equal(64)
  })
})

describe('mergeListings', () => {
  it('names each model once, with the most that is known of it', () => {
    const listing = { id: 'm', tasks: ['chat'], providers: 1, contextTokens: 10, regions: ['b'] }
    expect(mergeListings([{ ...listing, id: 'z' }, listing], [{ ...listing, tasks: [], providers: 5, contextTokens: 0, regions: ['a'] }])).to.deep.equal([
      { id: 'm', tasks: ['chat'], providers: 5, contextTokens: 10, regions: ['a', 'b'] },
      { ...listing, id: 'z' }
    ])
  })
})
