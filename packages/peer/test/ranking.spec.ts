import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { rankOffers } from '../src/ranking.ts'
import { offerOf } from './offer-of.ts'
import type { Random } from '@skein/core'
import type { Offer } from '@skein/records'
import type { ProviderView, RankingContext } from '../src/ranking.ts'
import type { ProviderTrust } from '../src/trust/trust-cost.ts'

const DIRECT: ProviderView = { path: 'direct', roundTripMs: 20, ownRequests: 0 }

const STRANGER: ProviderTrust = { score: 0.2, newcomer: 0.2, dealings: 0 }
const NEVER_EXPLORES: Random = { nextUint32: () => 0xffff_ffff }

const BEHIND_NAT = ['/ip4/192.168.1.7/tcp/4001', '/ip4/203.0.113.1/tcp/4001/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp/p2p-circuit']

interface Case {
  name: string
  offers: Array<Partial<Offer> & { peer: string }>
  views?: Record<string, Partial<ProviderView>>
  context?: Partial<RankingContext>
  order: string[]
}

/** Offers are alike but for what a case names; `order` is from first to last. */
const cases: Case[] = [
  { name: 'the faster provider goes first', offers: [{ peer: 'slow', tokensPerSecond: 10 }, { peer: 'fast', tokensPerSecond: 60 }], order: ['fast', 'slow'] },
  { name: 'an unknown speed counts as a slow one', offers: [{ peer: 'unknown', tokensPerSecond: 0 }, { peer: 'known', tokensPerSecond: 40 }], order: ['known', 'unknown'] },
  { name: 'the nearer of two goes first', offers: [{ peer: 'far' }, { peer: 'near' }], views: { far: { roundTripMs: 400 } }, order: ['near', 'far'] },
  {
    name: 'the own region goes first where no round trip is known',
    offers: [{ peer: 'other', region: 'ap-southeast' }, { peer: 'own', region: 'eu-west' }],
    views: { other: { roundTripMs: undefined }, own: { roundTripMs: undefined } },
    order: ['own', 'other']
  },
  { name: 'a connected one goes before one to be dialled', offers: [{ peer: 'stranger' }, { peer: 'friend' }], views: { stranger: { path: 'unconnected', roundTripMs: 120 }, friend: { roundTripMs: 120 } }, order: ['friend', 'stranger'] },
  { name: 'a direct path goes before a relayed one', offers: [{ peer: 'relayed' }, { peer: 'direct' }], views: { relayed: { path: 'relayed', roundTripMs: 5 } }, order: ['direct', 'relayed'] },
  { name: 'a relayed provider is used when the direct one is overrun', offers: [{ peer: 'relayed' }, { peer: 'direct', queueDepth: 8, maxConcurrent: 2 }], views: { relayed: { path: 'relayed' } }, order: ['relayed', 'direct'] },
  { name: 'a punched path is as good as a direct one', offers: [{ peer: 'relayed' }, { peer: 'punched', tokensPerSecond: 45 }, { peer: 'direct' }], views: { relayed: { path: 'relayed' }, punched: { path: 'punched' } }, order: ['punched', 'direct', 'relayed'] },
  { name: 'one that will be reached through a relay counts as relayed before it is connected', offers: [{ peer: 'behind', addresses: BEHIND_NAT }, { peer: 'open', addresses: ['/ip4/203.0.113.7/tcp/4001'] }], views: { behind: { path: 'unconnected', roundTripMs: 5 }, open: { path: 'unconnected' } }, order: ['open', 'behind'] },
  { name: 'one that a relay reached the last time counts as relayed though it names a public address', offers: [{ peer: 'behind', addresses: [...BEHIND_NAT, '/ip4/203.0.113.9/tcp/4001'] }, { peer: 'open', addresses: ['/ip4/203.0.113.7/tcp/4001'] }], views: { behind: { path: 'unconnected', lastPath: 'relayed', roundTripMs: 5 }, open: { path: 'unconnected' } }, order: ['open', 'behind'] },
  { name: 'so does one that was punched, which begins at a relay', offers: [{ peer: 'punched', addresses: BEHIND_NAT }, { peer: 'open', addresses: ['/ip4/203.0.113.7/tcp/4001'] }], views: { punched: { path: 'unconnected', lastPath: 'punched', roundTripMs: 5 }, open: { path: 'unconnected' } }, order: ['open', 'punched'] },
  { name: 'one that came directly the last time does not', offers: [{ peer: 'dials us', addresses: BEHIND_NAT }, { peer: 'open', addresses: ['/ip4/203.0.113.7/tcp/4001'] }], views: { 'dials us': { path: 'unconnected', lastPath: 'direct', roundTripMs: 5 }, open: { path: 'unconnected' } }, order: ['dials us', 'open'] },
  { name: 'an address of IPv6 is none to a peer that has no IPv6', offers: [{ peer: 'six', addresses: [...BEHIND_NAT, '/ip6/2001:4860::1/tcp/4001'] }, { peer: 'four', addresses: ['/ip4/203.0.113.7/tcp/4001'] }], views: { six: { path: 'unconnected', roundTripMs: 5 }, four: { path: 'unconnected' } }, context: { hasIPv6: false }, order: ['four', 'six'] },
  { name: 'and is one to a peer that has, or does not know', offers: [{ peer: 'six', addresses: [...BEHIND_NAT, '/ip6/2001:4860::1/tcp/4001'] }, { peer: 'four', addresses: ['/ip4/203.0.113.7/tcp/4001'] }], views: { six: { path: 'unconnected', roundTripMs: 5 }, four: { path: 'unconnected' } }, order: ['six', 'four'] },
  { name: 'a relayed one that may become direct goes before a faster one that will not', offers: [{ peer: 'stuck', tokensPerSecond: 60 }, { peer: 'new', addresses: BEHIND_NAT }], views: { stuck: { path: 'relayed', lastPath: 'relayed', isStuck: true }, new: { path: 'unconnected' } }, order: ['new', 'stuck'] },
  { name: 'a fast relayed one goes before a slow direct one', offers: [{ peer: 'direct', tokensPerSecond: 1 }, { peer: 'relayed' }], views: { relayed: { path: 'relayed' } }, order: ['relayed', 'direct'] },
  { name: 'but not while the relay budget is spent', offers: [{ peer: 'relayed' }, { peer: 'direct', tokensPerSecond: 1 }, { peer: 'punched', tokensPerSecond: 2 }, { peer: 'behind', tokensPerSecond: 3, addresses: BEHIND_NAT }], views: { relayed: { path: 'relayed' }, punched: { path: 'punched' }, behind: { path: 'unconnected' } }, context: { isBudgetSpent: true }, order: ['punched', 'direct', 'relayed', 'behind'] },
  { name: 'a spent relay budget makes nobody better who failed', offers: [{ peer: 'failed' }, { peer: 'relayed', tokensPerSecond: 1 }], views: { failed: { coolUntilMs: 2_000 }, relayed: { path: 'relayed' } }, context: { isBudgetSpent: true }, order: ['relayed', 'failed'] },
  { name: 'nor does it take away the only one', offers: [{ peer: 'relayed' }], views: { relayed: { path: 'relayed' } }, context: { isBudgetSpent: true }, order: ['relayed'] },
  { name: 'free places go before none', offers: [{ peer: 'full', queueDepth: 2, maxConcurrent: 2 }, { peer: 'free', queueDepth: 0, maxConcurrent: 2 }], order: ['free', 'full'] },
  { name: 'requests of one\'s own count before the offer tells of them', offers: [{ peer: 'asked' }, { peer: 'other' }], views: { asked: { ownRequests: 2 } }, order: ['other', 'asked'] },
  { name: 'the cheaper of two alike goes first', offers: [{ peer: 'dear', priceMicros: 5_000_000 }, { peer: 'cheap', priceMicros: 100_000 }], order: ['cheap', 'dear'] },
  { name: 'the price is ignored where time is all', offers: [{ peer: 'dear', priceMicros: 5_000_000, tokensPerSecond: 60 }, { peer: 'cheap', priceMicros: 0, tokensPerSecond: 40 }], context: { microsPerSecond: 0 }, order: ['dear', 'cheap'] },
  { name: 'one that failed lately goes last', offers: [{ peer: 'cooling', tokensPerSecond: 100 }, { peer: 'slow', tokensPerSecond: 1 }], views: { cooling: { coolUntilMs: 2_000 } }, order: ['slow', 'cooling'] },
  { name: 'and is still there when it is the only one', offers: [{ peer: 'cooling' }], views: { cooling: { coolUntilMs: 2_000 } }, order: ['cooling'] },
  { name: 'the one that rests the shortest goes first among those that rest', offers: [{ peer: 'long' }, { peer: 'short' }], views: { long: { coolUntilMs: 60_000 }, short: { coolUntilMs: 2_000 } }, order: ['short', 'long'] },
  { name: 'a rest that is over counts no more', offers: [{ peer: 'rested', tokensPerSecond: 60 }, { peer: 'other', tokensPerSecond: 40 }], views: { rested: { coolUntilMs: 999 } }, order: ['rested', 'other'] },
  { name: 'a context known to be too short goes last', offers: [{ peer: 'short', effectiveContext: 2_048 }, { peer: 'long', effectiveContext: 8_192, tokensPerSecond: 1 }], context: { contextTokens: 4_096 }, order: ['long', 'short'] },
  { name: 'one that delivered goes before a stranger', offers: [{ peer: 'stranger' }, { peer: 'known' }], views: { stranger: { trust: STRANGER }, known: { trust: { ...STRANGER, score: 0.8, dealings: 40 } } }, context: { random: NEVER_EXPLORES }, order: ['known', 'stranger'] },
  { name: 'a stranger goes before one that failed', offers: [{ peer: 'failed', tokensPerSecond: 60 }, { peer: 'stranger', tokensPerSecond: 40 }], views: { stranger: { trust: STRANGER }, failed: { trust: { ...STRANGER, score: 0.125, dealings: 1 } } }, order: ['stranger', 'failed'] },
  { name: 'one that fails goes after all others, and before one that rests', offers: [{ peer: 'rests' }, { peer: 'fails', tokensPerSecond: 100 }, { peer: 'slow', tokensPerSecond: 1 }], views: { fails: { trust: { ...STRANGER, score: 0.05, dealings: 3 } }, rests: { coolUntilMs: 2_000 } }, order: ['slow', 'fails', 'rests'] },
  { name: 'one that lied goes last, however well it delivers', offers: [{ peer: 'liar', tokensPerSecond: 100 }, { peer: 'stranger', tokensPerSecond: 10 }], views: { stranger: { trust: STRANGER }, liar: { trust: { ...STRANGER, score: 0.9, dealings: 40, honesty: 0.09 } } }, order: ['stranger', 'liar'] },
  { name: 'what was measured counts, not what is claimed', offers: [{ peer: 'claims', tokensPerSecond: 4_000 }, { peer: 'honest', tokensPerSecond: 40 }], views: { claims: { measuredTokensPerSecond: 20 }, honest: { measuredTokensPerSecond: 40 } }, order: ['honest', 'claims'] },
  { name: 'a claim of more than was measured is believed no more than the measure; one of less is', offers: [{ peer: 'modest', tokensPerSecond: 10 }, { peer: 'other', tokensPerSecond: 20 }], views: { modest: { measuredTokensPerSecond: 40 }, other: { measuredTokensPerSecond: 20 } }, order: ['other', 'modest'] },
  { name: 'a claim that nobody checked counts twice the usual at most', offers: [{ peer: 'claims', tokensPerSecond: 4_000 }, { peer: 'fast', tokensPerSecond: 75 }, { peer: 'usual', tokensPerSecond: 40 }], views: { claims: { roundTripMs: 2_000 } }, order: ['fast', 'claims', 'usual'] },
  { name: 'this peer itself goes first among equals', offers: [{ peer: 'near' }, { peer: 'self' }], views: { self: { path: 'local' }, near: { roundTripMs: 200 } }, order: ['self', 'near'] }
]

