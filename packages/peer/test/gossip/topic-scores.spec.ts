import { PeerScore, createPeerScoreParams, validateTopicScoreParams } from '@libp2p/gossipsub/score'
import { expect } from 'chai'
import fc from 'fast-check'
import { systemClock } from '@skein/core/system'
import { gossipOptions, THRESHOLDS } from '../../src/gossip/gossip.ts'
import { PeerScores } from '../../src/gossip/peer-scores.ts'
import { topicScoreParams } from '../../src/gossip/topic-scores.ts'
import type { TopicTraffic } from '../../src/gossip/topic-scores.ts'

const TOPIC = 't'
const QUIET: TopicTraffic = { messagesPerSecond: 1, accepted: 0, neighbours: 6, topics: 1 }
const BUSY: TopicTraffic = { ...QUIET, accepted: 100 }
/** What time in the mesh and on the network earn at most */
const TIME_SCORE = 3
const logger = { forComponent: () => Object.assign(() => {}, { error: () => {}, trace: () => {}, newScope: () => {} }) }

/** GossipSub's own scores with this configuration, of one peer `p` in the mesh of one topic. */
function scoreOf (traffic: TopicTraffic, conduct: (score: PeerScore) => void): number {
  const options = gossipOptions(new PeerScores(), systemClock(), true)
  const params = createPeerScoreParams({ ...options.scoreParams, topics: { [TOPIC]: topicScoreParams(traffic) } })
  const score = new PeerScore(params, null, logger as never, { scoreCacheValidityMs: 0 })
  score.addPeer('p')
  score.graft('p', TOPIC)
  conduct(score)
  score.scoreCache.clear()
  return score.score('p')
}

const deliver = (count: number) => (score: PeerScore): void => {
  activate(score)
  for (let i = 0; i < count; i++) {
    score.markFirstMessageDelivery('p', TOPIC)
  }
}

function activate (score: PeerScore): void {
  const stats = score.peerStats.get('p')?.topics[TOPIC]
  if (stats !== undefined) {
    stats.meshMessageDeliveriesActive = true
  }
}

describe('scores in a topic', () => {
  it('are valid parameters of GossipSub, whatever the traffic', () => {
    fc.assert(fc.property(
      fc.record({
        messagesPerSecond: fc.double({ min: 0.001, max: 10_000, noNaN: true }),
        accepted: fc.double({ min: 0, max: 1e7, noNaN: true }),
        neighbours: fc.nat(300),
        topics: fc.nat(64)
      }),
      traffic => { validateTopicScoreParams(topicScoreParams(traffic)) }
    ))
  })

  it('stop a peer from being heard after three invalid messages, also one that delivered all others', () => {
    const invalid = (count: number) => (score: PeerScore): void => {
      deliver(1_000)(score)
      for (let i = 0; i < count; i++) {
        score.markInvalidMessageDelivery('p', TOPIC)
      }
    }
    expect(scoreOf(BUSY, invalid(1))).to.be.lessThan(0)
    expect(scoreOf(BUSY, invalid(2))).to.be.greaterThan(THRESHOLDS.graylistThreshold)
    expect(scoreOf(BUSY, invalid(3))).to.be.lessThan(THRESHOLDS.graylistThreshold)
  })

  it('take a silent neighbour out of the mesh, and not out of gossip', () => {
    const silent = scoreOf(BUSY, activate)
    expect(silent + TIME_SCORE).to.be.lessThan(0)
    expect(silent).to.be.at.least(THRESHOLDS.gossipThreshold)
    const pruned = scoreOf(BUSY, score => { activate(score); score.prune('p', TOPIC) })
    expect(pruned + TIME_SCORE).to.be.lessThan(0)
    expect(pruned).to.be.at.least(THRESHOLDS.gossipThreshold)
    const both = scoreOf(BUSY, score => { activate(score); score.prune('p', TOPIC); score.graft('p', TOPIC); activate(score) })
    expect(both).to.be.at.least(THRESHOLDS.gossipThreshold)
  })

  it('do not, when it is silent in all of many topics', () => {
    const silent = scoreOf({ ...BUSY, topics: 20 }, score => { activate(score); score.prune('p', TOPIC); score.graft('p', TOPIC); activate(score) })
    expect(20 * silent).to.be.at.least(THRESHOLDS.gossipThreshold)
  })

  for (const [why, traffic] of [
    ['little is said', { ...BUSY, accepted: 59 }], ['there are few neighbours', { ...BUSY, neighbours: 3 }], ['nothing is said', QUIET]
  ] as const) {
    it(`judge no silence while ${why}`, () => {
      expect(scoreOf(traffic, activate)).to.equal(0)
    })
  }

  it('are good for a twentieth of what is said, and bounded for all of it', () => {
    expect(scoreOf(BUSY, deliver(5))).to.be.greaterThan(0)
    expect(scoreOf(BUSY, deliver(10_000))).to.be.at.most(10)
  })

  it('forgive six broken promises a minute, and end gossip and hearing with more', () => {
    const broken = (count: number) => scoreOf(QUIET, score => { score.addPenalty('p', count, 'broken_promise' as never) })
    expect(broken(6)).to.equal(0)
    expect(broken(10)).to.be.lessThan(THRESHOLDS.gossipThreshold)
    expect(broken(15)).to.be.lessThan(THRESHOLDS.graylistThreshold)
  })
})
