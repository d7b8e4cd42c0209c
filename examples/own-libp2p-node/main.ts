/** Skein as services of a libp2p node of your own: you keep its transports, its limits and its life. */
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { handlerBackend } from '@skein/inference'
import { createPeer, skeinServices } from '@skein/peer'
import { createLibp2p } from 'libp2p'

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { abortConnectionOnPingFailure: false }, // it aborts healthy connections under load
  services: skeinServices()
})

// here it meets a peer of the SDK; in a real mesh you would dial a seed
const peer = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'] })
await node.dial(peer.addresses.map(address => multiaddr(address)))

node.services.inference.addBackend(handlerBackend('echo', async ({ body }) => JSON.stringify(body.messages)))
const { stored } = await node.services.routing.announce({ model: 'echo', tasks: ['chat'], maxConcurrent: 8 })
console.log(`the offer is held ${stored} times`)

console.log(await peer.chat({ model: 'echo', messages: [{ role: 'user', content: 'hello, node' }] }).text())

await peer.stop()
await node.stop()
