import { expect } from 'chai'
import fc from 'fast-check'
import { hostAddress, NameBook, NameSyntaxError, parseMeshName, recordOf } from '../../src/index.ts'
import type { NameRecord } from '../../src/index.ts'
import type { Offer } from '@skein/records'

const NOW_MS = 1_790_000_000_000
const OWNER = '12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB'

function record (changes: Partial<NameRecord> = {}): NameRecord {
  return { name: 'k7mx2p9a', owner: 'ann', host: '192.0.2.7', seq: 1, expiresAtMs: NOW_MS + 120_000, ...changes }
}

function offer (changes: Partial<Offer> = {}): Offer {
  return {
    peer: OWNER, model: '/skein/name/1/k7mx2p9a', tasks: ['name'], effectiveContext: 0, tokensPerSecond: 0, queueDepth: 0, maxConcurrent: 1,
    priceMicros: 0, region: '', tier: 2, deterministic: false, addresses: ['/ip4/192.0.2.7'], seq: 5, issuedAtMs: NOW_MS,
    expiresAtMs: NOW_MS + 120_000, withdrawn: false, ...changes
  }
}

describe('names of the mesh', () => {
  const good: Array<[string, ReturnType<typeof parseMeshName>]> = [
    ['k7mx2p9a', { name: 'k7mx2p9a' }],
    ['studio-2', { name: 'studio-2' }],
    [`k7mx2p9a.${OWNER}`, { name: 'k7mx2p9a', owner: OWNER }]
  ]
  for (const [text, name] of good) {
    it(`are read: ${text}`, () => { expect(parseMeshName(text)).to.deep.equal(name) })
  }

  for (const text of ['', 'K7', '-a', 'a-', 'a b', 'a/b', 'a.b', 'a'.repeat(33), `a.${OWNER}.b`, 'a\n', `.${OWNER}`]) {
    it(`are not: ${JSON.stringify(text)}`, () => { expect(() => parseMeshName(text)).to.throw(NameSyntaxError) })
  }

  it('point to addresses and names of DNS, and back', () => {
    for (const host of ['192.0.2.7', '2001:db8::7', 'relay.example.org']) {
      expect(recordOf('k7mx2p9a', offer({ addresses: [hostAddress(host)] }))?.host).to.equal(host)
    }
  })

  for (const host of ['', '999.1.1.1', '1.2.3', 'http://a/', 'a b', '-o', '../a', 'a/tcp/1']) {
    it(`point to no ${JSON.stringify(host)}`, () => { expect(() => hostAddress(host)).to.throw() })
  }

  const hostile: Array<[string, Partial<Offer>]> = [
    ['no address', { addresses: [] }],
    ['two', { addresses: ['/ip4/192.0.2.7', '/ip4/192.0.2.8'] }],
    ['a port', { addresses: ['/ip4/192.0.2.7/tcp/1'] }],
    ['a peer', { addresses: [`/p2p/${OWNER}`] }],
    ['an option of a command', { addresses: ['/dns/-oProxyCommand=x'] }],
    ['what a terminal would obey', { addresses: ['/dns/a\u001b[2J'] }],
    ['another name', { model: '/skein/name/1/other' }],
    ['that it was taken back', { withdrawn: true }]
  ]
  for (const [what, changes] of hostile) {
    it(`are not believed when a record says ${what}`, () => { expect(recordOf('k7mx2p9a', offer(changes))).to.equal(undefined) })
  }

  it('point where the newest word of the owner says, in whatever order words come', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 10 }), seqs => {
      const book = new NameBook()
      seqs.forEach(seq => { book.onRecord(record({ seq, host: `h${seq}` })) })
      const answer = book.answer({ name: 'k7mx2p9a' }, NOW_MS)
      expect(answer.outcome === 'found' && answer.record.host).to.equal(`h${Math.max(...seqs)}`)
    }))
  })

  it('are ambiguous when two say them, and not when the owner is asked for', () => {
    const book = new NameBook()
    book.onRecord(record())
    book.onRecord(record({ owner: 'eve', host: '198.51.100.1', seq: 99 }))
    expect(book.answer({ name: 'k7mx2p9a' }, NOW_MS)).to.deep.include({ outcome: 'ambiguous' })
    expect(book.answer({ name: 'k7mx2p9a', owner: 'ann' }, NOW_MS)).to.deep.equal({ outcome: 'found', record: record() })
    expect(book.answer({ name: 'k7mx2p9a', owner: 'bob' }, NOW_MS)).to.deep.equal({ outcome: 'unknown' })
  })

  it('expire, and are told from those that nobody said', () => {
    const book = new NameBook()
    book.onRecord(record())
    expect(book.answer({ name: 'k7mx2p9a' }, NOW_MS + 120_000)).to.deep.equal({ outcome: 'expired', record: record() })
    expect(book.answer({ name: 'other' }, NOW_MS)).to.deep.equal({ outcome: 'unknown' })
  })

  it('are remembered within a bound', () => {
    const book = new NameBook()
    for (let i = 0; i < 2_000; i++) {
      book.onRecord(record({ owner: `peer ${i}` }))
    }
    const answer = book.answer({ name: 'k7mx2p9a' }, NOW_MS)
    expect(answer.outcome === 'ambiguous' && answer.records.length).to.equal(256)
  })
})
