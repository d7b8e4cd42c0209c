/** Who counts among the closest: those known to be bad come in addition, those of a crowded network not at all. */
import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { Lookup } from '../src/lookup.ts'
import { closestOf, standings } from '../src/peer-standing.ts'
import { closestOf as nearest, honest, idealNetwork, runLookup } from './simulated-network.ts'
import type { Contact } from '../src/contact.ts'
import type { LookupInit } from '../src/lookup.ts'
import type { LookupRun, SimulatedNode } from './simulated-network.ts'

const K = 20
const nodes = idealNetwork(300, K, new SeededRandom(300))
const target = new Uint8Array(32).fill(0x5a)
const self = nodes[0] as SimulatedNode
const others = nodes.slice(1)

function search (init: Partial<LookupInit<Contact>>): LookupRun {
  const lookup = new Lookup<Contact>({ target, self: self.peer, start: nearest(self.table, target, K), k: K, disjointPaths: 2, ...init }, 0)
  return runLookup(lookup, new Map(nodes.map(node => [node.peer, node])), target, honest(K), () => 50)
}

const names = (contacts: Contact[]): string[] => contacts.map(({ peer }) => peer)

describe('standing', () => {
  it('counts two of a /24 and a quarter of k of a wide network, the closest first, and all of no network', () => {
    const contacts = Array.from({ length: 12 }, (_, i) => ({ peer: String(i), kadId: new Uint8Array(32) }))
    const standing = standings<Contact>({ networkOf: ({ peer }) => Number(peer) < 10 ? { small: `s${Number(peer) >> 2}`, wide: 'w' } : undefined }, 12)
    expect(contacts.map(contact => standing(contact))).to.deep.equal([
      'counts', 'counts', 'surplus', 'surplus', 'counts', 'surplus', 'surplus', 'surplus', 'surplus', 'surplus', 'counts', 'counts'
    ])
  })

  it('counts a newcomer and whoever nothing is known of, and not those known to be bad', () => {
    const trust = new Map([['new', 0.2], ['bad', 0.05], ['good', 0.9]])
    const standing = standings<Contact>({ trustOf: peer => trust.get(peer) }, K)
    const of = (peer: string): string => standing({ peer, kadId: new Uint8Array(32) })
    expect(['new', 'bad', 'good', 'unknown'].map(of)).to.deep.equal(['counts', 'extra', 'counts', 'counts'])
  })

  it('whatever is said of peers, the k closest that count are there, and all bad ones between them up to k', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom(0, 0.05, 0.2, 1, undefined), { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: K }), (trust, k) => {
      const contacts = trust.map((_, i) => ({ peer: String(i), kadId: new Uint8Array(32) }))
      const isBad = (peer: string): boolean => (trust[Number(peer)] ?? 1) < 0.1
      const closest = names(closestOf(contacts, k, { trustOf: peer => trust[Number(peer)] }))
      const counted = closest.filter(peer => !isBad(peer))
      expect(counted).to.deep.equal(names(contacts).filter(peer => !isBad(peer)).slice(0, k))
      expect(closest.length).to.be.at.most(2 * k)
      expect(closest).to.deep.equal([...closest].sort((a, b) => Number(a) - Number(b)))
    }))
  })
})

describe('a lookup among peers of whom something is known', () => {
  it('names all that it would without that, and as many good ones more as it heard of, and asks the bad ones last', () => {
    const bad = new Set(names(nearest(others, target, 8)))
    const { done, queried } = search({ trustOf: peer => bad.has(peer) ? 0.01 : undefined })
    expect(done.complete).to.equal(true)
    expect(names(done.closest)).to.include.members(names(nearest(others, target, K)))
    expect(done.closest.length).to.be.within(K, K + 8)
    const lastGood = Math.max(...queried.map((peer, i) => bad.has(peer) ? -1 : i))
    expect(queried.filter((peer, i) => bad.has(peer) && i < lastGood).length).to.be.at.most(2)
  })

  it('is not led away by slander: peers that are spoken ill of are still asked and still named', () => {
    const slandered = new Set(names(others))
    const { done } = search({ trustOf: peer => slandered.has(peer) ? 0 : undefined })
    expect(done.complete).to.equal(true)
    expect(names(done.closest)).to.include.members(names(nearest(others, target, K)).slice(0, K - 2))
  })

  it('names at most two of a /24 among the closest, however many crowd there', () => {
    const crowd = new Set(names(nearest(others, target, 30)))
    const { done } = search({ networkOf: ({ peer }) => crowd.has(peer) ? { small: '192.0.2.0/24', wide: '192.0.0.0/16' } : undefined })
    expect(done.closest.filter(({ peer }) => crowd.has(peer))).to.have.length(2)
    expect(done.closest[0]?.peer).to.equal(nearest(others, target, 1)[0]?.peer)
  })

  it('asks about a peer once, however often it comes by', () => {
    const asked: string[] = []
    search({ trustOf: peer => {
      asked.push(peer)
      return 0.5
    } })
    expect(asked.length).to.be.at.least(K)
    expect(new Set(asked).size).to.equal(asked.length)
  })

  it('asks and finds what it would without rules when nothing is known of anybody', () => {
    const plain = search({})
    const ruled = search({ trustOf: () => undefined, networkOf: () => undefined })
    expect(ruled.queried).to.deep.equal(plain.queried)
    expect(names(ruled.done.closest)).to.deep.equal(names(plain.done.closest))
  })
})
