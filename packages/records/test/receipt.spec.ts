import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { concatBytes, fromHex, toHex } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import {
  countersignReceipt, MAX_RECEIPT_BYTES, MAX_RECEIPT_LIFE_MS, openReceipt, openReceiptProof, RECEIPT_KIND, receiptKey, RecordError, sealEnvelope, signReceipt
} from '../src/index.ts'
import { ReceiptRecord } from '../src/pb/receipt.ts'
import { consumer, consumerKey, ISSUED_AT_MS, provider, providerKey, RECEIPTS } from './vectors/receipt-cases.ts'
import type { InferenceReceipt, RecordErrorReason } from '../src/index.ts'

const strangerKey = await generateKeyPair('Ed25519')
const complete = RECEIPTS[0]!.receipt as InferenceReceipt

async function reasonOf (action: Promise<unknown>): Promise<RecordErrorReason | 'accepted'> {
  try {
    await action
    return 'accepted'
  } catch (error) {
    expect(error).to.be.instanceOf(RecordError)
    return (error as RecordError).reason
  }
}

async function payloadOf (envelope: Uint8Array): Promise<Uint8Array> {
  const { RecordEnvelope } = await import('@libp2p/peer-record')
  return RecordEnvelope.createFromProtobuf(envelope).payload.subarray()
}

