import { ManualClock, SeededRandom } from '@skein/core'
import { InferenceError } from '@skein/inference'
import { HONESTY_SERVICE, ReputationLedger } from '@skein/reputation'
import { expect } from 'chai'
import fc from 'fast-check'
import { ComparedText, isComparable, isComparableOffer } from '../../src/checks/comparable-answer.ts'
import { DuplicateChecks } from '../../src/checks/duplicate-checks.ts'
import { duplicateShare } from '../../src/checks/duplicate-share.ts'
import { offerOf } from '../offer-of.ts'
import type { InferenceRequest } from '@skein/inference'
import type { CheckOutcome, DuplicateChecksInit } from '../../src/checks/duplicate-checks.ts'

const REQUEST: InferenceRequest = { task: 'chat', model: 'm', body: { temperature: 0, messages: [{ role: 'user', content: 'hi' }] } }

/** Answers by provider; one that has none fails. The network is what comes before the dash of a name. */
interface Setting {
  answers: Record<string, string | undefined>
  init?: Partial<DuplicateChecksInit>
}

async function compared (first: string, { answers, init = {} }: Setting, requests = 1): Promise<{
  outcomes: CheckOutcome[], asked: string[], ledger: ReputationLedger, honesty: Record<string, number>
}> {
  const clock = new ManualClock(1_000_000)
  const ledger = new ReputationLedger({ self: 'me' })
  const outcomes: CheckOutcome[] = []
  const asked: string[] = []
  const offer = (peer: string): ReturnType<typeof offerOf> => offerOf({ peer, deterministic: true })
  const checks = new DuplicateChecks({
    ledger, clock, random: new SeededRandom(3), self: 'me', share: 1,
    async * find () { yield * Object.keys(answers).map(offer) },
    async * ask ({ peer }) {
      asked.push(peer)
      const text = answers[peer]
      if (text === undefined) {
        throw new InferenceError('busy', 'no place')
      }
      yield { type: 'delta', text }
    },
    networkOf: ({ peer }) => peer.includes('-') ? peer.split('-')[0] : undefined,
    onOutcome: outcome => { outcomes.push(outcome) },
    ...init
  })
  for (let i = 0; i < requests; i++) {
    const text = checks.draw(offer(first), REQUEST)
    if (text !== undefined) {
      for (const piece of answers[first] ?? '') {
        text.onEvent({ type: 'delta', text: piece })
      }
      checks.onAnswer(offer(first), REQUEST, text, 10)
    }
    for (let turn = 0; turn < 60; turn++) {
      await Promise.resolve()
    }
  }
  const honesty = Object.fromEntries(Object.keys(answers).map(peer => [peer, Number(ledger.score(peer, HONESTY_SERVICE, clock.nowMs()).toFixed(3))]))
  return { outcomes, asked, ledger, honesty }
}

