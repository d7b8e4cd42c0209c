import { readFileSync } from 'node:fs'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { concatBytes, fromHex, toHex } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import {
  MAX_OFFER_LIFE_MS, OFFER_KIND, openCapabilities, openOffer, RecordError, sealEnvelope, SeqGuard, signCapabilities, signOffer
} from '../src/index.ts'
import { OfferRecord } from '../src/pb/record.ts'
import type { Offer, RecordErrorReason } from '../src/index.ts'

const NOW_MS = 1_790_000_000_000
const privateKey = await generateKeyPair('Ed25519')
const peer = peerIdFromPrivateKey(privateKey).toString()

function offer (changes: Partial<Offer> = {}): Offer {
  return {
    peer, model: 'm', tasks: ['chat'], effectiveContext: 4096, tokensPerSecond: 12.5, queueDepth: 0, maxConcurrent: 2, priceMicros: 0, region: 'eu-west',
    tier: 2, deterministic: false, addresses: ['/ip4/127.0.0.1/tcp/4001'], seq: 1, issuedAtMs: NOW_MS, expiresAtMs: NOW_MS + MAX_OFFER_LIFE_MS,
    withdrawn: false, ...changes
  }
}

async function reasonOf (action: Promise<unknown>): Promise<RecordErrorReason | 'accepted'> {
  try {
    await action
    return 'accepted'
  } catch (error) {
    expect(error).to.be.instanceOf(RecordError)
    return (error as RecordError).reason
  }
}

describe('offers', () => {
  it('come back as they were signed', async () => {
    const signed = await signOffer(offer(), privateKey)
    expect((await openOffer(signed.envelope, NOW_MS)).offer).to.deep.equal(offer())
  })

  const refused: Array<[string, () => Promise<unknown>, RecordErrorReason]> = [
    ['a changed payload', async () => {
      const { envelope } = await signOffer(offer({ model: 'aaaaaaaa' }), privateKey)
      const at = toHex(envelope).indexOf('61'.repeat(8)) / 2
      const forged = Uint8Array.from(envelope)
      forged[at] = 0x62
      await openOffer(forged, NOW_MS)
    }, 'signature'],
    ['a signer that speaks of another', async () => {
      const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
      await openOffer((await signOffer(offer({ peer: other }), privateKey)).envelope, NOW_MS)
    }, 'wrong_signer'],
    ['one whose life is over', async () => await openOffer((await signOffer(offer(), privateKey)).envelope, NOW_MS + MAX_OFFER_LIFE_MS), 'expired'],
    ['one from more than 60 s in the future', async () => await openOffer((await signOffer(offer(), privateKey)).envelope, NOW_MS - 60_001), 'future'],
    ['a life of more than two minutes', async () =>
      await openOffer((await signOffer(offer({ expiresAtMs: NOW_MS + MAX_OFFER_LIFE_MS + 1 }), privateKey)).envelope, NOW_MS), 'life_too_long'],
    ['more than 8 KiB', async () => await openOffer(new Uint8Array(8193), NOW_MS), 'oversize'],
    ['a record of another kind', async () =>
      await openOffer(await sealEnvelope({ domain: '/skein/other/1', maxLifeMs: 1 }, new Uint8Array(3), privateKey), NOW_MS), 'wrong_type'],
    ['a payload that is no offer', async () => await openOffer(await sealEnvelope(OFFER_KIND, Uint8Array.of(255, 255, 255), privateKey), NOW_MS), 'malformed'],
    ['a tier there is not', async () => await signOffer(offer({ tier: 5 }), privateKey), 'malformed'],
    ['a model without a name', async () => await signOffer(offer({ model: '' }), privateKey), 'malformed'],
    ['a model name that would forge a line of a log', async () => await signOffer(offer({ model: 'a\nb' }), privateKey), 'malformed'],
    ['a model name of more than 128 bytes', async () => await signOffer(offer({ model: 'ü'.repeat(65) }), privateKey), 'malformed'],
    ['too many addresses', async () => await signOffer(offer({ addresses: new Array(17).fill('/ip4/1.2.3.4/tcp/1') }), privateKey), 'malformed']
  ]
  for (const [name, action, reason] of refused) {
    it(`refuse ${name}: ${reason}`, async () => {
      expect(await reasonOf(action())).to.equal(reason)
    })
  }

  it('may be issued up to 60 s ahead of this clock', async () => {
    expect(await reasonOf(openOffer((await signOffer(offer(), privateKey)).envelope, NOW_MS - 60_000))).to.equal('accepted')
  })

  it('keep a field that this version does not know', async () => {
    const { envelope } = await signOffer(offer(), privateKey)
    const known = OfferRecord.encode({ ...await payloadOf(envelope) })
    // field 200, a string: tag (200 << 3 | 2) as a varint
    const extended = concatBytes(known, Uint8Array.of(0xc2, 0x0c, 3), new TextEncoder().encode('new'))
    const sealed = await sealEnvelope(OFFER_KIND, extended, privateKey)
    const opened = await openOffer(sealed, NOW_MS)
    expect(opened.offer).to.deep.equal(offer())
    expect(toHex(opened.envelope)).to.contain(toHex(new TextEncoder().encode('new')))
  })

  it('throw nothing but a RecordError, whatever the bytes', async () => {
    const { envelope } = await signOffer(offer(), privateKey)
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(envelope.length - 1), fc.integer({ min: 1, max: 255 }), async (junk, at, flip) => {
      const damaged = Uint8Array.from(envelope)
      damaged[at] = (damaged[at] as number) ^ flip
      for (const bytes of [junk, damaged, damaged.subarray(0, at)]) {
        // the envelope around the signed bytes can be written in more than one way, what is signed cannot
        const outcome = await openOffer(bytes, NOW_MS).then(opened => opened.offer, (error: unknown) => error)
        expect(outcome instanceof RecordError || JSON.stringify(outcome) === JSON.stringify(offer()), String(outcome)).to.equal(true)
      }
    }), { numRuns: 200 })
  })
})