function context (views: Case['views'] = {}, changes: Partial<RankingContext> = {}, seed = 1): RankingContext {
  return { region: 'eu-west', nowMs: 1_000, random: new SeededRandom(seed), view: peer => ({ ...DIRECT, ...views[peer] }), ...changes }
}

describe('rankOffers', () => {
  for (const { name, offers, views, context: changes, order } of cases) {
    it(name, () => {
      for (let seed = 0; seed < 20; seed++) {
        const ranked = rankOffers(offers.map(offerOf), context(views, changes, seed))
        expect(ranked.map(({ offer }) => offer.peer)).to.deep.equal(order)
      }
    })
  }

  it('shares the load among equals', () => {
    const firsts = new Map<string, number>()
    const random = new SeededRandom(5)
    for (let i = 0; i < 300; i++) {
      const [first] = rankOffers(['a', 'b', 'c'].map(peer => offerOf({ peer })), context({}, { random }))
      const peer = first?.offer.peer as string
      firsts.set(peer, (firsts.get(peer) ?? 0) + 1)
    }
    expect([...firsts.values()].every(count => count > 60), JSON.stringify([...firsts])).to.equal(true)
  })

  it('tries strangers now and then, though others are known to deliver', () => {
    const random = new SeededRandom(6)
    const views = { stranger: { trust: STRANGER }, known: { trust: { ...STRANGER, score: 0.9, dealings: 40 } } }
    let first = 0
    for (let i = 0; i < 2_000; i++) {
      const [best] = rankOffers([offerOf({ peer: 'known', tokensPerSecond: 40 }), offerOf({ peer: 'stranger', tokensPerSecond: 50 })], context(views, { random }))
      first += best?.offer.peer === 'stranger' ? 1 : 0
    }
    expect(first / 2_000).to.be.within(0.02, 0.08)
  })

  it('tells what a cost is made of', () => {
    const [ranked] = rankOffers([offerOf({ peer: 'a' })], context())
    expect(ranked?.parts).to.include.keys('roundTrip', 'dial', 'relay', 'generate', 'load', 'price')
  })
})
