/** One key's search: undisturbed a lookup and nothing more; where Sybils crowd around the key, all that lies beside them in its region. */
import { randomBytes, SeededRandom, toHex } from '@skein/core'
import { expect } from 'chai'
import { shareWithin } from '../src/key-density.ts'
import { KeyWalk } from '../src/key-walk.ts'
import { Lookup } from '../src/lookup.ts'
import { closestOf, honest, idealNetwork, runLookup } from './simulated-network.ts'
import type { KeyWalkEffect, KeyWalkInit } from '../src/key-walk.ts'
import type { Contact } from '../src/contact.ts'
import type { SequencedOffer } from '../src/lookup.ts'
import type { SimulatedNode } from './simulated-network.ts'

const K = 20
const SIZE = 600
const target = new Uint8Array(32).fill(0x5a)

interface Attack {
  nodes: SimulatedNode[]
  sybils: Set<string>
}

/** A network in which each node knows of `count` Sybils what it would know of any node, and those know only each other. */
function attacked (count: number): Attack {
  const nodes = idealNetwork(SIZE, K, new SeededRandom(SIZE))
  const random = new SeededRandom(99)
  const sybils: SimulatedNode[] = Array.from({ length: count }, () => {
    const kadId = randomBytes(random, 32)
    kadId.set(target.subarray(0, 3))
    return { peer: `sybil ${toHex(kadId)}`, kadId, table: [] }
  })
  sybils.forEach(sybil => { sybil.table = sybils })
  const near = closestOf(sybils, target, K)
  nodes.forEach(node => {
    // of those in one bucket a node knows k: the farther it stands, the fewer of the Sybils
    const known = Math.round(K * count / (count + SIZE * shareWithin(node.kadId, target)))
    node.table.push(...near.slice(0, known))
  })
  return { nodes: [...nodes, ...sybils], sybils: new Set(sybils.map(({ peer }) => peer)) }
}

interface Walked {
  done: Extract<KeyWalkEffect<Contact, SequencedOffer>, { type: 'done' }>
  asked: string[]
  weighed: number
  /** Offers, and whether they came from beside the crowd, as is known in the end */
  sound: string[]
}

function walk ({ nodes, sybils }: Attack, init: Partial<KeyWalkInit<Contact>>, holders: Set<string> = new Set(), onWeigh?: (machine: KeyWalk) => void): Walked {
  const byName = new Map(nodes.map(node => [node.peer, node]))
  const self = nodes[0] as SimulatedNode
  const machine = new KeyWalk({
    target, self: self.peer, k: K, disjointPaths: 2, start: beside => closestOf(self.table, beside, K), networkSize: () => SIZE, ...init
  }, 0)
  const walked = { asked: [] as string[], weighed: 0, given: [] as Array<{ peer: string, away: number }> }
  const inbox: Array<() => void> = []
  for (let step = 0; step < 10_000; step++) {
    const effect = machine.poll()
    if (effect === undefined) {
      const next = inbox.shift()
      if (next === undefined) {
        const atMs = machine.nextTimeoutMs()
        expect(atMs, 'waits for something').to.be.a('number')
        machine.onTimeout(atMs as number)
      } else {
        next()
      }
    } else if (effect.type === 'query') {
      const { lookup, target: beside, to } = effect
      walked.asked.push(to.peer)
      const offers = holders.has(to.peer) ? [{ peer: sybils.has(to.peer) ? 'accomplice' : 'provider', seq: 1 }] : []
      const closer = closestOf((byName.get(to.peer) as SimulatedNode).table, beside, K)
      inbox.push(() => { machine.onResponse(to.peer, { offers, closer }, 0, lookup) })
    } else if (effect.type === 'offers') {
      walked.given.push(...effect.offers.map(({ peer }) => ({ peer, away: effect.away })))
    } else if (effect.type === 'weigh') {
      walked.weighed++
      onWeigh?.(machine)
    } else {
      return { ...walked, done: effect, sound: walked.given.filter(({ away }) => machine.isBesideCrowd(away)).map(({ peer }) => peer) }
    }
  }
  throw new Error('The walk does not end')
}

