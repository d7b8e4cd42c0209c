import { expect } from 'chai'
import fc from 'fast-check'
import {
  discountedOpinion, eigenTrust, MAX_NETWORK_PULL, MAX_PULL, MAX_WITNESS_PULL, pullsOf, ReputationLedger, trustVector, twoHopFlow
} from '../src/index.ts'
import { NOW_MS, proof } from './ledger-fixture.ts'
import type { TrustGraph, Witness } from '../src/index.ts'

function graph (own: Record<string, number>, statements: Record<string, Record<string, number>> = {}): TrustGraph {
  return {
    deliveredByAll: Object.values(own).reduce((a, b) => a + b, 0),
    own: () => Object.entries(own),
    statements: witness => Object.entries(statements[witness] ?? {}).map(([peer, good]) => [peer, { good, bad: 0 }])
  }
}

const witness = (peer: string, delivered: number, good: number, bad = 0): Witness => ({ peer, delivered, said: { good, bad } })

describe('two-hop maximum flow', () => {
  it('lets no more through a witness than it delivered, and no more than it says', () => {
    const opinions = twoHopFlow.weigh([witness('a', 10, 1000), witness('b', 90, 5), witness('c', 0, 50)], graph({ a: 10, b: 90 }))
    expect(opinions.map(({ witness, weight }) => [witness, weight])).to.deep.equal([['a', 0.1], ['b', 0.05]])
  })

  it('is the maximum flow: the same as a search for augmenting paths finds', () => {
    const edges = fc.array(fc.tuple(fc.nat(50), fc.nat(50)), { minLength: 1, maxLength: 12 })
    fc.assert(fc.property(edges, paths => {
      const witnesses = paths.map(([delivered, said], i) => witness(String(i), delivered, said))
      const flow = twoHopFlow.weigh(witnesses, graph({ all: 100 })).reduce((sum, { weight }) => sum + weight * 100, 0)
      expect(flow).to.be.closeTo(maximumFlow(paths), 1e-6)
    }))
  })
})

describe('beta reputation with discounting', () => {
  it('gives a witness more weight the more it delivered, and never more than what it says', () => {
    const [little, much] = discountedOpinion.weigh([witness('a', 1, 20), witness('b', 50, 20)], graph({}))
    expect(little!.weight).to.be.below(much!.weight)
    expect(much!.weight).to.be.below(20 / 22)
    expect(discountedOpinion.weigh([witness('c', 0, 20)], graph({}))).to.deep.equal([])
  })
})

describe('EigenTrust', () => {
  it('gives all trust away, by what was delivered', () => {
    const trust = trustVector(graph({ a: 30, b: 10 }))
    expect((trust.get('a') ?? 0) / (trust.get('b') ?? 1)).to.be.closeTo(3, 1e-9)
  })

  it('is caught in a clique that points at itself: why it is not what is used', () => {
    const statements = { a: { x: 1 }, x: { y: 100 }, y: { x: 100 } }
    const trust = trustVector(graph({ a: 10, x: 10 }, statements))
    expect((trust.get('x') ?? 0) + (trust.get('y') ?? 0)).to.be.above(0.7)
    const pulls = eigenTrust.weigh([witness('x', 10, 5)], graph({ a: 10, x: 10 }, statements))
    expect(pulls[0]?.weight).to.be.above(0.3)
  })
})

