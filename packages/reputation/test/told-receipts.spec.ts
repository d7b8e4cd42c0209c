import { expect } from 'chai'
import { MAX_TOLD_BYTES, receiptsToTell } from '../src/index.ts'
import { NOW_MS, proof } from './ledger-fixture.ts'
import type { ReceiptProof } from '@skein/records'

function dealings (provider: string, count: number, ageMs = 0): ReceiptProof[] {
  return Array.from({ length: count }, (_, i) => proof({ provider, issuedAtMs: NOW_MS - ageMs - i }))
}

const told = (proofs: ReceiptProof[], asker = 'asker', max = 64): string[] =>
  receiptsToTell(proofs, 'me', asker, max, NOW_MS + 1).map(({ receipt }) => `${receipt.provider} ${NOW_MS - receipt.issuedAtMs}`)

describe('what a peer tells of its dealings', () => {
  it('is the freshest of each provider, then the next of each', () => {
    const proofs = [...dealings('often', 50), ...dealings('once', 1, 1_000), ...dealings('twice', 2, 500)]
    expect(told(proofs, 'asker', 6)).to.deep.equal(['often 0', 'twice 500', 'once 1000', 'often 1', 'twice 501', 'often 2'])
  })

  it('is what others did for it: not what it did, nor what the asker knows best, nor what is over or was never signed by it', () => {
    expect(told([
      proof({ provider: 'me', consumer: 'other' }),
      proof({ provider: 'asker' }),
      proof({ provider: 'late', expiresAtMs: NOW_MS }),
      proof({ provider: 'unsigned' }, 'provider'),
      proof({ provider: 'bad', outcome: 'failed' }, 'consumer')
    ])).to.deep.equal(['bad 0'])
  })

  it('is 64 receipts and 40 KiB at most', () => {
    expect(told(dealings('often', 100), 'asker', 1_000)).to.have.length(64)
    const large = dealings('often', 100).map(one => ({ ...one, byConsumer: new Uint8Array(500), byProvider: new Uint8Array(500) }))
    expect(told(large).length).to.equal(Math.floor(MAX_TOLD_BYTES / 1_016))
  })
})