describe('key walk', () => {
  it('is a lookup and nothing more where nobody crowds', () => {
    const quiet = attacked(0)
    const { asked, done } = walk(quiet, {})
    expect(done).to.include({ crowded: false, complete: true, reason: 'converged' })
    expect(done.region).to.deep.equal([])
    const byName = new Map(quiet.nodes.map(node => [node.peer, node]))
    const start = closestOf((quiet.nodes[0] as SimulatedNode).table, target, K)
    const run = runLookup(new Lookup<Contact>({ target, self: quiet.nodes[0]?.peer, k: K, disjointPaths: 2, start }, 0), byName, target, honest(K), () => 10)
    expect(asked).to.have.members(run.queried)
    expect(done.closest).to.deep.equal(run.done.closest)
  })

  for (const sybils of [20, 45]) {
    it(`finds all of the region beside a crowd of ${sybils}, and asks none of the crowd twice`, () => {
      const attack = attacked(sybils)
      const { asked, done } = walk(attack, {})
      expect(done.crowded).to.equal(true)
      expect(done.closest.every(({ peer }) => attack.sybils.has(peer))).to.equal(true)
      const beside = attack.nodes.filter(({ kadId, peer }) => !attack.sybils.has(peer) && shareWithin(kadId, target) < K / SIZE)
        .filter(({ kadId }) => shareWithin(kadId, target) * SIZE > K / 4)
      expect(beside.length).to.be.above(5)
      expect(done.region.map(({ peer }) => peer)).to.include.members(beside.map(({ peer }) => peer))
      expect(asked.filter(peer => attack.sybils.has(peer)).length).to.be.at.most(sybils)
      expect(done.requests).to.equal(asked.length)
    })
  }

  it('calls offers sound that come from beside the crowd, and not those of the crowd', () => {
    const attack = attacked(45)
    const holders = closestOf(attack.nodes.filter(({ peer }) => !attack.sybils.has(peer)), target, 2 * K).map(({ peer }) => peer)
    const { sound } = walk(attack, { weighMs: 3000 }, new Set([...attack.sybils, ...holders]))
    expect(new Set(sound)).to.deep.equal(new Set(['provider']))
  })

  it('waits to be told how many peers there are only when it found nothing, and no longer than it may', () => {
    let size: number | undefined
    const attack = attacked(45)
    const told = walk(attack, { networkSize: () => size, weighMs: 3000 }, new Set(), machine => {
      size = SIZE
      machine.onNetworkSize(500)
    })
    expect(told.weighed).to.equal(1)
    expect(told.done.crowded).to.equal(true)
    const untold = walk(attack, { networkSize: () => undefined, weighMs: 3000 })
    expect(untold.weighed).to.equal(1)
    expect(untold.done).to.include({ crowded: false, complete: true })
    const quiet = attacked(0)
    const holders = new Set(closestOf(quiet.nodes, target, K).map(({ peer }) => peer))
    const found = walk(quiet, { networkSize: () => undefined, weighMs: 3000 }, holders)
    expect(found.weighed).to.equal(0)
  })

  it('fills the places of those that do not count where they are most of the closest', () => {
    const quiet = attacked(0)
    const crowd = new Set(closestOf(quiet.nodes, target, 15).map(({ peer }) => peer))
    const { done } = walk(quiet, { networkOf: ({ peer }) => crowd.has(peer) ? { small: '192.0.2.0/24', wide: '192.0.0.0/16' } : undefined })
    expect(done.crowded).to.equal(false)
    expect(done.closest.filter(({ peer }) => crowd.has(peer)).length).to.be.at.most(2)
    expect(done.closest.length).to.be.at.least(K - 2)
  })
})