describe('duplicate requests', () => {
  it('that are answered alike, however they were cut into pieces, speak for both', async () => {
    const { outcomes, ledger } = await compared('1-a', { answers: { '1-a': 'yes', '2-b': 'yes' } })
    expect(outcomes).to.deep.equal([{ type: 'agreed', model: 'm', providers: ['1-a', '2-b'] }])
    expect([ledger.dealings('1-a', HONESTY_SERVICE), ledger.dealings('2-b', HONESTY_SERVICE)]).to.deep.equal([1, 1])
  })

  it('that differ go to a third, and the odd one out loses, first or second', async () => {
    for (const first of ['1-liar', '2-b', '3-c']) {
      const { outcomes, ledger, honesty } = await compared(first, { answers: { '1-liar': 'no', '2-b': 'yes', '3-c': 'yes' } }, 4)
      const disputes = outcomes.filter(({ type }) => type === 'disputed')
      expect(disputes.every(outcome => outcome.type === 'disputed' && outcome.odd === '1-liar'), first).to.equal(true)
      expect(['2-b', '3-c'].map(peer => ledger.explain(peer, HONESTY_SERVICE, 1_000_000).firstHand?.bad ?? 0), first).to.deep.equal([0, 0])
      if (disputes.length > 0) {
        expect(honesty['1-liar']).to.be.below(0.2)
      }
    }
  })

  it('that is answered by one who truncates is a dispute too', async () => {
    const { outcomes } = await compared('1-liar', { answers: { '1-liar': 'ye', '2-b': 'yes', '3-c': 'yes' } })
    expect(outcomes).to.deep.equal([{ type: 'disputed', model: 'm', providers: outcomes[0]?.providers, odd: '1-liar' }])
  })

  it('blame nobody where it is not known who is wrong: of two, and of three that all differ', async () => {
    const two = await compared('1-a', { answers: { '1-a': 'no', '2-b': 'yes' } })
    expect(two.outcomes).to.deep.equal([{ type: 'disputed', model: 'm', providers: ['1-a', '2-b'] }])
    const three = await compared('1-a', { answers: { '1-a': 'no', '2-b': 'yes', '3-c': 'perhaps' } })
    expect(three.outcomes[0]).to.not.have.property('odd')
    for (const { ledger } of [two, three]) {
      expect(['1-a', '2-b', '3-c'].map(peer => ledger.dealings(peer, HONESTY_SERVICE))).to.deep.equal([undefined, undefined, undefined])
    }
  })

  it('never go to the network of one that answered already, whose word would be its own', async () => {
    const { asked, outcomes } = await compared('1-a', { answers: { '1-a': 'no', '1-b': 'no', '1-c': 'no' } })
    expect(asked).to.deep.equal([])
    expect(outcomes).to.deep.equal([])
  })

  it('pass over one that fails, at most four times', async () => {
    const one = await compared('1-a', { answers: { '1-a': 'yes', '2-b': undefined, '3-c': 'yes' } }, 6)
    expect(one.outcomes.length).to.equal(6)
    expect(one.outcomes.every(({ type, providers }) => type === 'agreed' && providers[1] === '3-c')).to.equal(true)
    expect(one.ledger.dealings('2-b', HONESTY_SERVICE)).to.equal(undefined)
    const none = await compared('1-a', { answers: { '1-a': 'yes', ...Object.fromEntries([2, 3, 4, 5, 6, 7].map(i => [`${i}-x`, undefined])) } })
    expect(none.asked).to.have.length(4)
  })

  it('cost no more tokens in an hour than they may', async () => {
    const { asked } = await compared('1-a', { answers: { '1-a': 'yes', '2-b': 'yes' }, init: { tokensPerHour: 100 } }, 20)
    // some 30 tokens each, prompt and answer
    expect(asked).to.have.length(3)
  })

  it('are not made of what cannot be compared', () => {
    const request = (changes: object, task: InferenceRequest['task'] = 'chat'): InferenceRequest => ({ task, model: 'm', body: { messages: [], ...changes } })
    expect([{ temperature: 0 }, { seed: 4 }, { temperature: 0, n: 1 }].map(body => isComparable(request(body)))).to.deep.equal([true, true, true])
    expect([{}, { temperature: 0.5 }, { temperature: 0, n: 2 }, { temperature: 0, tools: [] }, { seed: 1, logprobs: true }]
      .some(body => isComparable(request(body)))).to.equal(false)
    expect(isComparable(request({ temperature: 0 }, 'embedding'))).to.equal(false)
    const first = offerOf({ peer: 'a', deterministic: true, priceMicros: 5 })
    expect(isComparableOffer(first, { ...first, peer: 'b', priceMicros: 4 })).to.equal(true)
    for (const other of [{ deterministic: false }, { effectiveContext: 1 }, { priceMicros: 6 }, { withdrawn: true }, { model: 'n' }]) {
      expect(isComparableOffer(first, { ...first, peer: 'b', ...other })).to.equal(false)
    }
    const text = new ComparedText()
    text.onEvent({ type: 'delta', text: 'x', chunk: {} })
    expect(text.digest()).to.equal(undefined)
  })

  it('are drawn for strangers ten times as often, for suspects half of the time, for the known at the base', () => {
    const share = (score: number, comparisons: number): number => duplicateShare(0.02, { score, newcomer: 0.2, comparisons })
    expect([share(0.2, 0), share(0.3, 9), share(0.9, 500), share(0.1, 3)]).to.deep.equal([0.2, 0.02, 0.02, 0.5])
    expect(duplicateShare(0, { score: 0, newcomer: 0.2, comparisons: 0 })).to.equal(0)
    fc.assert(fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(100), (base, score, comparisons) => {
      expect(duplicateShare(base, { score, newcomer: 0.2, comparisons })).to.be.within(base, 1)
    }))
  })
})
