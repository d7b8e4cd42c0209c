import { expect } from 'chai'
import fc from 'fast-check'
import { SeededRandom } from '@skein/core'
import {
  AddressTables, MAX_CONTESTED, NEW_BUCKETS, NEW_BUCKETS_PER_SOURCE, NEW_SLOTS, TRIED_BUCKETS, TRIED_BUCKETS_PER_NETWORK, TRIED_SLOTS
} from '../src/index.ts'

const key = new Uint8Array(16).fill(3)
const address = (i: number): string => `/ip4/${11 + (i >> 16) % 80}.${(i >> 8) & 255}.${i & 255}.1/tcp/4001`
const bucketsOf = (tables: AddressTables): Set<string> => new Set([...tables.values()].map(entry => tables.bucketOf(entry)))

describe('AddressTables', () => {
  it('hold no more than they have places for, however many are told', () => {
    const tables = new AddressTables({ key })
    for (let i = 0; i < 10_000; i++) {
      tables.add(`p${i}`, [address(i * 7919)], { peer: `s${i}`, address: address(i * 104_729) })
    }
    expect(tables.size).to.be.within(NEW_BUCKETS * NEW_SLOTS * 0.9, NEW_BUCKETS * NEW_SLOTS)
  })

  it('give one source an eighth of the new ones', () => {
    const tables = new AddressTables({ key })
    for (let i = 0; i < 5000; i++) {
      // many identities in one /16 are one source
      tables.add(`p${i}`, [address(i * 7919)], { peer: `s${i % 50}`, address: `/ip4/203.0.${i % 256}.1/tcp/1` })
    }
    expect(bucketsOf(tables).size).to.be.at.most(NEW_BUCKETS_PER_SOURCE)
    expect(tables.size).to.be.at.most(NEW_BUCKETS_PER_SOURCE * NEW_SLOTS)
  })

  it('give one /16 an eighth of the tried ones', () => {
    const tables = new AddressTables({ key })
    for (let i = 0; i < 500; i++) {
      tables.onConnected(`p${i}`, `/ip4/203.0.${i % 256}.1/tcp/1`, i)
    }
    const tried = [...tables.values()].filter(entry => entry.tried)
    expect(new Set(tried.map(entry => tables.bucketOf(entry))).size).to.be.at.most(TRIED_BUCKETS_PER_NETWORK)
    expect(tried.length).to.be.at.most(TRIED_BUCKETS_PER_NETWORK * TRIED_SLOTS)
  })

  it('test a tried address before another takes its place', () => {
    const full = (): { tables: AddressTables, has: string } => {
      const tables = new AddressTables({ key })
      for (let i = 0; tables.toTest() === undefined; i++) {
        tables.onConnected(`p${i}`, address(i * 7919), i)
      }
      return { tables, has: tables.toTest()?.peer as string }
    }
    const kept = full()
    kept.tables.onConnected(kept.has, kept.tables.get(kept.has)?.addresses[0] as string, 1e6)
    expect([kept.tables.get(kept.has)?.tried, kept.tables.toTest()]).to.deep.equal([true, undefined])

    const lost = full()
    const before = lost.tables.count(true)
    lost.tables.onDialFailed(lost.has)
    expect([lost.tables.get(lost.has)?.tried ?? false, lost.tables.count(true), lost.tables.toTest()]).to.deep.equal([false, before, undefined])
  })

  it('keep the address that a peer was reached at, whatever others say of it, and beside what it says itself', () => {
    const tables = new AddressTables({ key })
    tables.onConnected('a', address(1), 0)
    tables.add('a', [address(999)], { peer: 'liar' })
    expect(tables.get('a')?.addresses).to.deep.equal([address(1)])
    tables.add('a', [address(2)], { peer: 'a' })
    expect(tables.get('a')?.addresses).to.deep.equal([address(1), address(2)])
  })

  it('have a place for a peer that was connected, though the ones for those heard of are taken', () => {
    const tables = new AddressTables({ key })
    for (let i = 0; i < 20_000; i++) {
      tables.add(`p${i}`, [address(i * 7919)], { peer: `s${i}`, address: address(i * 104_729) })
    }
    for (let i = 0; i < 20; i++) {
      tables.onConnected(`met${i}`, address(i * 60_013), i)
    }
    expect(tables.count(true)).to.be.at.least(18)
  })

  it('tell a store once what changed, so that it has what they have', () => {
    const event = fc.record({ what: fc.constantFrom('add', 'connect', 'fail', 'dial', 'seed'), peer: fc.nat(200), host: fc.nat(5000), save: fc.boolean() })
    fc.assert(fc.property(fc.array(event, { maxLength: 200 }), events => {
      const tables = new AddressTables({ key })
      const stored = new Map<string, unknown>()
      const save = (): void => {
        const { changed, deleted } = tables.takeChanges()
        deleted.forEach(peer => stored.delete(peer))
        changed.forEach(entry => stored.set(entry.peer, entry))
      }
      events.forEach(({ what, peer, host, save: now }, nowMs) => {
        if (what === 'connect') {
          tables.onConnected(`p${peer}`, address(host), nowMs)
        } else if (what === 'fail') {
          tables.onDialFailed(`p${peer}`)
        } else if (what === 'dial') {
          tables.onDial(`p${peer}`, nowMs)
        } else if (what === 'seed') {
          tables.onSeed(`p${peer}`, host % 2 === 0)
        } else {
          tables.add(`p${peer}`, [address(host)], { peer: `s${host}`, address: address(host) })
        }
        if (now) {
          save()
        }
      })
      save()
      expect(stored).to.deep.equal(new Map([...tables.values()].map(entry => [entry.peer, entry])))
      expect(tables.takeChanges()).to.deep.equal({ changed: [], deleted: [] })
    }), { numRuns: 100 })
  })

  it('forget a new address that failed three times', () => {
    const tables = new AddressTables({ key })
    tables.add('a', [address(1)], { peer: 'b' })
    for (const left of [1, 1, 0]) {
      tables.onDialFailed('a')
      expect(tables.size).to.equal(left)
    }
  })

  it('draw one that failed less often', () => {
    const tables = new AddressTables({ key })
    tables.onConnected('good', address(1), 0)
    tables.onConnected('bad', address(70_000), 0)
    for (let i = 0; i < 8; i++) {
      tables.onDialFailed('bad')
    }
    const random = new SeededRandom(1)
    const drawn = Array.from({ length: 200 }, () => tables.draw(true, random, 0)?.peer)
    expect(drawn.filter(peer => peer === 'bad').length).to.be.below(20)
    expect(tables.draw(false, random, 0)).to.equal(undefined)
  })

  it('are the same after a restart, whatever happened before', () => {
    const event = fc.record({
      what: fc.constantFrom('add', 'own', 'connect', 'fail', 'dial'),
      peer: fc.nat(300),
      host: fc.nat(5000),
      source: fc.nat(300)
    })
    fc.assert(fc.property(fc.array(event, { maxLength: 300 }), events => {
      const tables = new AddressTables({ key })
      events.forEach(({ what, peer, host, source }, nowMs) => {
        if (what === 'connect') {
          tables.onConnected(`p${peer}`, address(host), nowMs)
        } else if (what === 'fail') {
          tables.onDialFailed(`p${peer}`)
        } else if (what === 'dial') {
          tables.onDial(`p${peer}`, nowMs)
        } else {
          tables.add(`p${peer}`, [address(host)], { peer: what === 'own' ? `p${peer}` : `p${source}`, address: address(source) })
        }
      })
      const known = [...tables.values()]
      expect(known.filter(entry => entry.tried).length).to.be.at.most(TRIED_BUCKETS * TRIED_SLOTS)
      expect(Object.keys(known).length).to.be.at.most(NEW_BUCKETS * NEW_SLOTS + TRIED_BUCKETS * TRIED_SLOTS)
      expect([...new AddressTables({ key, known }).values()]).to.deep.equal(known)
      expect(MAX_CONTESTED).to.equal(10)
    }), { numRuns: 100 })
  })
})
