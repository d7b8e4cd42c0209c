/** A gateway for a peer, with what the peer knows in its health and metrics. */
import { createGateway } from '@skein/gateway'
import { collectMeshFigures } from '@skein/seed/node'
import { Gauge, Registry } from 'prom-client'
import type { Gateway, GatewayOptions } from '@skein/gateway'
import type { Peer } from '@skein/peer'

export async function startGateway (peer: Peer, options: GatewayOptions): Promise<Gateway> {
  const metrics = new Registry()
  const connections = new Gauge({
    name: 'skein_peer_open_connections',
    help: 'Connections to other nodes now',
    registers: [metrics],
    collect: () => { connections.set(peer.stats().connections) }
  })
  collectMeshFigures(metrics, () => peer.meshServices)
  return await createGateway({
    ...options,
    fetch: peer.fetch,
    metrics,
    health: () => {
      const { connections } = peer.stats()
      return { status: connections > 0 ? 'ok' : 'degraded', peer: peer.id, connections }
    }
  })
}
