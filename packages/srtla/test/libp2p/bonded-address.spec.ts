/** Addresses of the transport, and the links that a machine has to an address. */
import { registerBondedAddresses } from '@skein/records'
import { expect } from 'chai'
import { multiaddr } from '@multiformats/multiaddr'
import { bondedAddress } from '../../src/libp2p/bonded-address.ts'
import { sourceAddresses } from '../../src/node/source-addresses.ts'
import type { NetworkInterfaceInfo } from 'node:os'

const PEER = '12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB'

describe('an address of bonded UDP', () => {
  before(() => { registerBondedAddresses() })

  const cases: Array<[string, unknown]> = [
    ['/ip4/192.0.2.1/udp/7310/srtla', { host: '192.0.2.1', port: 7310, family: 'ip4' }],
    [`/ip6/2001:db8::1/udp/7310/srtla/p2p/${PEER}`, { host: '2001:db8::1', port: 7310, family: 'ip6' }],
    ['/dns/relay.example.org/udp/7310/srtla', { host: 'relay.example.org', port: 7310, family: undefined }],
    ['/dns6/relay.example.org/udp/7310/srtla', { host: 'relay.example.org', port: 7310, family: 'ip6' }],
    ['/ip4/192.0.2.1/udp/7310', undefined],
    ['/ip4/192.0.2.1/tcp/7310', undefined],
    ['/ip4/192.0.2.1/tcp/7310/srtla', undefined],
    [`/ip4/192.0.2.1/udp/7310/srtla/p2p/${PEER}/p2p-circuit/p2p/${PEER}`, undefined]
  ]
  for (const [text, expected] of cases) {
    it(`is ${expected === undefined ? 'not ' : ''}${text}`, () => {
      expect(bondedAddress(multiaddr(text))).to.deep.equal(expected)
    })
  }

  it('is the same after it was bytes', () => {
    const address = multiaddr('/ip4/192.0.2.1/udp/7310/srtla')
    expect(multiaddr(address.bytes).toString()).to.equal(address.toString())
  })
})

describe('the links to an address', () => {
  const entry = (cidr: string, internal = false): NetworkInterfaceInfo => {
    const [address = ''] = cidr.split('/')
    return { address, cidr, internal, mac: '', netmask: '', ...address.includes(':') ? { family: 'IPv6', scopeid: 0 } : { family: 'IPv4' } }
  }
  const interfaces = {
    lo: [entry('127.0.0.1/8', true), entry('::1/128', true)],
    wlan0: [entry('192.168.1.5/24'), entry('fe80::1/64'), entry('2001:db8:1::5/64')],
    wwan0: [entry('100.64.3.2/30'), entry('2001:db8:2::5/64')],
    docker0: [entry('172.17.0.1/16')]
  }

  const cases: Array<[string, string[]]> = [
    ['203.0.113.9', ['192.168.1.5', '100.64.3.2']],
    ['2001:db8:9::9', ['2001:db8:1::5', '2001:db8:2::5']],
    ['192.168.1.77', []],
    ['127.0.0.1', []]
  ]
  for (const [host, expected] of cases) {
    it(`${host} are ${expected.join(', ') || 'none but the usual one'}`, () => {
      expect(sourceAddresses(host, interfaces)).to.deep.equal(expected)
    })
  }

  it('are none where there is one', () => {
    expect(sourceAddresses('203.0.113.9', { lo: interfaces.lo, wlan0: interfaces.wlan0 })).to.deep.equal([])
  })
})
