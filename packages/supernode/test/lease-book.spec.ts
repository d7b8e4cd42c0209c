import { expect } from 'chai'
import { LEASE_GRACE_MS, LeaseBook, TERM_MS } from '../src/index.ts'
import { NOW_MS } from './candidate-fixture.ts'
import type { LeaseRefusal } from '../src/index.ts'
import type { SuperNodeLease } from '@skein/records'

const TERM = Math.floor(NOW_MS / TERM_MS)

function lease (changes: Partial<SuperNodeLease> = {}): SuperNodeLease {
  return {
    peer: 'a', region: 'eu-west', term: TERM, fence: 5, roles: ['relay'], addresses: [], networks: [], quota: {}, issuedAtMs: NOW_MS,
    expiresAtMs: NOW_MS + 600_000, withdrawn: false, ...changes
  }
}

describe('The book of leases', () => {
  it('believes an elected peer until its lease ends, and for what stands already a minute more', () => {
    const book = new LeaseBook()
    expect(book.onLease(lease(), true, NOW_MS)).to.equal(undefined)
    expect(book.useOf('a', NOW_MS + 599_999)).to.equal('usable')
    expect(book.useOf('a', NOW_MS + 600_000)).to.equal('grace')
    expect(book.useOf('a', NOW_MS + 600_000 + LEASE_GRACE_MS)).to.equal(undefined)
    expect(book.usable(NOW_MS + 600_000)).to.deep.equal([])
  })

  const refused: Array<[string, Partial<SuperNodeLease>, number, LeaseRefusal]> = [
    ['one whose life is over', {}, 600_000, 'expired'],
    ['one from 61 s in the future', {}, -61_000, 'future'],
    ['more than ten minutes', { expiresAtMs: NOW_MS + 600_001 }, 0, 'life_too_long'],
    ['a term that has not begun', { term: TERM + 2 }, 0, 'term'],
    ['what was played before', { fence: 5 }, 1, 'stale'],
    ['a lower number, though it ends later', { fence: 4, issuedAtMs: NOW_MS + 1000, expiresAtMs: NOW_MS + 601_000 }, 1000, 'stale'],
    ['an older term under a higher number', { term: TERM - 1, fence: 6 }, 1, 'stale']
  ]
  for (const [name, changes, laterMs, refusal] of refused) {
    it(`refuses ${name}: ${refusal}`, () => {
      const book = new LeaseBook()
      if (refusal === 'stale') {
        book.onLease(lease(), true, NOW_MS)
      }
      expect(book.onLease(lease(changes), true, NOW_MS + laterMs)).to.equal(refusal)
    })
  }

  it('refuses a peer that its own election does not name', () => {
    expect(new LeaseBook().onLease(lease(), false, NOW_MS)).to.equal('not_elected')
  })

  it('takes clocks that differ by up to 60 s', () => {
    expect(new LeaseBook().onLease(lease(), true, NOW_MS - 60_000)).to.equal(undefined)
    expect(new LeaseBook().onLease(lease(), true, NOW_MS + 599_999)).to.equal(undefined)
  })

  it('drops a seat that is given back, whatever its election says, and does not take the old lease again', () => {
    const book = new LeaseBook()
    book.onLease(lease(), true, NOW_MS)
    expect(book.onLease(lease({ fence: 6, withdrawn: true }), false, NOW_MS + 1)).to.equal(undefined)
    expect(book.useOf('a', NOW_MS + 2)).to.equal(undefined)
    expect(book.onLease(lease(), true, NOW_MS + 3)).to.equal('stale')
  })

  it('knows which number is the current one', () => {
    const book = new LeaseBook()
    book.onLease(lease(), true, NOW_MS)
    book.onLease(lease({ fence: 6 }), true, NOW_MS + 1)
    expect(book.isCurrent('a', { term: TERM, fence: 5 }, NOW_MS + 2)).to.equal(false)
    expect(book.isCurrent('a', { term: TERM, fence: 6 }, NOW_MS + 2)).to.equal(true)
    expect(book.isCurrent('a', { term: TERM, fence: 6 }, NOW_MS + 600_000)).to.equal(false)
  })

  it('takes nothing by a clock that is ten minutes slow, once three elected peers have shown it', () => {
    const book = new LeaseBook()
    const slowMs = NOW_MS - 600_000
    for (const peer of ['b', 'c', 'd']) {
      expect(book.onLease(lease({ peer }), true, slowMs)).to.equal('future')
    }
    // by this clock it has a minute left; in truth it ended nine minutes ago
    expect(book.onLease(lease({ issuedAtMs: NOW_MS - 1_140_000, expiresAtMs: NOW_MS - 540_000, term: TERM - 2 }), true, slowMs)).to.equal('clock')
  })

  it('is not led to doubt its clock by peers that are not elected', () => {
    const book = new LeaseBook()
    for (const peer of ['b', 'c', 'd', 'e']) {
      book.onLease(lease({ peer, issuedAtMs: NOW_MS + 900_000, expiresAtMs: NOW_MS + 1_500_000 }), false, NOW_MS)
    }
    expect(book.onLease(lease(), true, NOW_MS)).to.equal(undefined)
  })

  it('stays within its bound', () => {
    const book = new LeaseBook({ maxLeases: 4 })
    for (let i = 0; i < 10; i++) {
      book.onLease(lease({ peer: String(i) }), true, NOW_MS)
    }
    expect(book.usable(NOW_MS).map(({ peer }) => peer)).to.deep.equal(['6', '7', '8', '9'])
    book.forget(NOW_MS + 660_000)
    expect(book.useOf('9', NOW_MS)).to.equal(undefined)
  })
})
