import { expect } from 'chai'
import { parseSeedAddress } from '../../src/seed-address.ts'
import { SeedAddressError } from '../../src/seed-name-error.ts'
import type { SeedAddress } from '../../src/seed-address.ts'

const ID = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'

describe('an entry of bootstrap', () => {
  const right: Array<[string, SeedAddress]> = [
    ['/ip4/192.0.2.1/tcp/7310', { kind: 'multiaddr', text: '/ip4/192.0.2.1/tcp/7310' }],
    [`/dns4/seed.example.org/tcp/443/wss/p2p/${ID}`, { kind: 'multiaddr', text: `/dns4/seed.example.org/tcp/443/wss/p2p/${ID}` }],
    ['/dnsaddr/seeds.example.org', { kind: 'dnsaddr', text: '/dnsaddr/seeds.example.org', name: 'seeds.example.org', suffix: '' }],
    [`/dnsaddr/Seeds.example.org/p2p/${ID}`, { kind: 'dnsaddr', text: `/dnsaddr/Seeds.example.org/p2p/${ID}`, name: 'seeds.example.org', suffix: `/p2p/${ID}` }],
    ['srv:seeds.example.org', { kind: 'srv', text: 'srv:seeds.example.org', owner: '_skein._tcp.seeds.example.org' }],
    ['srv:Seeds.Example.org.', { kind: 'srv', text: 'srv:Seeds.Example.org.', owner: '_skein._tcp.seeds.example.org' }],
    ['srv:_mesh._tcp.example.org', { kind: 'srv', text: 'srv:_mesh._tcp.example.org', owner: '_mesh._tcp.example.org' }]
  ]
  for (const [text, parsed] of right) {
    it(`may be ${text}`, () => { expect(parseSeedAddress(text)).to.deep.equal(parsed) })
  }

  const wrong: Array<[string, RegExp]> = [
    ['', /expected a multiaddr such as/],
    ['seeds.example.org', /"seeds\.example\.org" is no address of a seed: expected a multiaddr such as .*\/dnsaddr\/.* or srv:/],
    ['/ip4/192.0.2.256/tcp/1', /expected a multiaddr/],
    ['/ip4/192.0.2.1/tcp/1 ', /expected a multiaddr/],
    ['/ip4/192.0.2.1/tcp/7310/p2p/nobody', /expected a multiaddr/],
    [`/ip4/192.0.2.1/tcp/1${'/tcp/1'.repeat(200)}`, /expected a multiaddr/],
    ['/dnsaddr/', /expected/],
    ['/dnsaddr/-a.example.org', /a host name after "\/dnsaddr\/"/],
    ['srv:', /a host name after "srv:"/],
    ['srv:seeds.example.org:7310', /a host name after "srv:"/],
    ['srv://seeds.example.org', /a host name after "srv:"/],
    [`srv:${'a'.repeat(64)}.org`, /a host name after "srv:"/]
  ]
  for (const [text, message] of wrong) {
    it(`may not be "${text.slice(0, 40)}"`, () => { expect(() => parseSeedAddress(text)).to.throw(SeedAddressError, message) })
  }
})
