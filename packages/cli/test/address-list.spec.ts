import { expect } from 'chai'
import { addressesToTry, addressList } from '../src/doctor/address-list.ts'
import { dialProblem } from '../src/doctor/dial-problem.ts'

const HOME = ['/ip4/127.0.0.1/tcp/7311', '/ip4/192.168.1.7/tcp/7311', '/ip4/192.168.1.7/tcp/7312/ws']

describe('the addresses of a peer that matter to others', () => {
  it('are those of its interfaces, and that of its router with its port', () => {
    expect(addressList({ listening: HOME, announced: [], seenAt: ['/ip4/198.51.100.4'] }).map(({ address, origin, isLocal }) => [address, origin, isLocal]))
      .to.deep.equal([
        ['/ip4/192.168.1.7/tcp/7311', 'listening', true],
        ['/ip4/192.168.1.7/tcp/7312/ws', 'listening', true],
        ['/ip4/198.51.100.4/tcp/7311', 'seen', false]
      ])
  })

  it('are each there once: what is announced, or is the device\'s own, is not one of the router besides', () => {
    const listening = ['/ip4/198.51.100.4/tcp/7311']
    expect(addressList({ listening, announced: [], seenAt: ['/ip4/198.51.100.4'] }).map(({ origin }) => origin)).to.deep.equal(['listening'])
    const announced = ['/ip4/198.51.100.4/tcp/7311/p2p/12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB']
    expect(addressList({ listening: HOME, announced, seenAt: ['/ip4/198.51.100.4'] }).filter(({ isLocal }) => !isLocal).map(({ origin }) => origin))
      .to.deep.equal(['announced'])
  })

  it('are not made of an address that is of the home as well', () => {
    expect(addressList({ listening: HOME, announced: [], seenAt: ['/ip4/192.168.1.1'] }).every(({ isLocal }) => isLocal)).to.equal(true)
  })

  it('are tried one of each kind first, three at most; names are not', () => {
    const list = addressList({
      listening: ['/ip4/198.51.100.4/tcp/1', '/ip4/198.51.100.4/tcp/2', '/ip6/2001:db8::7/tcp/1'],
      announced: ['/dns4/peer.example/tcp/1', '/ip4/203.0.113.9/tcp/1'],
      seenAt: []
    })
    expect(addressesToTry(list)).to.deep.equal(['/ip4/203.0.113.9/tcp/1', '/ip4/198.51.100.4/tcp/1', '/ip6/2001:db8::7/tcp/1'])
    expect(addressesToTry(list.filter(({ address }) => address.startsWith('/ip4/198.51.100.4')))).to.deep.equal(
      ['/ip4/198.51.100.4/tcp/1', '/ip4/198.51.100.4/tcp/2'])
  })
})

describe('why a dial failed', () => {
  const table: Array<[error: unknown, words: string]> = [
    [new Error('connect ECONNREFUSED 192.0.2.1:7310'), 'nothing listens there: connection refused'],
    [new AggregateError([new Error('connect ENETUNREACH')], 'All multiaddr dials failed'), 'there is no way to that network from here'],
    [Object.assign(new Error('The operation took too long'), { name: 'TimeoutError' }), 'no answer'],
    [Object.assign(new Error('not who was dialled'), { name: 'UnexpectedPeerError' }), 'somebody else answers there: the peer id in the address is not theirs'],
    [new Error('getaddrinfo ENOTFOUND seed.example'), 'the name cannot be looked up'],
    [new Error('something new\nin two lines'), 'something new']
  ]
  for (const [error, words] of table) {
    it(words, () => { expect(dialProblem(error)).to.equal(words) })
  }
})
