import { ReputationLedger } from '@skein/reputation'
import { expect } from 'chai'
import { explainOffers } from '../src/model-explanation.ts'
import { offerOf } from './offer-of.ts'
import type { ProviderExplanation } from '../src/model-explanation.ts'
import type { ProviderView } from '../src/ranking.ts'
import type { OfferFilter } from '@skein/routing'

const NOW_MS = 1_000

function explained (
  offers: Parameters<typeof offerOf>[0][], views: Record<string, Partial<ProviderView>> = {}, filter: Partial<OfferFilter> = {}, isBudgetSpent = false
): ProviderExplanation[] {
  const ledger = new ReputationLedger({ self: 'self' })
  const made = offers.map(offerOf)
  return explainOffers(made, { model: made[0]?.model as string, ...filter }, {
    region: 'eu-west',
    nowMs: NOW_MS,
    isBudgetSpent,
    view: peer => ({ path: 'direct', roundTripMs: 20, ownRequests: 0, ...views[peer] }),
    reputationOf: peer => [ledger.explain(peer, 'inference', NOW_MS)]
  }).providers
}

describe('an explanation of who is asked for a model', () => {
  it('names the first, and what its time is made of', () => {
    const [first] = explained([{ peer: 'slow', tokensPerSecond: 40 }, { peer: 'fast', tokensPerSecond: 64 }])
    expect(first).to.include({ peer: 'fast', place: 1, chosen: true })
    expect(first?.reasons[0]).to.equal('asked first: its answer is expected to end after 2.0 s (generating the answer 2.0 s, round trip 20 ms)')
  })

  it('tells of each other in what it is behind the first', () => {
    const [, second, third] = explained(
      [{ peer: 'first', tokensPerSecond: 64 }, { peer: 'relayed', tokensPerSecond: 64 }, { peer: 'rests', tokensPerSecond: 64 }],
      { relayed: { path: 'relayed' }, rests: { coolUntilMs: 9_000 } })
    expect(second?.reasons[0]).to.equal('asked as number 2, when those before it failed; against the first it has reached through a relay (+6.0 s)')
    expect(third?.reasons[0]).to.contain('it failed lately and rests (+as good as for ever)')
  })

  it('tells that enough has come through relays', () => {
    const [first, second] = explained([{ peer: 'relayed', tokensPerSecond: 64 }, { peer: 'slow', tokensPerSecond: 2 }], { relayed: { path: 'relayed' } }, {}, true)
    expect(first).to.include({ peer: 'slow', chosen: true })
    expect(second?.reasons[0]).to.contain('enough has come through relays lately (+64.0 s)')
  })

  it('tells that equals are drawn by lot', () => {
    const [, second] = explained([{ peer: 'a' }, { peer: 'b' }])
    expect(second?.reasons[0]).to.contain('drawn by lot')
  })

  it('tells of claims that are not believed', () => {
    const providers = explained([{ peer: 'a', tokensPerSecond: 40 }, { peer: 'b', tokensPerSecond: 40 }, { peer: 'liar', tokensPerSecond: 4_000 }],
      { b: { measuredTokensPerSecond: 5 } })
    const reasons = Object.fromEntries(providers.map(({ peer, reasons }) => [peer, reasons.join('\n')]))
    expect(reasons.liar).to.contain('it claims 4000 tokens/s, and is taken for 80')
    expect(reasons.b).to.contain('it claims 40 tokens/s, and is taken for 5')
    expect(reasons.a).to.not.contain('claims')
  })

  it('tells what is thought of each', () => {
    const [first] = explained([{ peer: 'a' }])
    expect(first?.reasons.at(-1)).to.equal('inference 0.20: never dealt with: it stands as a newcomer of its network, 0.20')
    expect(first?.reputation[0]?.score).to.equal(0.2)
  })

  it('names the terms that somebody misses', () => {
    const [, dear] = explained([{ peer: 'dear', priceMicros: 2_000_000, tier: 3 }, { peer: 'cheap', priceMicros: 0, tier: 1 }], {},
      { maxPriceMicros: 1_000_000, minTier: 2 })
    expect(dear).to.include({ peer: 'dear', chosen: false })
    expect(dear).to.not.have.property('place')
    expect(dear?.reasons[0]).to.equal(
      'not asked: it asks 2.00 USD for a million tokens, 1.00 at most are given, it is of tier 3, 2 or better is wanted')
  })
})
