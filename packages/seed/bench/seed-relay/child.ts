/**
 * One node of the benchmark in a process of its own: `relay`, `stock` (libp2p's relay server) or `receiver RELAY…`. Tells its addresses, then its CPU
 * time when asked.
 */
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { createPeer } from '@skein/peer'
import { createSeed } from '../../src/index.ts'

export interface Question { type: 'cpu' }

export interface Answer {
  id?: string
  addresses?: string[]
  cpuMs?: number
}

const LISTEN = '/ip4/127.0.0.1/tcp/0'
const UNLIMITED = { circuitBytes: 1e12, peerDayBytes: 1e15, monthBytes: 1e15 }
const [kind, ...relays] = process.argv.slice(2)

const node = await start()
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMs: (user + system) / 1000 } satisfies Answer)
})
process.send?.({ id: node.id, addresses: node.addresses } satisfies Answer)

async function start (): Promise<{ id: string, addresses: string[] }> {
  switch (kind) {
    case 'relay': return await createSeed({ listen: [LISTEN], roles: ['relay'], relay: { limits: UNLIMITED } })
    case 'stock': return await stock()
    default: return await receiver()
  }
}

async function stock (): Promise<{ id: string, addresses: string[] }> {
  return await createPeer({ listen: [LISTEN], services: { relay: circuitRelayServer({ reservations: { applyDefaultLimit: false } }) } })
}

async function receiver (): Promise<{ id: string, addresses: string[] }> {
  const peer = await createPeer({ listen: [LISTEN, ...relays.map(relay => `${relay}/p2p-circuit`)] })
  await peer.libp2p.handle('/bench/sink', stream => {
    let bytes = 0
    stream.addEventListener('message', ({ data }) => { bytes += data.byteLength })
    stream.addEventListener('end', () => {
      stream.send(new TextEncoder().encode(String(bytes)))
      stream.close().catch(() => {})
    })
  }, { runOnLimitedConnection: true })
  return peer
}
