import { expect } from 'chai'
import { summarizePings } from '../src/ping-summary.ts'

describe('round trips summed up', () => {
  it('count what was lost apart from how long the others took', () => {
    expect(summarizePings([10, undefined, 30, 20])).to.deep.equal({ sent: 4, received: 3, loss: 0.25, minMs: 10, avgMs: 20, maxMs: 30 })
  })

  it('have no times when none came back, and no loss when none was sent', () => {
    expect(summarizePings([undefined])).to.deep.equal({ sent: 1, received: 0, loss: 1 })
    expect(summarizePings([])).to.deep.equal({ sent: 0, received: 0, loss: 0 })
  })
})