describe('receipts', () => {
  for (const { name, receipt } of RECEIPTS) {
    it(`come back as they were signed, by either: ${name}`, async () => {
      for (const [key, signer] of [[consumerKey, consumer], [providerKey, provider]] as const) {
        const { envelope } = await signReceipt(receipt, key)
        expect(await openReceipt(envelope, ISSUED_AT_MS)).to.deep.equal({ receipt, signer, envelope })
        expect(envelope.length).to.be.below(MAX_RECEIPT_BYTES)
      }
    })
  }

  it('have at most 512 bytes with everything as long as it may be', async () => {
    const { envelope } = await signReceipt({
      ...complete, model: 'm'.repeat(128), tokensIn: 0xffffffff, tokensOut: 0xffffffff, bytes: Number.MAX_SAFE_INTEGER, firstTokenMs: 86_400_000, durationMs: 86_400_000
    }, consumerKey)
    expect(envelope.length).to.be.at.most(MAX_RECEIPT_BYTES)
  })

  it('are signed by both over the same bytes, also over a field that this version does not know', async () => {
    const known = await payloadOf((await signReceipt(complete, consumerKey)).envelope)
    // field 200, a string: tag (200 << 3 | 2) as a varint
    const newer = concatBytes(known, Uint8Array.of(0xc2, 0x0c, 3), new TextEncoder().encode('new'))
    const offered = await openReceipt(await sealEnvelope(RECEIPT_KIND, newer, consumerKey), ISSUED_AT_MS)
    const answered = await countersignReceipt(offered, providerKey)
    expect(toHex(await payloadOf(answered.envelope))).to.equal(toHex(newer))

    const proof = await openReceiptProof([answered.envelope, offered.envelope], ISSUED_AT_MS)
    expect(proof).to.deep.equal({ receipt: complete, byProvider: answered.envelope, byConsumer: offered.envelope })
    expect(await openReceiptProof([offered.envelope], ISSUED_AT_MS)).to.deep.equal({ receipt: complete, byProvider: undefined, byConsumer: offered.envelope })
  })

  it('are known by their request and their parties', () => {
    const keys = RECEIPTS.map(({ receipt }) => receiptKey(receipt))
    expect(new Set(keys).size).to.equal(RECEIPTS.length)
    expect(receiptKey({ ...complete, tokensOut: 1 })).to.equal(keys[0])
  })

  const refused: Array<[string, () => Promise<unknown>, RecordErrorReason]> = [
    ['one that neither party signed', async () => await signReceipt(complete, strangerKey), 'wrong_signer'],
    ['a payload that another has signed', async () =>
      await openReceipt(await sealEnvelope(RECEIPT_KIND, await payloadOf((await signReceipt(complete, consumerKey)).envelope), strangerKey), ISSUED_AT_MS), 'wrong_signer'],
    ['a countersignature by a stranger', async () => await countersignReceipt(await signReceipt(complete, consumerKey), strangerKey), 'wrong_signer'],
    ['a countersignature by the signer', async () => await countersignReceipt(await signReceipt(complete, consumerKey), consumerKey), 'wrong_signer'],
    ['two envelopes of one party', async () => {
      const { envelope } = await signReceipt(complete, consumerKey)
      await openReceiptProof([envelope, envelope], ISSUED_AT_MS)
    }, 'wrong_signer'],
    ['two envelopes that say different things', async () => await openReceiptProof([
      (await signReceipt(complete, consumerKey)).envelope, (await signReceipt({ ...complete, tokensOut: 255 }, providerKey)).envelope
    ], ISSUED_AT_MS), 'wrong_signer'],
    ['no envelope', async () => await openReceiptProof([], ISSUED_AT_MS), 'malformed'],
    ['a receipt to oneself', async () => await signReceipt({ ...complete, consumer: provider }, providerKey), 'malformed'],
    ['a request id of another length', async () => await signReceipt({ ...complete, requestId: 'ab' }, consumerKey), 'malformed'],
    ['a model name that would forge a line of a log', async () => await signReceipt({ ...complete, model: 'a\nb' }, consumerKey), 'malformed'],
    ['a first token after the end', async () => await signReceipt({ ...complete, firstTokenMs: complete.durationMs + 1 }, consumerKey), 'malformed'],
    ['an outcome that there is not', async () => await signReceipt({ ...complete, outcome: 'grand' as 'complete' }, consumerKey), 'malformed'],
    ['an outcome of another version', async () => {
      const record = ReceiptRecord.decode(await payloadOf((await signReceipt(complete, consumerKey)).envelope))
      await openReceipt(await sealEnvelope(RECEIPT_KIND, ReceiptRecord.encode({ ...record, outcome: 9 }), consumerKey), ISSUED_AT_MS)
    }, 'malformed'],
    ['a key whose signature alone is too long', async () => {
      const key = await generateKeyPair('RSA', 2048)
      await signReceipt({ ...complete, consumer: peerIdFromPrivateKey(key).toString() }, key)
    }, 'oversize'],
    ['one whose life is over', async () => await openReceipt((await signReceipt(complete, consumerKey)).envelope, ISSUED_AT_MS + MAX_RECEIPT_LIFE_MS), 'expired'],
    ['one from the future', async () => await openReceipt((await signReceipt(complete, consumerKey)).envelope, ISSUED_AT_MS - 60_001), 'future'],
    ['a life of more than 30 days', async () =>
      await openReceipt((await signReceipt({ ...complete, expiresAtMs: complete.expiresAtMs + 1 }, consumerKey)).envelope, ISSUED_AT_MS), 'life_too_long'],
    ['more than 512 bytes', async () => await openReceipt(new Uint8Array(513), ISSUED_AT_MS), 'oversize']
  ]
  for (const [name, action, reason] of refused) {
    it(`refuse ${name}: ${reason}`, async () => {
      expect(await reasonOf(action())).to.equal(reason)
    })
  }

  it('throw nothing but a RecordError, whatever the bytes', async () => {
    const { envelope } = await signReceipt(complete, consumerKey)
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 520 }), fc.nat(envelope.length - 1), fc.integer({ min: 1, max: 255 }), async (junk, at, flip) => {
      const damaged = Uint8Array.from(envelope)
      damaged[at] = (damaged[at] as number) ^ flip
      for (const bytes of [junk, damaged, damaged.subarray(0, at)]) {
        const outcome = await openReceipt(bytes, ISSUED_AT_MS).then(opened => opened.receipt, (error: unknown) => error)
        expect(outcome instanceof RecordError || isDeepStrictEqual(outcome, complete), String(outcome)).to.equal(true)
      }
    }), { numRuns: 200 })
  })
})

describe('the vectors of receipts', () => {
  const vectors = JSON.parse(readFileSync(new URL('vectors/receipts.json', import.meta.url), 'utf8'))

  for (const { name, receipt, byConsumer, byProvider } of vectors.receipts) {
    it(`hold for ${name}`, async () => {
      expect(await openReceiptProof([fromHex(byConsumer), fromHex(byProvider)], ISSUED_AT_MS))
        .to.deep.equal({ receipt, byConsumer: fromHex(byConsumer), byProvider: fromHex(byProvider) })
      expect(toHex((await signReceipt(receipt, consumerKey)).envelope)).to.equal(byConsumer)
      expect(toHex((await signReceipt(receipt, providerKey)).envelope)).to.equal(byProvider)
    })
  }

  it('stand in the specification', () => {
    const specification = readFileSync(new URL('../../../docs/specs/receipts.md', import.meta.url), 'utf8')
    for (const { byConsumer, byProvider } of vectors.receipts) {
      expect(specification).to.contain(byConsumer).and.to.contain(byProvider)
    }
  })
})
