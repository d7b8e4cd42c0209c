import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { dialPlan, nameOf, Suggestions } from '../src/seed-selection.ts'

const random = (): SeededRandom => new SeededRandom(1)
const at = (seed: string, port = 1): string => `/ip4/10.0.0.1/tcp/${port}/p2p/${seed}`

describe('dialPlan', () => {
  it('starts one dial every 250 ms, each address once', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }))), pairs => {
      const addresses = pairs.map(([seed, port]) => at(`s${seed}`, port))
      const plan = dialPlan(addresses, random())
      expect(plan.map(({ afterMs }) => afterMs)).to.deep.equal(plan.map((_, i) => i * 250))
      expect(plan.map(({ address }) => address).sort()).to.deep.equal([...new Set(addresses)].sort())
    }))
  })

  it('dials every seed once before any a second time', () => {
    const plan = dialPlan([at('a', 1), at('a', 2), at('a', 3), at('b', 1), at('c', 1)], random())
    expect(new Set(plan.slice(0, 3).map(({ address }) => nameOf(address)))).to.deep.equal(new Set(['a', 'b', 'c']))
    expect(plan.slice(3).map(({ address }) => nameOf(address))).to.deep.equal(['a', 'a'])
  })

  it('begins with the nearest of those it knows, and spreads newcomers over the others', () => {
    const roundTripMs = (peer: string): number | undefined => ({ far: 200, near: 10 })[peer]
    const orders = Array.from({ length: 50 }, (_, i) =>
      dialPlan(['x', 'far', 'y', 'near'].map(seed => at(seed)), new SeededRandom(i), { roundTripMs }).map(({ address }) => nameOf(address)))
    expect(orders.every(([first, second]) => first === 'near' && second === 'far')).to.equal(true)
    expect(orders.filter(([, , third]) => third === 'x').length).to.be.within(10, 40)
  })
})

describe('Suggestions', () => {
  const drain = (suggestions: Suggestions, max?: number): string[] => {
    const names: string[] = []
    for (let address = suggestions.next(max); address !== undefined; address = suggestions.next(max)) {
      names.push(nameOf(address))
    }
    return names
  }
  const peers = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => at(`${prefix}${i}`))

  it('prefers those whom two seeds name', () => {
    const suggestions = new Suggestions()
    suggestions.onAnswer('one', [...peers('a', 3), at('both')])
    suggestions.onAnswer('two', [...peers('b', 3), at('both', 2)])
    expect(suggestions.next()).to.equal(at('both'))
  })

  it('lets each seed have its word in turn', () => {
    const suggestions = new Suggestions()
    suggestions.onAnswer('one', peers('a', 4))
    suggestions.onAnswer('two', peers('b', 2))
    expect(drain(suggestions).map(name => name[0]).slice(0, 4)).to.deep.equal(['a', 'b', 'a', 'b'])
  })

  it('takes no more on the word of one seed than allowed, and one more for each that is gone', () => {
    const suggestions = new Suggestions()
    suggestions.onAnswer('liar', peers('a', 20))
    suggestions.onAnswer('two', peers('b', 2))
    expect(drain(suggestions, 4).sort()).to.deep.equal(['a0', 'a1', 'a2', 'a3', 'b0', 'b1'])
    suggestions.onGone('b1')
    expect(drain(suggestions, 4)).to.deep.equal([])
    suggestions.onGone('a2')
    expect(drain(suggestions, 4)).to.deep.equal(['a4'])
  })

  it('counts one no longer against a seed once another names it too', () => {
    const suggestions = new Suggestions()
    suggestions.onAnswer('one', peers('a', 3))
    expect(drain(suggestions, 2)).to.deep.equal(['a0', 'a1'])
    suggestions.onAnswer('two', [at('a0', 9)])
    expect(drain(suggestions, 2)).to.deep.equal(['a2'])
  })

  it('never gives one seed more than its share, and nobody twice, whatever seeds say', () => {
    const answer = fc.record({ seed: fc.integer({ min: 0, max: 3 }), peers: fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 20 }) })
    fc.assert(fc.property(fc.array(answer, { maxLength: 12 }), fc.integer({ min: 1, max: 6 }), (answers, max) => {
      const suggestions = new Suggestions({ maxAddresses: 24 })
      const seedsOf = new Map<string, Set<number>>()
      for (const { seed, peers: named } of answers) {
        suggestions.onAnswer(`seed ${seed}`, named.map(peer => at(`p${peer}`)))
        named.forEach(peer => { seedsOf.set(`p${peer}`, (seedsOf.get(`p${peer}`) ?? new Set()).add(seed)) })
      }
      const dialed = drain(suggestions, max)
      expect(new Set(dialed).size).to.equal(dialed.length)
      for (let seed = 0; seed < 4; seed++) {
        const alone = dialed.filter(peer => seedsOf.get(peer)?.size === 1 && seedsOf.get(peer)?.has(seed))
        expect(alone.length).to.be.at.most(max)
      }
    }))
  })

  it('is bounded', () => {
    const suggestions = new Suggestions({ maxAddresses: 10, maxSeeds: 2 })
    for (let seed = 0; seed < 5; seed++) {
      suggestions.onAnswer(`s${seed}`, peers(`p${seed}-`, 100))
    }
    expect(suggestions.seedCount).to.equal(2)
    expect(drain(suggestions).length).to.equal(10)
  })
})
