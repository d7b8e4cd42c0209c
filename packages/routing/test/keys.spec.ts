/** Keys, distances, regions, and what is remembered. */
import { createHash } from 'node:crypto'
import { kadDHT } from '@libp2p/kad-dht'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { toHex } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { compareDistance, kadId, modelKey, nearness } from '../src/model-key.ts'
import { OfferCache } from '../src/offer-cache.ts'
import { knownRegions, regionsByDistance } from '../src/region.ts'
import { offerOf } from './offer-fixture.ts'

const id = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('model key', () => {
  it('is SHA-256 of a domain and length-prefixed names (vectors for other implementations)', () => {
    const expected = createHash('sha256').update('skein model key 1').update(Buffer.from([0, 5])).update('llama').update(Buffer.from([0, 7])).update('eu-west').digest('hex')
    expect(toHex(modelKey('llama', 'eu-west'))).to.equal(expected)
    expect(toHex(modelKey('llama', 'eu-west'))).to.equal('233dcfaa0ce9d892ad5b2d379b6d385d9dc5308c46589aeba9c6b34dfeb75b9f')
    expect(toHex(modelKey('llama'))).to.equal('c2e25f5ec875b935dc696cb129582be68e2b5db9bc19530aa4af6ad94eaeafe2')
    expect(toHex(modelKey('Größe/模型'))).to.equal('3dc6f34e69c04e480660e0f34e88adbe624bb8f498aefde91377025dd1eb4779')
  })

  it('differs when model and region are cut differently', () => {
    const keys = [['ab', 'c'], ['a', 'bc'], ['abc', ''], ['', 'abc'], ['ab', '']].map(([model, region]) => toHex(modelKey(model as string, region)))
    expect(new Set(keys).size).to.equal(keys.length)
  })

  it('places peers where kad-dht does', async () => {
    const peerId = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    expect(toHex(kadId(peerId.toMultihash().bytes))).to.equal(createHash('sha256').update(peerId.toMultihash().bytes).digest('hex'))
    expect(kadDHT).to.be.a('function')
  })

  it('orders ids by XOR distance as big integers do, and the 48-bit nearness agrees', () => {
    const big = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes)}`)
    fc.assert(fc.property(id, id, id, (a, b, target) => {
      const [x, y] = [big(a) ^ big(target), big(b) ^ big(target)]
      expect(Math.sign(compareDistance(a, b, target))).to.equal(x < y ? -1 : x > y ? 1 : 0)
      expect(nearness(a, target)).to.equal(Number(x >> 208n))
    }))
  })
})

describe('regions by distance', () => {
  const cases: Array<[string, string[], string[]]> = [
    ['eu-west', ['us-east', 'ap-south', 'eu-central', 'eu-west'], ['eu-west', 'eu-central', 'us-east', 'ap-south']],
    ['ap-southeast', ['us-west', 'eu-west', 'ap-northeast', 'ap-south'], ['ap-south', 'ap-northeast', 'eu-west', 'us-west']],
    ['us-central', ['atlantis', 'eu-west', 'mu', 'us-west'], ['us-west', 'eu-west', 'atlantis', 'mu']],
    ['us-east-1', ['eu-west-3', 'us-west-2', 'us-east'], ['us-east', 'us-west-2', 'eu-west-3']],
    ['atlantis', ['eu-west', 'atlantis', 'us-east'], ['atlantis', 'eu-west', 'us-east']],
    ['constructor', ['toString', 'eu-west'], ['toString', 'eu-west']]
  ]
  for (const [from, known, expected] of cases) {
    it(`from ${from}: ${expected.join(', ')}`, () => {
      expect(regionsByDistance(from, known)).to.deep.equal(expected)
    })
  }

  it('keeps all of them, itself first', () => {
    fc.assert(fc.property(fc.constantFrom(...knownRegions()), fc.uniqueArray(fc.constantFrom(...knownRegions(), 'x', 'y')), (from, known) => {
      const ordered = regionsByDistance(from, known)
      expect([...ordered].sort()).to.deep.equal([...known].sort())
      expect(!known.includes(from) || ordered[0] === from).to.equal(true)
    }))
  })
})

describe('offer cache', () => {
  const holder = { peer: 'h' }

  it('gives offers within their life, the newest of each peer, and is fresh for a while after a complete lookup', () => {
    const cache = new OfferCache<{ peer: string }>({ freshMs: 100 })
    cache.onOffers('k', [offerOf({ peer: 'a', seq: 1, expiresAtMs: 1000 }), offerOf({ peer: 'b', seq: 1, expiresAtMs: 500 })], holder)
    expect(cache.get('k', 0).fresh).to.equal(false)
    cache.onComplete('k', 10)
    cache.onOffers('k', [offerOf({ peer: 'a', seq: 3, expiresAtMs: 1000 }), offerOf({ peer: 'a', seq: 2, expiresAtMs: 9000 })], holder)
    expect(cache.get('k', 109)).to.deep.include({ fresh: true, holders: [holder] })
    expect(cache.get('k', 110).fresh).to.equal(false)
    expect(cache.get('k', 499).offers.map(({ offer }) => [offer.peer, offer.seq])).to.have.deep.members([['a', 3], ['b', 1]])
    expect(cache.get('k', 500).offers).to.have.length(1)
    expect(cache.get('k', 1000).offers).to.deep.equal([])
  })

  it('believes that there is nothing for a second at most', () => {
    const cache = new OfferCache<{ peer: string }>()
    cache.onComplete('k', 0)
    expect(cache.get('k', 999)).to.deep.equal({ offers: [], holders: [], fresh: true })
    expect(cache.get('k', 1000).fresh).to.equal(false)
  })

  it('does not show withdrawn offers, failed holders and forgotten peers', () => {
    const cache = new OfferCache<{ peer: string }>()
    cache.onOffers('m 1', [offerOf({ peer: 'a', seq: 1 }), offerOf({ peer: 'b', seq: 1 }), offerOf({ peer: 'c', seq: 1 })], holder)
    cache.onComplete('m 1', 0)
    cache.onOffers('m 1', [offerOf({ peer: 'a', seq: 2, withdrawn: true })], undefined)
    cache.onHolderFailed('m 1', 'h')
    cache.forgetPeer('m ', 'b')
    expect(cache.get('m 1', 1).offers.map(({ offer }) => offer.peer)).to.deep.equal(['c'])
    expect(cache.get('m 1', 1)).to.deep.include({ holders: [], fresh: false })
  })

  it('stays within its bounds', () => {
    const cache = new OfferCache<{ peer: string }>({ maxKeys: 3, maxPerKey: 5 })
    for (let i = 0; i < 10; i++) {
      cache.onOffers(`k${i}`, Array.from({ length: 10 }, () => offerOf()), holder)
    }
    expect(cache.get('k0', 0).offers).to.deep.equal([])
    expect(cache.get('k9', 0).offers).to.have.length(5)
  })
})
