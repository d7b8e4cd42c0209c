/** The messages of docs/specs/receipts.md, section 7. */
import { fromHex, toHex } from '@skein/core'
import { expect } from 'chai'
import { ReceiptAnswer, ReceiptOffer } from '../src/pb/exchange.ts'

const none = new Uint8Array(0)
const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(values)
const answer = { receipt: none, refusal: '', retryAfterMs: 0, told: [] }

const OFFERS: Array<[string, ReceiptOffer]> = [
  ['0a03010203', { receipt: bytes(1, 2, 3) }],
  ['12020840', { receipt: none, question: { maxReceipts: 64 } }]
]
const ANSWERS: Array<[string, ReceiptAnswer]> = [
  ['12046275737918c0cf24', { ...answer, refusal: 'busy', retryAfterMs: 600_000 }],
  ['12086465636c696e6564', { ...answer, refusal: 'declined' }],
  ['22090a030102031202040522030a0106',
    { ...answer, told: [{ byConsumer: bytes(1, 2, 3), byProvider: bytes(4, 5) }, { byConsumer: bytes(6), byProvider: none }] }]
]

describe('messages of the exchange of receipts', () => {
  for (const [hex, offer] of OFFERS) {
    it(`are offers as specified: ${hex}`, () => {
      expect(toHex(ReceiptOffer.encode(offer))).to.equal(hex)
      expect(ReceiptOffer.decode(fromHex(hex))).to.deep.equal(offer)
    })
  }
  for (const [hex, expected] of ANSWERS) {
    it(`are answers as specified: ${hex}`, () => {
      expect(toHex(ReceiptAnswer.encode(expected))).to.equal(hex)
      expect(ReceiptAnswer.decode(fromHex(hex))).to.deep.equal(expected)
    })
  }
})
