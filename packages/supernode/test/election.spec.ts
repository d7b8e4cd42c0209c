import { SeededRandom, shuffle } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { ELECTION_RULES, electSuperNodes, seatCount, seatsPerSystem, shortfalls, systemKey, TERM_MS, weightOf } from '../src/index.ts'
import { candidate, candidates, DAY_MS, NOW_MS } from './candidate-fixture.ts'
import type { ElectionInit, SuperNodeCandidate } from '../src/index.ts'

function elect (from: readonly SuperNodeCandidate[], init: Partial<ElectionInit> = {}, nowMs = NOW_MS) {
  return electSuperNodes({ candidates: from, peers: 400, region: 'eu-west', ...init }, nowMs)
}

function holders (from: readonly SuperNodeCandidate[], init: Partial<ElectionInit> = {}, nowMs = NOW_MS): string[] {
  return elect(from, init, nowMs).elected.map(({ peer }) => peer)
}

describe('The election of super-nodes', () => {
  const unfit: Array<[string, Partial<SuperNodeCandidate>]> = [
    ['networks', { networks: [] }],
    ['verified_from', { verifiedFrom: 2 }],
    ['age', { ageMs: 7_199_999 }],
    ['uptime', { uptime: 0.949 }],
    ['reputation', { reputation: 0.499 }],
    ['bandwidth', { measuredBytesPerSecond: 1_999_999 }],
    ['bandwidth', { measuredBytesPerSecond: NaN }],
    ['claim', { claimedBytesPerSecond: 0 }]
  ]
  for (const [rule, change] of unfit) {
    it(`passes over one whose ${Object.keys(change)[0]} is ${JSON.stringify(Object.values(change)[0])}, and says so`, () => {
      const election = elect([candidate(1), candidate(2, change)])
      expect(election.elected.map(({ peer }) => peer)).to.deep.equal(['peer-1'])
      expect(election.explain('peer-2')).to.deep.include({ elected: false })
      expect(election.explain('peer-2')?.why.map(why => why.rule)).to.deep.equal([rule])
    })
  }

  it('names everything that is missing, with what was found and what is needed', () => {
    expect(shortfalls(candidate(1, { ageMs: 60_000, reputation: 0.2 }))).to.deep.equal([
      { rule: 'age', found: 60_000, needed: 7_200_000 },
      { rule: 'reputation', found: 0.2, needed: 0.5 }
    ])
  })

  it('says who holds what a candidate was passed over for', () => {
    const same = { networks: [{ small: '192.0.2.0/24', wide: '192.0.0.0/16', system: 64496 }] }
    const election = elect([candidate(1, same), candidate(2, same)])
    const [first, second] = [election.elected[0]?.peer as string, election.elected[0]?.peer === 'peer-1' ? 'peer-2' : 'peer-1']
    expect(election.explain(first)).to.deep.include({ elected: true, seat: 0, place: 1, why: [] })
    expect(election.explain(second)?.why).to.deep.equal([{ rule: 'small_network', network: '192.0.2.0/24', holders: [first], most: 1 }])
    expect(election.explain('stranger')).to.equal(undefined)
  })

  const crowds: Array<[string, (i: number) => SuperNodeCandidate['networks'][number], number]> = [
    ['/24', i => ({ small: 'a/24', wide: 'a/16', system: i }), 1],
    ['/16', i => ({ small: `${i}/24`, wide: 'a/16', system: i }), 2],
    ['autonomous system', i => ({ small: `${i}/24`, wide: `${i}/16`, system: 1 }), 5],
    ['/16 of an unknown system', i => ({ small: `${i}/24`, wide: 'a/16' }), 2]
  ]
  for (const [network, networkOf, most] of crowds) {
    it(`gives ${most} of 20 seats to a crowd in one ${network}, and the others to whom there is`, () => {
      const crowd = Array.from({ length: 100 }, (_, i) => candidate(1000 + i, { networks: [networkOf(i)] }))
      const others = Array.from({ length: 10 }, (_, i) => candidate(i, { networks: [{ small: `o${i}/24`, wide: `o${i}/16`, system: 5000 + i }] }))
      const election = elect([...crowd, ...others], { peers: 1000 })
      expect(crowd.filter(({ peer }) => election.has(peer))).to.have.length(most)
      expect(others.every(({ peer }) => election.has(peer))).to.equal(true)
    })
  }

  it('says of one for whom no seat was left how many there are', () => {
    const many = Array.from({ length: 20 }, (_, i) => candidate(i))
    const election = elect(many, { peers: 1 })
    const without = many.filter(({ peer }) => !election.has(peer))
    expect(without).to.have.length(17)
    for (const { peer } of without) {
      expect(election.explain(peer)?.why).to.deep.equal([{ rule: 'seats', seats: 3 }])
    }
  })

  it('refuses a candidate that is there twice', () => {
    expect(() => elect([candidate(1), candidate(1)])).to.throw(RangeError, 'twice')
  })

  for (const [peers, seats] of [[0, 3], [150, 3], [151, 4], [2000, 40], [3200, 64], [1e9, 64]] as const) {
    it(`has ${seats} seats for ${peers} peers`, () => {
      expect(seatCount(peers)).to.equal(seats)
    })
  }

  it('weighs bandwidth by its logarithm, to twice what is claimed and 50 MB/s', () => {
    const weight = (measured: number, claimed: number) => weightOf(candidate(1, { measuredBytesPerSecond: measured, claimedBytesPerSecond: claimed }))
    expect(weight(2e6, 2e6)).to.equal(1)
    expect(weight(6e6, 1e9)).to.equal(2)
    expect(weight(50e6, 3e6)).to.equal(weight(6e6, 6e6))
    expect(weight(50e6, 50e6)).to.equal(weight(5e9, 5e9))
  })

  it('weighs an id of two hours a quarter and a little, of thirty days in full', () => {
    const weight = (ageMs: number) => weightOf(candidate(1, { ageMs, measuredBytesPerSecond: 2e6 }))
    expect(weight(7_200_000)).to.be.closeTo(0.25 + 0.75 / 360, 1e-5)
    expect(weight(30 * DAY_MS)).to.equal(1)
    expect(weight(700 * DAY_MS)).to.equal(1)
  })

  it('draws in proportion to weights', () => {
    const two = [candidate(1, { measuredBytesPerSecond: 6e6 }), candidate(2, { measuredBytesPerSecond: 2e6 })]
    let won = 0
    for (let day = 0; day < 3000; day++) {
      won += holders(two, { rules: { systemExponent: 1 } }, NOW_MS + day * DAY_MS)[0] === 'peer-1' ? 1 : 0
    }
    expect(won / 3000).to.be.within(0.64, 0.69) // two thirds, three standard deviations
  })

  it('draws again once a day, each at an hour of its own', () => {
    const many = Array.from({ length: 200 }, (_, i) => candidate(i))
    const score = (peer: number, nowMs: number) => elect([candidate(peer)], { region: 'x' }, nowMs).elected[0]?.score
    const changes = new Set<number>()
    for (const { networks: [network] } of many.slice(0, 50)) {
      const peer = network?.system as number
      const at = Array.from({ length: 145 }, (_, term) => score(peer, NOW_MS + term * TERM_MS))
      const changed = at.flatMap((value, term) => term > 0 && value !== at[term - 1] ? [term] : [])
      expect(changed).to.have.length(1)
      changes.add(changed[0] as number)
    }
    expect(changes.size).to.be.above(30)
  })

  it('holds for a term: all that elect within it agree', () => {
    const many = Array.from({ length: 100 }, (_, i) => candidate(i))
    const startMs = Math.floor(NOW_MS / TERM_MS) * TERM_MS
    expect(holders(many, {}, startMs)).to.deep.equal(holders(many, {}, startMs + TERM_MS - 1))
  })

  it('differs by region and by beacon', () => {
    const many = Array.from({ length: 100 }, (_, i) => candidate(i))
    const all = [holders(many), holders(many, { region: 'us-east' }), holders(many, { beaconOf: day => `drawn ${day}` })]
    expect(new Set(all.map(String)).size).to.equal(3)
  })

  it('counts the weight of one that has a seat 1.25 times', () => {
    const score = (incumbent: boolean) => elect([candidate(1, { incumbent })]).elected[0]?.score as number
    expect(score(false) / score(true)).to.be.closeTo(ELECTION_RULES.incumbentFactor, 1e-9)
  })

  it('gives a system the square root of what its members weigh', () => {
    const crowd = Array.from({ length: 100 }, (_, i) => candidate(i, { networks: [{ small: `${i}/24`, wide: `${i}/16`, system: 1 }] }))
    const weight = elect(crowd).explain('peer-7')?.weight as number
    expect(weight * 100).to.be.closeTo(Math.sqrt(100 * weightOf(crowd[7] as SuperNodeCandidate)), 1e-9)
  })

  it('lets a /16 stand for a system that is not known', () => {
    expect(systemKey({ small: '192.0.2.0/24', wide: '192.0.0.0/16' })).to.equal('192.0.0.0/16')
    expect(systemKey({ small: '192.0.2.0/24', wide: '192.0.0.0/16', system: 64496 })).to.equal(64496)
  })

  it('counts each network of a candidate that has several', () => {
    const both = candidate(1, { networks: [{ small: 'a/24', wide: 'a/16', system: 1 }, { small: 'b/24', wide: 'b/16', system: 2 }] })
    const one = (name: string) => candidate(`only ${name}`, { networks: [{ small: `${name}/24`, wide: `${name}/16`, system: 9 }] })
    const election = elect([both, one('a'), one('b')])
    expect(election.has('peer-1')).to.equal(!election.has('only a') && !election.has('only b'))
  })
})

