/** Which zones a region has, and which one a peer belongs to. */
import { expect } from 'chai'
import fc from 'fast-check'
import { chooseZone, DIMENSIONS, isZoneName, planeDistanceMs, WHOLE_REGION, zoneAnchors } from '../src/index.ts'
import type { Coordinate, ZoneAnchor } from '../src/index.ts'

function at (x: number, heightMs = 1): Coordinate {
  return { position: Array.from({ length: DIMENSIONS }, (_, i) => i === 0 ? x : 0), heightMs, error: 0.2 }
}

function anchor (name: string, x: number): ZoneAnchor {
  return { name, coordinate: at(x) }
}

const coordinate = fc.record({
  position: fc.array(fc.double({ min: -500, max: 500, noNaN: true }), { minLength: DIMENSIONS, maxLength: DIMENSIONS }),
  heightMs: fc.double({ min: 0.1, max: 100, noNaN: true }),
  error: fc.double({ min: 0, max: 1, noNaN: true })
})

describe('zoneAnchors', () => {
  const cases: Array<[string, ZoneAnchor[], string[]]> = [
    ['has none without candidates', [], []],
    ['has one where everything is near', [anchor('a', 0), anchor('b', 19)], ['a']],
    ['takes who stands 20 ms apart', [anchor('a', 0), anchor('b', 20)], ['a', 'b']],
    ['takes them in the order given', [anchor('b', 20), anchor('a', 10), anchor('c', 0)], ['b', 'c']],
    ['has eight at most', Array.from({ length: 12 }, (_, i) => anchor(`z${i}`, i * 50)), ['z0', 'z1', 'z2', 'z3', 'z4', 'z5', 'z6', 'z7']]
  ]
  for (const [name, candidates, expected] of cases) {
    it(name, () => {
      expect(zoneAnchors(candidates).map(({ name }) => name)).to.deep.equal(expected)
    })
  }

  it('gives anchors that all stand apart, and of which no candidate that was passed over does while there is room', () => {
    fc.assert(fc.property(fc.array(coordinate, { maxLength: 30 }), coordinates => {
      const candidates = coordinates.map((one, i) => ({ name: `z${i}`, coordinate: one }))
      const anchors = zoneAnchors(candidates)
      const apart = (a: ZoneAnchor, b: ZoneAnchor): boolean => a === b || planeDistanceMs(a.coordinate, b.coordinate) >= 20
      expect(anchors.every(a => anchors.every(b => apart(a, b)))).to.equal(true)
      expect(anchors.length === 8 || candidates.every(one => anchors.includes(one) || anchors.some(a => !apart(a, one)))).to.equal(true)
    }))
  })

  it('does not depend on what comes after the first candidates', () => {
    const first = [anchor('a', 0), anchor('b', 100)]
    expect(zoneAnchors([...first, anchor('c', 10)])).to.deep.equal(zoneAnchors([...first, anchor('d', 95)]))
  })
})

describe('chooseZone', () => {
  const two = [anchor('west', 0), anchor('east', 60)]
  const cases: Array<[string, Coordinate, ZoneAnchor[], string | undefined, string]> = [
    ['is the whole region without anchors', at(5), [], 'west', WHOLE_REGION],
    ['is the whole region with one, whoever that is', at(5), [anchor('west', 0)], 'west', WHOLE_REGION],
    ['is that of the nearest anchor', at(40), two, undefined, 'east'],
    ['does not count the line of the peer', at(20, 500), two, undefined, 'west'],
    ['stays while another is nearer by less than a quarter', at(33), two, 'west', 'west'],
    ['stays while another is nearer by less than 5 ms', at(30.1), [anchor('west', 25.5), anchor('east', 34.5)], 'west', 'west'],
    ['changes when another is nearer by far', at(36), two, 'west', 'east'],
    ['changes when its anchor is gone', at(5), [anchor('north', 20), anchor('east', 60)], 'west', 'north'],
    ['takes the first name of two that are as near', at(30), two, undefined, 'east']
  ]
  for (const [name, coordinate, anchors, current, expected] of cases) {
    it(name, () => {
      expect(chooseZone(coordinate, anchors, current)).to.equal(expected)
    })
  }

  it('has chosen for good: asked again it says the same', () => {
    const anchors = fc.array(coordinate, { maxLength: 8 }).map(all => all.map((one, i) => ({ name: `z${i}`, coordinate: one })))
    fc.assert(fc.property(coordinate, anchors, fc.option(fc.constantFrom('z0', 'z1', 'gone'), { nil: undefined }), (own, all, current) => {
      const chosen = chooseZone(own, all, current)
      expect(chooseZone(own, all, chosen)).to.equal(chosen)
      expect([WHOLE_REGION, ...all.map(({ name }) => name)]).to.include(chosen)
    }))
  })
})

describe('isZoneName', () => {
  it('knows what fits into the name of a part', () => {
    const names = ['all', '12D3KooWabc', 'a'.repeat(64), '', 'a/b', 'ä', 'a b', 'a'.repeat(65)]
    expect(names.map(isZoneName)).to.deep.equal([true, true, true, false, false, false, false, false])
  })
})
