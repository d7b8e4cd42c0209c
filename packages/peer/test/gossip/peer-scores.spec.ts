import { expect } from 'chai'
import { THRESHOLDS } from '../../src/gossip/gossip.ts'
import { Colocation } from '../../src/gossip/colocation.ts'
import { PeerScores } from '../../src/gossip/peer-scores.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** What conduct in topics adds at most */
const TOPIC_CAP = 10

describe('scores of peers', () => {
  it('of a stranger who did nothing but deliver stay below what peer exchange is accepted from', () => {
    const scores = new PeerScores()
    scores.onConnected('stranger', 0)
    expect(scores.score('stranger', 24 * HOUR_MS) + TOPIC_CAP).to.be.lessThan(THRESHOLDS.acceptPXThreshold)
  })

  it('of one that the user named reach it at once, before it is connected', () => {
    const scores = new PeerScores()
    scores.trust('friend')
    expect(scores.score('friend', 0)).to.be.at.least(THRESHOLDS.acceptPXThreshold)
  })

  it('reach it after five services, and no more when they are an hour old', () => {
    const scores = new PeerScores()
    for (let i = 0; i < 4; i++) {
      scores.onService('p', 0)
    }
    expect(scores.score('p', 0)).to.be.lessThan(THRESHOLDS.acceptPXThreshold)
    for (let i = 0; i < 100; i++) {
      scores.onService('p', 0)
    }
    expect(scores.score('p', 0)).to.equal(15)
    expect(scores.score('p', HOUR_MS)).to.equal(7.5)
  })

  for (const [offences, below] of [[1, 'gossipThreshold'], [3, 'publishThreshold'], [5, 'graylistThreshold']] as const) {
    it(`of a stranger fall below ${below} with offence ${offences}, and not before`, () => {
      const scores = new PeerScores()
      for (let i = 1; i < offences; i++) {
        scores.onOffence('p', 'malformed', 0)
      }
      expect(scores.score('p', 0)).to.be.at.least(THRESHOLDS[below])
      scores.onOffence('p', 'malformed', 0)
      expect(scores.score('p', 0)).to.be.lessThan(THRESHOLDS[below])
    })
  }

  it('are halved in ten minutes when they were for offences, and never below −100', () => {
    const scores = new PeerScores()
    for (let i = 0; i < 1_000; i++) {
      scores.onOffence('p', 'malformed', 0)
    }
    expect(scores.score('p', 0)).to.equal(-100)
    expect(scores.score('p', 10 * MINUTE_MS)).to.equal(-50)
    expect(scores.score('p', 2 * HOUR_MS)).to.be.greaterThan(-0.1)
  })

  it('fall little for what a fast clock does', () => {
    const scores = new PeerScores()
    scores.onOffence('p', 'too_soon', 0)
    scores.onOffence('p', 'too_soon', 0)
    expect(scores.score('p', 0)).to.be.within(THRESHOLDS.gossipThreshold, -1)
  })

  it('keep what a peer did in topics when it leaves, and of it only what was bad', () => {
    const scores = new PeerScores()
    scores.onConnected('bad', 0)
    scores.onConnected('good', 0)
    scores.onDisconnected('bad', -90, 0)
    scores.onDisconnected('good', 10, 0)
    scores.onConnected('bad', 1_000)
    scores.onConnected('good', 1_000)
    expect(scores.score('bad', 1_000)).to.be.within(-90, -89)
    expect(scores.score('good', 1_000)).to.equal(0)
    scores.onDisconnected('bad', scores.score('bad', 1_000), 1_000)
    expect(scores.score('bad', 1_000), 'not counted twice').to.be.within(-90, -89)
  })

  it('are forgotten for those who did nothing for longest, beyond the bound', () => {
    const scores = new PeerScores({ maxPeers: 2 })
    for (const peer of ['a', 'b', 'a', 'c']) {
      scores.onOffence(peer, 'malformed', 0)
    }
    expect(['a', 'b', 'c'].map(peer => scores.score(peer, 0))).to.deep.equal([-40, 0, -20])
  })
})

