import { expect } from 'chai'
import { NetworkPlaces } from '../../src/index.ts'
import type { VerifiedNetwork } from '@skein/records'

const HOME: VerifiedNetwork = { small: '192.0.2.0/24', wide: '192.0.0.0/16', system: 64_500 }
const NEAR: VerifiedNetwork = { small: '192.0.3.0/24', wide: '192.0.0.0/16', system: 64_500 }
const AWAY: VerifiedNetwork = { small: '198.51.100.0/24', wide: '198.51.0.0/16' }

describe('the places of networks', () => {
  it('are as many as the limit of each says, and the refusal names the network', () => {
    const places = new NetworkPlaces({ small: 1, wide: 2, system: 3 })
    places.take('a', HOME, 1_000)
    expect(places.refusal('b', HOME, 0)).to.deep.equal({ network: '192.0.2.0/24', limit: 1 })
    expect(places.refusal('b', NEAR, 0)).to.equal(undefined)
    places.take('b', NEAR, 1_000)
    expect(places.refusal('c', { ...NEAR, small: '192.0.4.0/24' }, 0)).to.deep.equal({ network: '192.0.0.0/16', limit: 2 })
    places.take('c', { ...AWAY, system: 64_500 }, 1_000)
    expect(places.refusal('d', { small: '203.0.113.0/24', wide: '203.0.0.0/16', system: 64_500 }, 0)).to.deep.equal({ network: 'AS64500', limit: 3 })
  })

  it('are kept by those who have one, and free when given back or over', () => {
    const places = new NetworkPlaces({ small: 1 })
    places.take('a', HOME, 1_000)
    expect(places.refusal('a', HOME, 500)).to.equal(undefined)
    places.take('a', HOME, 2_000)
    expect(places.refusal('b', HOME, 1_500)).to.not.equal(undefined)
    expect(places.refusal('b', HOME, 2_000)).to.equal(undefined)
    places.take('b', HOME, 9_000)
    places.release('b')
    expect(places.size).to.equal(0)
    expect(places.refusal('c', HOME, 2_000)).to.equal(undefined)
  })

  it('follow one who moves, and stay where they were when there is none for it', () => {
    const places = new NetworkPlaces({ small: 1 })
    places.take('a', HOME, 1_000)
    places.take('b', AWAY, 1_000)
    places.take('a', AWAY, 1_000)
    expect(places.refusal('c', HOME, 0)).to.not.equal(undefined)
    places.release('b')
    places.take('a', AWAY, 1_000)
    expect(places.refusal('c', HOME, 0)).to.equal(undefined)
    expect(places.refusal('c', AWAY, 0)).to.not.equal(undefined)
  })

  it('are not counted without a limit, nor without a network', () => {
    const places = new NetworkPlaces({ system: 1 })
    for (let i = 0; i < 10; i++) {
      places.take(`${i}`, AWAY, 1_000)
      places.take(`x${i}`, undefined, 1_000)
    }
    expect(places.size).to.equal(0)
  })
})
