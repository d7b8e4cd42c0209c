import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import { isRelayed } from '../src/index.ts'

const RELAY = '/ip4/192.0.2.1/tcp/4001/p2p/12D3KooWLpjUxeVwHZvXNPqUxTKbEVpaa8Vqsu3N4gTqFsHkFkVc'
const PEER = '/p2p/12D3KooWHmTwVvbfY8zZsX6XQvYnYzdyhWRmqsoWjhDHAmSGXy7z'

describe('a connection', () => {
  const cases: Array<[address: string, limits: object | undefined, relayed: boolean, what: string]> = [
    [`/ip4/192.0.2.7/tcp/4001${PEER}`, undefined, false, 'to an address of the peer is not relayed'],
    [`${RELAY}/p2p-circuit${PEER}`, { bytes: 1n }, true, 'through a relay with limits is relayed'],
    [`${RELAY}/p2p-circuit${PEER}`, undefined, true, 'through a relay that names no limits is relayed'],
    [`${RELAY}/p2p-circuit/webrtc${PEER}`, undefined, false, 'over WebRTC is not relayed, though a relay carried its signals']
  ]
  for (const [address, limits, relayed, what] of cases) {
    it(what, () => {
      expect(isRelayed({ remoteAddr: multiaddr(address), limits })).to.equal(relayed)
    })
  }
})
