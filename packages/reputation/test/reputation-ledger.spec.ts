import { expect } from 'chai'
import fc from 'fast-check'
import { recordKey, ReputationLedger } from '../src/index.ts'
import { DAY_MS, NOW_MS, proof } from './ledger-fixture.ts'
import type { ReputationLedgerInit } from '../src/index.ts'

const SERVICE = 'inference'

function ledger (init: Partial<ReputationLedgerInit> = {}): ReputationLedger {
  return new ReputationLedger({ self: 'me', ...init })
}

/** `count` receipts of this peer's own requests, over as many minutes. */
function deal (target: ReputationLedger, provider: string, outcome: 'complete' | 'failed' | 'truncated', count: number, nowMs = NOW_MS): void {
  for (let i = 0; i < count; i++) {
    const issuedAtMs = nowMs + i * 60_000
    expect(target.onReceipt(proof({ provider, outcome, issuedAtMs }, 'consumer'), issuedAtMs)).to.equal('first-hand')
  }
}

/** What a witness says of a provider. */
function tell (target: ReputationLedger, witness: string, provider: string, outcome: 'complete' | 'failed', count: number, nowMs = NOW_MS): string[] {
  return Array.from({ length: count }, (_, i) =>
    target.onReceipt(proof({ provider, consumer: witness, outcome, issuedAtMs: nowMs + i }), nowMs + i))
}