describe('Whatever the candidates, an election', () => {
  it('does not depend on their order', () => {
    fc.assert(fc.property(candidates, fc.nat(), (list, seed) => {
      expect(elect(shuffle(new SeededRandom(seed), [...list])).elected).to.deep.equal(elect(list).elected)
    }))
  })

  it('keeps the caps of networks and systems', () => {
    fc.assert(fc.property(candidates, fc.integer({ min: 0, max: 3000 }), (list, peers) => {
      const { elected, seats } = elect(list, { peers })
      const most = (keyOf: (seat: (typeof elected)[number]) => unknown) =>
        Math.max(0, ...Map.groupBy(elected, keyOf).values().map(group => group.length))
      expect(elected.length).to.be.at.most(seats)
      expect(most(({ peer }) => peer)).to.be.at.most(1)
      expect(most(({ networks }) => networks[0]?.small)).to.be.at.most(1)
      expect(most(({ networks }) => networks[0]?.wide)).to.be.at.most(2)
      expect(most(({ networks: [network] }) => network === undefined ? '' : systemKey(network))).to.be.at.most(seatsPerSystem(seats))
    }))
  })

  it('leaves a seat empty only where a cap refuses each that is left', () => {
    fc.assert(fc.property(candidates, list => {
      const election = elect(list)
      for (const { peer } of list) {
        const why = election.explain(peer)?.why ?? []
        expect(why.length === 0).to.equal(election.has(peer))
        if (election.elected.length < election.seats) {
          expect(why.some(({ rule }) => rule === 'seats')).to.equal(false)
        }
      }
    }))
  })

  it('is the same without those that are not eligible', () => {
    fc.assert(fc.property(candidates, list => {
      expect(elect(list.filter(one => shortfalls(one).length === 0)).elected).to.deep.equal(elect(list).elected)
    }))
  })

  it('does not take a seat from one that comes to weigh more', () => {
    fc.assert(fc.property(candidates, fc.nat(), fc.double({ min: 1, max: 3, noNaN: true }), (list, which, factor) => {
      const { elected } = elect(list)
      const chosen = elected[which % Math.max(1, elected.length)]?.peer
      const better = list.map(one => one.peer !== chosen
        ? one
        : { ...one, measuredBytesPerSecond: one.measuredBytesPerSecond * factor, claimedBytesPerSecond: one.claimedBytesPerSecond * factor })
      expect(chosen === undefined || elect(better).has(chosen)).to.equal(true)
    }))
  })

  it('keeps all other holders when one goes, if networks are all different', () => {
    fc.assert(fc.property(fc.integer({ min: 4, max: 60 }), fc.nat(), (count, which) => {
      const list = Array.from({ length: count }, (_, i) => candidate(i))
      const before = holders(list)
      const gone = before[which % before.length]
      const after = holders(list.filter(({ peer }) => peer !== gone))
      expect(before.filter(peer => peer !== gone && !after.includes(peer))).to.deep.equal([])
    }))
  })
})
