/**
 * A libp2p node in a host of the laboratory: `relay`; `listen ADDRESS` through a relay; `dial ADDRESS`, which talks to a listener until the relayed
 * circuit is gone. What it believes its NAT to do comes last: `endpoint-independent`, or `sequential`. It prints a line of JSON for each thing that
 * happens.
 */
import { networkInterfaces } from 'node:os'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { reachability } from '@skein/reachability/libp2p'
import { TcpPuncher } from '@skein/reachability/node'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { ServiceFactoryMap } from 'libp2p'
import type { ReachabilityService } from '@skein/reachability/libp2p'

const [role = '', address = '', mapping] = process.argv.slice(2)
const ECHO = '/test/echo/1.0.0'
const OVER_CIRCUIT = { runOnLimitedConnection: true } as const
const startMs = performance.now()

function tell (line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ atMs: Math.round(performance.now() - startMs), ...line })}\n`)
}

const services = {
  identify: identify(),
  ...role === 'relay'
    ? { relay: circuitRelayServer({ reservations: { applyDefaultLimit: false } }) }
    : {
        reachability: reachability({
          puncher: components => new TcpPuncher(components),
          standing: () => ({ dialable: false, nat: mapping === 'sequential' ? { mapping, step: 1 } : { mapping: 'endpoint-independent' } })
        })
      }
} as unknown as ServiceFactoryMap<{ reachability: ReachabilityService }>

// libp2p keeps back a public address that AutoNAT has not confirmed
const announce = role !== 'relay'
  ? []
  : Object.values(networkInterfaces()).flat().flatMap(one => one?.family === 'IPv4' && !one.internal ? [`/ip4/${one.address}/tcp/4000`] : [])

const node = await createLibp2p({
  addresses: { announce, listen: role === 'relay' ? ['/ip4/0.0.0.0/tcp/4000'] : role === 'listen' ? [`${address}/p2p-circuit`] : [] },
  transports: [tcp(), circuitRelayTransport()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false },
  services
})
await node.handle(ECHO, stream => {
  stream.addEventListener('message', ({ data }) => { stream.send(data) })
  stream.addEventListener('remoteCloseWrite', () => { void stream.close() })
}, OVER_CIRCUIT)

node.services.reachability?.addEventListener('path:changed', ({ detail }) => { tell({ path: detail.to, peer: detail.peer }) })

if (role === 'dial') {
  const listener = multiaddr(address)
  const [relay = ''] = address.split('/p2p-circuit')
  await node.dial(multiaddr(relay))
  tell({ dialling: true })
  const circuit = await node.dial(listener)
  const stream = await circuit.newStream(ECHO, OVER_CIRCUIT)
  let echoed = 0
  stream.addEventListener('message', ({ data }) => { echoed += data.byteLength })
  let sent = 0
  const talk = setInterval(() => {
    stream.send(new Uint8Array(1_000))
    sent += 1_000
    if (sent === 20_000) {
      clearInterval(talk)
      void stream.close()
    }
  }, 100)
  circuit.addEventListener('close', () => { tell({ circuit: 'closed', echoed, counters: node.services.reachability.counters }) })
  setTimeout(() => { tell({ over: true, echoed, circuit: circuit.status, counters: node.services.reachability.counters }) }, 6_000)
} else {
  const look = setInterval(() => {
    const own = node.getMultiaddrs().map(String).find(text => !text.includes('127.0.0.1'))
    if (own !== undefined) {
      clearInterval(look)
      tell({ listening: own })
    }
  }, 20)
}