describe('a ledger', () => {
  it('trusts a newcomer with 0.2', () => {
    expect(ledger().score('anybody', SERVICE, NOW_MS)).to.equal(0.2)
  })

  it('lets a score rise by 0.1 a day at most, and fall at once', () => {
    const mine = ledger()
    const byDay = Array.from({ length: 12 }, (_, day) => {
      deal(mine, 'good', 'complete', 20, NOW_MS + day * DAY_MS)
      return mine.score('good', SERVICE, NOW_MS + (day + 1) * DAY_MS)
    })
    expect(byDay.map(score => Math.round(score * 10) / 10).slice(0, 6)).to.deep.equal([0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    expect(byDay.at(-1)).to.be.within(0.85, 1)
    deal(mine, 'good', 'truncated', 20, NOW_MS + 12 * DAY_MS)
    expect(mine.score('good', SERVICE, NOW_MS + 12 * DAY_MS + 1_200_000)).to.be.below(0.4)
  })

  it('never lets a score rise faster than that, nor leave 0 to 1, whatever happens and whenever it is read', () => {
    const event = fc.record({
      what: fc.constantFrom('complete', 'failed', 'refused', 'praise', 'complaint', 'trust', 'read'), ms: fc.integer({ min: 1, max: 3 * DAY_MS })
    })
    fc.assert(fc.property(fc.array(event, { maxLength: 60 }), events => {
      const mine = ledger()
      let nowMs = NOW_MS
      let last: { score: number, atMs: number } | undefined
      for (const { what, ms } of events) {
        nowMs += ms
        switch (what) {
          case 'praise':
          case 'complaint':
            tell(mine, 'witness', 'subject', what === 'praise' ? 'complete' : 'failed', 5, nowMs)
            break
          case 'trust':
            deal(mine, 'witness', 'complete', 5, nowMs)
            break
          case 'read':
            break
          default:
            mine.onReceipt(proof({ provider: 'subject', outcome: what as 'complete', issuedAtMs: nowMs }), nowMs)
        }
        nowMs += 300_000
        const score = mine.score('subject', SERVICE, nowMs)
        expect(score).to.be.within(0, 1)
        if (last !== undefined) {
          expect(score).to.be.at.most(last.score + 0.1 * (nowMs - last.atMs) / DAY_MS + 1e-9)
        }
        last = { score, atMs: nowMs }
      }
    }), { numRuns: 300 })
  })

  it('keeps services apart', () => {
    const mine = ledger()
    mine.onEvidence('peer', 'relay', { bad: 5 }, NOW_MS)
    expect(mine.score('peer', 'relay', NOW_MS)).to.be.below(0.1)
    expect(mine.score('peer', 'honesty', NOW_MS)).to.be.below(0.2) // one more stranger that failed
    expect(() => { mine.onEvidence('peer', 'No Service', { good: 1 }, NOW_MS) }).to.throw().with.property('name', 'LedgerRecordError')
  })

  it('counts a refusal for nothing, and an answer that was cut off as a failure', () => {
    const mine = ledger()
    mine.onReceipt(proof({ provider: 'busy', outcome: 'refused' }), NOW_MS)
    expect(mine.score('busy', SERVICE, NOW_MS)).to.equal(0.2)
    deal(mine, 'cutter', 'truncated', 1)
    expect(mine.score('cutter', SERVICE, NOW_MS)).to.be.below(0.2)
  })

  it('counts a receipt once', () => {
    const mine = ledger()
    const one = proof({ provider: 'good' })
    expect([mine.onReceipt(one, NOW_MS), mine.onReceipt(one, NOW_MS), mine.onReceipt({ ...one, byProvider: undefined }, NOW_MS + 5)])
      .to.deep.equal(['first-hand', 'replayed', 'replayed'])
  })

  const verdicts: Array<[string, Parameters<typeof proof>, string]> = [
    ['of its own request, signed by itself alone', [{}, 'consumer'], 'first-hand'],
    ['of its own request that it did not sign', [{}, 'provider'], 'unsigned'],
    ['of what it served, as something to show', [{ provider: 'me', consumer: 'other' }], 'kept'],
    ['of what it is said to have served, as nothing', [{ provider: 'me', consumer: 'other' }, 'consumer'], 'about-self'],
    ['of a stranger', [{ consumer: 'stranger' }], 'stranger'],
    ['of a witness', [{ consumer: 'witness' }], 'second-hand'],
    ['of a witness whose praise the provider did not sign', [{ consumer: 'witness' }, 'consumer'], 'unsigned'],
    ['of a witness whose complaint the provider did not sign', [{ consumer: 'witness', outcome: 'failed' }, 'consumer'], 'second-hand'],
    ['that only the provider signed', [{ consumer: 'witness' }, 'provider'], 'unsigned'],
    ['whose life is over', [{ issuedAtMs: NOW_MS - 31 * DAY_MS }], 'expired']
  ]
  for (const [name, parameters, verdict] of verdicts) {
    it(`takes a receipt ${name}: ${verdict}`, () => {
      const mine = ledger()
      deal(mine, 'witness', 'complete', 1, NOW_MS - DAY_MS)
      expect(mine.onReceipt(proof(...parameters), NOW_MS)).to.equal(verdict)
    })
  }

  it('trusts newcomers less after newcomers have failed, those of their network first, and as before once they deliver', () => {
    const mine = ledger({ networkOf: peer => peer.split('.')[0] })
    for (let i = 0; i < 10; i++) {
      deal(mine, `bad.${i}`, 'failed', 1, NOW_MS + i * 1000)
    }
    const laterMs = NOW_MS + 600_000
    expect(mine.score('bad.new', SERVICE, laterMs)).to.be.below(0.05)
    for (let i = 0; i < 40; i++) {
      deal(mine, `good.${i}`, 'complete', 3, laterMs + i)
    }
    expect(mine.score('good.new', SERVICE, laterMs + 200_000)).to.equal(0.2)
    expect(mine.score('bad.new', SERVICE, laterMs + 200_000)).to.be.below(0.05)
  })

  it('leaves nothing to gain by a new name: each starts lower than the one before, and at once below 0.1', () => {
    const mine = ledger()
    const starts = Array.from({ length: 8 }, (_, life) => {
      const nowMs = NOW_MS + life * 3_600_000
      const start = mine.score(`cheat-${life}`, SERVICE, nowMs)
      deal(mine, `cheat-${life}`, 'failed', 3, nowMs)
      return start
    })
    expect(starts.toSorted((a, b) => b - a)).to.deep.equal(starts)
    expect([starts[0] === 0.2, starts[1]! < 0.1, starts[7]! < 0.02]).to.deep.equal([true, true, true])
  })

  it('says why a score is what it is', () => {
    const mine = ledger({ networkOf: peer => `net-${peer}` })
    deal(mine, 'good', 'complete', 10)
    deal(mine, 'good', 'failed', 1, NOW_MS + DAY_MS)
    for (const witness of ['a', 'b']) {
      deal(mine, witness, 'complete', 10)
      tell(mine, witness, 'good', 'complete', 5, NOW_MS + DAY_MS)
    }
    const why = mine.explain('good', SERVICE, NOW_MS + 2 * DAY_MS)
    expect(why.score).to.equal(mine.score('good', SERVICE, NOW_MS + 2 * DAY_MS))
    expect(why.firstHand?.counted).to.equal(11)
    expect(why.firstHand?.good).to.be.within(7, 8)
    expect(why.witnesses.map(({ witness }) => witness).sort()).to.deep.equal(['a', 'b'])
    expect(why.limit).to.be.below(why.target)
    expect(why.reasons).to.have.length(3)
    expect(why.reasons.join('\n')).to.match(/11 dealings since 2\.0 days ago.*\n2 witnesses move it by .*\n.*rises by 0\.1 a day at most/)
    expect(mine.explain('nobody', SERVICE, NOW_MS).reasons).to.deep.equal(['never dealt with: it stands as a newcomer of its network, 0.20'])
  })

  it('comes back from its records, and counts no receipt from before', () => {
    const mine = ledger({ networkOf: peer => peer.slice(0, 1) })
    const one = proof({ provider: 'good' })
    mine.onReceipt(one, NOW_MS)
    deal(mine, 'good', 'complete', 10)
    deal(mine, 'bad', 'failed', 2)
    tell(mine, 'good', 'bad', 'failed', 3, NOW_MS + 600_000)
    const laterMs = NOW_MS + 3 * DAY_MS
    const records = JSON.parse(JSON.stringify([...mine.records()]))
    const again = ledger({ networkOf: peer => peer.slice(0, 1) })
    again.restore(records, laterMs)
    for (const peer of ['good', 'bad', 'unknown', 'beware']) {
      expect(again.explain(peer, SERVICE, laterMs)).to.deep.equal(mine.explain(peer, SERVICE, laterMs))
    }
    expect(again.onReceipt(one, laterMs)).to.equal('replayed')
    // what it says has changed, put together, is what it is
    const changed = new Map(mine.changes.take().put.map(record => [JSON.stringify(record), record]))
    expect(records.filter((record: { type: string }) => record.type !== 'receipt').length).to.be.above(4)
    expect(changed.size).to.equal(records.length)
  })

  it('counts half of a complaint that the provider did not sign', () => {
    const complaint = (signed: 'both' | 'consumer'): number => {
      const mine = ledger()
      deal(mine, 'witness', 'complete', 10, NOW_MS - DAY_MS)
      mine.onReceipt(proof({ provider: 'subject', consumer: 'witness', outcome: 'failed' }, signed), NOW_MS)
      return [...mine.records()].reduce((sum, record) => record.type === 'statement' ? sum + record.bad : sum, 0)
    }
    expect([complaint('both'), complaint('consumer')]).to.deep.equal([1, 0.5])
  })

  it('keeps a bounded number of statements and of receipts to show, and says which it forgot', () => {
    const mine = ledger({ maxWitnesses: 2, maxSubjects: 3, maxReceipts: 10, maxReceiptsPerPeer: 4 })
    const kept = (type: string): string[] => [...mine.records()].filter(record => record.type === type).map(record => 'peer' in record ? record.peer : '')
    deal(mine, 'a', 'complete', 6)
    expect(kept('receipt')).to.deep.equal(['a', 'a', 'a', 'a'])
    expect(mine.receiptsWith('a', NOW_MS).map(({ receipt }) => receipt.issuedAtMs - NOW_MS)).to.deep.equal([5, 4, 3, 2].map(minute => minute * 60_000))
    for (const peer of ['b', 'c', 'd']) {
      deal(mine, peer, 'complete', 3)
    }
    expect(kept('receipt')).to.deep.equal(['a', ...'bbbcccddd'])
    for (const witness of ['a', 'b', 'c']) {
      for (const subject of ['v', 'w', 'x', 'y']) {
        tell(mine, witness, subject, 'complete', 1, NOW_MS + 600_000)
      }
    }
    expect(kept('statement').join('')).to.equal('wxywxy')
    mine.onTimeout(NOW_MS + 31 * DAY_MS)
    expect(kept('receipt')).to.deep.equal([])

    // whoever applies the changes has what the ledger has
    const { put, deleted } = mine.changes.take()
    const keys = new Set(put.map(recordKey))
    expect(keys).to.deep.equal(new Set([...mine.records()].filter(({ type, ...fields }) => type !== 'strangers' || (fields as { atMs: number }).atMs > 0).map(recordKey)))
    expect(deleted.filter(key => key.startsWith('statement/'))).to.have.length(2 + 1 + 3)
    expect(deleted.filter(key => key.startsWith('receipt/'))).to.have.length(15)
  })

  it('forgets strangers for strangers, never the ones it knows, and says which', () => {
    const mine = ledger({ maxPeers: 40 })
    for (let i = 0; i < 20; i++) {
      deal(mine, `known-${i}`, 'complete', 5)
    }
    for (let i = 0; i < 1000; i++) {
      mine.onEvidence(`flood-${i}`, SERVICE, { bad: 1 }, NOW_MS + 600_000)
    }
    expect(mine.size).to.equal(30)
    expect(mine.explain('known-7', SERVICE, NOW_MS + 600_000).firstHand?.counted).to.equal(5)
    expect(mine.changes.take().deleted).to.have.length(990)
  })

  it('holds an offence against the honesty of its peer, and takes the weight from its word, but trusts other newcomers as before', () => {
    const mine = ledger()
    deal(mine, 'witness', 'complete', 2)
    tell(mine, 'witness', 'far', 'complete', 5)
    const pulls = (): number => mine.explain('far', SERVICE, NOW_MS + DAY_MS).witnesses.length
    expect([pulls(), mine.isWitness('witness', NOW_MS)]).to.deep.equal([1, true])
    mine.onOffence('witness', NOW_MS)
    expect([pulls(), mine.isWitness('witness', NOW_MS)]).to.deep.equal([0, false])
    expect(mine.score('witness', 'honesty', NOW_MS)).to.be.below(0.15)
    for (let i = 0; i < 100; i++) {
      mine.onOffence(`name that costs nothing ${i}`, NOW_MS)
    }
    expect(mine.newcomerScore('somebody', NOW_MS)).to.equal(0.2)
  })

  it('knows which receipts it has seen, without counting them', () => {
    const mine = ledger()
    const one = proof({ provider: 'good' })
    expect([mine.hasSeen(one.receipt), mine.hasSeen(one.receipt)]).to.deep.equal([false, false])
    mine.onReceipt(one, NOW_MS)
    expect(mine.hasSeen(one.receipt)).to.equal(true)
    const again = ledger()
    again.restore([...mine.records()], NOW_MS)
    expect(again.hasSeen(one.receipt), 'issued before the newest that was kept').to.equal(true)
  })

  it('tells of its dealings to those who ask', () => {
    const mine = ledger()
    deal(mine, 'good', 'complete', 2)
    deal(mine, 'asker', 'complete', 2)
    expect(mine.receiptsToTell('asker', 10, NOW_MS + 60_000).map(({ receipt }) => receipt.provider)).to.deep.equal(['good', 'good'])
  })
})
