/** Offers in a simulated network: stored at the closest peers, found by any, renewed, taken back, and alive when holders go. */
import { expect } from 'chai'
import { constantLatency } from '../../src/engine/latency.ts'
import { Network } from '../../src/engine/network.ts'
import { ImplicitTable } from '../../src/kademlia/implicit-table.ts'
import { OfferWorld } from '../../src/kademlia/offer-world.ts'
import { drawSortedIds } from '../../src/kademlia/sorted-ids.ts'
import type { FoundOffers } from '../../src/kademlia/offer-world.ts'

const NODES = 500

function world (init: { lossRate?: number } = {}): OfferWorld {
  const table = new ImplicitTable(drawSortedIds(1, NODES, 20), 1, 20, { clustered: 15 })
  return new OfferWorld({ seed: 1, table, network: new Network({ seed: 1, nodes: NODES, latency: constantLatency(25), ...init }) })
}

function findAll (offers: OfferWorld, atMs: number, model: string, searchers: number[]): FoundOffers[] {
  const found: FoundOffers[] = []
  searchers.forEach(searcher => { offers.find(atMs, searcher, model, result => { found.push(result) }) })
  offers.world.run(atMs + 10_000)
  expect(found).to.have.length(searchers.length)
  return found
}

const searchers = Array.from({ length: 20 }, (_, i) => 7 + 24 * i)

describe('offers', function () {
  this.timeout(20_000)

  it('are stored at the 20 closest, and found by whoever looks, in few requests', () => {
    const offers = world()
    ;[3, 200, 450].forEach(provider => { offers.announce(0, provider, 'llama') })
    offers.world.run(5000)
    expect(offers.holders('llama')).to.have.length.within(20, 40)
    for (const { complete, firstMs, offers: found, requests } of findAll(offers, 5000, 'llama', searchers)) {
      expect(found.map(({ peer }) => peer)).to.have.members(['3', '200', '450'])
      expect(complete).to.equal(true)
      expect(requests).to.be.below(40)
      expect(firstMs).to.be.at.most(200)
    }
  })

  it('are renewed while their peer lives, end with it, and are gone at once when it takes them back', () => {
    const offers = world()
    ;[3, 200, 450].forEach(provider => { offers.announce(0, provider, 'llama') })
    offers.withdraw(300_000, 200, 'llama')
    offers.world.at(300_000, 450, () => { offers.world.crash(450) })
    expect(peers(findAll(offers, 290_000, 'llama', searchers))).to.deep.equal(['200', '3', '450'])
    expect(peers(findAll(offers, 302_000, 'llama', searchers))).to.deep.equal(['3', '450'])
    expect(peers(findAll(offers, 425_000, 'llama', searchers))).to.deep.equal(['3'])
  })

  it('are found when a third of the nodes has gone since and a tenth of the messages are lost', () => {
    const offers = world({ lossRate: 0.1 })
    offers.announce(0, 3, 'llama')
    for (let node = 0; node < NODES; node++) {
      if (node % 3 === 2) {
        offers.world.at(10_000, node, () => { offers.world.crash(node) })
      }
    }
    const living = searchers.filter(node => node % 3 !== 2)
    const found = findAll(offers, 20_000, 'llama', living)
    expect(found.filter(({ offers }) => offers.length === 1)).to.have.length.at.least(living.length - 1)
  })
})

function peers (found: FoundOffers[]): string[] {
  return [...new Set(found.flatMap(({ offers }) => offers.map(({ peer }) => peer)))].sort()
}
