import { expect } from 'chai'
import { dialCandidates } from '../../src/dials/dial-candidates.ts'
import type { DialFacts } from '../../src/dials/dial-candidates.ts'

const AT_HOME: DialFacts = { isOwnNetwork: host => host.startsWith('192.168.1.'), publicHosts: ['45.1.7.2'] }
const circuit = (relay: string, port: number): string => `/ip4/45.9.7.2/tcp/${port}/p2p/${relay}/p2p-circuit/p2p/Target`

function order (addresses: string[], facts = AT_HOME): string[] {
  return dialCandidates(addresses, facts).map(({ key, kind }) => `${kind} ${key}`)
}

describe('The ways to dial a peer', () => {
  it('are one for each relay, whatever addresses the relay has', () => {
    const through = [circuit('One', 7310), circuit('Two', 7310), circuit('One', 443), circuit('One', 80)]
    expect(dialCandidates(through, AT_HOME)).to.deep.equal([
      { key: 'One', kind: 'circuit', addresses: [circuit('One', 7310), circuit('One', 443), circuit('One', 80)] },
      { key: 'Two', kind: 'circuit', addresses: [circuit('Two', 7310)] }
    ])
  })

  it('begin in the own network, and take IPv6 and IPv4 in turn, the device itself last', () => {
    expect(order([
      '/ip4/127.0.0.1/tcp/1', '/ip4/192.168.1.9/tcp/1', '/ip4/45.1.7.2/tcp/1', '/ip4/45.1.7.2/tcp/2', '/ip6/2a01::9/tcp/1', '/dns4/one.example/tcp/1'
    ])).to.deep.equal([
      'likely /ip4/192.168.1.9/tcp/1',
      'likely /ip6/2a01::9/tcp/1', 'likely /ip4/45.1.7.2/tcp/1', 'likely /ip4/45.1.7.2/tcp/2', 'likely /dns4/one.example/tcp/1',
      'likely /ip4/127.0.0.1/tcp/1'
    ])
  })

  it('are bonded after all that is direct', () => {
    expect(order(['/ip4/45.1.7.2/udp/1/srtla', '/ip4/127.0.0.1/tcp/1', circuit('One', 1)])).to.deep.equal([
      'likely /ip4/127.0.0.1/tcp/1', 'likely /ip4/45.1.7.2/udp/1/srtla', 'circuit One'
    ])
  })

  it('are unlikely where an address is private and of another network', () => {
    expect(order(['/ip4/10.0.0.9/tcp/1', circuit('One', 1)])).to.deep.equal(['unlikely /ip4/10.0.0.9/tcp/1', 'circuit One'])
    expect(order(['/ip4/192.168.1.9/tcp/1'], { ...AT_HOME, isOwnNetwork: () => false })).to.deep.equal(['unlikely /ip4/192.168.1.9/tcp/1'])
  })

  it('are unlikely in a network of the same numbers when the peer is seen at another address than this one', () => {
    const addresses = ['/ip4/192.168.1.9/tcp/1', '/ip4/45.2.7.2/tcp/1']
    expect(order(addresses)).to.deep.equal(['likely /ip4/45.2.7.2/tcp/1', 'unlikely /ip4/192.168.1.9/tcp/1'])
    expect(order(addresses, { ...AT_HOME, publicHosts: [] })[0]).to.equal('likely /ip4/192.168.1.9/tcp/1')
    expect(order(addresses, { ...AT_HOME, publicHosts: ['45.2.7.2'] })[0]).to.equal('likely /ip4/192.168.1.9/tcp/1')
  })
})
