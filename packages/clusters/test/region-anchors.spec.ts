import { expect } from 'chai'
import { chooseZone, RegionAnchors } from '../src/index.ts'
import type { ZoneAnchor } from '../src/index.ts'

const HOUR_MS = 3_600_000
const at = (name: string, x: number, y = 0): ZoneAnchor => ({ name, coordinate: { position: [x, y, 0], heightMs: 4, error: 0.1 } })
const names = (anchors: RegionAnchors): string[] => anchors.told.map(({ name }) => name)

describe('The anchors of a region', () => {
  const make = (): RegionAnchors => new RegionAnchors({ region: 'eu-west', maxPeers: 1024 })
  const north = Array.from({ length: 5 }, (_, i) => at(`north${i}`, i, 0))
  const south = Array.from({ length: 5 }, (_, i) => at(`south${i}`, 60 + i, 0))

  it('are named where the region has more peers than a cluster and stands apart, one for each place', () => {
    const anchors = make()
    expect(anchors.onHeld([...north, ...south], 1024, 0)).to.equal(false)
    expect(anchors.onHeld(north, 5000, 0)).to.equal(false) // nothing is 20 ms apart
    expect(anchors.onHeld([...north, ...south], 5000, 0)).to.equal(true)
    expect(names(anchors).map(name => name.slice(0, 5)).sort()).to.deep.equal(['north', 'south'])
    expect(chooseZone(at('me', 3).coordinate, anchors.told)).to.match(/^north/)
    expect(chooseZone(at('me', 58).coordinate, anchors.told)).to.match(/^south/)
  })

  it('stay while they were seen lately, whoever else comes, and go when the region is small', () => {
    const anchors = make()
    anchors.onHeld([...north, ...south], 5000, 0)
    const before = names(anchors)
    anchors.onHeld([...north, ...south, at('aaaa', 1), at('zzzz', 61)], 5000, HOUR_MS / 2)
    expect(names(anchors)).to.deep.equal(before)
    expect(anchors.onHeld([], 5000, HOUR_MS)).to.equal(false)
    expect(anchors.onHeld([], 600, HOUR_MS)).to.equal(false)
    expect(anchors.onHeld([], 5000, 2 * HOUR_MS)).to.equal(true)
    expect(names(anchors)).to.deep.equal([])
    anchors.onHeld([...north, ...south], 5000, 2 * HOUR_MS)
    expect(anchors.onHeld([...north, ...south], 500, 2 * HOUR_MS)).to.equal(true)
    expect(names(anchors)).to.deep.equal([])
  })

  it('are those that who coordinates the larger part told of, as long as that one is heard', () => {
    const anchors = make()
    expect(anchors.onTold(0, [at('a', 0), at('b', 40)], 0)).to.equal(true)
    expect(anchors.onTold(2, [at('c', 0), at('d', 40)], 1000)).to.equal(true)
    expect(anchors.onTold(0, [at('a', 0), at('b', 40)], 300_000)).to.equal(false)
    expect(names(anchors)).to.deep.equal(['c', 'd'])
    expect(anchors.onTold(0, [at('a', 0), at('b', 40)], 700_000)).to.equal(true)
    expect(anchors.onTold(2, [], 701_000)).to.equal(false) // it may not know
    expect(anchors.onTold(2, [], 701_000 + HOUR_MS)).to.equal(true)
    expect(names(anchors)).to.deep.equal([])
  })

  it('are heard of from others again when the region goes to another', () => {
    const anchors = make()
    anchors.onHeld([...north, ...south], 5000, 0)
    expect(anchors.onTold(2, [at('c', 0), at('d', 40)], 1000)).to.equal(false)
    anchors.onReleased()
    expect(anchors.onTold(0, [at('c', 0), at('d', 40)], 2000)).to.equal(true)
  })
})
