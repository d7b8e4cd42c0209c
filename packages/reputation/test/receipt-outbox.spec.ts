import { expect } from 'chai'
import fc from 'fast-check'
import { ReceiptOutbox } from '../src/index.ts'
import { NOW_MS, receipt } from './ledger-fixture.ts'
import type { OutboxEffect, ReceiptOutboxInit } from '../src/index.ts'
import type { Receipt } from '@skein/records'

function create (init: Partial<ReceiptOutboxInit> = {}): ReceiptOutbox {
  return new ReceiptOutbox({ self: 'me', ...init })
}

function drain (outbox: ReceiptOutbox): OutboxEffect[] {
  const effects: OutboxEffect[] = []
  for (let effect = outbox.poll(); effect !== undefined; effect = outbox.poll()) {
    effects.push(effect)
  }
  return effects
}

const typesOf = (outbox: ReceiptOutbox): string[] => drain(outbox).map(({ type }) => type)
const of = (provider: string): Receipt => receipt({ provider })

describe('an outbox of receipts', () => {
  it('offers one to a peer at a time, in order, and those of several peers side by side', () => {
    const outbox = create()
    const [first, second, other] = [of('a'), of('a'), of('b')]
    for (const facts of [first, second, other]) {
      outbox.onDelivery(facts, NOW_MS)
    }
    expect(drain(outbox)).to.deep.equal([{ type: 'offer', peer: 'a', facts: first }, { type: 'offer', peer: 'b', facts: other }])
    expect(outbox.size).to.equal(3)
    outbox.onAnswered(first, { busy: false }, NOW_MS)
    expect(drain(outbox)).to.deep.equal([{ type: 'offer', peer: 'a', facts: second }])
    outbox.onAnswered(second, { busy: false }, NOW_MS)
    outbox.onAnswered(other, { busy: false }, NOW_MS)
    expect([outbox.size, outbox.nextTimeoutMs()]).to.deep.equal([0, undefined])
  })

  it('offers again to one that is busy when that one says, twice, and then lets it be', () => {
    const outbox = create()
    const facts = of('a')
    outbox.onDelivery(facts, NOW_MS)
    drain(outbox)
    let nowMs = NOW_MS
    for (const [retryAfterMs, waitMs] of [[undefined, 1_000], [3_600_000, 60_000]] as const) {
      expect(outbox.onAnswered(facts, { busy: true, retryAfterMs }, nowMs)).to.equal('again')
      expect(drain(outbox)).to.deep.equal([])
      expect(outbox.nextTimeoutMs()).to.equal(nowMs += waitMs)
      outbox.onTimeout(nowMs)
      expect(typesOf(outbox)).to.deep.equal(['offer'])
    }
    expect(outbox.onAnswered(facts, { busy: true }, nowMs)).to.equal('done')
    expect(outbox.size).to.equal(0)
  })

  it('offers to a peer 50 at once and then five a second, half of what one takes', () => {
    const outbox = create({ maxWaitingPerPeer: 100 })
    let offered = 0
    for (let i = 0; i < 60; i++) {
      outbox.onDelivery(of('a'), NOW_MS)
    }
    for (let effects = drain(outbox); effects.length > 0; effects = drain(outbox)) {
      for (const { facts } of effects) {
        offered++
        outbox.onAnswered(facts, { busy: false }, NOW_MS)
      }
    }
    expect(offered).to.equal(50)
    expect(outbox.nextTimeoutMs()).to.equal(NOW_MS + 200)
    outbox.onTimeout(NOW_MS + 200)
    expect(typesOf(outbox)).to.deep.equal(['offer'])
  })

  it('keeps what there is no room for, and on a stop what waits', () => {
    const outbox = create({ maxWaitingPerPeer: 2, maxWaiting: 4 })
    for (const peer of ['a', 'a', 'a', 'a', 'b', 'c']) {
      outbox.onDelivery(of(peer), NOW_MS)
    }
    // the first of a is under way, two wait, the fourth has no room; b takes the last place
    expect(drain(outbox).map(({ type, facts }) => `${type} ${facts.provider}`)).to.deep.equal(['offer a', 'keep a', 'offer b', 'keep c'])
    outbox.onStop()
    expect(typesOf(outbox)).to.deep.equal(['keep', 'keep'])
    expect(outbox.size).to.equal(2)
  })

  it('gives each delivery one end, whatever happens, within its bounds', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(2_000), fc.constantFrom('ok', 'busy', 'wait')), { maxLength: 60 }), steps => {
      const outbox = create({ maxOffering: 2, maxWaiting: 8, maxWaitingPerPeer: 4 })
      const open: Receipt[] = []
      let nowMs = NOW_MS
      let [made, ended] = [0, 0]
      const settle = (answer: string): void => {
        for (const effect of drain(outbox)) {
          if (effect.type === 'keep') {
            ended++
          } else {
            open.push(effect.facts)
          }
        }
        expect(open.length).to.be.at.most(2)
        expect(outbox.size).to.be.at.most(8)
        const facts = answer === 'wait' ? undefined : open.shift()
        if (facts !== undefined && outbox.onAnswered(facts, { busy: answer === 'busy' }, nowMs) === 'done') {
          ended++
        }
      }
      for (const [peer, afterMs, answer] of steps) {
        nowMs += afterMs
        made++
        outbox.onDelivery(of(peer), nowMs)
        outbox.onTimeout(nowMs)
        settle(answer)
      }
      for (let i = 0; i < 1_000 && (outbox.size > 0 || open.length > 0); i++) {
        nowMs += 1_000
        outbox.onTimeout(nowMs)
        settle('ok')
      }
      settle('ok')
      expect(ended).to.equal(made)
    }))
  })
})