describe('the caps on witnesses', () => {
  it('hold for one, for a network and for all, up and down, whatever a rule says', () => {
    const opinion = fc.record({
      witness: fc.uuid(), network: fc.constantFrom(undefined, 'a', 'b', 'c', 'd', 'e'), weight: fc.double({ min: 0, max: 5, noNaN: true }), expects: fc.double({ min: 0, max: 1, noNaN: true })
    })
    fc.assert(fc.property(fc.array(opinion, { maxLength: 200 }), fc.double({ min: 0.01, max: 1, noNaN: true }), fc.nat(100), (opinions, score, good) => {
      const pulls = pullsOf(score, { good, bad: 0 }, opinions)
      for (const sign of [1, -1]) {
        const side = pulls.filter(({ pull }) => pull * sign > 0)
        const sum = (entries: typeof pulls): number => entries.reduce((total, { pull }) => total + pull * sign, 0)
        expect(Math.max(0, ...side.map(({ pull }) => pull * sign))).to.be.at.most(MAX_WITNESS_PULL + 1e-9)
        for (const ofNetwork of Map.groupBy(side, ({ network }) => network ?? '').values()) {
          expect(sum(ofNetwork)).to.be.at.most(MAX_NETWORK_PULL + 1e-9)
        }
        expect(sum(side)).to.be.at.most(MAX_PULL + 1e-9)
      }
    }))
  })

  const crowds: Array<[string, number, number, number]> = [['one witness', 1, 1, 0.05], ['50 of one network', 50, 1, 0.2], ['200 of ten networks', 200, 10, 0.5]]
  for (const [name, count, networks, cap] of crowds) {
    it(`let ${name} move a score by ${100 * cap} % and no more, up or down`, () => {
      for (const [expects, sign] of [[1, 1], [0, -1]] as const) {
        const opinions = Array.from({ length: count }, (_, i) => ({ witness: String(i), network: String(i % networks), weight: 1, expects }))
        expect(pullsOf(0.4, { good: 0, bad: 0 }, opinions).reduce((sum, { pull }) => sum + pull, 0)).to.be.closeTo(sign * cap, 1e-9)
      }
    })
  }

  it('shrink with what this peer knows itself', () => {
    const opinions = [{ witness: 'w', weight: 0.04, expects: 1 }]
    const pull = (good: number): number => pullsOf(0.4, { good, bad: 0 }, opinions)[0]!.pull
    expect(pull(0)).to.equal(0.04)
    expect(pull(10)).to.equal(0.02)
    expect(pull(40)).to.equal(0.008)
  })

  it('keep a clique of 50 below 5 %, whether it never delivered or delivered once each', () => {
    for (const deliveries of [0, 1]) {
      const mine = new ReputationLedger({ self: 'me', networkOf: peer => `as-${peer}` })
      for (let i = 0; i < 40; i++) {
        for (let j = 0; j < 50; j++) {
          mine.onReceipt(proof({ provider: `honest-${i}`, issuedAtMs: NOW_MS + j }), NOW_MS + j)
        }
      }
      for (let i = 0; i < 50; i++) {
        for (let j = 0; j < deliveries; j++) {
          mine.onReceipt(proof({ provider: `clique-${i}`, issuedAtMs: NOW_MS + j }), NOW_MS + j)
        }
      }
      mine.onEvidence('subject', 'inference', { good: 1, bad: 1 }, NOW_MS)
      const before = mine.explain('subject', 'inference', NOW_MS + 100).target
      for (let i = 0; i < 50; i++) {
        for (let j = 0; j < 50; j++) {
          mine.onReceipt(proof({ provider: 'subject', consumer: `clique-${i}`, issuedAtMs: NOW_MS + 100 + j }), NOW_MS + 200)
        }
      }
      const after = mine.explain('subject', 'inference', NOW_MS + 200).target
      expect(after / before - 1, `${deliveries} deliveries each`).to.be.within(deliveries === 0 ? -1e-6 : 0.001, 0.05)
    }
  })
})

/** Ford–Fulkerson over a source, the witnesses and a sink. */
function maximumFlow (paths: Array<[number, number]>): number {
  const size = paths.length + 2
  const capacity = Array.from({ length: size }, () => new Array<number>(size).fill(0))
  paths.forEach(([first, second], i) => {
    capacity[0]![i + 2] = first
    capacity[i + 2]![1] = second
  })
  for (let flow = 0; ;) {
    const from = new Map<number, number>([[0, 0]])
    for (const node of from.keys()) {
      capacity[node]!.forEach((left, next) => {
        if (left > 0 && !from.has(next)) {
          from.set(next, node)
        }
      })
    }
    if (!from.has(1)) {
      return flow
    }
    const path: Array<[number, number]> = []
    for (let node = 1; node !== 0; node = from.get(node)!) {
      path.push([from.get(node)!, node])
    }
    const least = Math.min(...path.map(([a, b]) => capacity[a]![b]!))
    for (const [a, b] of path) {
      capacity[a]![b]! -= least
      capacity[b]![a]! += least
    }
    flow += least
  }
}
