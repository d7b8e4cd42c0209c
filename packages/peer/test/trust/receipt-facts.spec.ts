import { expect } from 'chai'
import { receiptFacts, tokensOf } from '../../src/trust/receipt-facts.ts'
import type { EndedCall } from '@skein/inference'

const PARTIES = { provider: 'provider', consumer: 'consumer' }
const call = (changes: Partial<EndedCall> = {}): EndedCall => ({
  nonce: new Uint8Array(16).fill(0xab), task: 'chat', model: 'm', outcome: 'complete', deltas: 3, bytes: 120, firstDeltaMs: 20.6, durationMs: 99.2,
  peer: 'provider', path: 'relayed', ...changes
})

describe('the facts of a receipt', () => {
  it('are those of the request, in whole numbers', () => {
    expect(receiptFacts(call(), PARTIES, 1_000, 5_000.7)).to.deep.equal({
      kind: 'inference', requestId: 'ab'.repeat(16), ...PARTIES, outcome: 'complete', path: 'relayed', model: 'm', tokensIn: 0, tokensOut: 3,
      firstTokenMs: 21, durationMs: 99, bytes: 120, issuedAtMs: 5_000, expiresAtMs: 6_000
    })
  })

  it('never say that the first token came after the end', () => {
    expect(receiptFacts(call({ firstDeltaMs: 99.6, durationMs: 99.4 }), PARTIES, 1, 0)).to.deep.include({ firstTokenMs: 99, durationMs: 99 })
  })

  it('are none of a request that the caller left, nor of one to oneself', () => {
    expect(receiptFacts(call({ outcome: 'abandoned' }), PARTIES, 1, 0)).to.equal(undefined)
    expect(receiptFacts(call(), { provider: 'me', consumer: 'me' }, 1, 0)).to.equal(undefined)
  })

  for (const [what, usage, expected] of [
    ['no usage', undefined, [0, 3]],
    ['what the provider counted', { prompt_tokens: 9, completion_tokens: 7 }, [9, 7]],
    ['more tokens than bytes', { prompt_tokens: 9, completion_tokens: 121 }, [9, 3]],
    ['no numbers', { prompt_tokens: '9', completion_tokens: -1 }, [0, 3]],
    ['halves', { prompt_tokens: 1.5, completion_tokens: 2.5 }, [0, 3]]
  ] as const) {
    it(`take tokens from usage as far as it can be: ${what}`, () => {
      const { tokensIn, tokensOut } = tokensOf({ usage, deltas: 3, bytes: 120 })
      expect([tokensIn, tokensOut]).to.deep.equal(expected)
    })
  }
})
