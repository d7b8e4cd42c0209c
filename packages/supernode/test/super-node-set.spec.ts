import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { chooseSuperNode, sharesSystem, superNodeCost, SuperNodeSet } from '../src/index.ts'
import type { KnownSuperNode, SetEffect, SuperNodeSetInit } from '../src/index.ts'

function node (peer: string, system: number, load = 0): KnownSuperNode {
  return { peer, load, networks: [{ small: `${peer}/24`, wide: `${peer}/16`, system }] }
}

const FIVE = [node('a', 1), node('b', 2), node('c', 3), node('d', 4), node('e', 5)]

function drain (set: SuperNodeSet): SetEffect[] {
  const effects: SetEffect[] = []
  for (let effect = set.poll(); effect !== undefined; effect = set.poll()) {
    effects.push(effect)
  }
  return effects
}

/** Answers each attempt at once, but for those that do not answer. */
function carryOut (set: SuperNodeSet, nowMs: number, silent: (peer: string) => boolean = () => false): SetEffect[] {
  const seen: SetEffect[] = []
  for (let effects = drain(set); effects.length > 0; effects = drain(set)) {
    for (const effect of effects) {
      seen.push(effect)
      if (effect.type === 'connect' && !silent(effect.peer)) {
        set.onConnected(effect.peer, nowMs)
      } else if (effect.type === 'reserve' && !silent(effect.peer)) {
        set.onReserved(effect.peer, nowMs)
      } else if (effect.type === 'probe' && !silent(effect.peer)) {
        set.onAlive(effect.peer, nowMs)
      }
    }
  }
  return seen
}

function standing (nodes: readonly KnownSuperNode[] = FIVE, init: SuperNodeSetInit = {}): SuperNodeSet {
  const set = new SuperNodeSet(init, new SeededRandom(7))
  set.onKnown(nodes, 0)
  carryOut(set, 0)
  return set
}

/** Lets time pass as a driver does. */
function pass (set: SuperNodeSet, fromMs: number, toMs: number, silent?: (peer: string) => boolean): SetEffect[] {
  const seen: SetEffect[] = []
  for (let nowMs = set.nextTimeoutMs() ?? Infinity; nowMs <= toMs; nowMs = Math.max(fromMs, set.nextTimeoutMs() ?? Infinity)) {
    set.onTimeout(nowMs)
    seen.push(...carryOut(set, nowMs, silent))
  }
  return seen
}

