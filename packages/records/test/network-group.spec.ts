import { expect } from 'chai'
import { networkOf } from '../src/index.ts'

describe('networkOf', () => {
  const cases: Array<[string, string | undefined]> = [
    ['/ip4/192.0.2.7/tcp/4001', '192.0.2.0/24'],
    ['/ip4/192.0.2.200/udp/1/webrtc-direct', '192.0.2.0/24'],
    ['/ip6/2001:db8:1:2::7/tcp/4001', '2001:db8:1::/48'],
    ['/ip6/2001:0db8:0001::7/tcp/4001', '2001:db8:1::/48'],
    ['/ip6/::1/tcp/4001', '0:0:0::/48'],
    ['/dns4/seed.example/tcp/443/wss', 'seed.example'],
    ['/ip4/198.51.100.1/tcp/1/p2p/QmRelay/p2p-circuit', '198.51.100.0/24'],
    ['/memory/1', undefined],
    ['/p2p/12D3KooW', undefined],
    ['', undefined]
  ]
  for (const [address, expected] of cases) {
    it(`${address} → ${expected ?? 'nothing'}`, () => {
      expect(networkOf(address)).to.equal(expected)
    })
  }
})
