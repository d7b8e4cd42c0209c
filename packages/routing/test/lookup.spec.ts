/** The lookup on simulated networks: exactness, disjoint paths, liars and silence, bounds. */
import { randomBelow, randomBytes, SeededRandom, toHex } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { Lookup } from '../src/lookup.ts'
import { closestOf, honest, idealNetwork, runLookup } from './simulated-network.ts'
import type { Answer, Behaviour, SimulatedNode } from './simulated-network.ts'
import type { Contact } from '../src/contact.ts'
import type { LookupEffect, LookupInit, SequencedOffer } from '../src/lookup.ts'

const K = 20
const networks = new Map<number, SimulatedNode[]>()

/** Networks are dear to build and the tests do not change them. */
function network (size: number): SimulatedNode[] {
  const nodes = networks.get(size) ?? idealNetwork(size, K, new SeededRandom(size))
  networks.set(size, nodes)
  return nodes
}

const sizes = fc.constantFrom(5, 19, 60, 300, 600)

function search (nodes: SimulatedNode[], seed: number, init: Partial<LookupInit<Contact>>, behaviour: Behaviour, latencyMs?: (peer: string) => number) {
  const random = new SeededRandom(seed)
  const target = randomBytes(random, 32)
  const self = nodes[randomBelow(random, nodes.length)] as SimulatedNode
  const lookup = new Lookup<Contact>({ target, self: self.peer, start: closestOf(self.table, target, K), ...init }, 0)
  const byName = new Map(nodes.map(node => [node.peer, node]))
  const run = runLookup(lookup, byName, target, behaviour, latencyMs ?? (() => 10 + randomBelow(random, 90)))
  return { run, target, self, others: nodes.filter(node => node !== self) }
}

function names (contacts: Contact[]): string[] {
  return contacts.map(({ peer }) => peer)
}

function contact (seed: number, prefix?: number): Contact {
  const kadId = randomBytes(new SeededRandom(seed), 32)
  if (prefix !== undefined) {
    kadId[0] = prefix
  }
  return { peer: toHex(kadId), kadId }
}

function effects (lookup: Lookup<Contact>): Array<LookupEffect<Contact, SequencedOffer>> {
  const all = []
  for (let effect = lookup.poll(); effect !== undefined; effect = lookup.poll()) {
    all.push(effect)
  }
  return all
}

