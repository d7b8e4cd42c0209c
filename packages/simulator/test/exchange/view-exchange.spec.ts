import { expect } from 'chai'
import fc from 'fast-check'
import { EXCHANGE_BOUNDS, EXCHANGE_POLICIES } from '@skein/pex'
import { inDegrees, RandomStream, ViewExchange } from '../../src/index.ts'

function viewOf (views: ViewExchange, device: number, viewSize: number): number[] {
  return [...views.peers.subarray(device * viewSize, device * viewSize + (views.length[device] as number))]
}

describe('peer exchange', () => {
  it('keeps views free of their owner, of doubles and of more than they hold, and moves 50 entries at most', () => {
    fc.assert(fc.property(
      fc.constantFrom(...EXCHANGE_POLICIES), fc.nat(1e6), fc.integer({ min: 5, max: 120 }), fc.integer({ min: 10, max: 300 }),
      (policy, seed, viewSize, nodes) => {
        const views = new ViewExchange({ nodes, viewSize, policy, random: new RandomStream(seed, 900) })
        const draws = new RandomStream(seed, 901)
        const draw = (entity: number, counter: number, bound: number): number => draws.uint32(entity, counter) % bound
        for (let device = 0; device < nodes; device++) {
          for (let i = 0; i < viewSize; i++) {
            views.add(device, draw(device, i, nodes), draw(device, 1000 + i, 20))
          }
        }
        for (let round = 20; round < 60; round++) {
          const device = draw(round, 2000, nodes)
          const view = viewOf(views, device, viewSize)
          if (view.length === 0) {
            continue
          }
          const place = draw(round, 2001, view.length)
          const partner = view[place] as number
          const before = new Set(viewOf(views, partner, viewSize))
          views.exchange(device, partner, round, place)
          const after = viewOf(views, partner, viewSize)
          expect(after.filter(peer => !before.has(peer)).length).to.be.at.most(EXCHANGE_BOUNDS.maxAdded)
          expect([...before].filter(peer => !after.includes(peer)).length).to.be.at.most(EXCHANGE_BOUNDS.maxDropped)
          for (const each of [device, partner]) {
            const now = viewOf(views, each, viewSize)
            expect(new Set(now).size, 'doubles').to.equal(now.length)
            expect(now.length).to.be.at.most(viewSize)
            expect(now).to.not.include(each)
          }
        }
      }), { numRuns: 60 })
  })

  it('makes the one that asks known to the one it asks, and by age has the asked give up its place', () => {
    const views = new ViewExchange({ nodes: 10, viewSize: 5, policy: 'age', random: new RandomStream(1, 900) })
    views.add(0, 1, 0)
    views.add(1, 2, 0)
    views.exchange(0, 1, 1, 0)
    expect(viewOf(views, 0, 5)).to.deep.equal([2])
    expect(viewOf(views, 1, 5)).to.have.members([2, 0])
  })

  it('keeps the newest records of all where the newest win', () => {
    const views = new ViewExchange({ nodes: 10, viewSize: 2, policy: 'newest', random: new RandomStream(1, 900) })
    views.add(0, 1, 5)
    views.add(1, 2, 3)
    views.add(1, 3, 7)
    views.exchange(0, 1, 9)
    expect(viewOf(views, 1, 2)).to.have.members([0, 3])
  })

  it('keeps the newer of two records of one peer', () => {
    const views = new ViewExchange({ nodes: 10, viewSize: 4, policy: 'age', random: new RandomStream(1, 900) })
    views.add(0, 2, 8)
    views.add(1, 2, 3)
    views.exchange(0, 1, 9)
    const place = viewOf(views, 1, 4).indexOf(2)
    expect(views.signedAt[4 + place]).to.equal(8)
  })

  it('tells links to devices that have gone from those to their successors', () => {
    const views = new ViewExchange({ nodes: 3, viewSize: 2, policy: 'age', random: new RandomStream(1, 900) })
    views.add(0, 1, 4)
    views.add(2, 1, 6)
    views.cameAt[1] = 5
    const { byDevice, links, gone, busiest, unknown } = inDegrees(views)
    expect([...byDevice]).to.deep.equal([0, 1, 0])
    expect([links, gone, busiest, unknown]).to.deep.equal([2, 1, 1, 2])
  })
})