describe('The super-nodes of a peer', () => {
  it('are three, in different systems, and one is the primary', () => {
    const set = standing()
    expect(set.reserved).to.have.length(3)
    expect(set.reserved[0]).to.equal(set.primary)
  })

  it('are as many as there are systems, where there are fewer than three', () => {
    expect(standing([node('a', 1), node('b', 1), node('c', 1), node('d', 2)]).reserved).to.have.length(2)
    expect(standing([]).primary).to.equal(undefined)
  })

  it('are in different /16s where systems are not known', () => {
    const unknown = (peer: string, wide: string): KnownSuperNode => ({ peer, load: 0, networks: [{ small: peer, wide }] })
    expect(standing([unknown('a', '10.0/16'), unknown('b', '10.0/16'), unknown('c', '10.1/16')]).reserved).to.have.length(2)
    expect(sharesSystem(node('a', 1), { networks: [{ small: 'a/24', wide: 'a/16' }] })).to.equal(true)
  })

  it('are followed by the next at once when the primary dies', () => {
    const set = standing()
    const [first, second, third] = set.reserved as [string, string, string]
    set.onFailed(first, 1000)
    const moved = drain(set).find(effect => effect.type === 'moved')
    expect(moved).to.deep.include({ from: first, afterMs: 0 })
    expect([second, third]).to.include(set.primary)
  })

  it('are made three again after one died, without the one that died', () => {
    const set = standing()
    const [first] = set.reserved as [string]
    set.onFailed(first, 1000)
    carryOut(set, 1000)
    expect(set.reserved).to.have.length(3)
    expect(set.reserved).not.to.include(first)
  })

  it('are tried several at a time when none stands', () => {
    const set = new SuperNodeSet({}, new SeededRandom(1))
    set.onKnown(FIVE, 0)
    expect(drain(set).map(({ type }) => type)).to.deep.equal(['connect', 'connect', 'connect'])
  })

  it('that do not answer an attempt are given up for others within 1.5 s', () => {
    const set = new SuperNodeSet({}, new SeededRandom(1))
    set.onKnown(FIVE, 0)
    const tried = drain(set).map(effect => effect.type === 'moved' ? '' : effect.peer)
    expect(set.nextTimeoutMs()).to.equal(1500)
    set.onTimeout(1500)
    carryOut(set, 1500)
    expect(set.reserved.every(peer => !tried.includes(peer))).to.equal(true)
    expect(set.primary).not.to.equal(undefined)
  })

  it('that died without a word are found out by probes, and left within 4 s', () => {
    const set = standing()
    const dead = set.primary as string
    const moved = pass(set, 0, 4000, peer => peer === dead).filter(effect => effect.type === 'moved')
    expect(moved).to.have.length(1)
    expect(set.primary).not.to.equal(dead)
  })

  it('are probed while nothing is heard of them, the primary oftener than the others', () => {
    const set = standing()
    const probes = pass(set, 0, 32_000).filter(({ type }) => type === 'probe')
    const ofPrimary = probes.filter(effect => effect.type === 'probe' && effect.peer === set.primary)
    expect(ofPrimary).to.have.length(16)
    expect(probes).to.have.length(16 + 2 * 2)
  })

  it('that fail again and again are asked ever more seldom', () => {
    const set = new SuperNodeSet({}, new SeededRandom(3))
    set.onKnown([node('a', 1)], 0)
    const attempts: number[] = []
    for (let nowMs = 0; nowMs < 3_600_000; nowMs = set.nextTimeoutMs() as number) {
      set.onTimeout(nowMs)
      for (const effect of drain(set)) {
        if (effect.type === 'connect') {
          attempts.push(nowMs)
          set.onFailed('a', nowMs)
        }
      }
    }
    drain(set)
    const pauses = attempts.slice(1).map((at, i) => at - (attempts[i] as number))
    expect(pauses[0]).to.be.within(1500, 2500)
    expect(pauses.at(-1)).to.be.within(450_000, 750_000)
    expect(attempts.length).to.be.below(20)
  })

  it('that say when to come again are not asked before', () => {
    const set = standing([node('a', 1)])
    set.onFailed('a', 1000, 60_000)
    expect(set.nextTimeoutMs()).to.equal(61_000)
  })

  it('whose lease is over are left when others stand, without a gap', () => {
    const set = standing()
    const first = set.primary as string
    set.onKnown(FIVE.filter(({ peer }) => peer !== first), 60_000)
    const effects = carryOut(set, 60_000)
    expect(effects.filter(effect => effect.type === 'moved')).to.have.length(1)
    expect(effects.find(effect => effect.type === 'moved')).to.deep.include({ from: first, afterMs: 0 })
    expect(effects).to.deep.include({ type: 'release', peer: first, silent: false })
    expect(set.reserved).to.have.length(3)
  })

  it('whose lease is over are used for the grace time when there is no other', () => {
    const set = standing([node('a', 1)])
    set.onKnown([], 60_000)
    expect(set.primary).to.equal('a')
    pass(set, 60_000, 120_000)
    expect(set.primary).to.equal(undefined)
  })

  it('whose lease is renewed late are kept', () => {
    const set = standing([node('a', 1)])
    set.onKnown([], 60_000)
    set.onKnown([node('a', 1)], 70_000)
    pass(set, 70_000, 200_000)
    expect(set.reserved).to.deep.equal(['a'])
  })

  it('are kept when a better one appears, and an hour later one of them gives way to it', () => {
    const far = ['a', 'b', 'c'].map((peer, i) => node(peer, i))
    const set = new SuperNodeSet({}, new SeededRandom(5))
    set.onKnown(far, 0)
    far.forEach(({ peer }) => { set.onRoundTrip(peer, 200, 0) })
    carryOut(set, 0)
    set.onKnown([...far, node('near', 9)], 1000)
    set.onRoundTrip('near', 10, 1000)
    expect(carryOut(set, 1000)).to.deep.equal([])
    const changes = pass(set, 1000, 5_400_000).filter(({ type }) => type !== 'probe')
    expect(set.reserved).to.have.length(3)
    expect(set.reserved).to.include('near')
    expect(changes.filter(({ type }) => type === 'release')).to.have.length(1)
  })

  it('stay where they are for days while nothing is better', () => {
    const set = standing()
    const before = set.reserved
    pass(set, 0, 10 * 3_600_000)
    expect(set.reserved).to.deep.equal(before)
  })

  it('stay if the better one does not answer', () => {
    const set = standing([node('a', 1), node('b', 2), node('c', 3)])
    for (const peer of ['a', 'b', 'c']) {
      set.onRoundTrip(peer, 300, 0)
    }
    set.onKnown([node('a', 1), node('b', 2), node('c', 3), node('near', 9)], 1000)
    set.onRoundTrip('near', 10, 1000)
    pass(set, 1000, 8_000_000, peer => peer === 'near')
    expect([...set.reserved].sort()).to.deep.equal(['a', 'b', 'c'])
  })

  it('are never two of one system, and never more than three, whatever happens', () => {
    const nodes = Array.from({ length: 12 }, (_, i) => node(String(i), i >> 1, i / 12))
    const step = fc.record({
      input: fc.constantFrom('known', 'connected', 'reserved', 'failed', 'alive', 'time'), which: fc.nat(11), waitMs: fc.nat(3000), some: fc.nat(4095)
    })
    fc.assert(fc.property(fc.array(step, { maxLength: 80 }), fc.nat(), (steps, seed) => {
      const set = new SuperNodeSet({}, new SeededRandom(seed))
      let nowMs = 0
      let known = nodes
      for (const { input, which, waitMs, some } of steps) {
        nowMs += waitMs
        const peer = String(which)
        switch (input) {
          case 'known':
            known = nodes.filter((_, i) => (some >> i & 1) === 1)
            set.onKnown(known, nowMs)
            break
          case 'connected': set.onConnected(peer, nowMs); break
          case 'reserved': set.onReserved(peer, nowMs); break
          case 'failed': set.onFailed(peer, nowMs); break
          case 'alive': set.onAlive(peer, nowMs); break
          default: set.onTimeout(nowMs)
        }
        drain(set)
        const used = set.reserved.map(name => nodes[Number(name)] as KnownSuperNode).filter(({ peer: name }) => known.some(one => one.peer === name))
        expect(new Set(used.map(({ networks: [network] }) => network?.system)).size).to.equal(used.length)
        expect(used.length).to.be.at.most(3)
        expect(set.primary === undefined).to.equal(set.reserved.length === 0)
      }
    }))
  })
})

describe('The choice of a super-node', () => {
  const choose = (known: KnownSuperNode[], roundTrips: Record<string, number>, seed: number) =>
    chooseSuperNode({ known, used: [], roundTripMs: peer => roundTrips[peer], excluded: () => false }, new SeededRandom(seed))?.peer

  it('takes the near one', () => {
    for (let seed = 0; seed < 50; seed++) {
      expect(choose(FIVE, { a: 300, b: 250, c: 15, d: 180, e: 200 }, seed)).to.equal('c')
    }
  })

  it('spreads those that are as near, in proportion to what they have free', () => {
    const chosen = Array.from({ length: 600 }, (_, seed) => choose([node('a', 1, 0.3), node('b', 2, 0)], { a: 20, b: 20 }, seed))
    expect(chosen.filter(peer => peer === 'b').length / 600).to.be.within(0.53, 0.65)
  })

  it('goes three times as far as a full one is', () => {
    expect(superNodeCost(node('a', 1, 1), 20)).to.equal(60)
    expect(superNodeCost(node('a', 1, 0), 20)).to.equal(20)
  })
})