describe('lookup', () => {
  it('finds exactly the k closest peers, over one path or several, whatever the latencies', () => {
    fc.assert(fc.property(sizes, fc.nat(), fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 4 }), (size, seed, alpha, disjointPaths) => {
      const { run, target, others } = search(network(size), seed, { alpha, disjointPaths }, honest(K))
      expect(names(run.done.closest)).to.deep.equal(names(closestOf(others, target, K)))
      expect(run.done.complete).to.equal(true)
      expect(run.done.reason).to.equal(size > K ? 'converged' : 'exhausted')
      expect(run.done.requests).to.equal(run.queried.length)
    }), { numRuns: 150 })
  })

  it('never asks a node twice, nor itself', () => {
    fc.assert(fc.property(sizes, fc.nat(), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), (size, seed, alpha, disjointPaths) => {
      const behaviour: Behaviour = (node, target) => (node.kadId[31] as number) % 4 === 0 ? undefined : honest(K)(node, target)
      const { run, self } = search(network(size), seed, { alpha, disjointPaths }, behaviour)
      expect(new Set(run.queried).size).to.equal(run.queried.length)
      expect(run.queried).not.to.include(self.peer)
    }), { numRuns: 100 })
  })

  it('needs few requests and rounds', () => {
    let requests = 0
    let rounds = 0
    for (let seed = 0; seed < 40; seed++) {
      const { run } = search(network(600), seed, { disjointPaths: 2 }, honest(K), () => 100)
      requests += run.done.requests
      rounds += run.endedMs / 100
    }
    expect(requests / 40).to.be.below(25)
    expect(rounds / 40).to.be.below(3.5)
  })

  it('finds every live one of the k closest when a fifth of the nodes fail or fall silent', () => {
    fc.assert(fc.property(fc.constantFrom(60, 300, 600), fc.nat(), fc.integer({ min: 1, max: 3 }), (size, seed, disjointPaths) => {
      const dead = (node: Contact): boolean => (node.kadId[30] as number) % 5 === 0
      const behaviour: Behaviour = (node, target) => !dead(node) ? honest(K)(node, target) : (node.kadId[29] as number) % 2 === 0 ? 'fail' : undefined
      const { run, target, others } = search(network(size), seed, { disjointPaths }, behaviour)
      expect(names(run.done.closest)).to.include.members(names(closestOf(others, target, K).filter(node => !dead(node))))
      expect(run.done.closest.some(dead)).to.equal(false)
    }), { numRuns: 100 })
  })

  it('is not led astray by liars: junk, floods, repetitions and the searcher itself as closer peers', () => {
    fc.assert(fc.property(fc.constantFrom(60, 300, 600), fc.nat(), fc.integer({ min: 1, max: 3 }), (size, seed, disjointPaths) => {
      const random = new SeededRandom(seed)
      const liar = (node: Contact): boolean => (node.kadId[30] as number) % 10 === 0
      let most = 0
      const behaviour: Behaviour = (node, target) => {
        if (!liar(node)) {
          return honest(K)(node, target)
        }
        // peers that do not exist, just beside the target
        const closer: Contact[] = Array.from({ length: 1000 }, () => {
          const kadId = randomBytes(random, 32)
          kadId.set(target.subarray(0, 3))
          return { peer: toHex(kadId), kadId }
        })
        closer.unshift(node, node)
        most++
        return { offers: [], closer }
      }
      const { run, target, others } = search(network(size), seed, { disjointPaths, maxRequests: 400 }, behaviour)
      expect(names(run.done.closest)).to.deep.equal(names(closestOf(others, target, K)))
      expect(run.queried.length).to.be.at.most(60 + K * (most + 1))
    }), { numRuns: 60 })
  })

  it('ends within its bounds whatever it is answered', () => {
    const answers = fc.infiniteStream(fc.record({
      kind: fc.constantFrom('silent', 'fail', 'junk', 'offers'),
      count: fc.integer({ min: 0, max: 60 })
    }))
    fc.assert(fc.property(answers, fc.nat(), fc.integer({ min: 1, max: 3 }), (stream, seed, disjointPaths) => {
      const random = new SeededRandom(seed)
      const make = (): Contact => {
        const kadId = randomBytes(random, 32)
        return { peer: toHex(kadId), kadId }
      }
      const behaviour = (): Answer | 'fail' | undefined => {
        const { kind, count } = stream.next().value as { kind: string, count: number }
        switch (kind) {
          case 'silent': return undefined
          case 'fail': return 'fail'
          case 'offers': return { offers: Array.from({ length: count }, () => ({ peer: String(random.nextUint32()), seq: 1 })), closer: [make()] }
          default: return { offers: [], closer: Array.from({ length: count }, make) }
        }
      }
      const everyone = { get: (peer: string) => ({ peer, kadId: new Uint8Array(32), table: [] }) } as unknown as Map<string, SimulatedNode>
      const target = randomBytes(random, 32)
      const lookup = new Lookup<Contact>({ target, start: [make(), make(), make()], disjointPaths, maxRequests: 70, maxOffers: 100 }, 0)
      const run = runLookup(lookup, everyone, target, behaviour, () => randomBelow(random, 6000))
      expect(run.queried.length).to.be.at.most(70)
      expect(run.offers.length).to.be.at.most(100)
      expect(run.endedMs).to.be.at.most(70 * 4000)
    }), { numRuns: 80 })
  })

  it('does not wait for a slow peer, and still takes its answer when it comes', () => {
    const start = [1, 2, 3, 4].map(seed => contact(seed))
    const target = new Uint8Array(32)
    const lookup = new Lookup<Contact>({ target, start, k: 3, alpha: 3, softTimeoutMs: 500, requestTimeoutMs: 4000 }, 0)
    const queried = effects(lookup).map(effect => effect.type === 'query' ? effect.to.peer : effect.type)
    expect(queried).to.deep.equal(names(closestOf(start, target, 3)))
    const [slow, second, third] = queried as [string, string, string]
    lookup.onResponse(second, { offers: [], closer: [] }, 100)
    expect(effects(lookup)).to.deep.equal([])
    expect(lookup.nextTimeoutMs()).to.equal(500)
    lookup.onTimeout(500)
    const next = effects(lookup)
    expect(next.map(({ type }) => type)).to.deep.equal(['query'])
    lookup.onResponse(slow, { offers: [{ peer: 'a', seq: 1 }], closer: [] }, 600)
    expect(effects(lookup).map(({ type }) => type)).to.deep.equal(['offers'])
    lookup.onResponse(third, { offers: [], closer: [] }, 610)
    const [done] = effects(lookup)
    expect(done).to.deep.include({ type: 'done', reason: 'converged' })
    expect(done?.type === 'done' && names(done.closest)).to.deep.equal([slow, second, third])
  })

  it('waits for a slow peer while it knows nobody else', () => {
    const only = contact(1)
    const lookup = new Lookup<Contact>({ target: new Uint8Array(32), start: [only], softTimeoutMs: 500, requestTimeoutMs: 4000 }, 0)
    effects(lookup)
    lookup.onTimeout(500)
    expect(effects(lookup)).to.deep.equal([])
    expect(lookup.nextTimeoutMs()).to.equal(4000)
    lookup.onTimeout(4000)
    expect(effects(lookup)[0]).to.deep.include({ type: 'done', reason: 'exhausted', closest: [] })
    expect(lookup.nextTimeoutMs()).to.equal(undefined)
  })

  it('ends when enough offers are in hand, and passes each peer on once unless it has a newer one', () => {
    const start = [1, 2, 3].map(seed => contact(seed))
    const lookup = new Lookup<Contact>({ target: new Uint8Array(32), start, wanted: 3 }, 0)
    effects(lookup)
    lookup.onResponse(start[0]?.peer as string, { offers: [{ peer: 'a', seq: 5 }, { peer: 'b', seq: 1 }], closer: [] }, 1)
    expect(effects(lookup)).to.have.length(1)
    lookup.onResponse(start[1]?.peer as string, { offers: [{ peer: 'a', seq: 4 }, { peer: 'b', seq: 2 }], closer: [] }, 2)
    const [again] = effects(lookup)
    expect(again?.type === 'offers' && again.offers).to.deep.equal([{ peer: 'b', seq: 2 }])
    lookup.onOffers(undefined, [{ peer: 'c', seq: 1 }], 3)
    expect(effects(lookup).map(effect => effect.type === 'done' ? effect.reason : effect.type)).to.deep.equal(['offers', 'wanted'])
    lookup.onResponse(start[2]?.peer as string, { offers: [{ peer: 'd', seq: 1 }], closer: [] }, 4)
    expect(effects(lookup)).to.deep.equal([])
  })

  it('ignores answers that it did not ask for and those that come after the end', () => {
    const asked = contact(1)
    const stranger = contact(2)
    const lookup = new Lookup<Contact>({ target: new Uint8Array(32), start: [asked] }, 0)
    effects(lookup)
    lookup.onResponse(stranger.peer, { offers: [{ peer: 'a', seq: 1 }], closer: [contact(3)] }, 1)
    lookup.onFailure(stranger.peer, 1)
    expect(effects(lookup)).to.deep.equal([])
    lookup.stop()
    expect(effects(lookup)[0]).to.deep.include({ type: 'done', reason: 'stopped', complete: false, requests: 1 })
    lookup.onResponse(asked.peer, { offers: [], closer: [contact(3)] }, 2)
    expect(effects(lookup)).to.deep.equal([])
  })

  it('ends at once when it knows nobody', () => {
    const lookup = new Lookup<Contact>({ target: new Uint8Array(32), start: [] }, 0)
    expect(effects(lookup)).to.deep.equal([{ type: 'done', closest: [], complete: true, reason: 'exhausted', requests: 0 }])
  })
})
