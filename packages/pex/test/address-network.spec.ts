import { expect } from 'chai'
import { isLocalAddress, smallNetworkOf, wideNetworkOf } from '../src/index.ts'

describe('the networks of an address', () => {
  for (const [address, small, wide] of [
    ['/ip4/203.0.113.7/tcp/1', '203.0.113.0/24', '203.0.0.0/16'],
    ['/ip6/2001:db8:1:2::3/tcp/1', '2001:db8:1::/48', '2001:db8::/32'],
    ['/dns4/peer.example.com/tcp/1', 'peer.example.com', 'peer.example.com'],
    ['/ip4/192.168.1.1/tcp/1', undefined, undefined],
    ['/ip6/fd00::1/tcp/1', undefined, undefined],
    ['/ip6/::ffff:203.0.113.7/tcp/1', '203.0.113.0/24', '203.0.0.0/16'],
    ['/ip6/::ffff:cb00:7107/tcp/1', '203.0.113.0/24', '203.0.0.0/16'],
    ['/ip6/64:ff9b::cb00:7107/tcp/1', '203.0.113.0/24', '203.0.0.0/16'],
    ['/ip6/2002:cb00:7107::1/tcp/1', '203.0.113.0/24', '203.0.0.0/16'],
    ['/ip6/::ffff:10.1.2.3/tcp/1', undefined, undefined],
    ['/ip6/::1/tcp/1', undefined, undefined]
  ] as const) {
    it(`of ${address} are ${small} and ${wide}`, () => {
      expect([smallNetworkOf(address), wideNetworkOf(address)]).to.deep.equal([small, wide])
    })
  }

  it('are none at home, in an office or behind a carrier\'s NAT', () => {
    const local = ['127.0.0.1', '10.1.2.3', '172.16.0.1', '172.31.0.1', '169.254.1.1', '100.64.0.1', '192.168.0.1']
    const all = ['128.0.0.1', '172.15.0.1', '172.32.0.1', '100.63.0.1', '192.169.0.1']
    expect(local.map(host => isLocalAddress(`/ip4/${host}/tcp/1`))).to.deep.equal(local.map(() => true))
    expect(all.map(host => isLocalAddress(`/ip4/${host}/tcp/1`))).to.deep.equal(all.map(() => false))
  })
})
