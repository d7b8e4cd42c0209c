import { expect } from 'chai'
import fc from 'fast-check'
import { SeededRandom } from '@skein/core'
import { EXCHANGE_BOUNDS, PeerView, smallNetworkOf } from '../src/index.ts'
import { record } from './record-fixture.ts'

const message = fc.record({
  from: fc.integer({ min: 1, max: 9 }),
  pauseMs: fc.integer({ min: 0, max: 600_000 }),
  sent: fc.integer({ min: 0, max: 50 }),
  peers: fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { maxLength: 50 }),
  networks: fc.integer({ min: 1, max: 60 })
})

describe('PeerView', () => {
  it('never holds more than it may: in all, of one source, of one network; and never its owner', () => {
    fc.assert(fc.property(fc.array(message, { maxLength: 60 }), messages => {
      const view = new PeerView({ self: '0' })
      let nowMs = 0
      for (const { from, pauseMs, sent, peers, networks } of messages) {
        nowMs += pauseMs
        const before = new Set([...view.values()].map(entry => entry.record.peer))
        const records = peers.map(peer => record(peer, nowMs, `/ip4/203.0.${peer % networks}.${peer % 200}/tcp/1`))
        const { added, dropped } = view.merge(String(from), records, sent, nowMs)

        expect(view.size).to.be.at.most(100)
        expect(view.get('0')).to.equal(undefined)
        expect(added.length).to.be.at.most(EXCHANGE_BOUNDS.maxAdded)
        expect(dropped).to.be.at.most(Math.min(sent, EXCHANGE_BOUNDS.maxDropped))
        const gone = [...before].filter(peer => view.get(peer) === undefined && !records.some(other => other.peer === peer))
        expect(gone.length).to.be.at.most(dropped)
        const entries = [...view.values()]
        expect(most(entries.filter(entry => entry.source !== entry.record.peer).map(entry => entry.source))).to.be.at.most(25)
        expect(most(entries.map(entry => smallNetworkOf(entry.record.addresses[0] as string) as string))).to.be.at.most(6)
      }
    }), { numRuns: 60 })
  })

  it('tells only of peers it was connected to within half an hour, each once, and of no more than fit', () => {
    fc.assert(fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 400 }), { maxLength: 100 }), fc.nat(60), fc.nat(20_000), fc.nat(1e6),
      (peers, count, maxBytes, seed) => {
        const view = new PeerView({ self: '0', networkShare: 1 })
        const checkedAt = new Map<string, number>()
        for (const peer of peers) {
          view.merge(String(peer % 7 + 1000), [record(peer, 3_000_000)], 0, 3_000_000)
          if (peer % 3 > 0) {
            view.check(String(peer), peer * 10_000)
            checkedAt.set(String(peer), peer * 10_000)
          }
        }
        const told = view.compose('5', count, maxBytes, peer => peer === '6', 3_000_000, new SeededRandom(seed))
        expect(told.length).to.be.at.most(Math.min(count, 50))
        expect(told.reduce((sum, { envelope }) => sum + envelope.length + 3, 0)).to.be.at.most(maxBytes)
        expect(new Set(told).size).to.equal(told.length)
        for (const { peer } of told) {
          expect(peer).not.to.equal('5')
          expect(3_000_000 - (checkedAt.get(peer) ?? -Infinity) < 1_800_000 || peer === '6', peer).to.equal(true)
        }
      }
    ))
  })

  it('takes a quarter of its entries from one source, however often it tells, and all from this node itself', () => {
    const view = new PeerView({ self: '0' })
    const told = (first: number): ReturnType<typeof record>[] => Array.from({ length: 40 }, (_, i) => record(first + i, 0))
    const crowded = [10, 60].map(first => view.merge('1', told(first), 0, 0).crowded)
    expect([view.size, ...crowded]).to.deep.equal([25, 15, 40])
    expect(view.merge('0', told(110), 0, 0).crowded).to.equal(0)
  })

  it('lets the oldest go for the newest, as many as were sent', () => {
    const view = new PeerView({ self: '0' })
    for (let peer = 1; peer <= 100; peer++) {
      view.merge(String(peer), [record(peer, peer)], 0, 1000)
    }
    const { added, dropped } = view.merge('200', [200, 201, 202, 203].map(peer => record(peer, 1000)), 2, 1000)
    expect([added.map(({ peer }) => peer), dropped]).to.deep.equal([['200', '201'], 2])
    expect(['1', '2', '3'].map(peer => view.get(peer) !== undefined)).to.deep.equal([false, false, true])
  })

  it('stays within its size when the oldest has moved to a network of which there is enough', () => {
    const view = new PeerView({ self: '0' })
    const crowded = Array.from({ length: 6 }, (_, i) => record(300 + i, 1000, `/ip4/198.51.100.${i}/tcp/1`))
    view.merge('0', [record(1, 0), ...Array.from({ length: 93 }, (_, i) => record(2 + i, 1000)), ...crowded], 0, 1000)
    expect(view.size).to.equal(100)
    view.merge('200', [record(1, 2000, '/ip4/198.51.100.9/tcp/1'), record(201, 2000), record(202, 2000)], 2, 2000)
    expect(view.get('1')).to.equal(undefined)
    expect(view.size).to.equal(100)
  })

  it('believes the newer of two records, and does not count one at other addresses as checked', () => {
    const view = new PeerView({ self: '0' })
    view.merge('1', [record(1, 1000)], 0, 1000)
    view.merge('2', [record(1, 900, '/ip4/203.0.113.99/tcp/1')], 0, 1000)
    expect(view.get('1')?.record.issuedAtMs).to.equal(1000)
    view.merge('2', [record(1, 1100)], 0, 1100)
    expect(view.get('1')).to.deep.include({ checkedMs: 1000, source: '1' })
    view.merge('2', [record(1, 1200, '/ip4/203.0.113.99/tcp/1')], 0, 1200)
    expect(view.get('1')).to.deep.include({ checkedMs: undefined, source: '2' })
  })

  it('forgets who lied and what only the liar told of', () => {
    const view = new PeerView({ self: '0' })
    view.merge('1', [1, 2, 3].map(peer => record(peer, 0)), 0, 0)
    view.check('3', 5)
    view.dropFrom('1')
    expect(['1', '2', '3'].map(peer => view.get(peer) !== undefined)).to.deep.equal([false, false, true])
  })

  it('refuses sizes that it was not made for', () => {
    expect(() => new PeerView({ self: '0', viewSize: 99 })).to.throw(RangeError)
    expect(() => new PeerView({ self: '0', viewSize: 501 })).to.throw(RangeError)
  })
})

function most (keys: string[]): number {
  const counts = new Map<string, number>()
  keys.forEach(key => counts.set(key, (counts.get(key) ?? 0) + 1))
  return Math.max(0, ...counts.values())
}
