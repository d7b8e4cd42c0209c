import { expect } from 'chai'
import { mappablePorts } from '../../src/paths/mappable-ports.ts'
import type { MappableEvidence } from '../../src/paths/mappable-ports.ts'

const HOME = '/ip4/192.168.1.7/tcp/7311'
const SEEN = '/ip4/45.1.7.2'

describe('the ports that a router should map', () => {
  const table: Array<[situation: string, changes: Partial<MappableEvidence>, ports: number[], why: string]> = [
    ['behind a router', {}, [7311], 'behind a router'],
    ['with WebSocket too', { listening: [HOME, '/ip4/192.168.1.7/tcp/8080/ws', '/ip4/127.0.0.1/tcp/9/ws'] }, [7311, 8080], 'behind a router'],
    ['at two interfaces', { listening: [HOME, '/ip4/10.0.0.7/tcp/7311'] }, [7311], 'behind a router'],
    ['with its id in the address', { listening: [`${HOME}/p2p/12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB`] }, [7311], 'behind a router'],
    ['that nobody in the world has seen', { seenAt: [] }, [], 'nobody in the world'],
    ['that was seen from its own home alone', { seenAt: ['/ip4/192.168.1.7'] }, [], 'nobody in the world'],
    ['with a public address', { listening: [HOME, '/ip4/45.9.7.2/tcp/7311'] }, [], 'public IPv4 address'],
    ['that says itself where it is reached', { isAnnounced: true }, [], 'by hand'],
    ['on loopback', { listening: ['/ip4/127.0.0.1/tcp/7311'] }, [], 'no port of IPv4'],
    ['with IPv6 alone', { listening: ['/ip6/2a01:1:7::2/tcp/7311'] }, [], 'no port of IPv4'],
    ['that is reached through a relay', { listening: ['/ip4/45.9.7.2/tcp/4000/p2p/12D3Koo/p2p-circuit', HOME] }, [7311], 'behind a router']
  ]
  for (const [situation, changes, ports, why] of table) {
    it(`of a peer ${situation}: ${ports.join(', ') || 'none'}`, () => {
      const found = mappablePorts({ listening: [HOME], isAnnounced: false, seenAt: [SEEN], ...changes })
      expect(found.ports).to.deep.equal(ports)
      expect(found.why).to.include(why)
    })
  }
})
