import { expect } from 'chai'
import fc from 'fast-check'
import { IngestTable, StreamTable } from '../src/index.ts'

const A = 'live_aaaaaaaaaaaaaaaa'
const B = 'live_bbbbbbbbbbbbbbbb'
const C = 'live_cccccccccccccccc'
const GRACE_MS = 30_000

describe('streams that a relay takes in for peers', () => {
  let streams: StreamTable
  let table: IngestTable

  beforeEach(() => {
    streams = new StreamTable()
    streams.add({ publisher: 'live_operator_has_one', player: 'play_a', description: '' })
    table = new IngestTable(streams, { maxIngests: 3, maxPerPeer: 2, graceMs: GRACE_MS })
  })

  const CASES: Array<[what: string, publisher: string, verdict: string]> = [
    ['an id of 16 random characters', A, 'ok'],
    ['one of 15, which could be guessed', A.slice(0, -1), 'bad-request'],
    ['no id', '', 'bad-request'],
    ['what is no id', '../../etc/passwd-and-more', 'bad-request'],
    ['the syntax of access control', `#!::r=${A}`, 'bad-request'],
    ['the id of a player', 'play_aaaaaaaaaaaaaaaa', 'bad-mode'],
    ['an id that the operator has made', 'live_operator_has_one', 'conflict']
  ]
  for (const [what, publisher, verdict] of CASES) {
    it(`answer ${what} with ${verdict}`, () => {
      expect(table.onAsked(publisher, 'peer', 0)).to.equal(verdict)
      expect(streams.hasPublisher(A)).to.equal(publisher === A)
    })
  }

  it('are that peer\'s alone, and as many as there may be', () => {
    expect(table.onAsked(A, 'one', 0)).to.equal('ok')
    expect(table.onAsked(A, 'other', 0)).to.equal('conflict')
    expect(table.onAsked(A, 'one', 0), 'a second connection of it').to.equal('ok')
    expect(table.onAsked(B, 'one', 0)).to.equal('ok')
    expect(table.onAsked(C, 'one', 0), 'more than one peer may have').to.equal('overload')
    expect(table.onAsked(C, 'other', 0)).to.equal('ok')
    expect(table.onAsked('live_dddddddddddddddd', 'third', 0), 'more than all may have').to.equal('overload')
  })

  it('stay for a while after the last who listened has gone', () => {
    table.onAsked(A, 'one', 0)
    table.onAsked(A, 'one', 0)
    table.onLeft(A, 1_000)
    expect(table.nextTimeoutMs()).to.equal(undefined)
    table.onLeft(A, 2_000)
    expect(table.nextTimeoutMs()).to.equal(2_000 + GRACE_MS)
    table.onTimeout(31_000)
    expect(table.onAsked(A, 'one', 31_000), 'it comes back').to.equal('ok')
    table.onTimeout(90_000)
    expect([table.poll(), streams.hasPublisher(A)]).to.deep.equal([undefined, true])
    table.onLeft(A, 90_000)
    table.onTimeout(90_000 + GRACE_MS)
    expect([table.poll(), streams.hasPublisher(A), table.size]).to.deep.equal([{ type: 'released', publisher: A }, false, 0])
    expect(table.onAsked(A, 'other', 130_000)).to.equal('ok')
  })

  it('are never more than may be, and none is left when all have gone', () => {
    const asks = fc.array(fc.record({ publisher: fc.constantFrom(A, B, C, 'live_dddddddddddddddd'), peer: fc.constantFrom('one', 'other', 'third'), leaves: fc.boolean() }))
    fc.assert(fc.property(asks, steps => {
      const table = new IngestTable(new StreamTable(), { maxIngests: 3, maxPerPeer: 2, graceMs: GRACE_MS })
      const listening: string[] = []
      for (const [nowMs, { publisher, peer, leaves }] of steps.entries()) {
        if (leaves) {
          const at = listening.indexOf(publisher)
          if (at >= 0) {
            listening.splice(at, 1)
            table.onLeft(publisher, nowMs)
          }
        } else if (table.onAsked(publisher, peer, nowMs) === 'ok') {
          listening.push(publisher)
        }
        expect(table.size).to.be.at.most(3)
        expect(new Set(listening).size).to.be.at.most(table.size)
      }
      for (const publisher of listening) {
        table.onLeft(publisher, steps.length)
      }
      table.onTimeout(steps.length + GRACE_MS)
      expect(table.size).to.equal(0)
    }))
  })
})
