import { expect } from 'chai'
import { DIAL_PRICE_BYTES, DialQueue } from '../src/index.ts'
import type { DialQueueInit } from '../src/index.ts'

const [A, B, C, SIX, SIX_B] = ['/ip4/192.0.2.1/tcp/1', '/ip4/198.51.100.1/tcp/1', '/ip4/203.0.113.1/tcp/1', '/ip6/2001:db8::1/tcp/1', '/ip6/2001:db8::2/tcp/1']

function queue (addresses: string[], changes: Partial<DialQueueInit> = {}): DialQueue {
  return new DialQueue({ addresses, peer: 'P', observed: [], allows: () => true, triesUnpaid: true, ...changes })
}

/** All that it dials, when nothing is reached and nothing paid. */
function dialled (of: DialQueue): string[] {
  const addresses: string[] = []
  for (let dial = of.next(); dial !== undefined; dial = of.next()) {
    addresses.push(dial.address)
  }
  return addresses
}

describe('Addresses to dial', () => {
  it('are those of hosts that the peer was seen at, first', () => {
    expect(dialled(queue([A, B], { observed: ['198.51.100.1'], triesUnpaid: false }))).to.deep.equal([B])
    expect(dialled(queue([A, B], { observed: ['198.51.100.1'] }))).to.deep.equal([B, A])
  })

  it('of others are one of IPv4 and one of IPv6, when the peer sent nothing', () => {
    const of = queue([A, B, SIX, SIX_B, C])
    expect(dialled(of)).to.deep.equal([A, SIX])
    expect([...of.refused]).to.deep.equal([[B, 'unpaid'], [SIX_B, 'unpaid'], [C, 'unpaid']])
  })

  it('are all that it paid for', () => {
    const of = queue([A, B, C], { triesUnpaid: false })
    expect(of.price).to.equal(3 * DIAL_PRICE_BYTES)
    of.onPaid(2 * DIAL_PRICE_BYTES)
    expect(dialled(of)).to.deep.equal([A, B])
  })

  it('cost nothing at a host that was reached', () => {
    const other = '/ip4/192.0.2.1/tcp/2/ws'
    const of = queue([A, other, B])
    const first = of.next()
    of.onReached(first as NonNullable<typeof first>)
    expect(of.price).to.equal(DIAL_PRICE_BYTES)
    expect(dialled(of)).to.deep.equal([other])
  })

  it('are no names, circuits, other protocols or what is not allowed, and not the same twice', () => {
    const refused = ['/dns4/a.example/tcp/1', `${A}/p2p/R/p2p-circuit`, '/ip4/192.0.2.1/udp/1/quic-v1', '', '/ip4/192.0.2.1/tcp', `${A}/${'x'.repeat(300)}`]
    const of = queue([...refused, A, `${A}/p2p/P`, B], { allows: address => address !== B })
    expect(dialled(of)).to.deep.equal([A])
    expect([...of.refused.values()]).to.deep.equal([...refused, B].map(() => 'not_public'))
  })

  it('are eight at most', () => {
    const many = Array.from({ length: 12 }, (_, i) => `/ip4/192.0.2.1/tcp/${i + 1}`)
    const of = queue(many, { observed: ['192.0.2.1'] })
    expect(dialled(of)).to.deep.equal(many.slice(0, 8))
    expect([...of.refused.values()]).to.deep.equal(['too_many', 'too_many', 'too_many', 'too_many'])
  })
})
