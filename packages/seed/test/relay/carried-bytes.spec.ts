import { expect } from 'chai'
import { CarriedBytes } from '../../src/relay/carried-bytes.ts'
import type { RelayReceipt } from '@skein/records'

const offered = (changes: Partial<RelayReceipt> = {}): RelayReceipt => ({
  kind: 'relay', requestId: '00'.repeat(16), provider: 'relay', consumer: 'client', outcome: 'complete', path: 'direct', bytes: 900, durationMs: 5_000,
  issuedAtMs: 10_000, expiresAtMs: 20_000, ...changes
})

describe('what a relay carried', () => {
  it('is counted for each client until there is a receipt of it', () => {
    const carried = new CarriedBytes()
    carried.onBytes('client', 600, 1_000)
    carried.onBytes('other', 600, 1_000)
    carried.onBytes('client', 400, 2_000)
    expect(carried.measured(offered(), 6_000)).to.deep.include({ bytes: 1_000, durationMs: 5_000 })
    expect(carried.measured(offered({ requestId: '11'.repeat(16) }), 6_000), 'nothing is left to be shown a second time').to.equal(undefined)
    carried.onBytes('client', 5, 7_000)
    expect(carried.measured(offered(), 8_000)?.bytes).to.equal(5)
  })

  it('is no longer than it has been carrying, whatever the client says', () => {
    const carried = new CarriedBytes()
    carried.onBytes('client', 600, 1_000)
    expect(carried.measured(offered({ durationMs: 3_600_000 }), 61_000)?.durationMs).to.equal(60_000)
  })

  it('is nothing that a receipt of a request could be of', () => {
    const carried = new CarriedBytes()
    carried.onBytes('client', 600, 1_000)
    const request = { ...offered(), kind: 'inference' as const, model: 'm', tokensIn: 0, tokensOut: 0 }
    expect(carried.measured(request, 2_000)).to.equal(undefined)
    expect(carried.measured(offered(), 2_000)?.bytes).to.equal(600)
  })

  it('is forgotten of those who came first when there are too many', () => {
    const carried = new CarriedBytes(2)
    for (const peer of ['client', 'b', 'c']) {
      carried.onBytes(peer, 1, 0)
    }
    expect(carried.measured(offered(), 1)).to.equal(undefined)
    expect(carried.measured(offered({ consumer: 'c' }), 1)?.bytes).to.equal(1)
  })
})
