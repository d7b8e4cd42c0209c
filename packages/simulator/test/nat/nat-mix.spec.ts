import { expect } from 'chai'
import fc from 'fast-check'
import { POPULATIONS, relayedShare, traversalOf, TRAVERSAL_LEVELS, withPortMapping } from '../../src/index.ts'
import type { NatMixName, TraversalLevel } from '../../src/index.ts'

const PUNCH_SUCCESS = 0.7

/** The published comparison that the mixes were chosen by: relayed shares in percent by level, then with a choice of three. */
const PUBLISHED: Array<[mix: NatMixName, byLevel: Record<TraversalLevel, number>, ofThree: { mapping: number, birthday: number }]> = [
  ['home', { ships: 77, punching: 27, mapping: 17, birthday: 10, ipv6: 5 }, { mapping: 2.9, birthday: 0.7 }],
  ['mobile', { ships: 85, punching: 47, mapping: 33, birthday: 21, ipv6: 13 }, { mapping: 10, birthday: 3.0 }],
  ['office', { ships: 90, punching: 59, mapping: 42, birthday: 31, ipv6: 20 }, { mapping: 17, birthday: 6.6 }]
]

describe('NAT mixes', () => {
  for (const [name, byLevel, ofThree] of PUBLISHED) {
    it(`${name}: relay what the published comparison relays, within 15 % of it or 0.4 points`, () => {
      const close = (share: number, percent: number, what: string): void => {
        expect(100 * share, what).to.be.closeTo(percent, Math.max(0.4, 0.15 * percent))
      }
      for (const level of TRAVERSAL_LEVELS) {
        close(relayedShare(traversalOf(POPULATIONS[name], level), 1, PUNCH_SUCCESS), byLevel[level], level)
      }
      for (const level of ['mapping', 'birthday'] as const) {
        close(relayedShare(traversalOf(POPULATIONS[name], level), 3, PUNCH_SUCCESS), ofThree[level], `${level}, of three`)
      }
    })

    it(`${name}: sum to one, with and without port mapping`, () => {
      const sum = (mix: Record<string, number>): number => Object.values(mix).reduce((a, b) => a + b)
      expect(sum(POPULATIONS[name].mix)).to.be.closeTo(1, 1e-12)
      expect(sum(withPortMapping(POPULATIONS[name].mix, 0.3))).to.be.closeTo(1, 1e-12)
    })
  }

  it('relay less at each level, with more providers, and with better punching', () => {
    fc.assert(fc.property(
      fc.constantFrom('home', 'mobile', 'office' as const), fc.nat(3), fc.integer({ min: 1, max: 10 }), fc.double({ min: 0, max: 1, noNaN: true }),
      (name, at, k, success) => {
        const traversal = traversalOf(POPULATIONS[name], TRAVERSAL_LEVELS[at] as TraversalLevel)
        const next = traversalOf(POPULATIONS[name], TRAVERSAL_LEVELS[at + 1] as TraversalLevel)
        const here = relayedShare(traversal, k, success)
        expect(relayedShare(next, k, success)).to.be.at.most(here + 1e-12)
        expect(relayedShare(traversal, k + 1, success)).to.be.at.most(here + 1e-12)
        expect(relayedShare(traversal, k, Math.min(1, success + 0.1))).to.be.at.most(here + 1e-12)
      }
    ), { seed: 7, numRuns: 300 })
  })
})
