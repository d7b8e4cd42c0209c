/** Lookups while devices come and go: they succeed, cost what those of standing networks cost and a little more, and repeat exactly. */
import { expect } from 'chai'
import { constantLength, weibull } from '../../src/engine/session-length.ts'
import { ipfsSessions } from '../../src/engine/churn.ts'
import { ChurnLookups } from '../../src/kademlia/churn-lookups.ts'
import { ImplicitTable } from '../../src/kademlia/implicit-table.ts'
import { sampleLookups } from '../../src/kademlia/lookup-sample.ts'
import { drawSortedIds } from '../../src/kademlia/sorted-ids.ts'
import type { ChurnLookupsInit } from '../../src/kademlia/churn-lookups.ts'
import type { LookupTally } from '../../src/kademlia/lookup-tally.ts'

const ONLINE = 5000

function run (init: Partial<ChurnLookupsInit> = {}, seconds = 20): ChurnLookups {
  const lookups = new ChurnLookups({ seed: 1, online: ONLINE, model: { on: ipfsSessions(), off: ipfsSessions() }, lookupsPerSecond: 200, ...init })
  lookups.run(seconds * 1000)
  return lookups
}

function mean (values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

describe('lookups under churn', function () {
  this.timeout(30_000)

  for (const [speed, least] of [['in time', 40], ['so slow that lookups go on without', 640]] as const) {
    it(`are those of a standing network when nobody comes or goes, with answers ${speed}`, () => {
      const length = constantLength(1e12)
      const roundTripMs = (from: number, to: number): number => least + (from * 7919 + to * 104_729) % 161
      const { user } = run({ model: { on: length, off: length }, roundTripMs })
      const table = new ImplicitTable(drawSortedIds(1, ONLINE, 8), 1, 8)
      const standing = sampleLookups({ table, seed: 1, lookups: 4000, rule: { k: 8, alpha: 2 }, roundTripMs })
      expect(user.unanswered).to.equal(0)
      expect(user.found / user.checked).to.be.above(0.98)
      expect(user.hops / user.complete / mean(standing.hops)).to.be.within(0.97, 1.03)
      expect(user.requests / user.complete / mean(standing.requests)).to.be.within(0.97, 1.03)
      expect(user.elapsedMs / user.complete / mean(standing.elapsedMs)).to.be.within(0.95, 1.05)
    })
  }

  it('find the closest device that is there 98 times of 100 with sessions as in IPFS', () => {
    const { user, presence } = run()
    expect(presence.online / ONLINE).to.be.within(0.95, 1.05)
    expect(user.found / user.checked).to.be.above(0.98)
    expect(user.complete / user.started).to.be.above(0.9)
    expect(user.unanswered).to.be.above(0)
  })

  it('fail more often the longer tables go without a refresh, and wait in vain more often', () => {
    const model = { on: weibull(0.68, 600_000), off: weibull(0.68, 600_000) }
    const often = run({ model, refreshMs: 60_000, lookupsPerSecond: 100 }, 100).user
    const seldom = run({ model, refreshMs: 3_600_000, lookupsPerSecond: 100 }, 100).user
    expect(seldom.unanswered).to.be.above(1.3 * often.unanswered)
    expect(seldom.found / seldom.checked).to.be.below(often.found / often.checked)
  })

  it('find tables as stale as they get after the time of one refresh, and no staler later', () => {
    const [fresh, stale, later] = [0, 3_600_000, 7_200_000].map(lookupsFromMs => run({ lookupsFromMs }, lookupsFromMs / 1000 + 20).user) as LookupTally[]
    const share = ({ unanswered, requests }: LookupTally): number => unanswered / requests
    expect([fresh, stale, later].map(tally => tally?.started)).to.deep.equal([4000, 4000, 4000])
    expect(share(fresh as LookupTally)).to.be.below(0.01)
    expect(share(stale as LookupTally)).to.be.within(0.1, 0.15)
    expect(share(later as LookupTally) / share(stale as LookupTally)).to.be.closeTo(1, 0.1)
  })

  it('make the lookups that joining and refreshing take when they are to', () => {
    const refreshMs = 600_000
    const { maintenance, user, table, presence } = run({ maintenance: true, refreshMs }, 30)
    const refreshes = ONLINE * 30_000 / refreshMs
    const joins = presence.changes / 2
    expect(maintenance.started / ((refreshes + joins) * table.buckets)).to.be.within(0.8, 1.2)
    expect(user.complete).to.be.above(5000)
  })

  it('go around devices that cannot be reached when these are not listed, and wait for them in vain when they are', () => {
    const client = run({ natShare: 0.517, natted: 'client' }).user
    const listed = run({ natShare: 0.517, natted: 'listed' }).user
    expect(client.unanswered / client.requests).to.be.below(0.02)
    expect(listed.unanswered / listed.requests).to.be.within(0.45, 0.7)
    expect(client.found / client.checked).to.be.above(0.98)
    expect(listed.elapsedMs / listed.complete).to.be.above(1.5 * client.elapsedMs / client.complete)
  })

  it('are the same when they are run again, in one go or in many', () => {
    const [a, b, other] = [run(), run({}, 7), run({ seed: 2 })]
    b.run(20_000)
    expect(b.user).to.deep.equal(a.user)
    expect(b.elapsedHistogram).to.deep.equal(a.elapsedHistogram)
    expect(other.user).not.to.deep.equal(a.user)
  })
})
