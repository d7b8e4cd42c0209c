import { expect } from 'chai'
import { ReceiptDesk } from '../src/index.ts'
import { NOW_MS, receipt } from './ledger-fixture.ts'

const offer = (changes: Parameters<typeof receipt>[0], signer = 'them', byte = 1): Parameters<ReceiptDesk['judge']>[1] =>
  ({ receipt: receipt({ provider: 'me', consumer: 'them', ...changes }), signer, envelope: Uint8Array.of(byte) })

describe('a desk for receipts', () => {
  it('looks only at receipts between the two, signed by the one that offers', () => {
    const desk = new ReceiptDesk('me')
    expect(desk.judge('them', offer({}))).to.equal('ask')
    expect(desk.judge('them', offer({ provider: 'them', consumer: 'me' }))).to.equal('ask')
    expect(desk.judge('other', offer({}))).to.equal('not_ours')
    expect(desk.judge('them', offer({ provider: 'other' }))).to.equal('not_ours')
    expect(desk.judge('them', offer({}, 'me'))).to.equal('not_ours')
  })

  it('answers the same again, and nothing else about that request', () => {
    const desk = new ReceiptDesk('me')
    const requestId = 'a'.repeat(32)
    desk.onAgreed(offer({ requestId }))
    expect(desk.judge('them', offer({ requestId }))).to.equal('again')
    expect(desk.judge('them', offer({ requestId }, 'them', 2))).to.equal('replayed')
  })

  it('lets a peer offer 100 at once, then ten a second; others do not wait for it', () => {
    const desk = new ReceiptDesk('me')
    const waits = Array.from({ length: 101 }, () => desk.waitMs('them', NOW_MS))
    expect(waits.filter(ms => ms === 0)).to.have.length(100)
    expect(waits.at(-1)).to.equal(100)
    expect(desk.waitMs('other', NOW_MS)).to.equal(0)
    expect(desk.waitMs('them', NOW_MS + 100)).to.equal(0)
  })

  it('lets a peer ask for receipts twice, then every ten minutes', () => {
    const desk = new ReceiptDesk('me')
    expect([1, 2, 3].map(() => desk.questionWaitMs('them', NOW_MS))).to.deep.equal([0, 0, 600_000])
    expect(desk.questionWaitMs('other', NOW_MS)).to.equal(0)
    expect(desk.questionWaitMs('them', NOW_MS + 600_000)).to.equal(0)
  })
})
