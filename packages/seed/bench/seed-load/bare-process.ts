/** What a seed is compared with: a libp2p node with the same transports that answers identify and ping and does nothing else. */
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { keepHeapSmall } from '../../src/node/index.ts'

keepHeapSmall()
const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] },
  transports: [tcp(), webSockets()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  // as in a seed: its pings would be most of what an idle node does
  connectionMonitor: { enabled: false },
  connectionManager: { maxConnections: 100_000, inboundConnectionThreshold: 10_000, maxIncomingPendingConnections: 256 },
  services: { identify: identify(), ping: ping() }
})
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuSeconds: (user + system) / 1e6, rssBytes: process.memoryUsage.rss() })
})
process.on('disconnect', () => { process.exit() })
process.send?.({ addresses: node.getMultiaddrs().map(address => address.toString()) })