describe('peers of one network', () => {
  function costs (addresses: readonly string[]): number[] {
    const colocation = new Colocation()
    addresses.forEach((ip, i) => { colocation.onConnected(`p${i}`, ip) })
    return addresses.map((_, i) => colocation.costOf(`p${i}`))
  }

  const many = (count: number, ip: (i: number) => string): string[] => Array.from({ length: count }, (_, i) => ip(i))

  for (const [what, address] of [
    ['one device', () => '127.0.0.1'], ['one device by IPv6', () => '::1'], ['a home', (i: number) => `192.168.1.${i}`],
    ['an office', (i: number) => `10.1.${i}.1`], ['a carrier\'s NAT', () => '100.64.3.4'], ['a link', () => 'fe80::1'],
    ['a private IPv6 network', () => 'fd00::1']
  ] as const) {
    it(`cost nothing on ${what}, however many they are`, () => {
      expect(Math.max(...costs(many(200, address)))).to.equal(0)
    })
  }

  it('of a public address: four have a place in the mesh, twenty are gossiped with, a hundred more are not listened to', () => {
    const of = costs(many(200, () => '203.0.113.9'))
    const [of4 = 0, of5 = 0, of20 = 0, of25 = 0, of200 = 0] = [4, 5, 20, 25, 200].map(place => of[place - 1] ?? NaN)
    expect(of4).to.equal(0)
    expect(-of5).to.be.lessThan(0)
    expect(-of20).to.be.at.least(THRESHOLDS.gossipThreshold)
    expect(-of25).to.be.lessThan(THRESHOLDS.gossipThreshold)
    expect(-of200).to.be.lessThan(THRESHOLDS.graylistThreshold)
  })

  it('of a /24: sixteen addresses have a place', () => {
    const of = costs(many(64, i => `203.0.113.${i}`))
    expect(of.slice(0, 16).every(cost => cost === 0)).to.equal(true)
    expect(of.slice(16).every(cost => cost > 0)).to.equal(true)
    expect(costs(many(64, i => `203.0.${i}.1`)).every(cost => cost === 0)).to.equal(true)
  })

  it('of IPv6 are counted by /64 and /48, in whatever way they are written', () => {
    expect(costs(many(5, i => `2001:db8::${i + 1}`))[4]).to.be.greaterThan(0)
    expect(costs(['2001:db8::1', '2001:0db8:0:0::2', '2001:db8:0:0:1::', '2001:DB8::3', '2001:db8:0:0:5:6:7:8'])[4]).to.be.greaterThan(0)
    expect(costs(many(8, i => `2001:db8:0:${i}::1`)).every(cost => cost === 0)).to.equal(true)
    expect(costs(many(17, i => `2001:db8:0:${i}::1`))[16]).to.be.greaterThan(0)
    expect(costs([...many(4, () => '203.0.113.9'), '::ffff:203.0.113.9'])[4]).to.be.greaterThan(0)
  })

  it('keep their places when others come, and move up when others go', () => {
    const colocation = new Colocation()
    for (let i = 0; i < 6; i++) {
      colocation.onConnected(`p${i}`, '203.0.113.9')
    }
    expect([3, 4, 5].map(i => colocation.costOf(`p${i}`))).to.deep.equal([0, 0.5, 1])
    colocation.onDisconnected('p0')
    expect([3, 4, 5].map(i => colocation.costOf(`p${i}`))).to.deep.equal([0, 0, 0.5])
    colocation.onConnected('p1', '198.51.100.1')
    expect([3, 4, 5].map(i => colocation.costOf(`p${i}`))).to.deep.equal([0, 0, 0])
  })

  it('that the user named cost nothing', () => {
    const scores = new PeerScores()
    for (let i = 0; i < 10; i++) {
      scores.onConnected(`p${i}`, 0)
      scores.onAddress(`p${i}`, '203.0.113.9')
    }
    scores.trust('p9')
    expect(scores.score('p8', 0)).to.equal(-2.5)
    expect(scores.score('p9', 0)).to.equal(20)
  })
})
