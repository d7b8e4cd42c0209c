/**
 * A libp2p node in a host of the laboratory that speaks WebRTC: `relay ADDRESS`, which answers STUN too; `listen RELAY OPTIONS`; `dial CIRCUIT OPTIONS`, which
 * leaves the circuit for WebRTC. OPTIONS are JSON. It prints a line of JSON for each thing that happens.
 */
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { StunResponder } from '@skein/supernode/node'
import { webRtc } from '@skein/webrtc'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Connection } from '@libp2p/interface'
import type { TurnServer, WebRtcService } from '@skein/webrtc'
import type { ServiceFactoryMap } from 'libp2p'

const [role = '', address = '', options = '{}'] = process.argv.slice(2)
const { stun = [], turn = [] } = JSON.parse(options) as { stun?: string[], turn?: TurnServer[] }
const ECHO = '/test/echo/1.0.0'
const BYTES = 300_000

function tell (line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

const node = await createLibp2p({
  addresses: {
    listen: role === 'relay' ? ['/ip4/0.0.0.0/tcp/4000'] : role === 'listen' ? [`${address}/p2p-circuit`] : [],
    // libp2p tells nobody of a public address that nothing has confirmed
    announce: role === 'relay' ? [`/ip4/${address}/tcp/4000`] : []
  },
  transports: [tcp(), circuitRelayTransport()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false },
  services: {
    identify: identify(),
    ...role === 'relay'
      ? { relay: circuitRelayServer({ reservations: { applyDefaultLimit: false } }) }
      : { webrtc: webRtc({ turn })({ stun: () => stun }) }
  } as unknown as ServiceFactoryMap<{ webrtc: WebRtcService }>
})
await node.handle(ECHO, stream => {
  stream.addEventListener('message', ({ data }) => { stream.send(data) })
  stream.addEventListener('remoteCloseWrite', () => { void stream.close() })
})

if (role === 'relay') {
  await StunResponder.start({ port: 3478 })
}
if (role === 'dial') {
  const circuit = await node.dial(multiaddr(address))
  const startMs = performance.now()
  try {
    const connection = await node.services.webrtc.connect(circuit, AbortSignal.timeout(15_000))
    const ms = Math.round(performance.now() - startMs)
    await circuit.close()
    tell({ connected: true, ms, echoed: await echoed(connection) })
  } catch (error) {
    tell({ connected: false, reason: (error as Error).message, ms: Math.round(performance.now() - startMs) })
  }
} else {
  const look = setInterval(() => {
    const own = node.getMultiaddrs().map(String).find(text => !text.includes('127.0.0.1'))
    if (own !== undefined) {
      clearInterval(look)
      tell({ listening: own })
    }
  }, 20)
}

async function echoed (connection: Connection): Promise<number> {
  const stream = await connection.newStream(ECHO)
  let received = 0
  const all = new Promise<void>(resolve => {
    stream.addEventListener('message', ({ data }) => {
      received += data.byteLength
      if (received === BYTES) {
        resolve()
      }
    })
  })
  stream.send(new Uint8Array(BYTES))
  await all
  return received
}
