/** The transport in libp2p's own tests of transports. */
import tests from '@libp2p/interface-compliance-tests/transport'
import { yamux } from '@libp2p/yamux'
import { noise } from '@libp2p/noise'
import { bondedAddress } from '../../src/libp2p/bonded-address.ts'
import { srtla } from '../../src/libp2p/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { MultiaddrMatcher } from '@multiformats/multiaddr-matcher'
import type { SrtlaTransportInit } from '../../src/libp2p/index.ts'

const matches = (address: Multiaddr): boolean => bondedAddress(address) !== undefined
const MATCHER: MultiaddrMatcher = { matchers: [], matches, exactMatch: matches }

const LINKS: Array<[name: string, init: SrtlaTransportInit]> = [
  ['over one link', {}],
  ['over three links', { links: ['127.0.0.2', '127.0.0.3', '127.0.0.4'] }]
]
const listen = ['/ip4/127.0.0.1/udp/0/srtla', '/ip4/127.0.0.1/udp/0/srtla']

describe('libp2p compliance of the transport', function () {
  for (const [name, init] of LINKS) {
    describe(name, () => {
      const common = { connectionEncrypters: [noise()], streamMuxers: [yamux()], connectionMonitor: { enabled: false } }
      tests({
        setup: async () => ({
          dialer: { ...common, transports: [srtla(init)] },
          listener: { ...common, transports: [srtla()], addresses: { listen } },
          dialMultiaddrMatcher: MATCHER,
          listenMultiaddrMatcher: MATCHER
        }),
        teardown: async () => {}
      })
    })
  }
})
