import { expect } from 'chai'
import fc from 'fast-check'
import { AddressBook } from '../src/address-book.ts'

describe('AddressBook', () => {
  it('puts the address that worked in front and keeps it there while the peer names it', () => {
    const book = new AddressBook()
    book.onAddresses('p', ['/ip4/1.1.1.1/tcp/1', '/ip4/2.2.2.2/tcp/2'])
    book.onConnected('p', '/ip4/2.2.2.2/tcp/2', 5)
    book.onAddresses('p', ['/ip4/1.1.1.1/tcp/1', '/ip4/2.2.2.2/tcp/2', '/ip4/3.3.3.3/tcp/3'])
    expect(book.get('p')).to.deep.include({ addresses: ['/ip4/2.2.2.2/tcp/2', '/ip4/1.1.1.1/tcp/1', '/ip4/3.3.3.3/tcp/3'], lastConnectedMs: 5 })
    book.onAddresses('p', ['/ip4/9.9.9.9/tcp/9'])
    expect(book.get('p')?.addresses).to.deep.equal(['/ip4/9.9.9.9/tcp/9'])
  })

  it('proposes those that worked, the latest first, the failing last, none without an address', () => {
    const book = new AddressBook()
    for (const [peer, seenMs] of [['old', 1], ['new', 9], ['failing', 20]] as const) {
      book.onConnected(peer, `/ip4/1.1.1.1/tcp/${seenMs}`, seenMs)
    }
    book.onConnected('inbound', undefined, 50)
    book.onDialFailed('failing')
    expect(book.candidates(10).map(known => known.peer)).to.deep.equal(['new', 'old', 'failing'])
  })

  it('never holds more than its bound and forgets the worst', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(30), fc.boolean(), fc.nat(100))), events => {
      const book = new AddressBook({ maxPeers: 5 })
      for (const [id, failed, atMs] of events) {
        if (failed) {
          book.onDialFailed(`p${id}`)
        } else {
          book.onConnected(`p${id}`, '/ip4/1.1.1.1/tcp/1', atMs)
          expect(book.get(`p${id}`)).to.not.equal(undefined)
        }
        expect(book.size).to.be.at.most(5)
      }
    }))
  })

  it('tells the store what changed, once', () => {
    const book = new AddressBook({ maxPeers: 1 }, [{ peer: 'a', addresses: ['/ip4/1.1.1.1/tcp/1'], seed: false, lastConnectedMs: 1, failures: 0 }])
    expect(book.takeChanges()).to.deep.equal({ changed: [], deleted: [] })
    book.onConnected('b', '/ip4/1.1.1.1/tcp/2', 5)
    const changes = book.takeChanges()
    expect(changes.changed.map(known => known.peer)).to.deep.equal(['b'])
    expect(changes.deleted).to.deep.equal(['a'])
    expect(book.takeChanges()).to.deep.equal({ changed: [], deleted: [] })
  })
})
