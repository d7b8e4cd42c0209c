import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { srvOrder } from '../../src/srv-order.ts'
import type { SrvRecord } from '../../src/name-resolver.ts'

const record = (target: string, priority: number, weight: number): SrvRecord => ({ target, port: 1, priority, weight })

describe('srvOrder', () => {
  it('names each once, the lowest priority first', () => {
    const some = fc.record({ priority: fc.integer({ min: 0, max: 3 }), weight: fc.integer({ min: 0, max: 65_535 }), port: fc.integer({ min: 1, max: 65_535 }) })
    fc.assert(fc.property(fc.array(some, { maxLength: 40 }), fc.integer(), (records, seed) => {
      const given = records.map((fields, i) => ({ ...fields, target: `t${i}` }))
      const order = srvOrder(given, new SeededRandom(seed))
      expect(order.map(({ target }) => target).sort()).to.deep.equal(given.map(({ target }) => target).sort())
      expect(order.map(({ priority }) => priority)).to.deep.equal(given.map(({ priority }) => priority).sort((a, b) => a - b))
    }))
  })

  it('begins with each as often as its weight says, also among those that are left', () => {
    const random = new SeededRandom(1)
    const rounds = 10_000
    const first = new Map<string, number>()
    const second = new Map<string, number>()
    for (let i = 0; i < rounds; i++) {
      const [a, b] = srvOrder([record('small', 1, 10), record('large', 1, 60), record('middle', 1, 30)], random)
      first.set(a?.target ?? '', (first.get(a?.target ?? '') ?? 0) + 1)
      if (a?.target === 'large') {
        second.set(b?.target ?? '', (second.get(b?.target ?? '') ?? 0) + 1)
      }
    }
    expect((first.get('large') ?? 0) / rounds).to.be.within(0.57, 0.63)
    expect((first.get('middle') ?? 0) / rounds).to.be.within(0.27, 0.33)
    expect((first.get('small') ?? 0) / rounds).to.be.within(0.08, 0.13)
    expect((second.get('middle') ?? 0) / (first.get('large') ?? 1)).to.be.within(0.71, 0.79)
  })

  it('gives one without a weight a very small chance to go before those that have one', () => {
    const random = new SeededRandom(1)
    const orders = Array.from({ length: 10_000 }, () => srvOrder([record('weighty', 1, 99), record('none', 1, 0)], random))
    // a draw of 0 in 0 to 99
    expect(orders.filter(([first]) => first?.target === 'none').length).to.be.within(50, 160)
  })

  it('spreads over all when none has a weight', () => {
    const random = new SeededRandom(1)
    const orders = Array.from({ length: 200 }, () => srvOrder([record('a', 1, 0), record('b', 1, 0)], random))
    expect(orders.filter(([first]) => first?.target === 'b').length).to.be.within(60, 140)
  })
})