describe('sequence numbers', () => {
  it('must grow, for each signer', () => {
    const guard = new SeqGuard({ maxSigners: 2 })
    guard.accept('a', 5)
    guard.accept('b', 1)
    for (const seq of [5, 4]) {
      expect(() => { guard.accept('a', seq) }).to.throw(RecordError).with.property('reason', 'replayed')
    }
    guard.accept('a', 6)
  })
})

describe('the vectors of records', () => {
  const vectors = JSON.parse(readFileSync(new URL('vectors/records.json', import.meta.url), 'utf8'))

  for (const { name, record, envelope } of vectors.offers) {
    it(`hold for ${name}`, async () => {
      expect((await openOffer(fromHex(envelope), record.issuedAtMs)).offer).to.deep.equal(record)
    })
  }
  for (const { name, record, envelope } of vectors.capabilities) {
    it(`hold for ${name}`, async () => {
      expect((await openCapabilities(fromHex(envelope), record.issuedAtMs)).capabilities).to.deep.equal(record)
    })
  }
  it('are what signing gives', async () => {
    const { privateKeyFromRaw } = await import('@libp2p/crypto/keys')
    const seed = fromHex(vectors.privateKeySeed)
    const { ed25519 } = await import('@noble/curves/ed25519.js')
    const key = privateKeyFromRaw(Uint8Array.from([...seed, ...ed25519.getPublicKey(seed)]))
    for (const { record, envelope } of vectors.offers) {
      expect(toHex((await signOffer(record, key)).envelope)).to.equal(envelope)
    }
    for (const { record, envelope } of vectors.capabilities) {
      expect(toHex((await signCapabilities(record, key)).envelope)).to.equal(envelope)
    }
  })
})

async function payloadOf (envelope: Uint8Array): Promise<OfferRecord> {
  const { RecordEnvelope } = await import('@libp2p/peer-record')
  return OfferRecord.decode(RecordEnvelope.createFromProtobuf(envelope).payload.subarray())
}
